"""The same check-in told twice is one, whoever tells it first (DESIGN §3)."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.check_in import Channel, CheckIn, Kind, gathered, merged
from tests.reconcile.playback.evenings import at, check_in, looked, stop


def test_a_reported_position_beats_one_taken_back_from_a_guess() -> None:
    both = merged(looked(10, 9.5), check_in(10, 10.0))

    assert (both.position, both.reported) == (10.0, True)


def test_of_two_equals_the_smaller_position_wins() -> None:
    assert merged(check_in(10, 10.4), check_in(10, 10.0)).position == 10.0


def test_a_known_position_beats_none_even_a_reported_one() -> None:
    assert merged(check_in(10, known=False), looked(10, 9.0)).position == 9.0


def test_a_position_of_zero_is_a_position() -> None:
    assert merged(check_in(10, known=False), check_in(10, 0.0)).position == 0.0


def test_the_latest_sighting_the_earliest_observation_and_all_channels_are_kept() -> None:
    both = merged(looked(10, until=24), check_in(10, seen=10.2))

    assert both.sighted_until == at(24)
    assert both.seen_at == at(10)
    assert both.channels == {Channel.POLL, Channel.WEBHOOK}


def test_a_playing_and_a_paused_check_in_of_one_instant_are_two_and_the_stop_comes_last() -> None:
    told = [stop(10), check_in(10, kind=Kind.PAUSED), check_in(10)]

    assert [each.kind for each in gathered(told)] == [Kind.PLAYING, Kind.PAUSED, Kind.STOPPED]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [(True, False, True), (True, None, True), (False, None, False), (False, False, False), (None, None, None)],
    ids=["completed beats not", "completed beats nothing", "not beats nothing", "not, twice", "nothing, twice"],
)
def test_what_the_server_says_of_a_stop_outlasts_whoever_says_less(
    one: bool | None, other: bool | None, both: bool | None
) -> None:
    assert merged(stop(10, completed=one), stop(10, completed=other)).server_completed is both
    assert merged(stop(10, completed=other), stop(10, completed=one)).server_completed is both


@pytest.mark.parametrize(("one", "other", "both"), [(31, 32, 31), (31, None, 31), (None, None, None)])
def test_of_two_instants_by_which_it_had_been_left_the_earlier_one_says_more(
    one: float | None, other: float | None, both: float | None
) -> None:
    wanted = None if both is None else at(both)
    assert merged(looked(10, left_by=one), looked(10, left_by=other)).left_by == wanted
    assert merged(looked(10, left_by=other), looked(10, left_by=one)).left_by == wanted


CHECK_INS = st.builds(
    check_in,
    st.sampled_from([10.0, 20.0]),
    st.sampled_from([0.0, 9.0, 10.0]),
    st.sampled_from(list(Kind)),
    known=st.booleans(),
    reported=st.booleans(),
    until=st.sampled_from([20.0, 30.0]),
    seen=st.sampled_from([20.0, 25.0]),
    channel=st.sampled_from(list(Channel)),
    completed=st.none() | st.booleans(),
    left_by=st.none() | st.sampled_from([31.0, 32.0]),
)


@given(st.lists(CHECK_INS, max_size=4), st.data())
def test_neither_order_nor_repetition_makes_a_difference(told: list[CheckIn], data: st.DataObject) -> None:
    again = [*told, *data.draw(st.lists(st.sampled_from(told), max_size=3) if told else st.just([]))]

    assert gathered(data.draw(st.permutations(again))) == gathered(told)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_tellings_merge_to_the_same_in_any_order(order: tuple[int, ...]) -> None:
    told = [looked(10, 9.0, until=30), check_in(10, 10.0), check_in(10, 10.2, seen=12)]

    assert gathered([told[n] for n in order]) == gathered(told)
