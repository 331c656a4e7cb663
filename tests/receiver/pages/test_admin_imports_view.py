"""An import as its page shows it: where it stands, whose rows they are, and what is known of its time zone."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.pages.admin.imports_view import REFUSED_SHOWN, few_walls, rowless, standing, view_of
from reconcile.store import imports
from reconcile.store.people import Account
from tests.receiver.houses import NINE_PM

Row = dict[str, Any]


def kept(**told: object) -> Row:
    """Return an import that was read, with what it *told*."""
    return {
        "id": 1,
        "server_id": "a" * 32,
        "source": "playback-reporting",
        "requested_at": NINE_PM,
        "zone": None,
        "task": imports.READ,
        "state": imports.DONE,
        "told": told,
        "done": 0,
        "total": 0,
        "result": None,
    }


@pytest.mark.parametrize(
    ("task", "state", "text", "kind"),
    [
        (imports.READ, imports.READING, "being read", "warn"),
        (imports.READ, imports.DONE, "read", "soft"),
        (imports.TRY, imports.QUEUED, "waits for its turn", "warn"),
        (imports.TRY, imports.RUNNING, "being tried", "warn"),
        (imports.APPLY, imports.DONE, "applied", "good"),
        (imports.APPLY, imports.FAILED, "not applied: it failed", "bad"),
        (imports.UNDO, imports.RUNNING, "being undone", "warn"),
        (imports.UNDO, imports.DONE, "undone", "soft"),
    ],
)
def test_where_it_stands_is_said_in_words(task: str, state: str, text: str, kind: str) -> None:
    found = standing(kept() | {"task": task, "state": state})

    assert (found.text, found.kind) == (text, kind)


def test_people_are_named_as_they_are_now_and_whoever_was_erased_has_no_name() -> None:
    counts = {"first": "2023-07-01", "last": "2024-01-31"}
    told = {"1": counts | {"rows": 3}, "2": counts | {"rows": 9}}
    it = view_of(kept(people=told), 0, {1: Account(1, "viewer")}, "UTC")

    assert [(each.name, each.account_id, each.rows) for each in it.people] == [
        ("somebody who has left", None, 9),
        ("viewer", 1, 3),
    ]


@pytest.mark.parametrize(
    ("told", "row_zone", "wished", "is_proven"),
    [
        pytest.param({"fit": None}, None, "Europe/Lisbon", False, id="not found: ours is filled in"),
        pytest.param(
            {"fit": {"zone": "Asia/Tokyo", "matched": 2, "possible": 5, "is_proven": False}},
            "Asia/Tokyo",
            "Asia/Tokyo",
            False,
            id="likely",
        ),
        pytest.param(
            {"fit": {"zone": "Asia/Tokyo", "matched": 5, "possible": 5, "is_proven": True}},
            "Europe/Berlin",
            "Europe/Berlin",
            True,
            id="another one was given since",
        ),
    ],
)
def test_the_time_zone_in_the_form_is_the_one_given_or_found_or_ours(
    told: dict[str, object], row_zone: str | None, wished: str, is_proven: bool
) -> None:
    zone = view_of(kept(wall_times=5, **told) | {"zone": row_zone}, 0, {}, "Europe/Lisbon").zone

    assert zone is not None
    assert (zone.wished, zone.is_proven) == (wished, is_proven)


@pytest.mark.parametrize(
    ("rows", "walls", "said"),
    [
        pytest.param(4, 1, "1 of its 4 rows is in wall time (Jellystat had it from Playback Reporting).", id="one"),
        pytest.param(4, 2, "2 of its 4 rows are in wall time (Jellystat had them from Playback Reporting).", id="two"),
        pytest.param(4, 4, "", id="all"),
        pytest.param(4, 0, "", id="none"),
    ],
)
def test_where_only_some_rows_are_in_wall_time_it_is_said_how_many(rows: int, walls: int, said: str) -> None:
    assert few_walls({"rows": rows, "wall_times": walls}) == said


@pytest.mark.parametrize(
    ("recorded", "came", "said"),
    [(5, 3, "2 of the new plays make no row of their own"), (1, 0, "1 of the new plays makes no row"), (3, 3, "")],
)
def test_new_plays_that_make_no_row_are_told(recorded: int, came: int, said: str) -> None:
    told = rowless({"recorded": recorded, "came": came})

    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_rows_in_utc_have_no_time_zone_to_be_asked_for() -> None:
    assert view_of(kept(wall_times=0), 0, {}, "UTC").zone is None


def test_what_is_left_out_most_stands_first_and_of_many_refusals_the_first_are_shown() -> None:
    refused = [f"row {number}: odd" for number in range(100)]
    it = view_of(kept(ignored={"audio": 2, "no user": 7}, refused=refused, refusals=400), 0, {}, "UTC")

    assert it.left_out == (("no user", 7), ("audio", 2))
    assert it.refused == tuple(refused[:REFUSED_SHOWN])
    assert it.refusals == 400


def test_one_that_is_being_read_has_nothing_to_show_yet() -> None:
    it = view_of(kept() | {"state": imports.READING}, 0, {}, "UTC")

    assert (it.rows, it.people, it.months, it.is_over) == (0, (), (), False)
