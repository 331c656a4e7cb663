"""Telling of watches: what a reader was told of a row last is compared with the row as it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from reconcile import messages
from reconcile.changes import Settled, Unit
from reconcile.hearers import Hearers, Row, Told
from reconcile.playback.news import Kind, Seen, chosen, watch_news
from reconcile.store import tellable
from reconcile.store.channels import IMPORT_ALONE
from reconcile.store.outbox import Message
from reconcile.store.targets import Target

Day = tuple[Unit, str]

_KINDS = (Kind.WATCH_COMPLETED, Kind.WATCH_UPDATED)


class _Watch(msgspec.Struct):
    """A row of the history as it is, or was where it is *gone*.

    *before* are subjects that it had: it was of another day, or its media of another id. *previous* is where it was.
    """

    unit: Unit
    day: str
    row: Row
    before: list[str]
    previous: Day | None = None
    gone: bool = False

    @property
    def subject(self) -> str:
        """Return what its messages are about."""
        return _subject(self.unit, self.day)


async def tell_watches(hearers: Hearers, settled: Settled) -> None:
    """Tell which rows of the history came, changed in a reader's eyes, or went."""
    if not hearers.want(*_KINDS):
        return
    found = [each for each in await _changed(hearers, settled) if _targets(hearers, each)]
    if not found:
        return
    shown = await tellable.playbacks(hearers.db, {number for each in found for number in each.row["playbacks"]})
    media = await hearers.media(each.unit[1] for each in found)
    told = await hearers.told({subject for each in found for subject in (each.subject, *each.before)})
    for each in found:
        mine = [shown[number] for number in each.row["playbacks"] if number in shown]
        data = _data(hearers, each, mine, media)
        is_open = any(row["open"] for row in mine)
        for target in _targets(hearers, each):
            known = [one for name in (*each.before, each.subject) if (one := told.get((target.id, name))) is not None]
            message = _message(target, each, data, known, is_open=is_open)
            if message is not None:
                hearers.queued.append(message)


async def _changed(hearers: Hearers, settled: Settled) -> list[_Watch]:
    """Return the rows that changed, and those of playbacks that are over now."""
    first: dict[Day, Row | None] = {}
    last: dict[Day, Row | None] = {}
    for change in settled.watches:
        place = (change.unit, change.day)
        first.setdefault(place, change.before)
        last[place] = None if change.after is None else {**change.after, "id": change.number}
    for row in (await tellable.watches_of(hearers.db, settled.ended)).values():
        last.setdefault(((row["account_id"], row["media_id"], row["unit"]), row["day"]), row)
    here = {place: row for place, row in last.items() if row is not None}
    gone = {place: row for place, row in first.items() if row is not None and place not in here}
    return _paired(here, gone, settled.merged)


def _paired(here: dict[Day, Row], gone: dict[Day, Row], merged: dict[int, int]) -> list[_Watch]:
    """Return *here* and *gone*; a row that went and one that came for the same playbacks are one that moved."""
    found: list[_Watch] = []
    for (unit, day), row in here.items():
        others = [old for old, new in merged.items() if new == unit[1]]
        before = [_subject((unit[0], old, unit[2]), day) for old in others]
        found.append(_Watch(unit, day, {**row, "unit": unit[2]}, before))
    lost: list[_Watch] = []
    for (unit, day), row in gone.items():
        heir = next((each for each in found if _is_same(each, unit, row)), None)
        if heir is None:
            lost.append(_Watch(unit, day, {**row, "unit": unit[2]}, [], gone=True))
        else:
            heir.before.append(_subject(unit, day))
            heir.previous = (unit, day)
    return found + lost


def _is_same(each: _Watch, unit: Unit, row: Row) -> bool:
    return each.unit[0] == unit[0] and not set(each.row["playbacks"]).isdisjoint(row["playbacks"])


def _targets(hearers: Hearers, each: _Watch) -> list[Target]:
    return hearers.of(each.unit[0], _KINDS, each.row["watched_at"])


def _data(hearers: Hearers, each: _Watch, shown: Sequence[Row], media: dict[int, Row]) -> dict[str, object]:
    account_id, media_id, unit = each.unit
    named = {"id": media_id} | media.get(media_id, {})
    what = messages.media_words(named, unit, messages.facts_of(shown))
    data = messages.watch_words(each.row, hearers.account(account_id), what)
    data["removed"] = each.gone
    if each.previous is not None:
        (_account, old, name), day = each.previous
        data["previous"] = {"media_id": old, "unit": name, "day": day}
    return data


def _message(
    target: Target, each: _Watch, data: dict[str, object], known: Sequence[Told], *, is_open: bool
) -> Message | None:
    """Return what *target*, who was told *known* about the row and its earlier places, is to hear of it.

    What another tool alone tells of is no news; that it is all that is left of what was told before, is.
    """
    if not known and each.row["channels"] == IMPORT_ALONE:
        return None
    told, seen = known[-1] if known else None, messages.seen_of(data)
    kinds = set(chain.from_iterable(one.kinds for one in known))
    was = None if told is None else messages.seen_of(told.data)
    news = watch_news(was, seen, is_open=is_open, was_completed=Kind.WATCH_COMPLETED in kinds)
    kind = None if news is None else chosen(news, target.events)
    if kind is None:
        return None
    number = _id(kind, each.subject, seen, told)
    body = messages.body(kind, each.row["watched_at"], data)
    return Message(number, target.id, each.unit[0], kind.value, each.subject, body)


def _id(kind: Kind, subject: str, seen: Seen, told: Told | None) -> str:
    """Return the id: of a completion there is one, a change is one of what was told before."""
    if kind is Kind.WATCH_COMPLETED:
        return messages.message_id(kind.value, subject)
    content = msgspec.json.encode(seen).decode()
    return messages.message_id(kind.value, subject, content, "" if told is None else told.message_id)


def _subject(unit: Unit, day: str) -> str:
    account_id, media_id, name = unit
    return f"watch/{account_id}/{media_id}/{name}/{day}"
