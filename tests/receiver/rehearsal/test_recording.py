"""A recording tells the same evening through both channels, and the same again for the same seed."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest

from receiver.rehearsal.evening import evening
from receiver.rehearsal.losses import is_deaf, outages_of, with_losses
from receiver.rehearsal.mishaps import ODDS
from receiver.rehearsal.plugin import Style
from receiver.rehearsal.recording import Recording, record

SEEDS = range(6)


def notifications(recording: Recording) -> list[dict[str, object]]:
    return [json.loads(delivery.body) for delivery in recording.deliveries]


@pytest.mark.parametrize("faults", [False, True], ids=["ordinary", "with faults"])
def test_a_seed_gives_the_same_evening_again(faults: bool) -> None:
    one, again = record(evening(3, faults)), record(evening(3, faults))

    assert one.deliveries == again.deliveries
    assert one.truths == again.truths


def test_an_ordinary_evening_has_no_faults_and_one_to_a_few_playbacks() -> None:
    recordings = [record(evening(seed, faults=False)) for seed in range(60)]

    assert all(truth.ordinary and not truth.unheard for recording in recordings for truth in recording.truths)
    assert 1.5 < mean(len(recording.truths) for recording in recordings) < 3.0


def test_every_mishap_happens_some_evening() -> None:
    told = {tag for seed in range(400) for truth in record(evening(seed, faults=True)).truths for tag in truth.faults}

    untagged = {"clock ahead or behind", "crash and come back", "gives up after a restart", "user switch"}
    renamed = {"seeks untold": "silent seek", "autoplay without stop": "no stop", "autoplay reordered": "late stop"}
    assert {renamed.get(what, what) for what in ODDS} - untagged <= told


@pytest.mark.parametrize("seed", SEEDS)
def test_deliveries_come_in_order_a_moment_after_they_were_sent(seed: int) -> None:
    recording = record(evening(seed, faults=True))

    assert all(one.arrives_at <= other.arrives_at for one, other in pairwise(recording.deliveries))
    for delivery in recording.deliveries:
        late = delivery.arrives_at - recording.our_time(delivery.sent_at)
        assert timedelta(0) < late < timedelta(seconds=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_and_a_notification_tell_of_the_same_report(seed: int) -> None:
    recording = record(evening(seed, faults=True))
    told = {
        (note["Id"], note["ItemId"], note["LastPlaybackCheckIn"])
        for note in notifications(recording)
        if note["NotificationType"] != "PlaybackStop"
    }

    shown = [session for _, body in recording.looks() if body for session in json.loads(body)]
    playing = [session for session in shown if "NowPlayingItem" in session]

    assert playing
    for session in playing:
        assert (session["Id"], session["NowPlayingItem"]["Id"], session["LastPlaybackCheckIn"]) in told


def test_stale_idle_sessions_are_listed_beside_the_playing_ones() -> None:
    recording = record(evening(1, faults=False))

    idle = json.loads(recording.snapshot(recording.began) or b"")

    assert len(idle) == 2
    assert all("NowPlayingItem" not in session and session["PlayState"] for session in idle)
    assert {session["LastPlaybackCheckIn"][:4] for session in idle} == {"0001", str(recording.began.year)}


def test_a_snapshot_is_none_while_the_server_is_away() -> None:
    seed = next(s for s in range(200) if any("restart" in t.faults for t in record(evening(s, faults=True)).truths))

    answers = [body for _, body in record(evening(seed, faults=True)).looks(every=5.0)]

    assert None in answers
    assert answers[-1] is not None


def test_the_flood_tells_nothing_new_but_more_often() -> None:
    script = evening(2, faults=True)

    calm, flooded = record(script), record(script, flood=True)

    told = {(delivery.sent_at, delivery.body) for delivery in calm.deliveries}
    assert told <= {(delivery.sent_at, delivery.body) for delivery in flooded.deliveries}
    assert len(flooded.deliveries) > 3 * len(calm.deliveries)
    assert flooded.truths == calm.truths


@pytest.mark.parametrize("version", [11, 15, 16, 21])
def test_the_truth_does_not_depend_on_the_plugin(version: int) -> None:
    script = evening(4, faults=True)

    recording = record(script, version, style=Style.FORM)

    assert recording.truths == record(script).truths
    assert recording.deliveries[0].content_type == "application/x-www-form-urlencoded"


def test_everything_is_over_by_the_time_it_says() -> None:
    for seed in SEEDS:
        recording = record(evening(seed, faults=True))
        last: datetime = max(delivery.sent_at for delivery in recording.deliveries)

        assert recording.until - last >= timedelta(hours=11)
        assert b"NowPlayingItem" not in (recording.snapshot(recording.until) or b"")


def test_a_bad_channel_loses_doubles_and_delays_and_stays_in_order_of_arrival() -> None:
    recording = record(evening(1, faults=False))

    came = with_losses(recording, seed=5, dropped=0.1, delayed=0.1, doubled=0.2)

    bodies = {delivery.body for delivery in came}
    assert bodies < {delivery.body for delivery in recording.deliveries}
    assert len(came) > len(bodies)
    assert all(one.arrives_at <= other.arrives_at for one, other in pairwise(came))


def test_nothing_arrives_in_an_outage() -> None:
    recording = record(evening(1, faults=False))
    outages = next(found for seed in range(20) if (found := outages_of(recording, seed)))

    came = with_losses(recording, seed=5, outages=outages)

    assert not any(is_deaf(delivery.arrives_at, outages) for delivery in came)
    assert len(came) < len(with_losses(recording, seed=5))
