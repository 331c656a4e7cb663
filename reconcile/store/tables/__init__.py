"""The tables: evidence as sets, and what is derived from it. The migrations make them; a test compares the two."""

from reconcile.store.tables.columns import metadata
from reconcile.store.tables.derived import item, media, media_alias, playback, playback_unit, watch, watch_playback
from reconcile.store.tables.evidence import check_in, look, playback_key, sighting
from reconcile.store.tables.people import account, consent, link, recorded_interval, server
from reconcile.store.tables.program import api_token, replay, setting, webhook_token
from reconcile.store.tables.received import delivery, rejected, rejected_count, tally

__all__ = [
    "account",
    "api_token",
    "check_in",
    "consent",
    "delivery",
    "item",
    "link",
    "look",
    "media",
    "media_alias",
    "metadata",
    "playback",
    "playback_key",
    "playback_unit",
    "recorded_interval",
    "rejected",
    "rejected_count",
    "replay",
    "server",
    "setting",
    "sighting",
    "tally",
    "watch",
    "watch_playback",
    "webhook_token",
]
