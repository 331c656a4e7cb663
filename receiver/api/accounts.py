"""``/accounts``: people of this service and their own rules. A change settles their history, and says what moved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Meta, UnsetType

from receiver.api.changes import WatchChange, changes_of
from receiver.api.guard import ADMIN
from receiver.api.pages import LARGEST_ID, USUAL, Cursor, Limit, Page, chosen, page_of, place_of
from receiver.api.words import struct_of
from receiver.exporting import everything_as_csv, everything_as_json
from receiver.house import House
from receiver.wishes import rule
from reconcile.store import accounts
from reconcile.store import people as kept_people

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


class Changed(msgspec.Struct, frozen=True):
    """The account as it is, or as it would be, and what that does to its history."""

    account: AccountWords
    dry_run: bool
    watches: list[WatchChange]
    playbacks: int


class Farewell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That it is meant: *confirm* is the account's name, as it is written."""

    confirm: str


class ErasedWords(msgspec.Struct, frozen=True):
    """How many rows of which table went. Who it was is not told any more."""

    account_id: int
    rows: dict[str, int]


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
    return await add(house, data.name)


@get("/accounts/{account_id:int}", tags=["people"], opt=ADMIN)
async def one(house: NamedDependency[House], account_id: AccountId) -> AccountWords:
    """Return one account."""
    async with house.store.read() as db:
        row = await accounts.one(db, account_id)
    if row is None:
        raise NotFoundException(f"There is no account {account_id}.")
    return _words(row)


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
    done = await rule(house, account_id, values, dry_run=dry_run)
    if done is None:
        raise NotFoundException(f"There is no account {account_id}.")
    return Changed(_words(done.account), dry_run, changes_of(done.settled), len(done.settled.playbacks))


@post("/accounts/{account_id:int}/erase", tags=["people"], status_code=200)
async def erase(house: NamedDependency[House], account_id: AccountId, data: JSONBody[Farewell]) -> ErasedWords:
    """Erase an account for good: everything recorded of its users, its links, and itself. There is no way back.

    Its users are known by a keyed hash afterwards, and ignored («erased»), also where everybody is linked at first
    sight; only a new link that an administrator makes lifts that, and what was before the erasure never returns.
    Backups and exports that were made before are the owner's to delete.
    """
    async with house.store.read() as db:
        row = await accounts.one(db, account_id)
    if row is None:
        raise NotFoundException(f"There is no account {account_id}.")
    if data.confirm != row["name"]:
        raise ClientException("confirm: the account's name is needed, exactly as it is written.")
    done = await house.eraser.erase(account_id)
    if done is None:
        raise NotFoundException(f"There is no account {account_id}.")
    await house.refresh()
    return ErasedWords(account_id, done.rows)


@get("/accounts/{account_id:int}/export", tags=["people"], opt=ADMIN)
async def export(
    house: NamedDependency[House],
    account_id: AccountId,
    form: Annotated[str, QueryParameter(name="format", description="json or csv")] = "json",
) -> Stream:
    """Return all that is kept of an account: history, playbacks with their intervals, corrections, links and the rest.

    As one JSON object, or as CSV in which ``record`` says what each line is.
    """
    chosen("format", form, "json", "csv")
    async with house.store.read() as db:
        row = await accounts.one(db, account_id)
    if row is None:
        raise NotFoundException(f"There is no account {account_id}.")
    headers = {"content-disposition": f'attachment; filename="playledger-account-{account_id}.{form}"'}
    told = everything_as_csv(house.store, row) if form == "csv" else everything_as_json(house.store, row)
    return Stream(told, media_type="text/csv" if form == "csv" else "application/json", headers=headers)


async def add(house: House, name: str) -> AccountWords:
    """Make an account of that name, and return it. Raises StoreError."""
    async with house.store.begin() as db:
        number = await kept_people.add_account(db, name.strip(), house.clock())
        row = await accounts.one(db, number)
        await house.people.load(db)
    return _words(row or {})


def _words(row: dict[str, object]) -> AccountWords:
    return struct_of(AccountWords, row)
