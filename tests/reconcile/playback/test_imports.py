"""What rows of another tool's history are believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.check_in import Channel, CheckIn, DeviceFacts, gathered
from reconcile.playback.cutting import cut
from reconcile.playback.days import watches
from reconcile.playback.edges import EndedBy
from reconcile.playback.imports import Play, is_imported, session_of, told_of
from reconcile.playback.playback import Playback
from reconcile.playback.rules import Rules
from reconcile.playback.surroundings import Recorded, Surroundings
from reconcile.playback.thinning import thinned
from reconcile.playback.verdict import Code, Viewing, believed, judged, viewing

NINE_PM = datetime(2024, 3, 2, 21, 0, tzinfo=UTC)
FILM = 6000.0


def row(after: float, seconds: float) -> CheckIn:
    """Return a row that began *after* nine, in seconds."""
    at = NINE_PM + timedelta(seconds=after)
    return told_of(Play("viewer", "film", at, seconds, "row 1"), at)


def played(*rows: CheckIn, around: Surroundings | None = None) -> tuple[Playback, ...]:
    return cut(gathered(list(rows)), around or Surroundings(runtime=FILM), Rules(), NINE_PM + timedelta(days=400))


def code_of(*viewings: Viewing) -> list[Code]:
    said = judged(viewings, Rules())
    return [said[each.name].code for each in viewings]


def seen(name: str, playback: Playback, runtime: float | None = FILM) -> Viewing:
    return viewing(name, playback, runtime)


def live(name: str, after: float, seconds: float, position: float = 0.0) -> Viewing:
    at = NINE_PM + timedelta(seconds=after)
    until = at + timedelta(seconds=seconds)
    return Viewing(
        name=name,
        started_at=at,
        ended_at=until,
        last_watched_at=until,
        watched_seconds=seconds,
        reached_seconds=position + seconds,
        runtime=FILM,
        covered=((position, position + seconds),),
        completed_at=None,
        channels=frozenset({Channel.POLL}),
    )


def test_a_row_is_a_playback_of_its_own() -> None:
    first, second = played(row(0, 1500), row(7200, 4500))

    assert (first.started_at, first.ended_at) == (NINE_PM, NINE_PM + timedelta(seconds=1500))
    assert [first.watched_seconds, second.watched_seconds] == [1500, 4500]
    assert first.ended_by is EndedBy.IMPORTED
    assert not first.is_open


def test_nothing_is_covered() -> None:
    (it,) = played(row(0, 5800))

    assert it.covered == ()
    assert it.position is None
    assert it.completed_at is None


def test_time_that_runs_into_the_next_row_or_beyond_the_runtime_is_not_believed() -> None:
    first, second = played(row(0, 4000), row(3600, 7000))

    assert first.watched_seconds == 3600
    assert second.watched_seconds == FILM


def test_of_a_night_that_a_tool_counted_through_nothing_is_believed() -> None:
    (it,) = played(row(0, 29_400))

    assert it.watched_seconds == 0
    assert code_of(seen("1", it)) == [Code.TOO_SHORT]


def test_what_lies_where_nothing_may_be_imported_is_left_out() -> None:
    hours = [NINE_PM + timedelta(hours=h) for h in (10, 20, 30)]
    recorded = (Recorded(NINE_PM, hours[0]), Recorded(hours[0], hours[1]), Recorded(hours[2]))
    rows = [row(hour * 3600, 1800) for hour in (0, 12, 25, 35)]

    there = played(*rows, around=Surroundings(runtime=FILM, recorded=recorded))

    assert [(each.started_at - NINE_PM) // timedelta(hours=1) for each in there] == [0, 12, 35]


def test_a_film_in_two_evenings_counts_once_it_has_been_watched_whole() -> None:
    first, second = played(row(0, 2400), row(86_400, 3300))
    viewings = [seen("1", first), seen("2", second)]

    said = judged(viewings, Rules())

    assert [said[name].code for name in ("1", "2")] == [Code.PARTIAL, Code.COMPLETED]
    assert said["2"].sentence == "counted: watched 95 min of 1 h 40 min by an import that does not say which part"
    assert said["2"].percent == pytest.approx(95.0)


def test_half_a_film_does_not_count_because_another_tool_had_it() -> None:
    (it,) = played(row(0, 3000))

    assert code_of(seen("1", it)) == [Code.PARTIAL]


def test_without_a_runtime_nothing_counts() -> None:
    (it,) = played(row(0, 5800), around=Surroundings())

    assert code_of(seen("1", it, None)) == [Code.UNKNOWN_RUNTIME]


def test_what_was_seen_live_too_counts_once() -> None:
    (it,) = played(row(15, 5800))

    assert code_of(live("1", 0, 5900), seen("2", it)) == [Code.COMPLETED, Code.TOLD_TWICE]


def test_what_merely_touches_a_live_playback_counts_beside_it() -> None:
    (it,) = played(row(590, 3000))

    assert code_of(live("1", 0, 600), seen("2", it)) == [Code.PARTIAL, Code.PARTIAL]


def test_of_an_evening_that_was_heard_late_an_import_tells_the_beginning_and_only_that() -> None:
    (it,) = played(row(0, 5900))
    rest = live("1", 3500, 2400, position=3500.0)
    both = [rest, seen("2", it)]

    (watch,), said = watches(both, {}, Rules(), UTC)

    assert [said[name].code for name in ("1", "2")] == [Code.COMPLETED, Code.PARTIAL]
    assert (watch.plays, watch.watched_seconds) == (1, 5900.0)
    assert believed(believed(both)) == believed(both)


def test_what_an_import_alone_completes_is_an_imports_whatever_else_was_on_that_day() -> None:
    (it,) = played(row(0, 5900))

    (watch,), _said = watches([seen("1", it), live("2", -20_000, 90)], {}, Rules(), UTC)
    (other,), _said = watches([seen("1", it), live("2", -20_000, 5900)], {}, Rules(), UTC)

    assert watch.channels == {Channel.IMPORT}
    assert other.channels == {Channel.IMPORT, Channel.POLL}
    assert other.plays == 2


def test_of_two_imports_of_the_same_evening_the_longer_counts() -> None:
    (longer,), (other,) = played(row(0, 5900)), played(row(20, 5700))

    assert code_of(seen("1", other), seen("2", longer)) == [Code.TOLD_TWICE, Code.COMPLETED]


def test_a_rewatch_by_an_import_counts_again() -> None:
    first, second = played(row(0, 5700), row(86_400, 5700))

    assert code_of(seen("1", first), seen("2", second)) == [Code.COMPLETED, Code.COMPLETED]


def test_the_session_of_an_import_is_none_of_jellyfins_and_another_for_each_tool_item_and_device() -> None:
    plays = [
        Play("viewer", item, NINE_PM, 1.0, "row 1", device=DeviceFacts(client="Web", device_name=name))
        for item in ("film", "other")
        for name in ("one", "two")
    ]

    ids = {session_of(source, each) for source in ("a", "b") for each in plays}

    assert len(ids) == 8
    assert all(len(each) == 32 for each in ids)


ROWS = st.lists(
    st.builds(
        row,
        st.integers(0, 400_000).map(float),
        st.integers(1, 20_000).map(float),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS, st.randoms())
def test_any_order_and_any_repetition_of_rows_is_the_same_history(rows: list[CheckIn], chance: Random) -> None:
    shuffled = [*rows, *rows[::2]]
    chance.shuffle(shuffled)

    assert played(*shuffled) == played(*rows)


@given(ROWS)
def test_rows_never_make_more_time_than_has_passed_and_thinning_forgets_none(rows: list[CheckIn]) -> None:
    line = gathered(rows)
    there = played(*rows)
    span = (there[-1].ended_at - there[0].started_at).total_seconds()

    assert is_imported(line)
    assert sum(each.watched_seconds for each in there) <= span + 1e-6
    assert all(0 <= each.watched_seconds <= FILM for each in there)
    assert not thinned(line, Surroundings(runtime=FILM), Rules(), NINE_PM).gone
