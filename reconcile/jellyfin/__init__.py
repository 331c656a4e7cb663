"""Jellyfin's own words: its client, its snapshots, its catalogue, and how its guesses are undone."""
