"""How long a series is, as a server tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.episodes import running, totals

NOW = datetime(2026, 3, 7, tzinfo=UTC)


def body(*episodes: dict[str, object]) -> bytes:
    return json.dumps({"Items": episodes, "TotalRecordCount": len(episodes)}).encode()


def episode(season: int | None, number: int | None, **more: object) -> dict[str, object]:
    return {"Id": "e1", "ParentIndexNumber": season, "IndexNumber": number, "LocationType": "FileSystem", **more}


def test_each_number_counts_once_and_specials_apart() -> None:
    told = body(episode(1, 1), episode(1, 1), episode(1, 2), episode(2, 1), episode(0, 1))

    found = totals(told, NOW, is_running=False)

    assert (found.total_episodes, found.seasons, found.is_running) == (3, {0: 1, 1: 2, 2: 1}, False)


def test_a_file_with_two_episodes_counts_twice() -> None:
    assert totals(body(episode(1, 1, IndexNumberEnd=2)), NOW, is_running=None).total_episodes == 2


@pytest.mark.parametrize(
    ("premiere", "count"),
    [
        pytest.param("2026-03-01T00:00:00.0000000Z", 2, id="aired"),
        pytest.param("2026-03-14T00:00:00.0000000Z", 1, id="to be aired"),
        pytest.param(None, 1, id="nobody knows when"),
    ],
)
def test_what_is_missing_from_the_library_counts_once_it_was_aired(premiere: str | None, count: int) -> None:
    missing = episode(1, 2, LocationType="Virtual", PremiereDate=premiere)

    assert totals(body(episode(1, 1), missing), NOW, is_running=None).total_episodes == count


def test_episodes_without_numbers_say_nothing() -> None:
    found = totals(body(episode(None, 1), episode(1, None)), NOW, is_running=None)

    assert (found.total_episodes, found.seasons) == (None, {})


def test_a_series_is_over_if_the_server_says_so() -> None:
    told = [{"Id": f"{n}" * 32, "Status": status} for n, status in enumerate(["Ended", "Continuing", None])]

    assert list(running(json.dumps({"Items": told}).encode()).values()) == [False, True, None]


@pytest.mark.parametrize("odd", [b"", b"[]", b"{}", b"\xff", b'{"Items":[{"Id":null,"IndexNumber":"x"}]}'])
def test_an_answer_that_is_something_else_is_ours_to_raise(odd: bytes) -> None:
    with pytest.raises(JellyfinUnreadable, match="could not be read"):
        totals(odd, NOW, is_running=None)
    with pytest.raises(JellyfinUnreadable, match="could not be read"):
        running(odd)
