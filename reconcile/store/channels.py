"""Channels as one number: a set of five fits five bits."""

from collections.abc import Iterable

from reconcile.playback.check_in import Channel

_BIT = {Channel.WEBHOOK: 1, Channel.POLL: 2, Channel.SOCKET: 4, Channel.IMPORT: 8, Channel.MANUAL: 16}
_SETS = tuple(frozenset(c for c, bit in _BIT.items() if mask & bit) for mask in range(32))
_MASKS = {channels: mask for mask, channels in enumerate(_SETS)}


def mask_of(channels: Iterable[Channel]) -> int:
    """Return the number that stands for *channels*."""
    known = _MASKS.get(channels) if isinstance(channels, frozenset) else None
    return sum({_BIT[channel] for channel in channels}) if known is None else known


def channels_of(mask: int) -> frozenset[Channel]:
    """Return the channels that *mask* stands for."""
    return _SETS[mask & 31]


IMPORT_ALONE = mask_of({Channel.IMPORT})
"""What nobody here has seen: another tool told of it."""
