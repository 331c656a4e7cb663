"""Tokens of the API: told once, opening what their scopes say and nothing else, until they are revoked."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import httpx
import pytest

from receiver.access import Scope
from receiver.app import create_app
from reconcile.secrets import fingerprint
from reconcile.settings import read_settings
from reconcile.store import tokens
from tests.receiver.houses import Anything, Program, program
from tests.recordings.shapes import SERVER

STREAMS = ("/live",)


def routes() -> list[tuple[str, str, bool]]:
    """Return every route of the API: method, path, and whether it is marked as an administrator's."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(read_settings({"PLAYLEDGER_DATA_DIR": folder}))
    found = []
    for route in app.routes:
        if not route.path.startswith("/api/v1/") or route.path.endswith(STREAMS):
            continue
        for method, (handler, _parts) in getattr(route, "route_handler_map", {}).items():
            if method not in {"OPTIONS", "HEAD"}:
                found.append((str(method), route.path, handler.opt.get("scope") == Scope.ADMIN))
    return sorted(found)


def filled(path: str) -> str:
    """Return *path* with something in each of its places."""
    return re.sub(r"\{\w+:str\}", SERVER, re.sub(r"\{\w+:int\}", "999", path))


async def make(here: Program, name: str, *scopes: str) -> Anything:
    answer = await here.http.post("/api/v1/tokens", json={"name": name, "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def status(here: Program, method: str, path: str, token: str) -> int:
    request = httpx.Request(
        method, f"http://test{filled(path)}", headers={"authorization": f"Bearer {token}"}, json={"nothing": "known"}
    )
    return (await here.http.send(request)).status_code


@pytest.mark.parametrize("scopes", [("read",), ("admin",), ("admin", "read"), (), ("unknown",)], ids=" ".join)
async def test_every_route_obeys_every_scope(tmp_path: Path, scopes: tuple[str, ...]) -> None:
    known = routes()
    assert len(known) > 40
    async with program(tmp_path) as here:
        async with here.house.store.begin() as db:
            await tokens.add_api_token(db, "one", fingerprint("a-token-of-the-tests"), scopes, here.clock())
        for method, path, is_admins in known:
            is_open = "admin" in scopes or ("read" in scopes and method == "GET" and not is_admins)

            found = await status(here, method, path, "a-token-of-the-tests")

            assert (found != 403) is is_open, (method, path, found)
            assert found != 401, (method, path)
            assert found < 500 or path.endswith("users"), (method, path, found)


async def test_a_token_is_told_once_and_works_until_it_is_revoked(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        made = await make(here, "a page", "read")
        headers = {"authorization": f"Bearer {made['token']}"}
        assert (await here.http.get("/api/v1/history", headers=headers)).status_code == 200

        (listed,) = (await here.get("/tokens"))["items"]
        assert (listed["name"], listed["scopes"]) == ("a page", ["read"])
        assert made["token"] not in str(listed)
        assert listed["last_used_at"] is not None
        assert (await here.http.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204

        assert (await here.http.get("/api/v1/history", headers=headers)).status_code == 401
        assert (await here.get("/tokens"))["items"] == []
        assert (await here.http.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404


async def test_a_token_that_administers_makes_others_and_one_that_reads_does_not(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        chief, page = await make(here, "chief", "admin"), await make(here, "a page", "read")

        def asked_by(one: Anything) -> dict[str, str]:
            return {"authorization": f"Bearer {one['token']}"}

        wish = {"name": "another", "scopes": ["admin"]}
        assert (await here.http.post("/api/v1/tokens", json=wish, headers=asked_by(page))).status_code == 403
        assert (await here.http.post("/api/v1/tokens", json=wish, headers=asked_by(chief))).status_code == 201


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"name": "a page", "scopes": ["everything"]}, id="an unknown scope"),
        pytest.param({"name": "a page", "scopes": []}, id="no scope"),
        pytest.param({"name": "  "}, id="no name"),
        pytest.param({"scopes": ["read"]}, id="without a name"),
    ],
)
async def test_a_token_needs_a_name_and_known_scopes(tmp_path: Path, wish: dict[str, object]) -> None:
    async with program(tmp_path) as here:
        assert (await here.http.post("/api/v1/tokens", json=wish)).status_code == 400


async def test_unless_said_a_token_only_reads(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.post("/api/v1/tokens", json={"name": "a page"})

        assert answer.json()["scopes"] == ["read"]
