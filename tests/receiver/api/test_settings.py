"""Settings changed while the program runs: they count at once, and the history follows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.store import resettlings
from reconcile.store import settings as kept_settings
from tests.receiver.houses import NINE_PM, Anything, Program, notification, program, until
from tests.reconcile.readers import reader


async def change(here: Program, *, dry_run: bool = False, **values: object) -> Anything:
    answer = await here.http.patch("/api/v1/settings", json=values, params={"dry_run": str(dry_run).lower()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def value(here: Program, name: str) -> Anything:
    return {each["name"]: each for each in (await here.get("/settings"))["items"]}[name]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else uses these databases: no other process has to hear of a change first."""
    monkeypatch.setattr("receiver.house._REFRESH_SECONDS", 0.2)


async def test_another_threshold_settles_the_history_and_says_what_changed(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=2))
        (watch,) = (await here.get("/history"))["items"]

        tried = await change(here, dry_run=True, PLAYLEDGER_THRESHOLD=99)
        assert (await value(here, "PLAYLEDGER_THRESHOLD"))["value"] == 85
        assert (await here.get("/history"))["items"] == [watch]
        done = await change(here, PLAYLEDGER_THRESHOLD=99)

        for said, would in ((tried, "would no longer count"), (done, "no longer counts")):
            assert said["changed"] == ["PLAYLEDGER_THRESHOLD"]
            assert said["resettling"]["state"] == "done"
            assert said["resettling"]["changes"] == {"PLAYLEDGER_THRESHOLD": {"before": "85", "after": "99"}}
            result = said["resettling"]["result"]
            assert (result["differences_in_all"], result["went"], result["came"]) == (1, 1, 0)
            assert would in result["differences"][0]
        assert (await here.get("/history"))["items"] == []
        assert (await value(here, "PLAYLEDGER_THRESHOLD"))["value"] == 99
        assert done["resettling"]["done"] == done["resettling"]["total"] == 1

        back = await change(here, PLAYLEDGER_THRESHOLD=None)
        assert back["resettling"]["result"]["came"] == 1
        assert len((await here.get("/history"))["items"]) == 1
        assert [each["id"] for each in (await here.get("/resettlings"))["items"]] == [3, 2, 1]
        assert (await here.get("/resettlings/2"))["result"] == done["resettling"]["result"]


async def test_what_plays_while_the_rules_change_is_judged_by_the_new_ones(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        start = NINE_PM - timedelta(minutes=60)
        for kind, minutes in (("PlaybackStart", 0), *(("PlaybackProgress", each) for each in range(1, 21))):
            await here.send(notification(kind, start + timedelta(minutes=minutes), minutes * 60))
        assert (await here.get("/history"))["items"] == []

        await change(here, PLAYLEDGER_THRESHOLD=40)
        await here.send(notification("PlaybackStop", start + timedelta(minutes=21), 21 * 60))

        (watch,) = (await here.get("/history"))["items"]
        assert watch["completed"]


async def test_the_pace_who_is_linked_and_how_long_is_kept_change_at_once(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        said = await change(
            here,
            JELLYFIN_ACTIVITY_POLL_INTERVAL=20000,
            PLAYLEDGER_RETENTION_DAYS=7,
            PLAYLEDGER_SILENCE=200,
        )

        assert sorted(said["changed"]) == [
            "JELLYFIN_ACTIVITY_POLL_INTERVAL",
            "PLAYLEDGER_RETENTION_DAYS",
            "PLAYLEDGER_SILENCE",
        ]
        assert here.house.settings.poll_interval == timedelta(seconds=20)
        assert here.house.settings.retention_days == 7
        assert here.house.people.global_rules.silence == timedelta(seconds=200)
        quiet = await change(here, JELLYFIN_ACTIVITY_POLL_INTERVAL=30000)
        assert quiet["resettling"] is None


async def test_linking_at_first_sight_can_be_turned_on(tmp_path: Path) -> None:
    async with program(tmp_path, given={"PLAYLEDGER_AUTO_LINK": ""}) as here:
        await here.send(notification("PlaybackStart", NINE_PM, 0))
        assert (await here.get("/sessions"))["items"] == []

        await change(here, PLAYLEDGER_AUTO_LINK=True)
        await here.send(notification("PlaybackStart", NINE_PM, 0))

        assert len((await here.get("/sessions"))["items"]) == 1


async def test_what_the_environment_sets_is_refused_and_shown_as_fixed(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_THRESHOLD="90") as here:
        answer = await here.http.patch(
            "/api/v1/settings", json={"PLAYLEDGER_THRESHOLD": 50, "PLAYLEDGER_MIN_SECONDS": 60}
        )

        assert answer.status_code == 409
        assert "PLAYLEDGER_THRESHOLD: the environment sets it" in answer.json()["detail"]
        shown = await value(here, "PLAYLEDGER_THRESHOLD")
        assert (shown["fixed"], shown["adjustable"], shown["value"]) == (True, True, 90)
        assert (await value(here, "PLAYLEDGER_MIN_SECONDS"))["value"] == 120


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"PLAYLEDGER_THRESHOLD": 101}, "from 1 to 100", id="out of bounds"),
        pytest.param({"PLAYLEDGER_RETENTION_DAYS": 1.5}, "whole number", id="half a day"),
        pytest.param({"PLAYLEDGER_RECORD_PARTIALS": "perhaps"}, "true or false", id="no switch"),
        pytest.param({"PLAYLEDGER_THRESHOL": 90}, "did you mean PLAYLEDGER_THRESHOLD", id="misspelt"),
        pytest.param({"PLAYLEDGER_PORT": 80}, "in the environment only", id="not while it runs"),
        pytest.param({"PLAYLEDGER_THRESHOLD": [90]}, "array", id="a list"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_word(tmp_path: Path, told: dict[str, object], said: str) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.patch("/api/v1/settings", json=told)

        assert answer.status_code == 400
        assert said in answer.json()["detail"]
        assert (await here.get("/resettlings"))["items"] == []


async def test_what_is_so_already_changes_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        said = await change(here, PLAYLEDGER_THRESHOLD=85.0, PLAYLEDGER_SILENCE="300")

        assert (said["changed"], said["resettling"]) == ([], None)


async def test_another_process_follows(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        async with here.house.store.begin() as db:
            await kept_settings.put(db, "PLAYLEDGER_THRESHOLD", "70")
            await kept_settings.put(db, "PLAYLEDGER_SILENCE", "much")

        await until(lambda: here.house.settings.threshold == 70)

        assert here.house.people.global_rules.threshold == 70
        assert here.house.settings.silence == timedelta(seconds=300)


async def test_what_was_changed_counts_from_the_next_start_on(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await change(here, PLAYLEDGER_THRESHOLD=70)

    async with program(tmp_path, database_url) as here:
        assert here.house.people.global_rules.threshold == 70
    async with program(tmp_path, database_url, PLAYLEDGER_THRESHOLD="60") as here:
        assert here.house.people.global_rules.threshold == 60


async def test_a_resettling_that_a_crash_broke_off_begins_again(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(NINE_PM - timedelta(hours=2))
        async with here.house.store.begin() as db:
            await kept_settings.put(db, "PLAYLEDGER_THRESHOLD", "99")
            row = await resettlings.add(db, NINE_PM, {}, dry_run=False)
            await resettlings.note(db, row["id"], state=resettlings.RUNNING, done=50, total=90)

    async with program(tmp_path, database_url) as here:

        async def is_done() -> bool:
            return bool((await here.get(f"/resettlings/{row['id']}"))["state"] == "done")

        await until(is_done)

        assert (await here.get("/history"))["items"] == []


async def test_a_resettling_that_fails_says_so_and_the_next_one_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path) as here:

        async def broken(_row: object, _progress: object) -> dict[str, object]:
            raise ArithmeticError

        monkeypatch.setattr(here.house.resettler, "doing", broken)
        failed = await change(here, PLAYLEDGER_THRESHOLD=70)
        monkeypatch.undo()
        done = await change(here, PLAYLEDGER_THRESHOLD=75)

        assert (failed["resettling"]["state"], failed["resettling"]["result"]) == (
            "failed",
            {"error": "An error of ours: the log says more."},
        )
        assert done["resettling"]["state"] == "done"


async def test_whoever_is_told_hears_that_a_watch_went(tmp_path: Path) -> None:
    async with program(tmp_path) as here, reader() as friend:
        wish = {"url": friend.url, "events": ["watch.completed", "watch.updated"]}
        await here.http.post("/api/v1/outbound", json=wish)
        await here.watch(NINE_PM - timedelta(hours=2))
        await friend.hears(1)

        await change(here, PLAYLEDGER_THRESHOLD=99)
        await until(lambda: any(each.said["data"]["removed"] for each in friend.received))


async def test_a_default_is_of_the_kind_of_its_value(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        found = {each["name"]: (each["value"], each["default"]) for each in (await here.get("/settings"))["items"]}

    assert found["PLAYLEDGER_THRESHOLD"] == (85, 85)
    assert found["JELLYFIN_ACTIVITY_POLL_INTERVAL"][1] == 10000
    assert found["PLAYLEDGER_RECORD_PARTIALS"] == (False, False)


async def test_a_setting_without_its_prefix_is_told_its_name(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = await here.http.patch("/api/v1/settings", json={"threshold": 90})

    assert answer.json()["detail"] == "threshold is not a setting: did you mean PLAYLEDGER_THRESHOLD?"
