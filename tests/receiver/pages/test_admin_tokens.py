"""Tokens and hooks: made once and shown once, revoked after a question; who is told, and what was given up."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from reconcile.store import outbox
from tests.receiver.houses import NINE_PM, Clock, Program, notification, program
from tests.receiver.pages.admin_houses import ATTIC, KEY, SERVER, asked, busy
from tests.receiver.pages.visitors import form_of, owner, viewer
from tests.recordings.shapes import VIEWER

PAGE = "/admin/tokens"


async def sent(visitor: httpx.AsyncClient, path: str, **typed: object) -> httpx.Response:
    form = form_of(await visitor.get(PAGE))
    return await visitor.post(path, data={"_csrf_token": form["_csrf_token"], **typed})


def secret_of(page: httpx.Response) -> str:
    found = re.search(r'data-copy="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def test_an_api_token_is_shown_once_works_and_is_revoked(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        made = await sent(visitor, PAGE, name="a script", scope="read")
        token = secret_of(made)
        listed = await visitor.get(PAGE)
        bearer = {"authorization": f"Bearer {token}"}
        works = await here.http.get("/api/v1/history", headers=bearer)
        await sent(visitor, "/admin/tokens/1/revoke")
        over = await here.http.get("/api/v1/history", headers=bearer)

    assert made.status_code == 201
    assert "shown this once" in made.text
    assert token not in listed.text
    assert "reading the history" in listed.text
    assert "is let in no longer" in listed.text
    assert (works.status_code, over.status_code) == (200, 401)


async def test_a_token_without_a_name_is_none(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        nameless = await sent(visitor, PAGE, name=" ")
        odd = await sent(visitor, PAGE, name="x", scope="everything")

    assert (nameless.status_code, odd.status_code) == (400, 400)


async def test_a_webhook_token_lets_one_server_in_until_it_is_revoked(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM)
        made = await sent(visitor, f"/admin/tokens/webhooks/{SERVER}")
        token = secret_of(made)
        body = notification("PlaybackStart", NINE_PM, 0)
        works = await here.send(body, token)
        page = await visitor.get(PAGE)
        path = re.search(r"/admin/tokens/webhooks/\w+/\w+/revoke", page.text)
        assert path is not None
        await sent(visitor, path[0])
        over = await here.send(body, token)
        again = await sent(visitor, path[0])

    assert works.status_code == 202
    assert over.status_code == 401
    assert again.status_code == 404


async def test_an_administrator_makes_tokens_for_their_own_server_only(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face):
        await here.watch(NINE_PM)
        async with viewer(here, SERVER, VIEWER, is_administrator=True) as visitor:
            mine = await sent(visitor, f"/admin/tokens/webhooks/{SERVER}")
            other = await sent(visitor, f"/admin/tokens/webhooks/{ATTIC}")
            page = await visitor.get(PAGE)
        async with viewer(here, ATTIC, VIEWER, is_administrator=True) as stranger:
            foreign = await stranger.get(PAGE)
            path = re.search(r"/admin/tokens/webhooks/\w+/\w+/revoke", page.text)
            assert path is not None
            refused = await sent(stranger, path[0])

    assert (mine.status_code, other.status_code, refused.status_code) == (201, 404, 404)
    assert "API tokens" not in page.text
    assert "Who is told" not in page.text
    assert SERVER not in foreign.text
    assert KEY not in page.text


async def test_somebody_is_told_tried_turned_off_and_removed(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        address = "http://127.0.0.1:9/hook"
        made = await sent(visitor, "/admin/outbound", url=address, events=["watch.completed", "badge.earned"])
        listed = await visitor.get(PAGE)
        tried = await sent(visitor, "/admin/outbound/1/test")
        await sent(visitor, "/admin/outbound/1/switch")
        off = (await here.get("/outbound"))["items"][0]
        refused = await sent(visitor, "/admin/outbound/1/test")
        await sent(visitor, "/admin/outbound/1/switch", on="true")
        on = (await here.get("/outbound"))["items"][0]
        await sent(visitor, "/admin/outbound/1/remove")
        left = (await here.get("/outbound"))["items"]

    assert secret_of(made).startswith("whsec_")
    assert "whsec_" not in listed.text
    assert on["events"] == ["watch.completed", "badge.earned"]
    assert (tried.status_code, refused.status_code) == (303, 400)
    assert (off["active"], on["active"], left) == (False, True, [])


async def test_an_address_or_event_that_does_not_fit_is_told(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        odd = await sent(visitor, "/admin/outbound", url="no address", events="watch.completed")
        none = await sent(visitor, "/admin/outbound", url="http://127.0.0.1:9/hook")
        nobody = await sent(
            visitor, "/admin/outbound", url="http://127.0.0.1:9/hook", events="watch.completed", account="9"
        )

    assert (odd.status_code, none.status_code, nobody.status_code) == (400, 400, 400)
    assert "there is no account 9" in nobody.text


async def test_what_was_given_up_is_tried_again(tmp_path: Path) -> None:
    async with busy(tmp_path) as here, owner(here) as visitor:
        page = await visitor.get(PAGE)
        await sent(visitor, "/admin/outbox/1/retry")
        state = await state_of(here, 1)
        gone = await sent(visitor, "/admin/outbox/99/retry")

    assert "no answer within 10 s" in page.text
    assert state == outbox.WAITING
    assert gone.status_code == 404


async def state_of(here: Program, number: int) -> str:
    async with here.house.store.read() as db:
        row = await outbox.one(db, number)
    assert row is not None
    return str(row["state"])
