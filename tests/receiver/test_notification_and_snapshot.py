"""The same report, told by a notification, by an automated one, and by a snapshot, is one check-in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from receiver.notification import read
from reconcile.jellyfin.sessions import session_observations
from reconcile.jellyfin.snapshot import decode_snapshot
from reconcile.playback.check_in import CheckIn, Ignored, Observation, gathered
from tests.recordings.shapes import SERVER, changed, sessions

EIGHT = datetime(2026, 11, 22, 20, tzinfo=UTC)


def told(at: datetime, digit: int = 0) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}{digit}Z"


def notification(name: str, reported: datetime, digit: int, made: datetime, **values: object) -> Observation:
    body = changed(name, UtcTimestamp=told(made), LastPlaybackCheckIn=told(reported, digit), **values)
    found = read(body, None, made)
    assert isinstance(found, Observation)
    return found


def looked_at(
    reported: datetime, digit: int, at: datetime, ticks: int, activity: datetime, paused: bool
) -> Observation:
    session = sessions()[0] | {"LastPlaybackCheckIn": told(reported, digit), "LastActivityDate": told(activity)}
    session["PlayState"] |= {"PositionTicks": ticks, "IsPaused": paused}
    found = session_observations(decode_snapshot(json.dumps([session]).encode()).sessions[0], SERVER, at)
    assert not isinstance(found, Ignored)
    return found[0]


def check_in(observation: Observation) -> CheckIn:
    assert observation.check_in is not None
    return observation.check_in


@given(
    after=st.timedeltas(timedelta(0), timedelta(hours=3)),
    digit=st.integers(0, 9),
    position=st.integers(0, 26_000_000_000),
    guesses=st.integers(1, 59),
    late=st.floats(0.001, 0.9),
    paused=st.booleans(),
    name=st.sampled_from(["plugin_21_start.json", "plugin_21_progress.json"]),
)
def test_the_same_report_is_one_check_in_whoever_tells_it(
    after: timedelta, digit: int, position: int, guesses: int, late: float, paused: bool, name: str
) -> None:
    paused = paused and name != "plugin_21_start.json"
    reported = EIGHT + after
    tick = reported + timedelta(seconds=guesses + late / 10)
    shown = position if paused else position + guesses * 10_000_000
    words = notification(
        name, reported, digit, reported + timedelta(seconds=0.02), PlaybackPositionTicks=position, IsPaused=paused
    )
    looked = looked_at(reported, digit, tick + timedelta(seconds=late), shown, reported if paused else tick, paused)
    tellings = [words, looked]
    if not paused:
        tellings.append(
            notification(
                "plugin_21_automated.json",
                reported,
                digit,
                tick,
                PlaybackPositionTicks=shown,
                LastActivityDate=told(tick),
            )
        )

    assert len({one.key for one in tellings}) == 1
    assert len({check_in(one).identity for one in tellings}) == 1
    assert all(abs((check_in(one).position or 0.0) - position / 10_000_000) < 1 for one in tellings)
    (one,) = gathered([check_in(telling) for telling in tellings])
    assert one.reported
    assert one.position == position / 10_000_000
    assert one.sighted_until == check_in(looked).sighted_until


def test_both_channels_say_the_same_of_the_item_and_the_player() -> None:
    words = notification("plugin_21_progress.json", EIGHT, 0, EIGHT)
    looked = looked_at(EIGHT, 0, EIGHT, 0, EIGHT, paused=False)

    assert words.item == looked.item
    assert words.device == looked.device
    assert words.user_name == looked.user_name
