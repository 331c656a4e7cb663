"""``/outbound``: who is told what happens here, by signed webhooks (Standard Webhooks)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import JSONBody, PathParameter
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.api.guard import ADMIN
from receiver.api.outbox import MessageWords
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile import outbound
from reconcile.playback.news import FACTS
from reconcile.store import accounts, targets
from reconcile.store.targets import Tally, Target

Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Events = Annotated[frozenset[str], Meta(min_length=1)]
Account = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Number = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]

_ALL = frozenset(kind.value for kind in FACTS)


class TargetWords(msgspec.Struct, frozen=True):
    """Somebody who is told. *account_id* null: about everyone who is recorded; *note* says why it was turned off.

    *waiting* messages are tried again, *dead* ones were given up: GET /outbox shows them.
    """

    id: int
    url: str
    events: tuple[str, ...]
    account_id: int | None
    active: bool
    note: str | None
    created_at: datetime
    waiting: int
    dead: int


class NewTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, which events (all unless said), about whom (everyone unless said)."""

    url: Url
    events: Events = _ALL
    account_id: Account | None = None
    active: bool = True


class TargetChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; absent stays. *new_secret*: the old one signs nothing any more."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    account_id: Account | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    new_secret: bool = False


class TargetWithSecret(TargetWords, frozen=True):
    """A target, and the secret with which its messages are signed where it is new: it is told this once."""

    secret: str | None


@get("/outbound", tags=["outbound"], opt=ADMIN)
async def target_list(house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None) -> Page[TargetWords]:
    """Return the targets, oldest first."""
    place = place_of(cursor)
    async with house.store.read() as db:
        found = await targets.targets(db, place[1] if place else 0, limit + 1)
        tallies = await targets.tallies(db)
    return page_of(found, limit, lambda each: (each.created_at, each.id), lambda each: _words(each, tallies))


@post("/outbound", tags=["outbound"])
async def create(house: NamedDependency[House], data: JSONBody[NewTarget]) -> TargetWithSecret:
    """Add a target. The answer has its secret, this once."""
    return await add(house, data)


async def add(house: House, data: NewTarget) -> TargetWithSecret:
    """Add a target. Raises SettingRefused, ClientException (400), or StoreError."""
    events = outbound.checked_events(data.events)
    url = outbound.checked_url(data.url)
    async with house.store.begin() as db:
        await _check_account(db, data.account_id)
        number, secret = await outbound.add(
            db, house.safe, url, events, data.account_id, house.clock(), active=data.active
        )
        target = await _target(db, number)
    await house.refresh()
    return _with_secret(target, {}, secret)


@patch("/outbound/{target_id:int}", tags=["outbound"])
async def change(house: NamedDependency[House], target_id: Number, data: JSONBody[TargetChanges]) -> TargetWithSecret:
    """Change a target, turn it on or off, or give it a new secret."""
    return await adjust(house, target_id, data)


async def adjust(house: House, target_id: int, data: TargetChanges) -> TargetWithSecret:
    """Change a target. Raises NotFoundException (404), SettingRefused, ClientException (400), or StoreError."""
    told = msgspec.structs.asdict(data)
    values = {name: value for name, value in told.items() if value is not UNSET and name != "new_secret"}
    if not isinstance(data.url, UnsetType):
        values["url"] = outbound.checked_url(data.url)
    if not isinstance(data.events, UnsetType):
        values["events"] = list(outbound.checked_events(data.events))
    if data.active is True:
        values["note"] = None
    async with house.store.begin() as db:
        await _target(db, target_id)
        if not isinstance(data.account_id, UnsetType):
            await _check_account(db, data.account_id)
        await targets.change(db, target_id, values)
        secret = await outbound.renew(db, house.safe, target_id) if data.new_secret else None
        target, tallies = await _target(db, target_id), await targets.tallies(db)
    await house.refresh()
    house.sender.wake()
    return _with_secret(target, tallies, secret)


@delete("/outbound/{target_id:int}", tags=["outbound"])
async def remove(house: NamedDependency[House], target_id: Number) -> None:
    """Remove a target, and all that waits for it."""
    await take_away(house, target_id)


async def take_away(house: House, target_id: int) -> None:
    """Remove a target. Raises NotFoundException (404), or StoreError."""
    async with house.store.begin() as db:
        if not await targets.remove(db, target_id):
            raise NotFoundException(f"There is no target {target_id}.")
    await house.refresh()


@post("/outbound/{target_id:int}/test", tags=["outbound"], status_code=202)
async def test(house: NamedDependency[House], target_id: Number) -> MessageWords:
    """Send a message of the type ``test``; GET /outbox/{id} says what came of it."""
    return await try_out(house, target_id)


async def try_out(house: House, target_id: int) -> MessageWords:
    """Queue a test message. Raises NotFoundException (404), ClientException (400), or StoreError."""
    async with house.store.begin() as db:
        target = await _target(db, target_id)
        if not target.active:
            raise ClientException(f"Target {target_id} is turned off: turn it on first.")
        row = await outbound.test(db, target, house.clock())
    house.sender.wake()
    return struct_of(MessageWords, row)


async def _target(db: AsyncConnection, number: int) -> Target:
    found = await targets.one(db, number)
    if found is None:
        raise NotFoundException(f"There is no target {number}.")
    return found


async def _check_account(db: AsyncConnection, number: int | None) -> None:
    if number is not None and await accounts.one(db, number) is None:
        raise ClientException(f"account_id: there is no account {number}.")


def _fields(target: Target, tallies: dict[int, Tally]) -> dict[str, object]:
    tally = tallies.get(target.id, Tally())
    return msgspec.structs.asdict(target) | {"waiting": tally.waiting, "dead": tally.dead}


def _words(target: Target, tallies: dict[int, Tally]) -> TargetWords:
    return struct_of(TargetWords, _fields(target, tallies))


def _with_secret(target: Target, tallies: dict[int, Tally], secret: str | None) -> TargetWithSecret:
    return struct_of(TargetWithSecret, _fields(target, tallies) | {"secret": secret})
