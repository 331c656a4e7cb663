"""The tables: evidence as sets, and what is derived from it. The migrations make them; a test compares the two."""

from reconcile.store.tables.awards import (
    award_basis,
    badge_award,
    daily_activity,
    feat,
    feat_count,
    series_abandoned,
    series_progress,
    series_total,
)
from reconcile.store.tables.columns import metadata
from reconcile.store.tables.corrections import correction, erased, manual_mark, marked_unit
from reconcile.store.tables.derived import item, media, media_alias, playback, playback_unit, watch, watch_playback
from reconcile.store.tables.evidence import check_in, look, playback_key, sighting
from reconcile.store.tables.imported import import_row, import_run
from reconcile.store.tables.matched import media_match, tmdb_answer
from reconcile.store.tables.outbox import outbox, resettling, webhook_target
from reconcile.store.tables.people import account, consent, link, recorded_interval, server
from reconcile.store.tables.program import api_token, replay, setting, webhook_token
from reconcile.store.tables.received import delivery, rejected, rejected_count, tally
from reconcile.store.tables.seerr import (
    seerr_errand,
    seerr_listed,
    seerr_media,
    seerr_series,
    seerr_user,
    seerr_wish,
)
from reconcile.store.tables.visitors import sign_in

__all__ = [
    "account",
    "api_token",
    "award_basis",
    "badge_award",
    "check_in",
    "consent",
    "correction",
    "daily_activity",
    "delivery",
    "erased",
    "feat",
    "feat_count",
    "import_row",
    "import_run",
    "item",
    "link",
    "look",
    "manual_mark",
    "marked_unit",
    "media",
    "media_alias",
    "media_match",
    "metadata",
    "outbox",
    "playback",
    "playback_key",
    "playback_unit",
    "recorded_interval",
    "rejected",
    "rejected_count",
    "replay",
    "resettling",
    "seerr_errand",
    "seerr_listed",
    "seerr_media",
    "seerr_series",
    "seerr_user",
    "seerr_wish",
    "series_abandoned",
    "series_progress",
    "series_total",
    "server",
    "setting",
    "sighting",
    "sign_in",
    "tally",
    "tmdb_answer",
    "watch",
    "watch_playback",
    "webhook_target",
    "webhook_token",
]
