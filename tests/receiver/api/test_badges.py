"""What the API says of badges, activity and progress."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.awarding import count_again
from reconcile.store import progress
from tests.receiver.houses import NINE_PM, Clock, Program, program

YESTERDAY = NINE_PM - timedelta(days=1, hours=1)


@pytest.fixture
async def served(tmp_path: Path, database_url: str) -> AsyncIterator[Program]:
    """A program in which one viewer has completed one episode, yesterday at eight."""
    async with program(tmp_path / "data", database_url, clock=Clock(YESTERDAY)) as running:
        await running.watch(YESTERDAY)
        running.clock.at = NINE_PM
        yield running


async def _account(served: Program) -> int:
    (account,) = (await served.get("/accounts"))["items"]
    return int(account["id"])


async def test_badges_say_what_can_be_earned_without_an_account(served: Program) -> None:
    found = await served.get("/badges")

    assert found["next_cursor"] is None
    first = next(each for each in found["items"] if each["badge"] == "first_watch")
    assert first["sentence"] == "Completed something for the first time."
    assert (first["threshold"], first["done"], first["award"]) == (1, None, None)


async def test_badges_of_an_account_name_the_watches_that_earned_them_and_how_far_the_others_are(
    served: Program,
) -> None:
    account = await _account(served)
    (watch,) = (await served.get("/history"))["items"]

    found = {each["badge"]: each for each in (await served.get("/badges", account=account))["items"]}

    assert found["first_watch"]["award"] == {"earned_at": watch["watched_at"], "watches": [watch["id"]]}
    assert found["early_adopter"]["award"]["watches"] == [watch["id"]]
    assert (found["episodes_100"]["done"], found["episodes_100"]["award"]) == (1, None)
    assert found["streak_7"]["done"] == 1


async def test_activity_has_every_day_and_the_streaks(served: Program) -> None:
    found = await served.get("/activity", account=await _account(served), **{"from": "2026-11-19"})

    days = {each["day"]: each for each in found["items"]}
    assert list(days) == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]
    assert days["2026-11-21"]["watched_seconds"] == pytest.approx(2400, abs=5)
    assert (days["2026-11-21"]["viewings"], days["2026-11-21"]["completed"]) == (1, True)
    assert days["2026-11-22"] == {"day": "2026-11-22", "watched_seconds": 0, "viewings": 0, "completed": False}
    assert found["streaks"] == {"current": 1, "longest": 1, "alive": True, "last_day": "2026-11-21"}


async def test_activity_goes_by_the_clocks_of_the_account(served: Program) -> None:
    account = await _account(served)
    await served.http.patch(f"/api/v1/accounts/{account}", json={"time_zone": "Pacific/Auckland"})

    found = await served.get("/activity", account=account, **{"from": "2026-11-22", "to": "2026-11-22"})

    assert found["time_zone"] == "Pacific/Auckland"
    assert found["items"][0]["viewings"] == 1


async def test_a_streak_that_missed_a_day_is_over(served: Program) -> None:
    served.clock.at = NINE_PM + timedelta(days=1)

    found = await served.get("/activity", account=await _account(served))

    assert (found["streaks"]["current"], found["streaks"]["longest"], found["streaks"]["alive"]) == (0, 1, False)
    assert len(found["items"]) == 90


async def test_progress_is_told_and_a_series_is_given_up_and_taken_up_again(served: Program) -> None:
    account = await _account(served)
    (before,) = (await served.get("/progress", account=account))["items"]
    assert (before["status"], before["watched_episodes"], before["percent"]) == ("in_progress", 1, None)
    where = f"/api/v1/progress/{before['media']['id']}"

    given_up = await served.http.post(f"{where}/abandon", params={"account": account})

    assert (given_up.status_code, given_up.json()["status"]) == (200, "abandoned")
    assert (await served.get("/progress", account=account, status="in_progress"))["items"] == []
    again = await served.http.post(f"{where}/resume", params={"account": account})
    assert again.json() == before


async def test_progress_knows_a_share_once_the_total_is_known(served: Program) -> None:
    account = await _account(served)
    (series,) = (await served.get("/progress", account=account))["items"]
    async with served.house.store.begin() as db:
        assert await progress.set_totals(db, series["media"]["id"], 8, {1: 8}, True, "seerr")
        await count_again(db, served.house.people, [series["media"]["id"]])

    (found,) = (await served.get("/progress", account=account))["items"]

    assert (found["total_episodes"], found["percent"], found["running"]) == (8, 12.5, True)


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        pytest.param("/badges?account=77", 404, "no account 77", id="nobody's badges"),
        pytest.param("/activity?account=77", 404, "no account 77", id="nobody's activity"),
        pytest.param("/activity", 400, "account", id="whose activity?"),
        pytest.param("/activity?account={account}&from=tomorrow", 400, "from: a day is needed", id="no day"),
        pytest.param("/activity?account={account}&from=2026-11-22&to=2026-11-01", 400, "in order", id="backwards"),
        pytest.param("/activity?account={account}&from=0001-01-01", 400, "at once", id="two thousand years"),
        pytest.param("/progress?account={account}&status=bored", 400, "status: one of", id="no status"),
        pytest.param("/progress?account={account}&cursor=x", 400, "cursor", id="no cursor"),
        pytest.param("/progress?account=0", 400, "account", id="no id"),
    ],
)
async def test_bad_input_is_told_what_to_do(served: Program, path: str, status: int, word: str) -> None:
    account = await _account(served)

    answer = await served.http.get(f"/api/v1{path.format(account=account)}")

    assert answer.status_code == status
    assert word in answer.text


async def test_what_was_never_watched_cannot_be_given_up(served: Program) -> None:
    account = await _account(served)

    answer = await served.http.post("/api/v1/progress/77/abandon", params={"account": account})

    assert answer.status_code == 404
    assert "nothing of a series 77" in answer.json()["detail"]


async def test_only_an_administrator_gives_a_series_up(served: Program) -> None:
    made = await served.http.post("/api/v1/progress/1/abandon?account=1", headers={"authorization": "Bearer none"})

    assert made.status_code == 401


async def test_a_year_of_the_early_calendar_is_told_too(served: Program) -> None:
    found = await served.get("/activity", account=await _account(served), **{"from": "0001-01-01", "to": "0001-01-02"})

    assert [each["day"] for each in found["items"]] == ["0001-01-01", "0001-01-02"]
