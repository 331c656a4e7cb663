"""Every route of the pages, walked as everybody: nobody sees or changes what is not theirs, whatever they ask for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from litestar.routes import HTTPRoute

from receiver.visitors import Who
from reconcile.store import servers
from reconcile.store.tables import metadata
from tests.receiver.houses import NINE_PM, Clock, Program, program
from tests.receiver.pages.visitors import browser, form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

OTHER_SERVER = "00000000000000000000000000000bad"
SOMEONE = "1111111111111111111111111111beef"

ANOTHER = "Name-of-another"
ITEM = "Title-seen-by-another"
MINE = "Name-of-mine"

NOT_PAGES = ("/api/", "/webhooks/", "/health/", "/metrics", "/schema", "/static")


class Door(msgspec.Struct, frozen=True):
    """A route with one of its methods, and for whom it says that it is."""

    method: str
    path: str
    who: Who

    @property
    def is_stream(self) -> bool:
        return self.path.endswith("/stream")


def doors(here: Program) -> Iterator[Door]:
    """Yield every route of the pages, with each of its methods."""
    for route in here.app.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith(NOT_PAGES):
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield Door(method, route.path_format, Who(handler.opt.get("who", Who.VISITOR)))


@asynccontextmanager
async def two_people(folder: Path) -> AsyncIterator[tuple[Program, dict[str, str]]]:
    """Start the program, in which two people watched something; return what is the other one's, by kind."""
    async with program(folder, clock=Clock(NINE_PM + timedelta(hours=2))) as here:
        await here.watch(NINE_PM - timedelta(hours=3), NotificationUsername=MINE)
        named: dict[str, Any] = {
            "UserId": GUEST,
            "NotificationUsername": ANOTHER,
            "Name": ITEM,
            "DeviceId": "another",
            "Id": "f" * 32,
        }
        await here.watch(NINE_PM, **named)
        await here.house.sign_ins.by_user((SERVER, GUEST), ANOTHER, "a test", is_administrator=False)
        accounts = {each["name"]: each["id"] for each in (await here.get("/accounts"))["items"]}
        theirs = accounts[ANOTHER]
        watch = (await here.get("/history", account=theirs))["items"][0]
        body = {"what": "not_me", "watch": watch["id"], "reason": "a slip"}
        yield here, {"account": theirs, "watch": watch["id"], "playback": watch["playbacks"][0], **body}


def filled(door: Door, theirs: dict[str, Any]) -> str:
    """Return the path of *door* with what is the other one's."""
    kinds = {"account": "account", "watch": "watch", "playback": "playback"}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if "server" in name:
            return SERVER
        if "user" in name:
            return GUEST
        return str(next((theirs[kind] for part, kind in kinds.items() if part in name), 1))

    return re.sub(r"\{([a-z_]+)(?::[a-z]+)?\}", value, door.path)


async def everything(here: Program) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, of the signed-in browsers those that are the other one's."""
    async with here.house.store.read() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(_rows(table))), key=repr)
            for table in metadata.sorted_tables
        }


def _rows(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).where(table.c.user_id == GUEST) if table.name == "sign_in" else sa.select(table)


async def asked(visitor: httpx.AsyncClient, door: Door, path: str, token: str) -> tuple[int, str]:
    """Return what a browser gets that asks for *path*, as a form of ours would where it is one."""
    form = {"_csrf_token": token, "confirm": ANOTHER, "what": "not_me", "account_id": "1", "days": "1"}
    async with visitor.stream(door.method, path, data=form if door.method == "POST" else None) as answer:
        if answer.status_code == 200 and door.is_stream:
            return 200, ""
        return answer.status_code, (await answer.aread()).decode(errors="replace")


async def token_of(visitor: httpx.AsyncClient) -> str:
    """Return the token that every form of this browser bears."""
    page = await visitor.get("/")
    return form_of(await visitor.get(page.headers["location"]))["_csrf_token"]


async def test_whoever_has_not_signed_in_sees_the_door_only(tmp_path: Path) -> None:
    async with two_people(tmp_path) as (here, theirs), browser(here) as nobody:
        before, token = await everything(here), await token_of(nobody)
        for door in doors(here):
            if door.who is Who.ANYONE:
                continue
            status, text = await asked(nobody, door, filled(door, theirs), token)
            assert status == (303 if door.method == "GET" else 401), door
            assert ANOTHER not in text, door
        assert await everything(here) == before


@pytest.mark.parametrize("is_other_administrator", [False, True], ids=["a viewer", "another server's administrator"])
async def test_nobody_sees_or_changes_what_is_not_theirs(tmp_path: Path, is_other_administrator: bool) -> None:
    async with two_people(tmp_path) as (here, theirs):
        async with here.house.store.begin() as db:
            await servers.see(db, OTHER_SERVER, datetime.now(UTC), name="Another server")
        who = (OTHER_SERVER, SOMEONE) if is_other_administrator else (SERVER, VIEWER)
        async with viewer(here, *who, is_administrator=is_other_administrator) as visitor:
            before, token = await everything(here), await token_of(visitor)
            told = [
                (door, *await asked(visitor, door, filled(door, theirs), token))
                for door in doors(here)
                if not door.is_stream and door.path != "/sign-out"
            ]
        after = await everything(here)

    for door, status, text in told:
        assert ANOTHER not in text, door
        assert ITEM not in text, door
        assert status < 500, door
        if door.who > (Who.ADMINISTRATOR if is_other_administrator else Who.VISITOR):
            assert status == 403, door
        elif "{" in door.path and door.method == "GET":
            assert status == 404, door
    assert after == before


async def test_the_owner_gets_every_page(tmp_path: Path) -> None:
    async with two_people(tmp_path) as (here, theirs), owner(here) as visitor:
        for door in doors(here):
            if door.method != "GET" or door.is_stream or door.path.startswith(("/welcome", "/posters")):
                continue
            answer = await visitor.get(filled(door, theirs))
            assert answer.status_code in {200, 303, 404}, (door, answer.text)
            if "{" not in door.path:
                assert answer.status_code != 404, door
            assert len(answer.content) < 50_000, door


ODD = (
    "/settings/changes/99999999999999999999",
    "/settings/changes/99999999999999999999/stream",
    "/history?person=0000000000000000000099999999999999999999",
    f"/history?person={'0' * 19}1{'9' * 5000}",
    "/playbacks?person=99999999999999999999",
    "/history/1/correct?look=%00",
    "/admin/deliveries?server=%00",
    "/admin/deliveries?user=a:%00",
    "/admin/deliveries?outcome=%00",
    f"/admin/people/{SERVER}/%00",
)
"""What a database does not take: numbers beyond its own, and characters that no text has."""


async def test_what_no_database_takes_is_no_error_of_ours(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM)
        async with owner(here) as visitor, viewer(here, SERVER, VIEWER) as viewing:
            told = {path: (await visitor.get(path)).status_code for path in ODD}
            form = {"_csrf_token": await token_of(viewing), "look": "\x00", "step": ""}
            told["look"] = (await viewing.post("/history/1/correct", data=form)).status_code
            path = "/you/series/99999999999999999999/abandon"
            told[path] = (await viewing.post(path, data=form)).status_code

    assert {path: status for path, status in told.items() if status not in {200, 400, 404}} == {}
