"""The entrance: signing in with Jellyfin or with the administrator's token."""
