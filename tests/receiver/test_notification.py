"""What a notification of the plugin is evidence of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from receiver.notification import notification_of, observed, peek, read
from reconcile.playback.check_in import CheckIn, Ignored, Kind, Observation, Rejected
from tests.recordings.shapes import EPISODE, SERIES, SERVER, SESSION, VIEWER, changed, recording

RECEIVED = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
STARTED = datetime(2026, 11, 22, 20, 0, 0, 12345, tzinfo=UTC)
REPORTED = datetime(2026, 11, 22, 20, 10, 0, 12345, tzinfo=UTC)
GUESSED = datetime(2026, 11, 22, 20, 10, 7, 31123, tzinfo=UTC)
STOPPED = datetime(2026, 11, 22, 20, 44, 30, 31123, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def observation(body: bytes, content_type: str | None = "text/plain; charset=utf-8") -> Observation:
    told = read(body, content_type, RECEIVED)
    assert isinstance(told, Observation), told
    return told


def check_in(body: bytes) -> CheckIn:
    told = observation(body).check_in
    assert told is not None
    return told


def test_a_start_is_the_clients_own_word_at_its_check_in() -> None:
    told = check_in(recording("plugin_21_start.json"))

    assert (told.at, told.kind, told.position, told.reported) == (STARTED, Kind.PLAYING, 0.0, True)


def test_a_start_is_playing_whatever_it_says_of_a_pause() -> None:
    assert check_in(changed("plugin_21_start.json", IsPaused=True)).kind is Kind.PLAYING


def test_a_progress_of_the_client_is_at_its_check_in_and_was_seen_when_the_notification_was_made() -> None:
    told = check_in(recording("plugin_21_progress.json"))

    assert (told.at, told.position, told.reported) == (REPORTED, 600.25, True)
    assert told.seen_at == told.sighted_until == datetime(2026, 11, 22, 20, 10, 0, 31123, tzinfo=UTC)


def test_a_paused_progress_is_paused() -> None:
    assert check_in(changed("plugin_21_progress.json", IsPaused=True)).kind is Kind.PAUSED


@pytest.mark.parametrize("name", ["plugin_21_start.json", "plugin_21_progress.json"])
@pytest.mark.parametrize("never", ["0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z", None, "soon"])
def test_without_a_check_in_time_a_report_is_at_the_time_of_its_notification(name: str, never: str | None) -> None:
    told = observation(changed(name, LastPlaybackCheckIn=never))

    assert told.check_in is not None
    assert told.check_in.at == told.observed_at


def test_an_automated_progress_is_the_report_before_it_without_the_guessed_seconds() -> None:
    told = check_in(recording("plugin_21_automated.json"))

    assert (told.at, told.kind, told.position, told.reported) == (REPORTED, Kind.PLAYING, 600.25, False)
    assert told.seen_at == told.sighted_until == GUESSED


def test_the_last_activity_tells_how_many_seconds_were_guessed() -> None:
    late = changed(
        "plugin_21_automated.json",
        UtcTimestamp="2026-11-22T20:10:09.9000000Z",
        LastActivityDate="2026-11-22T20:10:07.0201234Z",
    )

    assert check_in(late).position == 600.25


@pytest.mark.parametrize(
    "activity", ["0001-01-01T00:00:00Z", "2026-11-22T19:00:00Z", "2026-11-23T00:00:00Z", "", None, "nonsense"]
)
def test_an_impossible_last_activity_is_not_believed(activity: str | None) -> None:
    assert check_in(changed("plugin_21_automated.json", LastActivityDate=activity)).position == 600.25


def test_what_is_taken_back_never_goes_below_the_beginning() -> None:
    assert check_in(changed("plugin_21_automated.json", PlaybackPositionTicks=10_000_000)).position == 0.0


def test_nothing_is_taken_back_from_a_pause() -> None:
    told = check_in(changed("plugin_21_automated.json", IsPaused=True))

    assert (told.kind, told.position) == (Kind.PAUSED, 607.25)


def test_a_guess_of_unknown_age_is_a_bare_sighting() -> None:
    told = observation(recording("plugin_15_automated.json"))

    assert told.check_in is None
    assert told.sighting == GUESSED


def test_a_progress_that_does_not_say_whether_it_is_automated_is_judged_by_its_age() -> None:
    old = observation(changed("plugin_21_automated.json", "IsAutomated"))
    fresh = observation(changed("plugin_21_progress.json", "IsAutomated"))

    assert old.check_in is not None
    assert (old.check_in.position, old.check_in.reported) == (600.25, False)
    assert fresh.check_in is not None
    assert (fresh.check_in.position, fresh.check_in.reported) == (600.25, True)
    assert old.flags == ("no IsAutomated",)


def test_a_stop_is_at_its_own_time_and_hard() -> None:
    told = check_in(recording("plugin_21_stop.json"))

    assert (told.at, told.kind, told.position, told.reported) == (STOPPED, Kind.STOPPED, 2670.0, True)


@pytest.mark.parametrize(
    ("completed", "runtime", "position"),
    [(True, 27_000_000_000, None), (False, 27_000_000_000, 0.0), (True, 0, 0.0)],
    ids=["no position was given", "really at 0", "nothing follows without a runtime"],
)
def test_a_stop_at_0_that_claims_completion_has_no_position(
    completed: bool, runtime: int, position: float | None
) -> None:
    body = changed("plugin_21_stop.json", PlaybackPositionTicks=0, PlayedToCompletion=completed, RunTimeTicks=runtime)

    assert check_in(body).position == position


@pytest.mark.parametrize(
    ("told", "said"),
    [(True, True), (False, False), ("True", True), ("False", False), ("false", False), (None, None), ("", None)],
)
def test_a_stop_keeps_what_the_server_says_of_completion(told: object, said: bool | None) -> None:
    assert check_in(changed("plugin_21_stop.json", PlayedToCompletion=told)).server_completed is said


def test_where_the_server_says_nothing_of_completion_or_it_is_no_stop_nothing_is_kept() -> None:
    assert check_in(changed("plugin_21_stop.json", "PlayedToCompletion")).server_completed is None
    for name in ("plugin_21_start.json", "plugin_21_progress.json", "plugin_21_automated.json"):
        assert check_in(changed(name, PlayedToCompletion=True)).server_completed is None


def test_what_the_server_says_at_a_stop_of_its_own_or_without_a_position_is_kept_too() -> None:
    own = check_in(changed("plugin_21_stop.json", LastPlaybackCheckIn="2026-11-22T20:30:00.0000000Z"))
    unsaid = check_in(changed("plugin_21_stop.json", PlaybackPositionTicks=0, PlayedToCompletion=True))

    assert (own.reported, own.server_completed) == (False, True)
    assert (unsaid.position, unsaid.server_completed) == (None, True)


@pytest.mark.parametrize(
    ("checked_in", "is_the_clients"),
    [("2026-11-22T20:39:30.0311234Z", True), ("2026-11-22T20:39:30.0311220Z", False)],
    ids=["five minutes old", "older than five minutes"],
)
def test_a_stop_long_after_the_last_report_is_the_servers_own_and_proves_no_position(
    checked_in: str, is_the_clients: bool
) -> None:
    told = check_in(changed("plugin_21_stop.json", LastPlaybackCheckIn=checked_in))

    assert (told.at, told.kind, told.reported) == (STOPPED, Kind.STOPPED, is_the_clients)
    assert (told.position is not None) == is_the_clients


def test_a_check_in_is_never_seen_before_it_was_made() -> None:
    told = check_in(changed("plugin_21_progress.json", LastPlaybackCheckIn="2026-11-22T20:10:00.5Z"))

    assert told.seen_at == told.sighted_until == told.at


def test_ids_facts_and_people_travel_with_it() -> None:
    told = observation(recording("plugin_21_automated.json"))

    assert (told.key.server_id, told.key.session_id) == (SERVER, SESSION)
    assert (told.key.user_id, told.key.item_id) == (VIEWER, EPISODE)
    assert (told.item.kind, told.item.season, told.item.episode, told.item.series_id) == ("episode", 1, 2, SERIES)
    assert (told.item.tvdb_id, told.item.imdb_id, told.item.tmdb_id) == ("6910001", "tt9900001", None)
    assert told.item.runtime_seconds == 2700.0
    assert (told.device.client, told.device.device_name) == ("Jellyfin Web", "Firefox")
    assert told.user_name == "viewer"
    assert told.flags == ()


def test_the_plugins_own_escapes_are_undone_and_an_ampersand_is_left_alone() -> None:
    assert observation(recording("plugin_21_start.json")).item.name == 'The "Long" Night & Day'
    assert observation(changed("plugin_21_start.json", Name="Q &amp; A")).item.name == "Q &amp; A"


def test_an_episodes_year_is_its_series_and_not_kept_while_a_films_is() -> None:
    assert observation(recording("plugin_21_start.json")).item.year is None
    assert observation(changed("plugin_21_start.json", ItemType="Movie", Year=1922)).item.year == 1922


def test_a_runtime_of_0_is_unknown() -> None:
    assert observation(changed("plugin_21_start.json", RunTimeTicks=0)).item.runtime_seconds is None


@pytest.mark.parametrize("name", ["plugin_11_start.json", "plugin_15_automated.json"])
def test_before_plugin_16_the_session_is_computed_from_client_and_device(name: str) -> None:
    assert observation(recording(name)).key.session_id == SESSION


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed("plugin_21_start.json", ItemType="Audio"), "item type Audio"),
        (changed("plugin_21_start.json", ItemType="LiveTvChannel"), "item type LiveTvChannel"),
        (changed("plugin_21_start.json", ItemType="Video"), "item type Video"),
        (changed("plugin_21_start.json", ItemType="Something new"), "item type unknown"),
        (changed("plugin_21_start.json", ExtraType="BehindTheScenes"), "an extra"),
        (changed("plugin_21_start.json", **{"Provider_prerolls.video": "1"}), "a pre-roll"),
        (changed("plugin_21_start.json", UserId="0" * 32), "no user"),
        (changed("plugin_21_start.json", NotificationType="SessionStart"), "notification type SessionStart"),
        (changed("plugin_21_start.json", NotificationType="PlaybackDance"), "notification type unknown"),
        (recording("plugin_21_marked_played.json"), "manual mark"),
        (changed("plugin_21_marked_played.json", SaveReason="PlaybackProgress"), "user data"),
    ],
)
def test_what_is_not_history_is_ignored_with_a_reason_from_a_closed_list(body: bytes, reason: str) -> None:
    assert read(body, None, RECEIVED) == Ignored(reason)


def test_a_manual_mark_can_be_read_for_its_user_item_and_direction() -> None:
    told = notification_of(recording("plugin_21_marked_played.json"))

    assert not isinstance(told, Rejected)
    assert told.is_manual_mark
    assert (told.user_id, told.item_id, told.played) == (VIEWER, EPISODE, True)


@pytest.mark.parametrize("key", ["UserId", "ItemId", "ServerId"])
@pytest.mark.parametrize("name", ["plugin_21_start.json", "plugin_15_automated.json"])
def test_what_nobody_can_attribute_is_rejected_naming_the_key(name: str, key: str) -> None:
    for body in (changed(name, key), changed(name, **{key: ""})):
        told = read(body, None, RECEIVED)

        assert isinstance(told, Rejected)
        assert key in told.reason


def test_without_session_and_device_a_playback_is_rejected_naming_both() -> None:
    told = read(changed("plugin_21_start.json", "Id", "DeviceId"), None, RECEIVED)

    assert isinstance(told, Rejected)
    assert "Id and DeviceId" in told.reason


def test_without_a_server_id_it_is_the_only_server() -> None:
    told = read(changed("plugin_21_start.json", "ServerId"), None, RECEIVED, sole_server=SERVER)

    assert isinstance(told, Observation)
    assert told.key.server_id == SERVER


@pytest.mark.parametrize("name", ["plugin_11_start.json", "plugin_21_stop.json"])
def test_without_a_utc_time_the_time_of_receipt_counts_and_the_admin_is_told(name: str) -> None:
    told = observation(changed(name, "UtcTimestamp", Timestamp="2026-11-22T21:00:00.0000000Z"))

    assert told.observed_at == RECEIVED
    assert "no UtcTimestamp" in told.flags


def test_a_bodys_time_is_read_in_any_zone() -> None:
    told = observation(changed("plugin_21_stop.json", UtcTimestamp="2026-11-22T21:44:30.0311239+01:00"))

    assert told.observed_at == STOPPED


def test_a_body_without_an_item_type_is_taken_for_what_its_series_says() -> None:
    told = observation(changed("plugin_21_start.json", "ItemType"))

    assert told.item.kind == "episode"
    assert told.flags == ("no ItemType",)


def test_a_peek_tells_whether_an_automated_progress_is_news() -> None:
    glanced = peek(recording("plugin_21_automated.json"))

    assert glanced is not None
    assert (glanced.server_id, glanced.session_id, glanced.user_id, glanced.item_id) == (
        SERVER,
        SESSION,
        VIEWER,
        EPISODE,
    )
    assert (glanced.last_check_in, glanced.is_paused) == ("2026-11-22T20:10:00.0123456Z", False)


@pytest.mark.parametrize(
    "name", ["plugin_21_progress.json", "plugin_21_stop.json", "plugin_15_automated.json", "form.txt"]
)
def test_a_peek_at_anything_else_sees_nothing(name: str) -> None:
    assert peek(recording(name)) is None


def test_a_delivery_can_be_described_even_where_it_is_ignored() -> None:
    told = notification_of(changed("plugin_21_start.json", ItemType="Audio"))

    assert not isinstance(told, Rejected)
    assert (told.notification_type, told.server_id, told.server_name) == ("PlaybackStart", SERVER, "media")
    assert (told.server_version, told.user_name, told.is_automated) == ("10.11.11", "viewer", False)
    assert observed(told, RECEIVED) == Ignored("item type Audio")


def test_two_users_of_one_session_differ_only_in_the_user() -> None:
    one = observation(recording("plugin_21_progress.json"))
    other = observation(changed("plugin_21_progress.json", UserId="9" * 32, NotificationUsername="guest"))

    assert one.check_in == other.check_in
    assert one.key.user_id != other.key.user_id


def test_an_age_of_exactly_one_guess_is_one_second() -> None:
    body = changed("plugin_21_automated.json", "LastActivityDate", UtcTimestamp="2026-11-22T20:10:01.0123456Z")

    assert check_in(body).position == 606.25
    assert check_in(body).sighted_until == REPORTED + timedelta(seconds=1)
