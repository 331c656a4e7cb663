"""The verdict, in the order in which it is reached, each with its sentence (DESIGN §6)."""

import pytest

from reconcile.playback.rules import Rules
from reconcile.playback.verdict import Code, Viewing, judge, judged, spoken
from tests.reconcile.playback.evenings import EIGHT_PM, RUNTIME
from tests.reconcile.playback.viewings import DAY, viewing

RULES = Rules()


@pytest.mark.parametrize(
    ("found", "rules", "code", "sentence"),
    [
        pytest.param(
            viewing(1200, runtime=None),
            RULES,
            Code.UNKNOWN_RUNTIME,
            "not counted: the runtime is not known; watched 20 min",
            id="no runtime",
        ),
        pytest.param(
            viewing(97), RULES, Code.TOO_SHORT, "not counted: watched 97 s, the minimum is 120 s", id="too short"
        ),
        pytest.param(
            viewing(40, runtime=100),
            RULES,
            Code.TOO_SHORT,
            "not counted: watched 40 s, the minimum is 50 s",
            id="less than half of a short",
        ),
        pytest.param(
            viewing(500),
            RULES,
            Code.UNFINISHED,
            "not counted: reached 8.3 % of 100 min, watched 8 min; the threshold is 85 %",
            id="hardly begun",
        ),
        pytest.param(
            viewing(3000),
            RULES,
            Code.PARTIAL,
            "not counted: reached 50 % of 100 min, watched 50 min; the threshold is 85 %",
            id="half",
        ),
        pytest.param(
            viewing(5760), RULES, Code.COMPLETED, "counted: reached 96 % of 100 min, watched 96 min", id="completed"
        ),
        pytest.param(
            viewing(5760, watched_seconds=600),
            Rules(require_coverage=True),
            Code.SKIPPED,
            "not counted: reached 96 % of 100 min, watched 10 min, but only 10 % was really seen, 85 % is needed",
            id="skipped, where that is not allowed",
        ),
    ],
)
def test_each_branch_has_its_sentence(found: Viewing, rules: Rules, code: Code, sentence: str) -> None:
    verdict = judge(found, [], rules)

    assert (verdict.code, verdict.sentence) == (code, sentence.replace("100 min", "1 h 40 min"))
    assert verdict.completed is (code is Code.COMPLETED)


def test_a_runtime_of_zero_is_not_known() -> None:
    assert judge(viewing(600, runtime=0.0), [], RULES).code is Code.UNKNOWN_RUNTIME


def test_the_threshold_itself_is_enough() -> None:
    assert judge(viewing(0.85 * RUNTIME), [], RULES).completed
    assert not judge(viewing(0.85 * RUNTIME - 0.1), [], RULES).completed


def test_what_is_called_85_percent_has_reached_it() -> None:
    assert "reached 84.9 %" in judge(viewing(0.84999 * RUNTIME), [], RULES).sentence


def test_skipping_is_allowed_by_default() -> None:
    assert judge(viewing(5760, watched_seconds=600), [], RULES).completed


def test_threshold_and_minimum_are_the_accounts_to_set() -> None:
    assert judge(viewing(4300), [], Rules(threshold=70.0)).completed
    assert judge(viewing(5900, watched_seconds=130), [], Rules(min_seconds=140.0)).code is Code.TOO_SHORT


def test_no_percent_is_more_than_a_hundred() -> None:
    assert judge(viewing(RUNTIME + 20), [], RULES).percent == 100.0


def test_a_completed_one_counts_when_it_completed_and_any_other_when_it_was_last_watched() -> None:
    completed_at = EIGHT_PM + DAY / 20

    assert judge(viewing(5760, completed_at=completed_at), [], RULES).at == completed_at
    assert judge(viewing(3000), [], RULES).at == viewing(3000).last_watched_at


# --- the chain --------------------------------------------------------------------------------------------------


def codes(*viewings: Viewing, rules: Rules = RULES) -> list[Code]:
    return [verdict.code for _name, verdict in sorted(judged(viewings, rules).items())]


def test_the_last_minute_of_a_film_completes_it_the_next_morning() -> None:
    assert codes(viewing(5000, "1"), viewing(5160, "2", days=0.5, watched_seconds=60)) == [Code.PARTIAL, Code.COMPLETED]


def test_a_chain_is_broken_after_thirty_days() -> None:
    assert codes(viewing(5000, "1"), viewing(5160, "2", days=29, watched_seconds=60))[1] is Code.COMPLETED
    assert codes(viewing(5000, "1"), viewing(5160, "2", days=31, watched_seconds=60))[1] is Code.TOO_SHORT


def test_a_chain_begins_after_the_last_completed_one() -> None:
    verdicts = judged([viewing(5700, "1"), viewing(100, "2", days=1)], RULES)

    assert verdicts["2"].sentence == "not counted: watched 100 s, the minimum is 120 s"


def test_what_earlier_sittings_saw_counts_towards_coverage() -> None:
    two = (viewing(3000, "1"), viewing(5700, "2", days=1, watched_seconds=2700))

    assert codes(*two, rules=Rules(require_coverage=True)) == [Code.PARTIAL, Code.COMPLETED]


def test_coming_back_for_the_credits_is_not_a_further_completion() -> None:
    verdicts = judged([viewing(5700, "1"), viewing(5990, "2", days=1, watched_seconds=290)], RULES)

    assert verdicts["2"].code is Code.SEEN_ALREADY
    assert verdicts["2"].sentence.startswith(
        "not counted again: completed within 30 days, and since then only 4.8 % was seen"
    )


def test_a_further_completion_needs_half_of_it_seen_since_the_last() -> None:
    assert codes(viewing(5700, "1"), viewing(5900, "2", days=1, watched_seconds=3000))[1] is Code.COMPLETED
    assert codes(viewing(5700, "1"), viewing(5900, "2", days=1, watched_seconds=2990))[1] is Code.SEEN_ALREADY


def test_half_of_it_may_have_been_seen_in_several_sittings() -> None:
    assert codes(
        viewing(5700, "1"),
        viewing(2000, "2", days=1),
        viewing(5900, "3", days=2, watched_seconds=1500),
    ) == [Code.COMPLETED, Code.PARTIAL, Code.COMPLETED]


def test_after_thirty_days_the_last_minutes_complete_it_again() -> None:
    assert codes(viewing(5700, "1"), viewing(5990, "2", days=31, watched_seconds=290))[1] is Code.COMPLETED


def test_viewings_are_judged_in_order_of_time_whatever_their_order() -> None:
    first, second = viewing(5000, "1"), viewing(5160, "2", days=0.5, watched_seconds=60)

    assert judged([second, first], RULES) == judged([first, second], RULES)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (97.4, "97 s"), (179, "179 s"), (180, "3 min"), (3480, "58 min"), (7500, "2 h 5 min")],
)
def test_lengths_are_said_as_one_would_say_them(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
