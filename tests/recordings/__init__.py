"""Recordings of what Jellyfin and its Webhook plugin send: real shapes, neutral values."""
