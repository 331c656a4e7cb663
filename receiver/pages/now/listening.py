"""How it is being listened, as the live page says it: what each server is heard by, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from receiver.hearing import Heard
from receiver.house import House
from receiver.pages.saying import counted
from receiver.visitors import Visitor
from reconcile.playback.pace import usual_wait
from reconcile.poller import State, Status
from reconcile.store.servers import Server


class Ear(msgspec.Struct, frozen=True):
    """How a server is heard, on our clock: its webhooks last *heard_at*, asked last *asked_at*, about once a *every*.

    *silent* is why it is not asked, or why that fails, since *silent_since*; *unseen* is how many playbacks of the last
    hour no webhook told of.
    """

    name: str
    heard_at: datetime | None
    asked_at: datetime | None
    every: timedelta | None
    state: State | None
    silent: str
    silent_since: datetime | None
    unseen: int


class Kind(StrEnum):
    """How grave a notice is."""

    WARN = "warn"
    BAD = "bad"


class Notice(msgspec.Struct, frozen=True):
    """What is amiss, in a *title* and a sentence; *since* when, where that is known."""

    kind: Kind
    title: str
    said: str
    since: datetime | None = None


def ears_of(house: House, servers: Iterable[Server], looked: Mapping[str, datetime], visitor: Visitor) -> list[Ear]:
    """Return how each of *servers* that concerns the *visitor* is heard; *looked*: the latest look at each."""
    pollers = {wire.poller.status.server_id: wire.poller for wire in house.wires.each}
    known = {server.id: server for server in servers if _concerns(server.id, visitor)}
    found = []
    for server_id, server in known.items():
        poller = pollers.get(server_id)
        status = None if poller is None else poller.status
        every = None if poller is None or status is None else _pace(poller.interval, status)
        ahead = house.tracker.ahead.get(server_id, timedelta())
        at = looked.get(server_id)
        heard = house.hearing.servers.get(server_id)
        found.append(_ear(server, status, every, heard, None if at is None else at - ahead))
    # A server that has never answered has no id yet: who administers it is to know why.
    strangers = [pollers[None].status] if None in pollers and visitor.is_owner else []
    return found + [_ear(None, status, None, None, None) for status in strangers]


def _ear(
    server: Server | None, status: Status | None, every: timedelta | None, heard: Heard | None, asked: datetime | None
) -> Ear:
    name = "" if server is None else server.name or server.url or ""
    return Ear(
        name=name or (status.url if status is not None else "the server"),
        heard_at=None if heard is None else heard.last_at,
        asked_at=asked,
        every=every,
        state=None if status is None else status.state,
        silent="" if status is None else status.reason,
        silent_since=None if status is None else status.since,
        unseen=0 if status is None else status.unseen,
    )


def _concerns(server_id: str, visitor: Visitor) -> bool:
    return visitor.may_administer(server_id) or (visitor.user is not None and visitor.user[0] == server_id)


def _pace(interval: timedelta, status: Status) -> timedelta | None:
    if status.state is not State.ACTIVE:
        return None
    return usual_wait(interval, is_playing=status.is_playing, is_proven=status.is_push_proven)


def notices_of(house: House, ears: Iterable[Ear], visitor: Visitor, *, is_away: bool) -> list[Notice]:
    """Return what is amiss, the gravest first. Reasons, which may name addresses, are for administrators."""
    found = []
    if not house.settings.monitor_enabled:
        found.append(Notice(Kind.BAD, "Recording is off.", "JELLYFIN_ACTIVITY_MONITOR_ENABLED is false."))
    if is_away or house.intake.is_away:
        said = "What is heard is kept in the spool, and is shown here once it answers again."
        found.append(Notice(Kind.BAD, "The database does not answer.", said, house.intake.away_since))
    for ear in ears:
        if ear.state is State.ERROR:
            said = ear.silent if visitor.is_administrator else "What its webhooks tell is recorded all the same."
            found.append(Notice(Kind.BAD, f"{ear.name} cannot be asked.", said, ear.silent_since))
    for ear in ears if visitor.is_administrator else ():
        if ear.unseen:
            unseen = counted(ear.unseen, "playback")
            said = f"{unseen} of the last hour {'was' if ear.unseen == 1 else 'were'} seen by polls only."
            found.append(Notice(Kind.WARN, f"The webhooks of {ear.name} are silent.", said))
    return found
