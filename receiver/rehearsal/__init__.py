"""A simulated Jellyfin with a virtual clock, its Webhook plugin, its viewers, and the truth about what they watched."""
