"""Outbound webhooks through the whole program: a target is added, an evening is played, and the reader hears of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.receiver.houses import NINE_PM, Anything, Program, everything_in, link, notification, program, until
from tests.reconcile.readers import reader
from tests.recordings.shapes import VIEWER


async def add(here: Program, url: str, **more: object) -> Anything:
    answer = await here.http.post("/api/v1/outbound", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _is_empty(here: Program) -> bool:
    return not (await here.get("/outbox", state="waiting"))["items"]


async def test_an_evening_is_told_signed_to_whoever_is_to_hear(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here, reader() as friend:
        target = await add(here, friend.url)

        await here.watch(NINE_PM - timedelta(minutes=40))
        await friend.hears(4)
        await until(lambda: _is_empty(here))

        assert set(friend.kinds) >= {"playback.started", "playback.ended", "watch.completed", "badge.earned"}
        assert all(each.is_signed_with(target["secret"]) for each in friend.received)
        assert len({each.id for each in friend.received}) == len(friend.received)
        (told,) = [each.said for each in friend.received if each.said["type"] == "watch.completed"]
        (watch,) = (await here.get("/history"))["items"]
        same = ("id", "account", "unit", "day", "watched_at", "completed", "plays", "channels", "playbacks")
        assert {name: told["data"][name] for name in same} == {name: watch[name] for name in same}
        assert told["data"]["media"] == watch["media"]
        sent = (await here.get("/outbox", state="sent"))["items"]
        assert {row["message_id"] for row in sent} == {each.id for each in friend.received}


async def test_a_secret_is_told_once_and_kept_encrypted(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        secret = (await add(here, "http://127.0.0.1:9/hook", active=False))["secret"]

        (target,) = (await here.get("/outbound"))["items"]

        assert secret.startswith("whsec_")
        assert "secret" not in target
        assert (target["events"], target["account_id"], target["active"]) == (
            ["watch.completed", "watch.updated", "playback.started", "playback.ended", "badge.earned"],
            None,
            False,
        )
        assert secret.encode() not in everything_in(tmp_path)


async def test_a_test_message_arrives_and_says_nothing_of_anybody(tmp_path: Path) -> None:
    async with program(tmp_path) as here, reader() as friend:
        target = await add(here, friend.url)

        answer = await here.http.post(f"/api/v1/outbound/{target['id']}/test")
        assert answer.status_code == 202
        await friend.hears(1)
        await until(lambda: _is_empty(here))

        assert friend.kinds == ["test"]
        assert friend.received[0].is_signed_with(target["secret"])
        one = await here.get(f"/outbox/{answer.json()['id']}")
        assert (one["state"], one["status"], one["attempts"]) == ("sent", 204, 1)
        assert "test" in one["body"]


async def test_what_was_given_up_is_shown_and_tried_again_by_hand(tmp_path: Path) -> None:
    async with program(tmp_path) as here, reader() as friend:
        friend.status = 410
        target = await add(here, friend.url)
        number = (await here.http.post(f"/api/v1/outbound/{target['id']}/test")).json()["id"]
        await until(lambda: _is_empty(here))
        (off,) = (await here.get("/outbound"))["items"]
        assert (off["active"], off["dead"]) == (False, 1)
        assert "410" in off["note"]
        (dead,) = (await here.get("/outbox", state="dead", target=target["id"]))["items"]
        assert dead["id"] == number
        assert any("outbound target 1 were given up: 1" in each for each in (await here.get("/status"))["notices"])

        friend.status = 200
        await here.http.patch(f"/api/v1/outbound/{target['id']}", json={"active": True})
        answer = await here.http.post(f"/api/v1/outbox/{number}/retry")
        assert answer.status_code == 202, answer.text
        await friend.hears(2)
        await until(lambda: _is_empty(here))

        assert friend.received[0].id == friend.received[1].id
        assert (await here.get("/outbound"))["items"][0]["note"] is None
        again = await here.http.post(f"/api/v1/outbox/{number}/retry")
        assert (again.status_code, "received already" in again.json()["detail"]) == (400, True)


async def test_a_target_can_be_changed_and_gets_a_new_secret(tmp_path: Path) -> None:
    async with program(tmp_path) as here, reader() as friend:
        target = await add(here, "http://127.0.0.1:9/hook", events=["playback.started"])
        account = await link(here)

        changes = {"url": friend.url, "events": ["watch.completed"], "account_id": account}
        answer = await here.http.patch(f"/api/v1/outbound/{target['id']}", json=changes | {"new_secret": True})
        assert answer.status_code == 200, answer.text
        changed = answer.json()
        await here.http.post(f"/api/v1/outbound/{target['id']}/test")
        await friend.hears(1)

        assert (changed["events"], changed["account_id"]) == (["watch.completed"], account)
        assert friend.received[0].is_signed_with(changed["secret"])
        assert not friend.received[0].is_signed_with(target["secret"])
        untouched = (await here.http.patch(f"/api/v1/outbound/{target['id']}", json={"active": False})).json()
        assert untouched["secret"] is None


async def test_a_removed_target_hears_nothing_more(tmp_path: Path) -> None:
    async with program(tmp_path) as here, reader() as friend:
        friend.status = 500
        target = await add(here, friend.url)
        await here.http.post(f"/api/v1/outbound/{target['id']}/test")
        await friend.hears(1)

        assert (await here.http.delete(f"/api/v1/outbound/{target['id']}")).status_code == 204
        await here.send(notification("PlaybackStart", NINE_PM, 0))

        assert (await here.get("/outbound"))["items"] == []
        assert (await here.get("/outbox"))["items"] == []
        assert (await here.http.delete(f"/api/v1/outbound/{target['id']}")).status_code == 404
        assert len(friend.received) == 1


async def test_of_whoever_is_not_recorded_nothing_is_told(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here:
        await link(here, VIEWER, recorded=False)
        await add(here, "http://127.0.0.1:9/hook")

        await here.send(notification("PlaybackStart", NINE_PM, 0))

        assert (await here.get("/outbox"))["items"] == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"url": "ftp://reader/hook"}, "http", id="no http"),
        pytest.param({"url": "reader"}, "http", id="no address"),
        pytest.param({"url": "http://reader/hook", "events": ["watch.begun"]}, "watch.completed", id="no event"),
        pytest.param({"url": "http://reader/hook", "events": []}, "events", id="nothing to tell"),
        pytest.param({"url": "http://reader/hook", "account_id": 7}, "no account 7", id="nobody"),
        pytest.param({"url": "http://reader/hook", "secret": "mine"}, "secret", id="an unknown field"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_word(tmp_path: Path, told: dict[str, object], said: str) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.post("/api/v1/outbound", json=told)

        assert answer.status_code == 400
        assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/outbound/7"),
        ("POST", "/outbound/7/test"),
        ("GET", "/outbox/7"),
        ("POST", "/outbox/7/retry"),
    ],
)
async def test_what_is_not_there_is_not_found(tmp_path: Path, method: str, path: str) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.request(method, f"/api/v1{path}", json={} if method == "PATCH" else None)

        assert answer.status_code == 404


async def test_the_outbox_has_pages(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        target = await add(here, "http://127.0.0.1:9/hook")
        for _ in range(3):
            await here.http.post(f"/api/v1/outbound/{target['id']}/test")

        first = await here.get("/outbox", limit=2, kind="test")
        rest = await here.get("/outbox", limit=2, kind="test", cursor=first["next_cursor"])

        assert [each["id"] for each in (*first["items"], *rest["items"])] == [3, 2, 1]
        assert rest["next_cursor"] is None
