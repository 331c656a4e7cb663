"""``playledger import``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import IO, Any

import msgspec

from receiver.commands import world
from receiver.commands.world import Ledger
from receiver.importer import LARGEST, NO_WIRE, checked, known_of, pages_of, zones_of
from reconcile import importing
from reconcile.accounts import checked_zone
from reconcile.errors import JellyfinError, PlayledgerError, SettingRefused, StoreError
from reconcile.importing import Work
from reconcile.jellyfin import playback_reporting
from reconcile.jellyfin.client import JellyfinClient
from reconcile.playback.imports import Told
from reconcile.resolving import BUSY, IDLE, Resolver
from reconcile.settings import Settings
from reconcile.staging import Known, Source, read
from reconcile.store import imports
from reconcile.tracker import Tracker

Row = dict[str, Any]
Progress = Callable[[int, int], None]

OR_ELSE = "Or let it do that itself: POST /api/v1/imports."
_LATER = "The server could not be asked how long everything lasts: what is not known yet counts once serve has asked."
_MOST = 500


class Wish(msgspec.Struct, frozen=True):
    """What is to be imported: *file*, or what *source* says at the server."""

    source: str
    file: IO[bytes] | None
    server: str | None
    zone: str | None
    dry_run: bool


def take(wish: Wish, progress: Progress) -> Iterator[str]:
    """Read and apply, or only try, and yield what came of it. Raises SettingRefused, JellyfinError or StoreError."""
    row, result, is_looked_up = asyncio.run(_take(wish, progress))
    yield from _told(row)
    yield from _done(result, is_dry=wish.dry_run)
    left_out = "".join(f", {count} left out ({reason})" for reason, count in result["left_out"].items())
    new = f"{result['recorded']} {'would be new' if wish.dry_run else 'new'}"
    yield f"{row['told']['rows']} rows: {new}, {result['known']} known before{left_out}."
    if not wish.dry_run:
        yield f"Import {row['id']}: playledger import undo {row['id']} takes it out again."
    if not is_looked_up:
        yield _LATER


def listed() -> Iterator[str]:
    """Yield the imports, newest first."""

    async def work() -> tuple[list[Row], set[int], dict[str, str]]:
        async with world.ledger(await world.settings_of()) as ledger, ledger.store.read() as db:
            rows = await imports.imports(db, None, _MOST)
            applied = {row["id"] for row in rows if await imports.is_applied(db, row["id"])}
            return rows, applied, {each.id: each.name or each.id for each in ledger.servers}

    rows, applied, names = asyncio.run(work())
    if not rows:
        yield "Nothing was imported yet: playledger import --help says how."
    for row in rows:
        where = "in the history" if row["id"] in applied else "not in the history"
        said = f"{row['told'].get('rows', 0)} rows; {row['task']} {row['state']}, {where}"
        server = names.get(row["server_id"], row["server_id"])
        yield f"{row['id']:6} {row['requested_at']:%Y-%m-%d %H:%M} {row['source']:20} {server}, {said}"


def undo(number: int, progress: Progress) -> Iterator[str]:
    """Take an import out of the history, and yield what that changed. Raises SettingRefused or StoreError."""

    async def work() -> Row:
        async with world.ledger(await world.settings_of(), alone=True, or_else=OR_ELSE) as ledger:
            return await _do(ledger, number, imports.UNDO, None, progress)

    result = asyncio.run(work())
    yield from _done(result, is_dry=False)
    yield f"{result['withdrawn']} rows of import {number} taken out."


# --- doing it ---------------------------------------------------------------------------------------------------------


async def _take(wish: Wish, progress: Progress) -> tuple[Row, Row, bool]:
    """Return the import as it was read, what applying or trying it did, and whether its items were looked up first.

    Unless it is applied, nothing of it is kept.
    """
    if wish.zone is not None:
        checked_zone(wish.zone)
    body = None if wish.file is None else checked(wish.file.read(LARGEST + 1))
    settings = await world.settings_of()
    async with world.ledger(settings, alone=True, or_else=OR_ELSE) as ledger:
        server_id = _server(ledger, wish.server)
        async with _client(settings, server_id, is_needed=body is None) as client:
            number, is_begun = await _read(ledger, server_id, Source(wish.source), body, client), False
            try:
                row = await _row(ledger, number)
                _check_zone(row, wish.zone)
                is_looked_up = client is not None and await _look_up(ledger, client)
                is_begun = not wish.dry_run
                task = imports.TRY if wish.dry_run else imports.APPLY
                return row, await _do(ledger, number, task, wish.zone, progress), is_looked_up
            finally:
                if not is_begun:
                    async with ledger.store.begin() as db:
                        await imports.drop(db, number)


async def _read(
    ledger: Ledger, server_id: str, source: Source, body: bytes | None, client: JellyfinClient | None
) -> int:
    people, known = ledger.people, Known(zones=zones_of(ledger.people))
    if client is not None:
        known = await known_of(client, people, world.now())
    if body is not None:
        pages = pages_of(source, body)
    elif client is not None:
        pages = _asked(client)
    else:
        raise SettingRefused(NO_WIRE)
    async with aclosing(pages):
        return await read(ledger.store, people.fresh(), server_id, source, pages, world.now, known)


async def _look_up(ledger: Ledger, client: JellyfinClient) -> bool:
    """Ask how long everything lasts and what it is, as serve does in the background; return whether that went well."""
    resolver = Resolver(client, Tracker(ledger.store, ledger.people, world.now), world.now)
    while (wait := await resolver.resolve()) == BUSY:
        pass
    return wait == IDLE


async def _asked(client: JellyfinClient) -> AsyncGenerator[Sequence[Told], None]:
    async for page in playback_reporting.plays(client):
        yield page


@asynccontextmanager
async def _client(settings: Settings, server_id: str, *, is_needed: bool) -> AsyncIterator[JellyfinClient | None]:
    """Give what asks a server, None where none does; if it *is needed*, raises JellyfinError why it does not answer."""
    async with world.reached(settings) as reaches:
        found, trouble = None, None
        for reach in reaches:
            if reach.client is None or reach.server_id not in (None, server_id):
                continue
            try:
                if (await reach.client.public_info()).id == server_id:
                    found = reach.client
                    break
            except JellyfinError as error:
                trouble = error
        if found is None and trouble is not None and is_needed:
            raise trouble
        yield found


async def _do(ledger: Ledger, number: int, task: str, zone: str | None, progress: Progress) -> Row:
    """Do a task of an import as the server would; what is interrupted, its next start goes on with."""
    store = ledger.store
    if not await importing.ask(store, number, task, zone):
        raise SettingRefused(f"There is no import {number}: playledger import list shows them.")

    async def told(done: int, total: int) -> None:
        await note(done=done, total=total)
        progress(done, total)

    async def note(**values: object) -> None:
        async with store.begin() as db:
            await imports.note(db, number, **values)

    await note(state=imports.RUNNING)
    work = Work(store, ledger.people.fresh(), world.now, ledger.ahead, lambda _settled: None, told)
    try:
        result = await importing.do(work, await _row(ledger, number))
    except StoreError:
        raise
    except PlayledgerError as error:
        await note(state=imports.FAILED, result={"error": str(error)})
        raise
    await note(state=imports.DONE, result=result)
    return result


async def _row(ledger: Ledger, number: int) -> Row:
    async with ledger.store.read() as db:
        row = await imports.one(db, number)
    if row is None:
        raise SettingRefused(f"There is no import {number}: playledger import list shows them.")
    return row


def _server(ledger: Ledger, wanted: str | None) -> str:
    """Return the id of the server that is meant. Raises SettingRefused."""
    if wanted is None and ledger.sole_server is not None:
        return ledger.sole_server
    for each in ledger.servers:
        if wanted in (each.id, each.name):
            return each.id
    names = ", ".join(each.name or each.id for each in ledger.servers) or "none yet"
    said = "Say with --server of which server it is." if wanted is None else f"There is no server {wanted}."
    raise SettingRefused(f"{said} Known are: {names}.")


def _check_zone(row: Row, zone: str | None) -> None:
    if zone is not None or row["zone"] is not None or not row["told"]["wall_times"]:
        return
    fit = row["told"]["fit"]
    said = "The rows are in the wall time of their server, and no time zone is proven by what is known"
    if fit is not None:
        said += f" ({fit['zone']} fits {fit['matched']} of {fit['possible']} starts)"
    raise SettingRefused(f"{said}: say it with --zone, such as --zone Europe/Berlin.")


# --- saying it --------------------------------------------------------------------------------------------------------


def _told(row: Row) -> Iterator[str]:
    """Yield what was read."""
    told: Mapping[str, Any] = row["told"]
    yield from told["refused"]
    if told["refusals"] > len(told["refused"]):
        yield f"… and {told['refusals'] - len(told['refused'])} more that were refused."
    for reason, count in told["ignored"].items():
        yield f"{count} rows left out: {reason}."
    fit = told["fit"]
    if fit is not None and fit["zone"] == row["zone"] and fit["is_proven"]:
        yield f"Time zone: {fit['zone']}, which fits {fit['matched']} of {fit['possible']} starts that are known."


def _done(result: Mapping[str, Any], *, is_dry: bool) -> Iterator[str]:
    """Yield what changed."""
    yield from result["differences"]
    more = result["differences_in_all"] - len(result["differences"])
    if more > 0:
        yield f"… and {more} more."
    badges = result["badges_earned"] + result["badges_revoked"]
    if badges:
        yield f"{badges} badges {'would come or go' if is_dry else 'came or went'}."
    yield f"{result['differences_in_all']} rows of the history {'would change' if is_dry else 'changed'}."
