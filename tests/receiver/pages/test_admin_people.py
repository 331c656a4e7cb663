"""People: linked, unlinked, recorded or not, and hints that two users may be one person."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.pages.admin.hints import hints
from receiver.rehearsal.library import USERS
from reconcile.store import servers
from reconcile.store.people import Account, Link
from tests.receiver.houses import NINE_PM, Clock, Program, program
from tests.receiver.pages.admin_houses import ATTIC, SERVER, VIEWER, asked, linked
from tests.receiver.pages.visitors import form_of, owner, viewer

FIRST = USERS[0]
PERSON = f"/admin/people/{ATTIC}/{FIRST.id}"


async def press(visitor: httpx.AsyncClient, action: str, **typed: str) -> httpx.Response:
    form = form_of(await visitor.get(PERSON))
    return await visitor.post(f"{PERSON}/{action}", data={"_csrf_token": form["_csrf_token"], **typed})


async def the_link(here: Program, user: str = FIRST.id) -> dict[str, object] | None:
    rows = (await here.get("/links"))["items"]
    return next((row for row in rows if row["user_id"] == user), None)


async def test_a_user_is_linked_to_a_new_account_and_not_recorded_by_that(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        done = await press(visitor, "link", name="the first viewer")
        shown = await visitor.get(done.headers["location"])
        link = await the_link(here)

    assert link is not None
    assert (link["account_name"], link["recorded"]) == ("the first viewer", False)
    assert "is linked to the first viewer now" in shown.text


async def test_a_user_is_linked_to_an_account_there_is_and_stays_recorded(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await linked(here, 0, "one")
        other = (await here.http.post("/api/v1/accounts", json={"name": "two"})).json()["id"]
        await press(visitor, "link", account=str(other))
        link = await the_link(here)

    assert link is not None
    assert (link["account_name"], link["recorded"]) == ("two", True)


async def test_an_administrator_turns_recording_off(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await linked(here, 0, "one")
        page = await visitor.get(PERSON)
        await press(visitor, "record")
        link = await the_link(here)

    assert "their own choice" in page.text
    assert link is not None
    assert link["recorded"] is False


async def test_recording_is_turned_on_only_for_somebody_who_asked(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await press(visitor, "link")
        refused = await press(visitor, "record", on="true")
        before = await the_link(here)
        await press(visitor, "record", on="true", asked="true")
        after = await the_link(here)

    assert refused.status_code == 400
    assert "own choice" in refused.text
    assert before is not None
    assert after is not None
    assert (before["recorded"], after["recorded"]) == (False, True)


async def test_unlinking_asks_first_and_keeps_the_account(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await linked(here, 0, "one")
        page = await visitor.get(PERSON)
        await press(visitor, "unlink")

        assert await the_link(here) is None
        assert [each["name"] for each in (await here.get("/accounts"))["items"]] == ["one"]

    assert "<summary" in page.text
    assert "will belong to no account" in page.text


async def test_a_server_that_does_not_answer_leaves_those_who_are_linked(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, face), owner(here) as visitor:
        await linked(here, 0, "one")
        face.trouble.status = 503
        page = await visitor.get("/admin/people", params={"server": ATTIC})

    assert "Only those who are linked are shown" in page.text
    assert FIRST.name in page.text
    assert USERS[1].name not in page.text


async def test_one_person_on_two_servers_is_hinted_at(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await here.watch(NINE_PM, NotificationUsername=FIRST.name.upper())
        page = await visitor.get("/admin/people", params={"server": ATTIC})
        there = next(each for each in (await here.get("/links"))["items"] if each["user_id"] == VIEWER)
        await press(visitor, "link", account=str(there["account_id"]))
        later = await visitor.get("/admin/people", params={"server": ATTIC})
        link = await the_link(here)

    assert "One person on two servers?" in page.text
    assert link is not None
    assert link["account_id"] == there["account_id"]
    assert "One person on two servers?" not in later.text


async def test_an_administrator_links_to_no_account_that_they_may_not_see(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face):
        await here.watch(NINE_PM, NotificationUsername="somebody elsewhere")
        await linked(here, 0, "one")
        there = next(each for each in (await here.get("/links"))["items"] if each["server_id"] == SERVER)
        async with viewer(here, ATTIC, USERS[1].id, is_administrator=True) as administrator:
            refused = await press(administrator, "link", account=str(there["account_id"]))
            page = await administrator.get("/admin/people")
        link = await the_link(here)

    assert refused.status_code == 404
    assert link is not None
    assert link["account_name"] == "one"
    assert "somebody elsewhere" not in page.text


async def test_nobody_at_all_is_a_page_too(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        bare = await visitor.get("/admin/people")
        async with here.house.store.begin() as db:
            await servers.see(db, SERVER, NINE_PM, name="media")
        empty = await visitor.get("/admin/people")

    assert "No server yet" in bare.text
    assert "Nobody is known here yet" in empty.text


NAMES = st.sampled_from(["one", "ONE", "two", "three"])


@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=4))
def test_a_hint_never_names_an_account_that_has_a_user_on_this_server(users: list[str], names: list[str]) -> None:
    accounts = [Account(number, name) for number, name in enumerate(names, start=1)]
    links = [Link(SERVER, f"u{each.id}", each.id, each.name, "hand") for each in accounts if each.id % 2]

    found = hints(SERVER, [(f"x{number}", name, None) for number, name in enumerate(users)], accounts, links)

    assert all(each.account_id % 2 == 0 for each in found)
    assert all(each.name.casefold() == each.account_name.casefold() for each in found)


@pytest.mark.parametrize("account_id", [None, 1], ids=["linked to nobody", "linked to it already"])
def test_whoever_is_linked_to_it_already_is_no_hint(account_id: int | None) -> None:
    links = [Link(SERVER, "there", 1, "one", "hand")]

    found = hints(ATTIC, [("here", "One", account_id)], [Account(1, "one")], links)

    assert bool(found) is (account_id is None)
