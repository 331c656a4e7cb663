"""What is history, and in which words everything else is counted (DESIGN §3)."""

from __future__ import annotations

from reconcile.playback.check_in import Ignored

_HISTORY = {"movie": "movie", "episode": "episode"}

# BaseItemKind's names, as snapshots say them, and the CLR's, as the plugin does (facts A6, B8). The list is closed, so
# that what a stranger sends cannot make new rows in the tally.
_NAMES = (
    "Audio AudioBook Book BoxSet Channel ChannelFolderItem CollectionFolder Folder LiveTvChannel LiveTvProgram "
    "MusicAlbum MusicArtist MusicVideo Person Photo PhotoAlbum Playlist Program Recording Season Series Trailer "
    "TvChannel TvProgram Video"
)
_OTHERS = {name.lower(): name for name in _NAMES.split()}

EXTRA = Ignored("an extra")
PRE_ROLL = Ignored("a pre-roll")
NO_USER = Ignored("no user")
PRE_ROLLS = "prerolls.video"
"""The provider id by which intro plugins mark their items (facts B8)."""


def history_kind(item_type: str) -> str | Ignored:
    """Return ``movie`` or ``episode``, or the reason for which an item of this type is not history."""
    lowered = item_type.lower()
    return _HISTORY.get(lowered) or Ignored(f"item type {_OTHERS.get(lowered, 'unknown')}")
