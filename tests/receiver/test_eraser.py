"""Erasing somebody through the whole program: no byte of them is left, and they are known when they come back."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reconcile import erasing
from reconcile.store import replays, servers, settings
from reconcile.store.engine import Transactions
from reconcile.store.tables import check_in, correction, metadata, playback
from tests.receiver.houses import (
    NINE_PM,
    WEBHOOK_TOKEN,
    Clock,
    Program,
    everything_in,
    link,
    notification,
    program,
    until,
)
from tests.recordings.shapes import GUEST, SERVER, changed, recording

SOMEBODY = "abcdefabcdefabcdefabcdefabcdef12"
NAME = "xaverine"
DEVICE = "xaverine-phone"
EIGHT = NINE_PM - timedelta(hours=1)
THEM: dict[str, Any] = {"UserId": SOMEBODY, "NotificationUsername": NAME, "DeviceName": DEVICE, "Id": "e" * 32}
FORMS = (SOMEBODY, "abcdefab-cdef-abcd-efab-cdefabcdef12", NAME)


async def a_life(here: Program) -> None:
    """Have somebody watch, be unreadable, be looked at, be corrected, and have somebody else watch, too."""
    await here.watch(EIGHT - timedelta(days=2), **THEM)
    await here.watch(EIGHT, UserId=GUEST, NotificationUsername="guest", Id="d" * 32)
    await here.watch(EIGHT, **THEM)
    await here.send(notification("PlaybackStart", NINE_PM, 0, **THEM, ItemId="f" * 32))
    await here.send(recording("plugin_21_start.json")[:-40].replace(b"viewer", NAME.encode()))
    await here.send(b'{"UserId": "' + SOMEBODY.encode() + b'", "NotificationUsername": "xaverine", broken')
    marked = changed("plugin_21_marked_played.json", UserId=SOMEBODY, NotificationUsername=NAME, ItemId="c" * 32)
    await here.send(marked)
    number = await account_of(here, NAME)
    latest = (await here.get("/history", account=number))["items"][-1]
    answer = await here.http.post("/api/v1/corrections", json={"what": "delete", "watch": latest["id"]})
    assert answer.status_code == 201, answer.text
    wish = {"since": "2026-01-01T00:00:00Z", "dry_run": True}
    replay = (await here.http.post("/api/v1/replays", json=wish)).json()["id"]

    async def is_done() -> bool:
        return str((await here.get(f"/replays/{replay}"))["state"]) == "done"

    await until(is_done)
    await here.house.tracker.flush()
    await here.house.notes.write()


async def account_of(here: Program, name: str) -> int:
    return int(next(row["id"] for row in (await here.get("/accounts"))["items"] if row["name"] == name))


async def erase(here: Program, name: str = NAME) -> dict[str, int]:
    number = await account_of(here, name)
    answer = await here.http.post(f"/api/v1/accounts/{number}/erase", json={"confirm": name})
    assert answer.status_code == 200, answer.text
    rows: dict[str, int] = answer.json()["rows"]
    return rows


def unpacked(data: bytes) -> str:
    """Return *data* with what is compressed in it: bodies are kept so, and what is left of one may lie anywhere."""
    said = [data.decode("latin-1")]
    at = data.find(_PACKED)
    while at >= 0:
        with contextlib.suppress(zlib.error):
            said.append(zlib.decompressobj().decompress(data[at : at + 8192]).decode("latin-1"))
        at = data.find(_PACKED, at + 1)
    return "\n".join(said)


_PACKED = zlib.compress(b"", 1)[:2]


async def everything_kept(store: Transactions) -> str:
    """Return all that every table says, with the bodies as they were received."""
    said: list[str] = []
    async with store.read() as db:
        for table in metadata.sorted_tables:
            for row in await db.execute(sa.select(table)):
                said.extend(_spoken(value) for value in row)
    return "\n".join(said)


def _spoken(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("latin-1")


def forms_in(text: str) -> Iterator[str]:
    lowered = text.lower()
    return (form for form in FORMS if form in lowered)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_no_byte_of_an_erased_user_is_left(tmp_path: Path, database_url: str, clock: Clock) -> None:
    folder = tmp_path / "data"
    url = None if database_url.startswith("sqlite") else database_url
    async with program(folder, url, clock=clock, PLAYLEDGER_RECORD_MANUAL="true") as here:
        await a_life(here)
        before = await everything_kept(here.house.store)
        assert set(forms_in(before)) >= {SOMEBODY, NAME}
        if url is None:
            assert set(forms_in(unpacked(everything_in(folder)))) >= {SOMEBODY, NAME}, "the search finds what is there"

        rows = await erase(here)

        assert rows["delivery"] > 10
        assert rows["watch"] >= 1
        assert list(forms_in(await everything_kept(here.house.store))) == []
        assert list(forms_in(unpacked(everything_in(folder)))) == [], "while it runs"
        guests = (await here.get("/history"))["items"]
        assert [row["account"]["name"] for row in guests] == ["guest"], "others keep theirs"
    assert list(forms_in(unpacked(everything_in(folder)))) == [], "after it has stopped"


async def test_what_the_erased_said_of_others_stands_without_their_name(
    tmp_path: Path, database_url: str, clock: Clock
) -> None:
    async with program(tmp_path, database_url, clock=clock) as here:
        await here.watch(EIGHT, **THEM)
        await here.watch(EIGHT, UserId=GUEST, NotificationUsername="guest", Id="d" * 32)
        guest = await account_of(here, "guest")
        row = (await here.get("/history", account=guest))["items"][0]
        said = await here.http.post("/api/v1/corrections", json={"what": "delete", "watch": row["id"]})
        assert said.status_code == 201, said.text
        async with here.house.store.begin() as db:
            await db.execute(sa.update(correction).values(said_by=NAME))
            told = sa.func.replace(playback.c.sentence, "an administrator", NAME)
            await db.execute(sa.update(playback).values(sentence=told))
        assert NAME in set(forms_in(await everything_kept(here.house.store)))

        await erase(here)

        assert list(forms_in(await everything_kept(here.house.store))) == []
        (left,) = (await here.get("/playbacks"))["items"]
        assert left["sentence"] == "not counted: marked as deleted by somebody who was erased on 2026-11-22"
        assert (await here.get("/history"))["items"] == []


async def test_who_was_erased_is_ignored_until_an_administrator_links_them(
    tmp_path: Path, database_url: str, clock: Clock
) -> None:
    async with program(tmp_path, database_url, clock=clock) as here:
        await here.watch(EIGHT, **THEM)
        await erase(here)

        answer = (await here.send(notification("PlaybackStart", NINE_PM, 0, **THEM))).json()
        assert (answer["outcome"], answer["reason"]) == ("ignored", "erased"), (
            "though everybody is linked at first sight"
        )
        odd = b'{"UserId": "' + SOMEBODY.encode() + b'", "OnceMore": "xaverine", broken'
        assert (await here.send(odd)).json()["outcome"] == "rejected"
        await here.house.notes.write()
        assert list(forms_in(await everything_kept(here.house.store))) == []

        account = (await here.http.post("/api/v1/accounts", json={"name": NAME})).json()["id"]
        wish = {"account_id": account, "recorded": True}
        linked = (await here.http.put(f"/api/v1/links/{SERVER}/{SOMEBODY}", json=wish)).json()
        assert linked["erasure_lifted"] is True
        again = (await here.http.put(f"/api/v1/links/{SERVER}/{SOMEBODY}", json=wish)).json()
        assert again["erasure_lifted"] is False

        old = (await here.send(notification("PlaybackStart", EIGHT, 0, **THEM))).json()
        assert old["outcome"] == "ignored", "what was before never returns"
        clock.at += timedelta(minutes=5)
        new = (await here.send(notification("PlaybackStart", clock.at, 0, **THEM))).json()
        assert new["outcome"] == "recorded"


async def test_it_takes_the_accounts_name_to_mean_it(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        number = await link(here)

        for path, body, status in (
            (f"/accounts/{number}/erase", {"confirm": "somebody else"}, 400),
            (f"/accounts/{number}/erase", {}, 400),
            ("/accounts/99/erase", {"confirm": "viewer"}, 404),
        ):
            assert (await here.http.post(f"/api/v1{path}", json=body)).status_code == status

        assert len((await here.get("/accounts"))["items"]) == 1


async def test_what_waits_in_the_spool_goes_too(tmp_path: Path, clock: Clock) -> None:
    async with program(tmp_path, clock=clock) as here:
        await here.watch(EIGHT, **THEM)
        intake = here.house.intake
        intake.patience = timedelta()
        hold = asyncio.Event()

        async def held() -> None:
            async with here.house.tracker._turn:
                await hold.wait()

        holding = asyncio.create_task(held())
        await asyncio.sleep(0)
        for user in (SOMEBODY, GUEST):
            body = notification("PlaybackStart", NINE_PM, 0, UserId=user, NotificationUsername=f"{user}-name")
            assert (await here.send(body)).json()["outcome"] == "spooled"
        assert SOMEBODY.encode() in everything_in(tmp_path / "spool")
        erasing_them = asyncio.create_task(erase(here))
        await asyncio.sleep(0.05)
        hold.set()
        await holding
        await erasing_them

        assert SOMEBODY.encode() not in everything_in(tmp_path)
        intake.patience = timedelta(seconds=10)


async def test_a_power_cut_before_the_commit_erases_nothing_and_after_it_the_next_start_finishes(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path, clock=clock) as here:
        await here.watch(EIGHT, **THEM)
        before = await everything_kept(here.house.store)

        async def cut(*_args: object, **_named: object) -> None:
            raise KeyError("the power is cut")

        with monkeypatch.context() as patch:
            patch.setattr("reconcile.erasing.settings.put", cut)
            number = await account_of(here, NAME)
            failed = await here.http.post(f"/api/v1/accounts/{number}/erase", json={"confirm": NAME})
        assert failed.status_code == 500
        assert await everything_kept(here.house.store) == before, "all or nothing"
        assert here.house.people.is_recorded((SERVER, SOMEBODY), NINE_PM), "and they are recorded as before"

        with monkeypatch.context() as patch:
            patch.setattr("receiver.eraser.finish", cut)
            failed = await here.http.post(f"/api/v1/accounts/{number}/erase", json={"confirm": NAME})
            assert failed.status_code == 500
        assert list(forms_in(await everything_kept(here.house.store))) == []
        assert await erasing.is_owed(here.house.store)

    async with program(tmp_path, clock=clock) as here:
        async with asyncio.timeout(20):
            while await erasing.is_owed(here.house.store):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        assert list(forms_in(unpacked(everything_in(tmp_path)))) == []
        answer = await here.send(notification("PlaybackStart", NINE_PM, 0, **THEM), token=WEBHOOK_TOKEN)
        assert answer.json()["reason"] == "erased"


async def test_what_another_process_wrote_meanwhile_goes_at_the_end(store: Transactions, tmp_path: Path) -> None:
    url = store.url
    async with program(tmp_path, url) as here:
        await here.watch(EIGHT, **THEM)
        await erase(here)
        async with store.begin() as db:
            key = {"server_id": SERVER, "session_id": "e" * 32, "user_id": SOMEBODY, "item_id": "f" * 32}
            await db.execute(sa.insert(metadata.tables["playback_key"]).values(**key, version=0, facts={}))
            await settings.put(db, erasing._OWED, NINE_PM.isoformat())

        is_over = await erasing.finish(store, here.house.people, NINE_PM + erasing.SETTLES)

        assert is_over
        assert list(forms_in(await everything_kept(store))) == []


async def test_a_user_who_was_given_to_another_account_keeps_what_came_after(
    tmp_path: Path, database_url: str, clock: Clock
) -> None:
    async with program(tmp_path, database_url, clock=clock) as here:
        clock.at = EIGHT
        await here.watch(EIGHT - timedelta(hours=5), **THEM)
        other = (await here.http.post("/api/v1/accounts", json={"name": "other"})).json()["id"]
        wish = {"account_id": other, "recorded": True}
        await here.http.put(f"/api/v1/links/{SERVER}/{SOMEBODY}", json=wish)
        clock.at = NINE_PM
        await here.watch(EIGHT + timedelta(minutes=1), **THEM)
        assert len((await here.get("/history"))["items"]) == 2

        await erase(here)

        (row,) = (await here.get("/history"))["items"]
        assert row["account"]["name"] == "other"
        assert all(each["at"] >= "2026-11-22T20:00:00Z" for each in (await here.get("/deliveries"))["items"])


async def test_while_a_replay_runs_nobody_is_erased(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        number = await link(here)
        async with here.house.store.begin() as db:
            row = await replays.add(db, NINE_PM, EIGHT, None, dry_run=True)
            await replays.note(db, row["id"], state=replays.RUNNING)

        answer = await here.http.post(f"/api/v1/accounts/{number}/erase", json={"confirm": "viewer"})

        assert answer.status_code == 503
        assert "erase when it is done" in answer.json()["detail"]
        assert len((await here.get("/accounts"))["items"]) == 1


def told_of(*days: int, duration: int = 2400) -> bytes:
    """Return a backup of Playback Reporting: somebody watched for so long, at eight of so many days before today."""
    dates = [f"{EIGHT - timedelta(days=each):%Y-%m-%d %H:%M:20}" for each in days]
    item = ("b7d1f4a09c3e48d2a6510e7f3c2b9d84", "Movie", "A Film", "DirectPlay", "Web", DEVICE)
    return "".join("\t".join((date, SOMEBODY, *item, f"{duration}\n")) for date in dates).encode()


async def imported(here: Program, body: bytes, *, is_applied: bool = True) -> int:
    """Import *body*, and return its number."""
    query = {"source": "playback-reporting", "server_id": SERVER}
    answer = await here.http.post("/api/v1/imports", params=query, content=body)
    assert answer.status_code == 201, answer.text
    number = int(answer.json()["id"])
    if is_applied:
        asked = await here.http.post(f"/api/v1/imports/{number}/apply", json={"zone": "UTC"})
        assert asked.status_code == 202, asked.text
        row = await here.house.importer.jobs.outcome(number, 20)
        assert row is not None
        assert row["state"] == "done", row
    return number


async def test_what_was_imported_of_an_erased_user_goes_too(tmp_path: Path, database_url: str, clock: Clock) -> None:
    async with program(tmp_path, database_url, clock=clock) as here:
        await here.watch(EIGHT, **THEM)
        number = await account_of(here, NAME)
        odd = told_of(5).replace(b"\t2400\n", b"\tfor xaverine\n")
        done = await imported(here, told_of(400, 700) + odd)
        await imported(here, told_of(1), is_applied=False)
        before = await everything_kept(here.house.store)
        assert "«for xaverine» is no number of seconds" in before
        assert str(number) in (await here.get(f"/imports/{done}"))["told"]["people"]

        await erase(here)

        assert list(forms_in(await everything_kept(here.house.store))) == []
        assert (await here.get(f"/imports/{done}"))["told"]["people"] == {}
        assert (await here.get("/playbacks"))["items"] == []
        async with here.house.store.read() as db:
            assert (await db.execute(sa.select(metadata.tables["import_row"]))).all() == []


async def test_what_was_imported_of_the_time_before_is_not_the_next_accounts(
    tmp_path: Path, database_url: str, clock: Clock
) -> None:
    async with program(tmp_path, database_url, clock=clock, given={"PLAYLEDGER_AUTO_LINK": ""}) as here:
        clock.at = EIGHT - timedelta(days=10)
        async with here.house.store.begin() as db:
            await servers.see(db, SERVER, clock.at)
        await link(here, SOMEBODY, name=NAME)
        clock.at = EIGHT - timedelta(days=3)
        await imported(here, told_of(400, 5))
        clock.at = EIGHT - timedelta(days=2)
        await link(here, SOMEBODY, name="other")
        clock.at = NINE_PM
        await imported(here, told_of(401, 6, 1))
        await imported(here, told_of(402, 7, 0), is_applied=False)
        whose = {row["started_at"][:10]: row["account_name"] for row in (await here.get("/playbacks"))["items"]}
        assert [name for _day, name in sorted(whose.items())] == [NAME] * 4 + ["other"]

        await erase(here)

        (left,) = (await here.get("/playbacks"))["items"]
        assert (left["account_name"], left["started_at"]) == ("other", "2026-11-21T20:00:00Z")
        async with here.house.store.read() as db:
            rows = (await db.execute(sa.select(metadata.tables["import_row"].c.play))).scalars().all()
            at = (await db.execute(sa.select(check_in.c.at))).scalars().all()
        assert sorted(row["started_at"] for row in rows) == ["2026-11-21T20:00:00", "2026-11-22T20:00:00"]
        assert at == [EIGHT - timedelta(days=1)]
