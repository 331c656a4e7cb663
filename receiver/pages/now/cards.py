"""What the live page shows of what plays: a card for each seat, with who sits there, and when it counts. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
from markupsafe import Markup

from receiver.api.words import media_words
from receiver.pages.pictures.strip import strip
from receiver.pages.saying import counts_after, for_long, position, share_in_words, state_in_words, still_since, toward
from reconcile.playback.check_in import Channel
from reconcile.playback.facts import device_of, item_of
from reconcile.playback.rules import Rules
from reconcile.playback.verdict import Code
from reconcile.store.channels import channels_of
from reconcile.store.lately import Told

Row = Mapping[str, Any]

_SAID_AS_IS = {Code.SEEN_ALREADY, Code.SAME_SEAT, Code.TOLD_TWICE, Code.CORRECTED}
"""Verdicts that more of the same playing does not change: their sentence says why."""


class Heard(msgspec.Struct, frozen=True):
    """A *channel* that sees a playback, and when it last did, on our clock; None: not lately."""

    channel: str
    at: datetime | None


class Watcher(msgspec.Struct, frozen=True):
    """Who watches, and when it counts for them: *after* so many seconds of playing on; None: it is as *said*."""

    name: str
    said: str
    after: float | None = None
    why: str = ""


class Card(msgspec.Struct, frozen=True):
    """One item in one session. *number* is a playback's id; instants are on our clock, positions in seconds.

    *position* was so *at* that instant, and *runs* on until *until*. *due* is when silence ends it.
    """

    number: int
    title: str
    detail: str
    device: str
    watchers: tuple[Watcher, ...]
    position: float | None
    at: datetime
    until: datetime
    runs: bool
    runtime: float | None
    paused_since: datetime | None
    heard: datetime
    due: datetime | None
    channels: tuple[Heard, ...]
    strip: Markup
    row: Row
    ahead: timedelta

    @property
    def face(self) -> tuple[object, ...]:
        """What of it does not move."""
        return (self.number, self.title, self.detail, self.device, tuple(each.name for each in self.watchers))

    def state(self, now: datetime) -> str:
        """Return how it stands, in words."""
        return state_in_words(self.row, now + self.ahead)


def cards_of(
    rows: Iterable[Row],
    rules_of: Mapping[int | None, Rules],
    told: Mapping[int, Sequence[Told]],
    looked: Mapping[str, datetime],
    ahead: Mapping[str, timedelta],
    own: int | None,
) -> tuple[Card, ...]:
    """Return the cards of the open playbacks in *rows*, newest first: one for each item in a session.

    *rules_of* are the rules of each account, *ahead* is how far each server's clock is; *own* account comes first.
    """

    def seat(row: Row) -> tuple[str, str, str]:
        return (row["server_id"], row["session_id"], row["item_id"])

    seats = [list(group) for _, group in groupby(sorted(rows, key=seat), key=seat)]
    for group in seats:
        group.sort(key=lambda row: (row["account_id"] != own, row["account_name"] or "", row["id"]))
    seats.sort(key=lambda group: (group[0]["started_at"], group[0]["id"]), reverse=True)
    return tuple(_card(group, rules_of, told, looked, ahead.get(group[0]["server_id"], timedelta())) for group in seats)


def _card(
    group: Sequence[Row],
    rules_of: Mapping[int | None, Rules],
    told: Mapping[int, Sequence[Told]],
    looked: Mapping[str, datetime],
    ahead: timedelta,
) -> Card:
    row = group[0]
    rules = rules_of[row["account_id"]]
    device, runtime = device_of(row["facts"]), row["runtime_seconds"]
    where, is_playing = row["position_seconds"], row["state"] == "playing"
    heard = max(row["last_at"], row["ended_at"] or row["last_at"])
    title, detail = titles(row)
    return Card(
        number=row["id"],
        title=title,
        detail=detail,
        device=" · ".join(dict.fromkeys(each for each in (device.device_name, device.client) if each)),
        watchers=tuple(_watcher(each, rules_of[each["account_id"]]) for each in group),
        position=where,
        at=heard - ahead,
        until=heard + rules.freshness - ahead,
        runs=is_playing and where is not None,
        runtime=runtime,
        paused_since=None if is_playing else still_since(row) - ahead,
        heard=heard - ahead,
        due=None if row["due_at"] is None else row["due_at"] - ahead,
        channels=tuple(heard_by(row, told.get(row["key_id"], ()), looked.get(row["server_id"]), ahead)),
        strip=strip(f"strip-{row['id']}", row["covered"], runtime, threshold=rules.threshold, position=where),
        row={name: row[name] for name in _SHOWN},
        ahead=ahead,
    )


_SHOWN = ("open", "due_at", "state", "first_at", "last_at", "ended_at", "intervals")
"""What the words for how it stands go by."""


def titles(row: Row) -> tuple[str, str]:
    """Return the title, and what stands below it: «S01 E02 · The Long Night · 2019», or a film's year."""
    media, told = media_words(row), item_of(row["facts"]).year
    year = str(told or media.year or "")
    if media.kind == "movie":
        return media.title or "A film without a title", year
    number = None
    if media.season is not None and media.episode is not None:
        number = f"S{media.season:02} E{media.episode:02}"
    below = (number, media.title if media.series_title else None, year)
    return media.series_title or media.title or "Something without a title", " · ".join(each for each in below if each)


def _watcher(row: Row, rules: Rules) -> Watcher:
    """Return who watches, and what comes of it if they watch on."""
    name = row["account_name"] or row["user_name"] or "?"
    if row["completed"]:
        return Watcher(name, "counts")
    if row["verdict"] in _SAID_AS_IS:
        return Watcher(name, row["sentence"])
    it = toward(row)
    if row["verdict"] not in {Code.TOO_SHORT, ""}:
        it = msgspec.structs.replace(it, watched=math.inf)  # with what was seen of it before, it is enough
    after = counts_after(it, rules)
    if isinstance(after, str):
        return Watcher(name, after)
    if after <= 0:
        return Watcher(name, "counts")
    shortest = min(rules.min_seconds, (it.runtime or 0.0) / 2)
    is_too_short = it.watched + after <= shortest + 1
    why = f"at least {for_long(shortest)} must be watched" if is_too_short else f"at {share_in_words(rules.threshold)}"
    return Watcher(name, f"counts in {position(math.ceil(after))}", after, why)


def heard_by(row: Row, told: Sequence[Told], looked: datetime | None, ahead: timedelta) -> Iterable[Heard]:
    """Yield the channels that told of a playback, and when each last did.

    Until when a check-in was shown is one instant for all who told of it: where that is a look, the poll saw it there;
    where it is later than the latest look, a push channel did.
    """
    for channel in sorted(channels_of(row["channels"])):
        mine = [each for each in told if channel in each.channels]
        if not mine:
            yield Heard(channel, None)
            continue
        at, shown = max(each.at for each in mine), max(each.shown for each in mine)
        if channel is Channel.POLL:
            at = max(at, looked) if looked is not None and looked <= shown else at
        elif looked is None or shown > looked:
            at = max(at, shown)
        yield Heard(channel, at - ahead)
