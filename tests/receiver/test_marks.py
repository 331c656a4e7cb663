"""Marks by hand as the plugin tells of them: ignored, unless the administrator wants them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from receiver.notification import read
from reconcile.playback.check_in import Channel, Ignored, Mark, Observation, Rejected
from tests.receiver.houses import NINE_PM, program, until
from tests.recordings.shapes import EPISODE, SERVER, VIEWER, changed, recording

NAME = "plugin_21_marked_played.json"


def test_a_mark_is_evidence_where_it_is_wanted() -> None:
    found = read(recording(NAME), None, NINE_PM, with_marks=True)

    assert isinstance(found, Observation)
    assert found.mark == Mark(datetime(2026, 11, 22, 21, 0, 0, 31123, UTC), played=True)
    assert (found.key.server_id, found.key.session_id, found.key.user_id) == (SERVER, "manual", VIEWER)
    assert (found.key.item_id, found.channel, found.check_in) == (EPISODE, Channel.MANUAL, None)
    assert (found.item.season, found.item.episode) == (1, 2)


def test_and_is_ignored_where_it_is_not() -> None:
    assert read(recording(NAME), None, NINE_PM) == Ignored("manual mark")


def test_other_user_data_is_never_a_mark() -> None:
    body = changed(NAME, SaveReason="PlaybackFinished")

    assert read(body, None, NINE_PM, with_marks=True) == Ignored("user data")


def test_a_mark_of_something_that_is_no_history_is_ignored() -> None:
    assert isinstance(read(changed(NAME, ItemType="Audio"), None, NINE_PM, with_marks=True), Ignored)


@pytest.mark.parametrize("missing", ["Played", "UserId", "ItemId"])
def test_what_a_mark_cannot_do_without_is_named(missing: str) -> None:
    found = read(changed(NAME, missing), None, NINE_PM, with_marks=True)

    assert isinstance(found, Rejected)
    assert missing in found.reason


async def test_a_mark_becomes_a_row_of_its_own_kind_and_is_replayed_as_one(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url, PLAYLEDGER_RECORD_MANUAL="true") as here:
        assert (await here.send(recording(NAME))).json()["outcome"] == "recorded"
        assert (await here.send(recording(NAME))).json()["outcome"] == "known"

        (row,) = (await here.get("/history"))["items"]
        assert (row["verdict"], row["channels"], row["completed"]) == ("marked", ["manual"], False)
        assert (row["media"]["season"], row["media"]["episode"], row["playbacks"]) == (1, 2, [])
        assert (await here.get("/history", completed="true"))["items"] == []

        wish = {"since": "2026-01-01T00:00:00Z"}
        replay = (await here.http.post("/api/v1/replays", json=wish)).json()["id"]

        async def is_done() -> bool:
            return str((await here.get(f"/replays/{replay}"))["state"]) == "done"

        await until(is_done)
        assert (await here.get(f"/replays/{replay}"))["result"]["differences"] == []

        unmarked = changed(NAME, Played=False, UtcTimestamp="2026-11-22T21:30:00.0000000Z")
        assert (await here.send(unmarked)).json()["outcome"] == "recorded"
        assert (await here.get("/history"))["items"] == []


async def test_by_default_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        answer = (await here.send(recording(NAME))).json()

        assert (answer["outcome"], answer["reason"]) == ("ignored", "manual mark")
        assert (await here.get("/history"))["items"] == []
