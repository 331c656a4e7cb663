"""Signing in by Quick Connect: the code is for the person, the secret stays here."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from receiver import codes
from receiver.pages.entrance.code import TICKET, _watching
from tests.receiver.pages.set_up_houses import ATTIC, STUDY, VIEWER, connect, town
from tests.receiver.pages.visitors import browser, form_of

BEGIN, CODE = "/sign-in/code/begin", "/sign-in/code"


async def begun(visitor: httpx.AsyncClient, then: str = "") -> httpx.Response:
    """Ask for a code, and return the page that shows it."""
    door = await visitor.get("/sign-in", params={"then": then})
    answer = await visitor.post(BEGIN, data=form_of(door, "/sign-in/password"))
    assert answer.headers.get("location") == CODE, answer.text
    return await visitor.get(CODE)


def code_on(page: httpx.Response) -> str:
    """Return the code that a page shows."""
    return str(re.findall(r"</span>(\d{6})</p>", page.text)[0])


async def test_whoever_approves_the_code_is_let_in(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        page = await begun(visitor, "/history")
        early = await visitor.post(CODE, data=form_of(page, CODE))
        it.attic.porter.approve(code_on(page), VIEWER)
        answer = await visitor.post(CODE, data=form_of(page, CODE))
        found = await it.here.house.sign_ins.visitor(visitor.cookies["playledger"])
        again = await visitor.post(CODE, data=form_of(page, CODE))

    assert early.status_code == 409
    assert "has not been approved yet" in early.text
    assert (answer.status_code, answer.headers["location"]) == (303, "/history")
    assert found is not None
    assert found.name == VIEWER.name
    assert again.headers["location"] == "/sign-in"


async def test_the_secret_is_nowhere_but_here(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        door = await visitor.get("/sign-in")
        answer = await visitor.post(BEGIN, data=form_of(door, "/sign-in/password"))
        page = await visitor.get(CODE)
        (pending,) = it.here.house.sign_ins.codes._waiting.values()

    assert "HttpOnly" in answer.headers["set-cookie"]
    assert pending.secret not in page.text + str(answer.headers) + repr(pending)


async def test_a_code_is_the_browsers_that_asked_for_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor, browser(it.here) as other:
        await connect(it)
        it.attic.porter.approve(code_on(await begun(visitor)), VIEWER)
        answer = await other.post(CODE, data=form_of(await other.get("/sign-in"), "/sign-in/password"))

    assert answer.headers["location"] == "/sign-in"
    assert "playledger" not in other.cookies


async def test_a_code_lapses_here_and_at_jellyfin(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        form = form_of(await begun(visitor), CODE)
        it.attic.porter.lapse()
        there = await visitor.post(CODE, data=form)
        await begun(visitor)
        it.here.clock.at += timedelta(minutes=11)
        here = await visitor.get(CODE)

    assert there.headers["location"] == here.headers["location"] == "/sign-in"


async def test_no_code_is_offered_where_there_is_none(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        it.attic.porter.has_quick_connect = False
        await connect(it)
        door = await visitor.get("/sign-in")
        answer = await visitor.post(BEGIN, data=form_of(door, "/sign-in/password"))

    assert "Quick Connect" not in door.text
    assert answer.status_code == 403
    assert "turned off" in answer.text


async def test_an_address_gets_so_many_codes_and_all_together_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "MOST", 3)
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it, ATTIC, STUDY)
        form = form_of(await visitor.get("/sign-in"), "/sign-in/password") | {"server": ""}
        form["server"] = it.here.house.wires.each[0].poller.status.server_id or ""
        told = [(await visitor.post(BEGIN, data=form)).status_code for _ in range(11)]

    assert told == [303] * 3 + [503] * 7 + [429]


async def test_the_stream_says_when_the_code_is_approved(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        it.attic.porter.approve(code_on(await begun(visitor)), VIEWER)
        approved = await visitor.get(f"{CODE}/stream")
        visitor.cookies.clear()
        unknown = await visitor.get(f"{CODE}/stream")

    assert "event: submit" in approved.text
    assert "event: reload" in unknown.text


async def test_a_browser_listens_once_for_its_code_however_often_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.pages.entrance.code.ASK_EVERY_SECONDS", 0.0)
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await begun(visitor)
        ticket, house = visitor.cookies[TICKET], it.here.house
        before = _watching(house, ticket, None)
        await anext(before)
        later = _watching(house, ticket, None)
        await anext(later)
        told = await anext(before, None)
        await later.aclose()

    assert told is None
