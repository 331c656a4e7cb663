"""Who may come in: each route of the administration, asked for as everybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from receiver.pages.admin.routes import ROUTES
from receiver.visitors import Who
from reconcile.store import servers
from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.admin_houses import SERVER, VIEWER
from tests.receiver.pages.visitors import browser, form_of, owner, viewer
from tests.recordings.shapes import GUEST

OTHER = "00000000000000000000000000000bad"

WALKED = [
    pytest.param(method, path, Who(route.opt["who"]), id=f"{method} {path}")
    for route in ROUTES
    for path in sorted(route.paths)
    for method in sorted(route.http_methods - {"OPTIONS", "HEAD"})
]


def filled(path: str) -> str:
    values = {"server_id": SERVER, "user_id": VIEWER, "handle": "0" * 16, "number": "1"}
    return re.sub(r"\{(\w+):\w+\}", lambda found: values[found[1]], path)


async def test_every_route_says_for_whom_it_is() -> None:
    assert len(WALKED) == len(ROUTES)
    assert all(route.opt["who"] in {Who.ADMINISTRATOR, Who.OWNER} for route in ROUTES)


@pytest.mark.parametrize("is_administrator", [None, False, True], ids=["nobody", "a viewer", "another administrator"])
async def test_each_route_turns_away_whom_it_is_not_for(tmp_path: Path, is_administrator: bool | None) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here:
        await here.watch(NINE_PM, NotificationUsername="Name-of-theirs")
        async with here.house.store.begin() as db:
            await servers.see(db, OTHER, NINE_PM, name="elsewhere")
        who = (
            browser(here)
            if is_administrator is None
            else viewer(here, OTHER if is_administrator else SERVER, GUEST, is_administrator=is_administrator)
        )
        async with owner(here), who as visitor:
            door = await visitor.get("/sign-in" if is_administrator is None else "/now")
            token = form_of(door)["_csrf_token"]
            for param in WALKED:
                method, path, asks = param.values
                answer = await visitor.request(
                    str(method), filled(str(path)), data={"_csrf_token": token} if method == "POST" else None
                )
                assert answer.status_code == expected(str(method), str(path), asks, is_administrator), (method, path)
                assert "Name-of-theirs" not in answer.text, path


def expected(method: str, path: str, asks: object, is_administrator: bool | None) -> int:
    """Return what whoever is not theirs gets: the door, «not for you», «nothing here», or their own empty page."""
    if is_administrator is None:
        return 303 if method == "GET" else 401
    if not is_administrator or asks is Who.OWNER:
        return 403
    if "{" in path:
        return 404
    return 200 if method == "GET" else 303


async def test_whoever_administers_the_only_server_administers_all(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here:
        await here.watch(NINE_PM)
        async with viewer(here, SERVER, VIEWER, is_administrator=True) as visitor, owner(here) as holder:
            pages = [await each.get("/admin/health") for each in (visitor, holder)]

    assert [page.status_code for page in pages] == [200, 200]
    assert "Rejected" in pages[0].text
