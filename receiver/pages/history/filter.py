"""What of the history is to be shown, read from an address and written as one: the same address is the same view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

import msgspec
from litestar.exceptions import ClientException, NotFoundException

from receiver.api.pages import LARGEST_ID, chosen
from receiver.visitors import Visitor
from reconcile.playback.check_in import Channel
from reconcile.store.channels import channels_of
from reconcile.store.wanted import Wanted

LONGEST_TEXT = 100
_DIGITS = len(str(LARGEST_ID))

KINDS = {"movie": "films", "episode": "episodes"}
EVIDENCE = {
    "both": "webhook and poll agree",
    "webhook": "webhook only",
    "poll": "poll only",
    "hand": "marked by hand",
    "import": "imported",
}

_BOTH = frozenset({Channel.WEBHOOK, Channel.POLL})
_MASKS = {
    "both": frozenset(mask for mask in range(32) if channels_of(mask) >= _BOTH),
    "webhook": frozenset(mask for mask in range(32) if channels_of(mask) == {Channel.WEBHOOK}),
    "poll": frozenset(mask for mask in range(32) if channels_of(mask) == {Channel.POLL}),
    "hand": frozenset(mask for mask in range(32) if Channel.MANUAL in channels_of(mask)),
    "import": frozenset(mask for mask in range(32) if Channel.IMPORT in channels_of(mask)),
}


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown; None: all. *counts* is whether it is completed; *first* and *last* are days."""

    text: str | None = None
    person: int | None = None
    kind: str | None = None
    counts: bool | None = None
    evidence: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def leaves_out(self) -> bool:
        """Say whether something is not to be shown."""
        return self != Filter()

    def address(self, path: str, **more: str | int | None) -> str:
        """Return the address on *path* that shows this; *more* goes behind it."""
        told = {**_spelt(self), **{name: str(value) for name, value in more.items() if value is not None}}
        return f"{path}?{urlencode(told)}" if told else path


def filter_of(params: Mapping[str, str]) -> Filter:
    """Return what an address asks for; what is empty is not asked for. Raises ClientException (400)."""
    told = {name: value.strip() for name, value in params.items() if value.strip()}
    text = told.get("text")
    if text is not None and (len(text) > LONGEST_TEXT or not text.isprintable()):
        raise ClientException(f"The title to look for may have {LONGEST_TEXT} characters at the most, on one line.")
    counts = chosen("counts", told.get("counts"), "yes", "no")
    first, last = _day("from", told.get("from")), _day("to", told.get("to"))
    if first is not None and last is not None and first > last:
        raise ClientException("The last day is before the first: change one of the two.")
    return Filter(
        text=text,
        person=_number(told.get("person")),
        kind=chosen("kind", told.get("kind"), *KINDS),
        counts=None if counts is None else counts == "yes",
        evidence=chosen("evidence", told.get("evidence"), *EVIDENCE),
        first=first,
        last=last,
    )


def wanted_watches(asked: Filter, visitor: Visitor) -> Wanted:
    """Return the watches that *visitor* may see and asks for. Raises NotFoundException for another's."""
    days = {"first_day": asked.first, "last_day": asked.last}
    return msgspec.structs.replace(
        _wanted(asked, visitor), **{name: None if day is None else day.isoformat() for name, day in days.items()}
    )


def wanted_playbacks(asked: Filter, visitor: Visitor, zone: tzinfo) -> Wanted:
    """Return the playbacks that *visitor* may see and asks for; days are those of *zone*. Raises NotFoundException."""
    since = None if asked.first is None else _start_of(asked.first, zone)
    until = None if asked.last is None else _end_of(asked.last, zone)
    return msgspec.structs.replace(_wanted(asked, visitor), since=since, until=until)


def _wanted(asked: Filter, visitor: Visitor) -> Wanted:
    if asked.person is not None and not visitor.may_see(asked.person):
        raise NotFoundException("There is nobody of that number whose history you may see.")
    return Wanted(
        account=asked.person,
        accounts=visitor.seen if asked.person is None else None,
        kind=asked.kind,
        completed=asked.counts,
        text=asked.text,
        channels=None if asked.evidence is None else _MASKS[asked.evidence],
    )


def chips(asked: Filter, people: Mapping[int, str], counts: Mapping[bool, str]) -> Iterator[tuple[str, Filter]]:
    """Yield what is asked for in words, each with the filter that no longer asks for it."""
    names = {"person": people.get(asked.person or 0), "kind": KINDS.get(asked.kind or "")}
    names["text"] = f"«{asked.text}»" if asked.text else None
    names["counts"] = None if asked.counts is None else counts[asked.counts]
    names["evidence"] = EVIDENCE.get(asked.evidence or "")
    names["first"] = None if asked.first is None else f"from {_named(asked.first)}"
    names["last"] = None if asked.last is None else f"to {_named(asked.last)}"
    for name, said in names.items():
        if said is not None:
            yield said, msgspec.structs.replace(asked, **{name: None})


def _spelt(asked: Filter) -> dict[str, str]:
    told = {
        "text": asked.text,
        "person": asked.person,
        "kind": asked.kind,
        "counts": None if asked.counts is None else "yes" if asked.counts else "no",
        "evidence": asked.evidence,
        "from": asked.first,
        "to": asked.last,
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _named(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    if not is_number or not 0 < int(text) <= LARGEST_ID:
        raise ClientException("person: the number of a person is needed.")
    return int(text)


def _day(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise ClientException(f"{name}: a day such as 2026-11-22 is needed.") from error


def _start_of(day: date, zone: tzinfo) -> datetime | None:
    """Return when *day* begins in *zone*; None at the ends of time."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return None


def _end_of(day: date, zone: tzinfo) -> datetime | None:
    """Return when *day* is over in *zone*; None at the ends of time."""
    try:
        return _start_of(day + timedelta(days=1), zone)
    except OverflowError:
        return None
