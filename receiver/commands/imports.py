"""``playledger import``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import IO, Any

import msgspec

from receiver.commands import world
from receiver.commands.world import Ledger
from receiver.importer import LARGEST, checked, known_of, pages_of, zones_of
from receiver.pages.admin.imports_view import few_walls, rowless, standing
from receiver.pages.saying import counted
from receiver.pages.set_up.words import wrong
from reconcile import importing
from reconcile.accounts import checked_zone
from reconcile.errors import JellyfinError, JellyfinUnreachable, PlayledgerError, SettingRefused, StoreError
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

_MEANWHILE = "Or let it do that itself: in Administration › Imports, or with"
OR_ELSE = f"{_MEANWHILE} POST /api/v1/imports."
_LATER = "could not be asked how long everything lasts: what is not known yet may count once serve has asked."
_UNASKED = (
    "cannot be asked: its address and API key are not known here. Set JELLYFIN_URL and JELLYFIN_API_KEY, or give a "
    "backup as FILE."
)
_MOST = 500


class Wish(msgspec.Struct, frozen=True):
    """What is to be imported: *file*, or what *source* says at the server."""

    source: str
    file: IO[bytes] | None
    server: str | None
    zone: str | None
    dry_run: bool


class _Taken(msgspec.Struct, frozen=True):
    """An import as it was read, of which *server*, what applying or trying it did, and whether items were looked up."""

    row: Row
    result: Row
    server: str
    is_looked_up: bool


def take(wish: Wish, progress: Progress) -> Iterator[str]:
    """Read and apply, or only try, and yield what came of it. Raises SettingRefused, JellyfinError or StoreError."""
    taken = asyncio.run(_take(wish, progress))
    row, result = taken.row, taken.result
    yield from _told(row)
    yield from _done(result, is_dry=wish.dry_run)
    left_out = "".join(f", {count} left out ({reason})" for reason, count in result["left_out"].items())
    new = f"{result['recorded']} {'would be new' if wish.dry_run else 'new'}"
    yield f"{counted(row['told']['rows'], 'row')}: {new}, {result['known']} known before{left_out}."
    if said := rowless(result):
        yield said
    if not wish.dry_run:
        yield f"Import {row['id']}: playledger import undo {row['id']} takes it out again."
    if not taken.is_looked_up and result["recorded"]:
        yield f"{taken.server} {_LATER}"


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
        said = f"{counted(row['told'].get('rows', 0), 'row')}; {standing(row).text}, {where}"
        server = names.get(row["server_id"], row["server_id"])
        yield f"{row['id']:6} {row['requested_at']:%Y-%m-%d %H:%M} {row['source']:20} {server}, {said}"


def undo(number: int, progress: Progress) -> Iterator[str]:
    """Take an import out of the history, and yield what that changed. Raises SettingRefused or StoreError."""

    async def work() -> Row:
        or_else = f"{_MEANWHILE} POST /api/v1/imports/{number}/undo."
        async with world.ledger(await world.settings_of(), alone=True, or_else=or_else) as ledger:
            return await _do(ledger, number, imports.UNDO, None, progress)

    result = asyncio.run(work())
    yield from _done(result, is_dry=False)
    yield f"{counted(result['withdrawn'], 'row')} of import {number} taken out."
    if stay := result["stay"]:
        yield f"Another import tells of {'all' if stay == result['withdrawn'] else stay} of them too, so they stay."


# --- doing it ---------------------------------------------------------------------------------------------------------


async def _take(wish: Wish, progress: Progress) -> _Taken:
    """Read an import, and apply or try it. Unless it is applied, nothing of it is kept."""
    if wish.zone is not None:
        checked_zone(wish.zone, "zone")
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
                result = await _do(ledger, number, task, wish.zone, progress)
                return _Taken(row, result, _name(ledger, server_id), is_looked_up)
            finally:
                if not is_begun:
                    async with ledger.store.begin() as db:
                        await imports.drop(db, number)


async def _read(
    ledger: Ledger, server_id: str, source: Source, body: bytes | None, client: JellyfinClient | None
) -> int:
    people, known = ledger.people, Known(zones=zones_of(ledger.people))
    if client is not None:
        known = await known_of(client, people, world.now(), is_logged=False)
    if body is not None:
        pages = pages_of(source, body)
    elif client is not None:
        pages = _asked(client)
    else:
        raise SettingRefused(f"{_name(ledger, server_id)} {_UNASKED}")
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
        found, trouble, where = None, None, None
        for reach in reaches:
            if reach.client is None or reach.server_id not in (None, server_id):
                continue
            try:
                if (await reach.client.public_info()).id == server_id:
                    found = reach.client
                    break
            except JellyfinError as error:
                trouble, where = error, reach.client.url
        if found is None and trouble is not None and is_needed:
            raise trouble if where is None else _plainly(trouble, where)
        yield found


def _plainly(error: JellyfinError, url: str) -> JellyfinError:
    """Return why a server at *url* cannot be asked, with what to do about it."""
    if not isinstance(error, JellyfinUnreachable):
        return error
    found = wrong(error, url)
    return JellyfinUnreachable(" ".join(filter(None, (found.what, found.do, "Or give a backup as FILE."))))


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


def _name(ledger: Ledger, server_id: str) -> str:
    return next((each.name for each in ledger.servers if each.id == server_id and each.name), f"Server {server_id}")


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
    whose = few_walls(row["told"]).removesuffix(".") or "The rows are in the wall time of their server"
    said = f"{whose}, and no time zone is proven by what is known"
    if fit is not None:
        said += f" ({fit['zone']} fits {fit['matched']} of {fit['possible']} starts)"
    raise SettingRefused(f"{said}: say it with --zone, such as --zone Europe/Berlin.")


# --- saying it --------------------------------------------------------------------------------------------------------


def _told(row: Row) -> Iterator[str]:
    """Yield what was read."""
    told: Mapping[str, Any] = row["told"]
    yield from (f"Refused: {said}" for said in told["refused"])
    if told["refusals"] > len(told["refused"]):
        yield f"… and {told['refusals'] - len(told['refused'])} more that were refused."
    for reason, count in told["ignored"].items():
        yield f"{counted(count, 'row')} left out: {reason}."
    if few := few_walls(told):
        yield few
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
        yield f"{counted(badges, 'badge')} {'would come or go' if is_dry else 'came or went'}."
    yield f"{counted(result['differences_in_all'], 'row')} of the history {'would change' if is_dry else 'changed'}."
