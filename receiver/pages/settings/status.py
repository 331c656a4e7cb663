"""How recording does at each server, in words: active, paused or in error, why, and since when."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.house import House
from reconcile.poller import State, Status
from reconcile.store import servers

_LIGHTS = {State.ACTIVE: "good", State.PAUSED: "off", State.ERROR: "bad"}


class Channel(msgspec.Struct, frozen=True):
    """One way of hearing a server: *light* is good, warn, bad or off."""

    name: str
    state: str
    light: str
    reason: str
    since: datetime | None


class ServerStatus(msgspec.Struct, frozen=True):
    """A server and how each of its channels does; the worst of them says how it does."""

    name: str
    url: str
    channels: list[Channel]


async def statuses(house: House, db: AsyncConnection) -> list[ServerStatus]:
    """Return how recording does at each server: those that are asked first, then those that only tell."""
    known = {each.id: each for each in await servers.all_of_them(db)}
    found, seen = [], set()
    for wire in house.wires.each:
        status = wire.poller.status
        server = known.get(status.server_id or "")
        seen.add(status.server_id)
        name = (server.name if server else None) or status.url
        heard = _heard(house, status.server_id)
        found.append(ServerStatus(name, status.url if name != status.url else "", [_polled(status), heard]))
    for number, server in known.items():
        if number not in seen:
            found.append(ServerStatus(server.name or server.url or "A server", "", [_heard(house, number)]))
    return found


def overall(house: House, found: list[ServerStatus]) -> Channel:
    """Return how recording does in one word: an error anywhere is one, and what nobody tells of is paused."""
    if house.waits_for is not None:
        return Channel("Recording", "error", "bad", house.waits_for, None)
    if not house.settings.monitor_enabled:
        return Channel("Recording", "paused", "off", "recording is off", None)
    each = [channel for server in found for channel in server.channels]
    wrong = next((channel for channel in each if channel.light == "bad"), None)
    if wrong is not None:
        return Channel("Recording", "error", "bad", "a server cannot be asked; see below", wrong.since)
    if any(channel.light == "good" for channel in each):
        return Channel("Recording", "active", "good", "what is watched is heard", None)
    return Channel("Recording", "paused", "off", "nothing tells of what is watched yet", None)


def _polled(status: Status) -> Channel:
    return Channel("Polls", status.state.value, _LIGHTS[status.state], status.reason, status.since)


def _heard(house: House, server_id: str | None) -> Channel:
    if not house.settings.monitor_enabled:
        return Channel("Webhooks", "paused", "off", "recording is off: they are answered «ignored»", None)
    heard = house.hearing.servers.get(server_id or "")
    if heard is None:
        return Channel("Webhooks", "silent", "off", "none was heard since this process started", house.started_at)
    return Channel("Webhooks", "active", "good", "the last one was heard", heard.last_at)
