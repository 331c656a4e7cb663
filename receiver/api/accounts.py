"""``/accounts``: people of this service and their own rules. A change settles their history, and says what moved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec import UNSET, Meta, UnsetType

from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, page_of, place_of
from receiver.api.words import struct_of
from receiver.house import House
from reconcile.changes import Change, Settled
from reconcile.people import People
from reconcile.settling import Settling
from reconcile.store import accounts
from reconcile.store import people as kept_people
from reconcile.store.locks import lock_sessions

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
AccountId = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]


class AccountWords(msgspec.Struct, frozen=True):
    """A person. What is null follows the global setting; *threshold* is in percent, *time_zone* an IANA name."""

    id: int
    name: str
    created_at: datetime
    threshold: float | None
    min_seconds: float | None
    partial_min_seconds: float | None
    record_partials: bool | None
    require_coverage: bool | None
    time_zone: str | None


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be."""

    name: Name


class AccountChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; null returns to the global setting, absent stays."""

    name: Name | UnsetType = UNSET
    threshold: Annotated[float, Meta(ge=1, le=100)] | UnsetType | None = UNSET
    min_seconds: Annotated[float, Meta(ge=0, le=3600)] | UnsetType | None = UNSET
    partial_min_seconds: Annotated[float, Meta(ge=0, le=36000)] | UnsetType | None = UNSET
    record_partials: bool | UnsetType | None = UNSET
    require_coverage: bool | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET


class WatchState(msgspec.Struct, frozen=True):
    """A row of the history before or after."""

    watched_at: datetime
    completed: bool
    partial: bool
    plays: int
    percent: float
    watched_seconds: float
    verdict: str
    sentence: str


class WatchChange(msgspec.Struct, frozen=True):
    """What became of one row: null before means that it came, null after that it went."""

    account_id: int
    media_id: int
    unit: str
    day: str
    before: WatchState | None
    after: WatchState | None


class Changed(msgspec.Struct, frozen=True):
    """The account as it is, or as it would be, and what that does to its history."""

    account: AccountWords
    dry_run: bool
    watches: list[WatchChange]
    playbacks: int


class _DryRunError(Exception):
    """Takes a transaction back."""


@get("/accounts", tags=["people"], opt=ADMIN)
async def account_list(
    house: NamedDependency[House], limit: Limit = USUAL, cursor: Cursor = None
) -> Page[AccountWords]:
    """Return the accounts, oldest first."""
    place = place_of(cursor)
    async with house.store.read() as db:
        rows = await accounts.accounts(db, place[1] if place else 0, limit + 1)
    return page_of(rows, limit, lambda row: (row["created_at"], row["id"]), _words)


@post("/accounts", tags=["people"])
async def create(house: NamedDependency[House], data: JSONBody[NewAccount]) -> AccountWords:
    """Make an account."""
    async with house.store.begin() as db:
        number = await kept_people.add_account(db, data.name.strip(), house.clock())
        row = await accounts.one(db, number)
        await house.people.load(db)
    return _words(row or {})


@patch("/accounts/{account_id:int}", tags=["people"])
async def change(
    house: NamedDependency[House],
    account_id: AccountId,
    data: JSONBody[AccountChanges],
    *,
    dry_run: FromQuery[bool] = False,
) -> Changed:
    """Change an account's own rules, and settle its history by them. With *dry_run* nothing changes."""
    values = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    _check_zone(values.get("time_zone"))
    found: Changed | None = None
    settled = Settled()
    try:
        async with house.store.begin() as db:
            await accounts.change(db, account_id, values)
            row = await accounts.one(db, account_id)
            if row is None:
                raise NotFoundException(f"There is no account {account_id}.")
            if values.keys() - {"name"}:
                people = People(house.people.global_rules, house.people.zone, auto_link=house.people.auto_link)
                await people.load(db)
                keys = await accounts.keys_of(db, account_id)
                await lock_sessions(db, {(key.server_id, key.session_id, key.user_id) for key in keys.values()})
                settling = Settling(db, people, house.clock(), ahead=house.tracker.ahead, whole=True)
                settling.units |= await accounts.units_of(db, account_id)
                settled = await settling.settle(keys)
            found = Changed(_words(row), dry_run, _changes(settled), len(settled.playbacks))
            if dry_run:
                raise _DryRunError  # noqa: TRY301 - it takes the transaction back
    except _DryRunError:
        pass
    else:
        await house.refresh()
        house.tracker.events.tell(settled)
    if found is None:
        raise NotFoundException(f"There is no account {account_id}.")
    return found


def _check_zone(name: object) -> None:
    if not isinstance(name, str):
        return
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # an unknown name is a KeyError, a folder an OSError
        raise ClientException("time_zone: an IANA name is needed, such as Europe/Berlin.") from error


def _words(row: dict[str, object]) -> AccountWords:
    return struct_of(AccountWords, row)


def _changes(settled: Settled) -> list[WatchChange]:
    return [_change(each) for each in settled.watches]


def _change(each: Change) -> WatchChange:
    account_id, media_id, unit = each.unit
    before = None if each.before is None else struct_of(WatchState, each.before)
    after = None if each.after is None else struct_of(WatchState, each.after)
    return WatchChange(account_id, media_id, unit, each.day, before, after)
