"""What a snapshot of sessions is evidence of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.sessions import farewell, session_observations
from reconcile.jellyfin.snapshot import Session, Snapshot, decode_snapshot
from reconcile.playback.check_in import Channel, Ignored, Kind, Observation
from tests.recordings.shapes import EPISODE, GUEST, SERIES, SERVER, SESSION, VIEWER, recording, sessions

AT = datetime(2026, 11, 22, 20, 10, 7, 800_000, tzinfo=UTC)
REPORTED = datetime(2026, 11, 22, 20, 10, 0, 12345, tzinfo=UTC)


def playing(item: dict[str, Any] | None = None, play_state: dict[str, Any] | None = None, **changes: object) -> Session:
    told = sessions()[0] | changes
    told["NowPlayingItem"] |= item or {}
    told["PlayState"] |= play_state or {}
    return decode_snapshot(json.dumps([told]).encode()).sessions[0]


def observations(session: Session) -> tuple[Observation, ...]:
    told = session_observations(session, SERVER, AT)
    assert not isinstance(told, Ignored), told
    return told


def test_a_playing_session_is_the_clients_last_report_without_the_guessed_seconds() -> None:
    (told,) = observations(playing())

    assert told.check_in is not None
    assert (told.check_in.at, told.check_in.kind, told.check_in.position) == (REPORTED, Kind.PLAYING, 600.25)
    assert not told.check_in.reported
    assert told.check_in.sighted_until == told.check_in.seen_at == told.observed_at == AT
    assert (told.key.server_id, told.key.session_id) == (SERVER, SESSION)
    assert (told.key.user_id, told.key.item_id) == (VIEWER, EPISODE)


def test_nothing_is_taken_back_from_a_pause_and_all_who_watch_are_told_once() -> None:
    told = observations(decode_snapshot(recording("sessions.json")).sessions[1])

    assert [(one.key.user_id, one.user_name) for one in told] == [(VIEWER, "viewer"), (GUEST, "guest")]
    assert told[0].check_in == told[1].check_in
    assert told[0].check_in is not None
    assert (told[0].check_in.kind, told[0].check_in.position) == (Kind.PAUSED, 3000.0)
    assert (told[0].item.kind, told[0].item.year, told[0].item.tmdb_id) == ("movie", 1922, "653")


def test_a_session_without_a_user_of_its_own_still_has_its_guests() -> None:
    guests = [{"UserId": GUEST}]

    assert [one.key.user_id for one in observations(playing(UserId="0" * 32, AdditionalUsers=guests))] == [GUEST]


def test_a_session_in_which_nothing_plays_says_nothing() -> None:
    snapshot = decode_snapshot(recording("sessions.json"))

    assert session_observations(snapshot.sessions[2], SERVER, AT) == ()
    assert snapshot.playing == snapshot.sessions[:2]


# --- what an idle session says of what it played -----------------------------------------------------------------

LATER = AT + timedelta(seconds=11)


def idle(**changes: object) -> Session:
    told = sessions()[0] | {"LastActivityDate": "2026-11-22T20:10:13.5000000Z"} | changes
    del told["NowPlayingItem"]
    return decode_snapshot(json.dumps([told]).encode()).sessions[0]


def left(session: Session) -> tuple[datetime, datetime] | None:
    """Return until when it was shown, and by when it had been left."""
    (told,) = observations(playing())
    found = farewell(session, told, LATER)
    if found is None:
        return None
    assert told.check_in is not None
    assert found.check_in is not None
    assert found.check_in.left_by is not None
    assert found.is_farewell
    assert not told.is_farewell
    assert (found.key, found.observed_at, found.check_in.identity) == (told.key, LATER, told.check_in.identity)
    assert (found.check_in.position, found.check_in.seen_at) == (told.check_in.position, told.check_in.seen_at)
    return found.check_in.sighted_until, found.check_in.left_by


def test_an_idle_session_says_when_it_was_left_and_when_the_client_last_reported() -> None:
    stopped = datetime(2026, 11, 22, 20, 10, 13, 500_000, tzinfo=UTC)

    assert left(idle()) == (AT, stopped)
    assert left(idle(LastPlaybackCheckIn="2026-11-22T20:10:10.0000000Z")) == (AT + timedelta(seconds=2.2), stopped)


@pytest.mark.parametrize("active", [None, "2026-11-22T20:09:00.0000000Z", "2026-11-22T20:20:00.0000000Z"])
def test_without_a_last_activity_that_can_be_it_was_left_by_the_look(active: str | None) -> None:
    assert left(idle(LastActivityDate=active)) == (AT, LATER)


@pytest.mark.parametrize(
    "session",
    [
        idle(LastPlaybackCheckIn="0001-01-01T00:00:00.0000000Z"),
        idle(LastPlaybackCheckIn="2026-11-22T20:09:59.0000000Z"),
        idle(UserId=GUEST),
    ],
    ids=["made anew after a restart", "an older one", "another's"],
)
def test_a_session_that_is_not_the_same_any_longer_says_nothing_of_it(session: Session) -> None:
    assert left(session) is None


def test_facts_of_the_item_travel_with_it() -> None:
    (told,) = observations(playing({"IndexNumberEnd": 3}))

    assert told.item.name == 'The "Long" Night & Day'
    assert (told.item.season, told.item.episode, told.item.episode_end) == (1, 2, 3)
    assert (told.item.series_id, told.item.series_name) == (SERIES, "The Lighthouse Keepers")
    assert (told.item.tvdb_id, told.item.imdb_id, told.item.tmdb_id) == ("6910001", "tt9900001", None)
    assert (told.item.runtime_seconds, told.item.year) == (2700.0, None)
    assert (told.device.client, told.device.device_name) == ("Jellyfin Web", "Firefox")


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (playing({"Type": "Audio"}), "item type Audio"),
        (playing({"Type": "TvChannel"}), "item type TvChannel"),
        (playing({"Type": "Trailer"}), "item type Trailer"),
        (playing({"Type": None}), "item type unknown"),
        (playing({"ExtraType": "ThemeSong"}), "an extra"),
        (playing({"ProviderIds": {"prerolls.video": "1"}}), "a pre-roll"),
        (playing(UserId="0" * 32), "no user"),
        (playing(UserId=None), "no user"),
        (playing(LastPlaybackCheckIn="0001-01-01T00:00:00.0000000Z"), "never checked in"),
        (playing(LastPlaybackCheckIn=None), "never checked in"),
    ],
)
def test_what_is_not_history_is_ignored_by_reason(session: Session, reason: str) -> None:
    assert session_observations(session, SERVER, AT) == Ignored(reason)


def test_a_session_without_a_position_has_none() -> None:
    (told,) = observations(playing(play_state={"PositionTicks": None}))

    assert told.check_in is not None
    assert told.check_in.position is None


def test_a_push_of_the_socket_is_read_the_same_and_says_so() -> None:
    told = session_observations(playing(), SERVER, AT, Channel.SOCKET)

    assert not isinstance(told, Ignored)
    assert told[0].channel is Channel.SOCKET
    assert told[0].check_in is not None
    assert told[0].check_in.channels == {Channel.SOCKET}


def test_what_tells_news_from_no_news_is_cheap_to_ask() -> None:
    session = playing(AdditionalUsers=[{"UserId": GUEST}, {"UserId": VIEWER.upper()}])

    assert (session.id, session.item_id, session.user_ids) == (SESSION, EPISODE, (VIEWER, GUEST))
    assert (session.last_playback_check_in, session.is_paused) == ("2026-11-22T20:10:00.0123456Z", False)


@pytest.mark.parametrize(
    "malformed",
    [
        b"17",
        b"{}",
        b"null",
        b'{"Id": 5}',
        b'{"Id": "x", "NowPlayingItem": []}',
        b'{"Id": "\\ud800"}',
        b'{"Id": "\xff"}',
    ],
)
def test_one_malformed_session_is_set_aside_and_the_others_go_on(malformed: bytes) -> None:
    whole = json.dumps(sessions()[0]).encode()

    snapshot = decode_snapshot(b"[" + whole + b"," + malformed + b"," + whole + b"]")

    assert [session.id for session in snapshot.sessions] == [SESSION, SESSION]
    (set_aside,) = snapshot.malformed
    assert set_aside.place == "session 2 of 3"
    assert set_aside.reason.startswith("a malformed session: ")


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b"[{", b"\xff", b"[" * 100_000])
def test_what_is_no_list_of_sessions_is_no_look(body: bytes) -> None:
    with pytest.raises(JellyfinUnreadable, match="list of sessions could not be read"):
        decode_snapshot(body)


def test_an_empty_list_is_a_look_that_saw_nothing() -> None:
    assert decode_snapshot(b"\xef\xbb\xbf[]") == Snapshot(())


def looked_at(body: bytes) -> None:
    try:
        snapshot = decode_snapshot(body)
    except JellyfinUnreadable:
        return
    for session in snapshot.sessions:
        session_observations(session, SERVER, AT)
        assert len(session.user_ids) >= 0


@given(st.binary())
def test_no_bytes_at_all_raise_anything_else(body: bytes) -> None:
    looked_at(body)


@given(st.lists(st.tuples(st.integers(0, 10_489), st.integers(0, 40), st.binary(max_size=6)), min_size=1, max_size=4))
def test_no_damage_to_a_real_snapshot_raises_anything_else(cuts: list[tuple[int, int, bytes]]) -> None:
    body = recording("sessions.json")
    for at, length, instead in cuts:
        body = body[:at] + instead + body[at + length :]

    looked_at(body)


EMPTY: list[dict[str, str] | list[str]] = [{}, []]
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(EMPTY)


@given(st.data(), ODD)
def test_no_odd_value_in_one_session_harms_another(data: st.DataObject, odd: object) -> None:
    told = sessions()
    where = data.draw(st.sampled_from([told[0], told[0]["NowPlayingItem"], told[0]["PlayState"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = odd
    body = json.dumps(told).encode()

    looked_at(body)
    assert len(decode_snapshot(body).sessions) >= 2
