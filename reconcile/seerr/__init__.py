"""Asking Seerr (and Jellyseerr 2.x): who its users are in Jellyfin, which media it knows, and what they listed."""
