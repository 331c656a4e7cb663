"""The simulated Jellyfin behaves as the facts say."""

import pytest

from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.server import Jellyfin, Notification
from receiver.rehearsal.session import Session

WEB, TELEVISION = DEVICES[0], DEVICES[1]
FILM, OTHER = library().films[:2]
VIEWER, GUEST = USERS[:2]


def kinds(jellyfin: Jellyfin) -> list[str]:
    return [f"{'auto ' if told.automated else ''}{told.kind}" for told in jellyfin.notifications]


def session(jellyfin: Jellyfin, at: float) -> Session:
    sessions = jellyfin.sessions(at)
    assert sessions is not None
    (only,) = sessions
    return only


def stops(jellyfin: Jellyfin) -> list[Notification]:
    return [told for told in jellyfin.notifications if told.kind == "PlaybackStop"]


def test_the_position_runs_on_one_second_a_second_between_reports() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 100.25, at=10.0)

    assert [session(jellyfin, at).guess(at) for at in (10.0, 10.9, 11.1, 19.1)] == [100.25, 100.25, 101.25, 109.25]


def test_nothing_is_guessed_while_paused() -> None:
    jellyfin = Jellyfin()

    jellyfin.progress(WEB, VIEWER, FILM, 100.0, at=10.0, paused=True)
    jellyfin.tell_ticks(250.0)

    assert session(jellyfin, 250.0).guess(250.0) == 100.0
    assert kinds(jellyfin) == ["PlaybackProgress"]


def test_the_guess_stops_short_of_the_runtime() -> None:
    jellyfin = Jellyfin(flood=True)

    jellyfin.playback_start(WEB, VIEWER, FILM, FILM.runtime - 5.5, at=0.0)
    jellyfin.tell_ticks(60.0)

    assert session(jellyfin, 60.0).guess(60.0) == pytest.approx(FILM.runtime - 0.5)
    assert kinds(jellyfin).count("auto PlaybackProgress") == 5


def test_only_the_clients_own_reports_move_the_last_check_in() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=5.0)
    jellyfin.progress(WEB, VIEWER, FILM, 10.0, at=15.0)

    assert session(jellyfin, 24.5).last_check_in == 15.0
    assert session(jellyfin, 24.5).activity(24.5) == pytest.approx(24.0, abs=0.01)


def test_the_automatic_progress_is_told_once_a_second_when_asked_for() -> None:
    flooded, calm = Jellyfin(flood=True), Jellyfin()

    for jellyfin in (flooded, calm):
        jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
        jellyfin.progress(WEB, VIEWER, FILM, 10.0, at=10.1)

    assert kinds(flooded) == ["PlaybackStart", *["auto PlaybackProgress"] * 10, "PlaybackProgress"]
    assert kinds(calm) == ["PlaybackStart", "auto PlaybackProgress", "PlaybackProgress"]
    assert calm.notifications[1] in flooded.notifications


def test_an_idle_session_is_stopped_five_to_ten_minutes_after_its_last_report() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=100.0)
    jellyfin.progress(WEB, VIEWER, FILM, 10.0, at=110.0)
    jellyfin.advance(5000.0)

    (stop,) = stops(jellyfin)
    assert stop.at == pytest.approx(100.0 + 600.0, abs=0.01)
    assert stop.session.last_check_in == 110.0


@pytest.mark.parametrize(
    ("version", "position"),
    [
        pytest.param("10.11.8", 599.0, id="as guessed, in all released versions"),
        pytest.param("12.0.0", 10.0, id="as last reported, in the newest"),
    ],
)
def test_the_idle_stop_has_the_position_of_its_version(version: str, position: float) -> None:
    jellyfin = Jellyfin(version)

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    jellyfin.progress(WEB, VIEWER, FILM, 10.0, at=10.0)
    jellyfin.advance(5000.0)

    assert stops(jellyfin)[0].position == position


def test_a_paused_session_is_stopped_for_idleness_too() -> None:
    jellyfin = Jellyfin()

    jellyfin.progress(WEB, VIEWER, FILM, 1234.0, at=0.0, paused=True)
    jellyfin.advance(5000.0)

    assert [stop.position for stop in stops(jellyfin)] == [1234.0]


def test_a_stop_wipes_whatever_is_playing() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, OTHER, 0.0, at=10.0)
    jellyfin.stop(WEB, VIEWER, FILM, 50.0, at=11.0)

    assert session(jellyfin, 12.0).item is None
    assert stops(jellyfin)[0].item == FILM


def test_a_late_progress_revives_the_session_without_a_start() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    jellyfin.stop(WEB, VIEWER, FILM, 60.0, at=60.0)
    jellyfin.progress(WEB, VIEWER, FILM, 60.0, at=61.0)
    jellyfin.advance(5000.0)

    assert kinds(jellyfin).count("PlaybackStart") == 1
    assert len(stops(jellyfin)) == 2


def test_a_doubled_stop_is_told_twice() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    for at in (60.0, 60.2):
        jellyfin.stop(WEB, VIEWER, FILM, 60.0, at=at)

    assert len(stops(jellyfin)) == 2


def test_a_session_goes_with_its_last_socket_and_without_a_stop() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0, owner=1)
    jellyfin.touch(WEB, VIEWER, at=1.0, owner=2)
    jellyfin.socket_closed(WEB, at=10.0, owner=1)
    jellyfin.socket_closed(WEB, at=20.0, owner=2)
    jellyfin.advance(5000.0)

    assert session(jellyfin, 15.0).item == FILM
    assert jellyfin.sessions(21.0) == ()
    assert stops(jellyfin) == []


def test_a_restart_forgets_everything_and_tells_nothing() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    jellyfin.restart(at=60.0, seconds=30.0)
    lost = jellyfin.progress(WEB, VIEWER, FILM, 70.0, at=70.0)
    heard = jellyfin.progress(WEB, VIEWER, FILM, 100.0, at=100.0)

    assert (lost, heard) == (False, True)
    assert (jellyfin.sessions(75.0), jellyfin.sessions(95.0)) == (None, ())
    assert session(jellyfin, 101.0).item == FILM
    assert kinds(jellyfin) == ["PlaybackStart", "auto PlaybackProgress", "PlaybackProgress"]


def test_everyone_in_the_session_is_told() -> None:
    jellyfin = Jellyfin()

    jellyfin.touch(WEB, VIEWER, at=0.0)
    jellyfin.add_user(WEB, GUEST, at=1.0)
    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=2.0)
    jellyfin.remove_user(WEB, GUEST, at=3.0)
    jellyfin.stop(WEB, VIEWER, FILM, 2.0, at=4.0)

    start, *_, stop = jellyfin.notifications
    assert (start.users, stop.users) == ((VIEWER, GUEST), (VIEWER,))


def test_a_request_without_a_user_wipes_who_watches_along_and_nobody_is_told() -> None:
    jellyfin = Jellyfin()

    jellyfin.touch(WEB, VIEWER, at=0.0)
    jellyfin.add_user(WEB, GUEST, at=1.0)
    jellyfin.playback_start(WEB, None, FILM, 0.0, at=2.0)

    assert session(jellyfin, 3.0).users == ()
    assert jellyfin.notifications == []


def test_after_a_user_switch_the_server_guesses_on_for_the_new_user() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    jellyfin.switch_user(WEB, GUEST, at=20.5)
    jellyfin.tell_ticks(30.5)

    assert [told.users for told in jellyfin.notifications] == [(VIEWER,), (VIEWER,), (GUEST,)]
    assert session(jellyfin, 30.5).id == WEB.session_id


def test_two_apps_are_two_sessions() -> None:
    jellyfin = Jellyfin()

    jellyfin.playback_start(WEB, VIEWER, FILM, 0.0, at=0.0)
    jellyfin.playback_start(TELEVISION, VIEWER, FILM, 0.0, at=1.0)
    jellyfin.stop(WEB, VIEWER, FILM, 5.0, at=5.0)

    playing = [shown.item for shown in jellyfin.sessions(6.0) or ()]
    assert playing == [None, FILM]


@pytest.mark.parametrize(
    ("position", "completed"),
    [
        pytest.param(None, True, id="no position"),
        pytest.param(0.0, False, id="at 0"),
        pytest.param(0.5, False, id="in the middle"),
        pytest.param(0.91, True, id="past nine tenths"),
    ],
)
def test_the_servers_own_flag_of_completion(position: float | None, completed: bool) -> None:
    jellyfin = Jellyfin()

    jellyfin.stop(WEB, VIEWER, FILM, None if position is None else position * FILM.runtime, at=0.0)

    assert stops(jellyfin)[0].completed is completed
