"""Rights looked at again: one person's trouble is not another's, and no answer in trouble gives anybody a right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.store import sign_ins
from tests.receiver.pages.set_up_houses import (
    ADMIN,
    ATTIC,
    OTHER,
    SERVER_ID,
    STUDY,
    STUDY_ID,
    VIEWER,
    Town,
    connect,
    town,
)

FIRST, SECOND = sorted((VIEWER, OTHER), key=lambda user: user.id)
"""In the order in which they are asked for."""


async def sign_in(it: Town, server_id: str, *names: str) -> None:
    known = {user.name: user for user in (ADMIN, VIEWER, OTHER)}
    for name in names:
        user = (server_id, known[name].id)
        await it.here.house.sign_ins.by_user(user, name, "a test", is_administrator=name == ADMIN.name)


async def look_again(it: Town) -> set[tuple[str, str | None]]:
    """Let a quarter of an hour pass, look, and return who is signed in where after it."""
    it.here.clock.at += timedelta(minutes=16)
    await it.here.house.rights.look()
    async with it.here.house.store.read() as db:
        return {(each.server_id or "", each.user_name) for each in await sign_ins.all_of(db, it.here.clock())}


async def administrators(it: Town) -> set[str | None]:
    async with it.here.house.store.read() as db:
        return {each.user_name for each in await sign_ins.all_of(db, it.here.clock()) if each.is_administrator}


@pytest.mark.parametrize("status", [400, 500, 503], ids=["not understood", "a fault of its own", "not just now"])
async def test_an_error_about_one_person_leaves_the_others_to_be_looked_at(tmp_path: Path, status: int) -> None:
    async with town(tmp_path) as it:
        await connect(it)
        await sign_in(it, SERVER_ID, FIRST.name, SECOND.name)
        it.attic.trouble.of_path[f"/Users/{FIRST.id}"] = status
        it.attic.porter.disabled.add(SECOND.name)

        assert await look_again(it) == {(SERVER_ID, FIRST.name)}


async def test_one_who_is_gone_leaves_the_others_to_be_looked_at(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await connect(it)
        await sign_in(it, SERVER_ID, FIRST.name, SECOND.name)
        it.attic.trouble.of_path[f"/Users/{FIRST.id}"] = 404
        it.attic.porter.disabled.add(SECOND.name)

        assert await look_again(it) == set()


@pytest.mark.parametrize("status", [401, 503], ids=["the key was revoked", "not well"])
async def test_a_server_in_trouble_is_asked_once_and_the_next_one_is_looked_at(tmp_path: Path, status: int) -> None:
    async with town(tmp_path) as it:
        await connect(it, ATTIC, STUDY)
        await sign_in(it, SERVER_ID, FIRST.name, SECOND.name)
        await sign_in(it, STUDY_ID, FIRST.name, SECOND.name)
        it.attic.trouble.status = status
        it.study.porter.disabled.add(SECOND.name)

        standing = await look_again(it)
        asked = [it.attic.requests.get(f"/Users/{user.id}", 0) for user in (FIRST, SECOND)]

    assert standing == {(SERVER_ID, FIRST.name), (SERVER_ID, SECOND.name), (STUDY_ID, FIRST.name)}
    assert asked == [1, 0]


async def test_another_server_at_the_same_address_gives_nobody_rights(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await connect(it)
        await sign_in(it, SERVER_ID, FIRST.name)
        it.attic.porter.administrators.add(FIRST.name)
        it.attic.trouble.server_id = STUDY_ID

        await look_again(it)

        assert await administrators(it) == set()


async def test_an_answer_about_somebody_else_gives_nobody_rights(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await connect(it)
        await sign_in(it, SERVER_ID, FIRST.name, SECOND.name)
        it.attic.porter.mistaken[FIRST.id] = ADMIN
        it.attic.porter.disabled.add(SECOND.name)

        standing = await look_again(it)

        assert await administrators(it) == set()
        assert standing == {(SERVER_ID, FIRST.name)}
