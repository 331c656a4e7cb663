"""What is known of an item and a player when several channels tell of them: the same whatever the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reconcile.playback.check_in import Channel, DeviceFacts, ItemFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.playback.check_in import Observation

# A snapshot knows the media source that is played (alternate versions differ in runtime), a notification only the item.
_RANK = {Channel.MANUAL: 0, Channel.IMPORT: 0, Channel.WEBHOOK: 1, Channel.SOCKET: 2, Channel.POLL: 2}

_ITEM = frozenset(field.name for field in msgspec.structs.fields(ItemFacts))
_DEVICE = frozenset(field.name for field in msgspec.structs.fields(DeviceFacts))

Value = str | int | float
Facts = dict[str, tuple[int, Value]]
"""By field: the rank of the channel that told the value, and the value. The greatest pair holds."""


def learnt(facts: Mapping[str, tuple[int, Value]], observation: Observation) -> Facts:
    """Return *facts* and what *observation* adds to them. A set: order and repetition make no difference."""
    rank = _RANK[observation.channel]
    found: Facts = dict(facts)
    for told in (observation.item, observation.device):
        for name in told.__struct_fields__:
            value = getattr(told, name)
            if value is None:
                continue
            known = found.get(name)
            if known is None or _order(rank, value) > _order(known[0], known[1]):
                found[name] = (rank, value)
    return found


def adds(facts: Mapping[str, tuple[int, Value]], observation: Observation) -> bool:
    """Say whether *observation* tells more than *facts* hold: whether `learnt` would return something else."""
    rank = _RANK[observation.channel]
    for told in (observation.item, observation.device):
        for name in told.__struct_fields__:
            value = getattr(told, name)
            if value is None:
                continue
            known = facts.get(name)
            if known is None or (known[1] != value and _order(rank, value) > _order(*known)) or rank > known[0]:
                return True
    return False


def _order(rank: int, value: Value) -> tuple[int, float, str]:
    return (rank, 0.0, value) if isinstance(value, str) else (rank, float(value), "")


def item_of(facts: Mapping[str, tuple[int, Value]]) -> ItemFacts:
    """Return what *facts* say of the item."""
    return msgspec.convert({name: told[1] for name, told in facts.items() if name in _ITEM}, ItemFacts)


def device_of(facts: Mapping[str, tuple[int, Value]]) -> DeviceFacts:
    """Return what *facts* say of the player."""
    return msgspec.convert({name: told[1] for name, told in facts.items() if name in _DEVICE}, DeviceFacts)


def filled(item: ItemFacts, other: ItemFacts) -> ItemFacts:
    """Return *item* with what only *other* knows."""
    gaps = {n: getattr(other, n) for n in item.__struct_fields__ if getattr(item, n) is None}
    return msgspec.structs.replace(item, **gaps) if any(v is not None for v in gaps.values()) else item
