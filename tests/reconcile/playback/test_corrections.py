"""What playbacks count as after people have had their say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.corrections import Correction, Counts, What, counts_as, meant, sentence
from reconcile.playback.media import Identity

EIGHT_PM = datetime(2026, 3, 7, 20, tzinfo=UTC)
RIGHT = Identity("movie", "The Right One", None, (("tmdb", "1"),))
CUT = Counts(1, 10, ("",))
ACCOUNTS = {1: None, 2: None}


def said(what: What, number: int = 1, **values: Any) -> Correction:  # noqa: ANN401 - as the struct has it
    told: dict[str, Any] = {
        "id": number,
        "what": what,
        "session_id": "television",
        "since": EIGHT_PM,
        "until": EIGHT_PM + timedelta(hours=1),
        "to_account": None,
        "to_media": None,
        "to_unit": None,
        "said_by": "an administrator",
        "said_at": EIGHT_PM + timedelta(hours=number),
    }
    return Correction(**told | values)


def counts(*corrections: Correction) -> Counts:
    return counts_as(CUT, corrections, {RIGHT: 20}, ACCOUNTS)


def test_without_a_word_it_counts_as_it_was_cut() -> None:
    assert counts() == CUT


@pytest.mark.parametrize("what", [What.DELETE, What.NOT_ME, What.WRONG_ITEM])
def test_what_is_nobodys_is_excluded_with_a_sentence(what: What) -> None:
    found = counts(said(what))

    assert (found.account_id, found.media_id, found.units) == (None, 10, ("",))
    assert found.excluded == sentence(said(what))


def test_the_sentence_says_what_who_and_when() -> None:
    assert sentence(said(What.NOT_ME)) == "not counted: marked as not me by an administrator on 2026-03-07"


def test_somebody_elses_is_theirs_as_long_as_they_are_here() -> None:
    assert counts(said(What.NOT_ME, to_account=2)).account_id == 2
    assert counts(said(What.NOT_ME, to_account=3)).account_id is None


def test_the_right_title_and_the_right_episode_take_the_place_of_the_wrong_ones() -> None:
    assert counts(said(What.WRONG_ITEM, to_media=RIGHT)) == Counts(1, 20, ("",))
    assert counts(said(What.WRONG_ITEM, to_unit="s01e02")) == Counts(1, 10, ("s01e02",))
    assert counts(said(What.REMATCH, to_media=RIGHT, to_unit="s01e02")) == Counts(1, 20, ("s01e02",))


def test_words_of_different_kinds_hold_together() -> None:
    found = counts(said(What.WRONG_ITEM, 1, to_media=RIGHT), said(What.NOT_ME, 2, to_account=2))

    assert found == Counts(2, 20, ("",))


@given(
    st.permutations(
        [said(What.WRONG_ITEM, 1, to_media=RIGHT), said(What.NOT_ME, 2, to_account=2), said(What.DELETE, 3)]
    )
)
def test_they_hold_in_the_order_of_their_time_however_they_are_read(corrections: list[Correction]) -> None:
    assert counts(*corrections).excluded == sentence(said(What.DELETE, 3))


@pytest.mark.parametrize(
    ("session", "first", "last", "is_meant"),
    [
        ("television", 0, 60, True),
        ("television", -30, 0, True),
        ("television", 60, 90, True),
        ("television", 61, 90, False),
        ("television", -30, -1, False),
        ("phone", 0, 60, False),
    ],
    ids=["the same", "ends as it begins", "begins as it ends", "later", "earlier", "in another session"],
)
def test_a_playback_is_meant_where_its_time_meets_the_corrections(
    session: str, first: int, last: int, is_meant: bool
) -> None:
    one = said(What.DELETE)

    found = meant([one], session, EIGHT_PM + timedelta(minutes=first), EIGHT_PM + timedelta(minutes=last))

    assert found == ((one,) if is_meant else ())


def test_a_word_about_all_time_means_every_session() -> None:
    one = said(What.REMATCH, session_id=None, since=None, until=None, to_media=RIGHT)

    assert meant([one], "phone", EIGHT_PM - timedelta(days=400), EIGHT_PM - timedelta(days=400)) == (one,)
