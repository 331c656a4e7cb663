"""The plugin's bodies have the keys and the spelling that the facts list."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from receiver.rehearsal.clock import NEVER, Clock
from receiver.rehearsal.library import DEVICES, SERVER_ID, USERS, Item, library
from receiver.rehearsal.plugin import Style, all_fields, body
from receiver.rehearsal.server import Jellyfin, Notification
from receiver.rehearsal.wire import html_encoded, quoted, send_all, template
from reconcile.playback.identity import session_id

CLOCK = Clock(datetime(2026, 3, 2, 19, 0, tzinfo=UTC))
STICK = DEVICES[3]
FILM, QUOTED, EPISODE = library().films[0], library().films[6], library().episodes[0][0]
VIEWER = USERS[0]


def told(item: Item = EPISODE) -> tuple[Notification, ...]:
    jellyfin = Jellyfin()
    jellyfin.playback_start(STICK, VIEWER, item, 61.5, at=1.0)
    jellyfin.progress(STICK, VIEWER, item, 91.5, at=31.1234567)
    jellyfin.stop(STICK, VIEWER, item, 100.0, at=40.0)
    return tuple(jellyfin.notifications)


def sent(notification: Notification, version: int = 21, style: Style = Style.SEND_ALL) -> bytes:
    return body(notification, VIEWER, CLOCK, version, "10.11.8", style)


def test_send_all_has_the_session_and_both_instants_from_16_on() -> None:
    progress = told()[2]

    found = json.loads(sent(progress))

    assert found["Id"] == session_id(STICK.client, STICK.device_id)
    assert found["UtcTimestamp"] == "2026-03-02T19:00:31.1264567Z"
    assert found["LastPlaybackCheckIn"] == "2026-03-02T19:00:31.1234567Z"
    assert found["Timestamp"] == "2026-03-02T21:00:31.1264567+02:00"
    assert found["PlaybackPositionTicks"] == 915_000_000
    assert (found["ServerId"], found["UserId"]) == (SERVER_ID, VIEWER.id)


@pytest.mark.parametrize("version", [11, 15])
def test_older_plugins_do_not_tell_the_session(version: int) -> None:
    found = json.loads(sent(told()[2], version))

    assert not {"Id", "LastPlaybackCheckIn", "LastActivityDate", "Client"} & set(found)
    assert ("SeriesId" in found) is (version >= 12)


def test_an_automatic_progress_keeps_the_last_check_in_and_moves_the_activity() -> None:
    found = json.loads(sent(told()[1]))

    assert found["IsAutomated"] is True
    assert found["LastPlaybackCheckIn"] == "2026-03-02T19:00:01.0000000Z"
    assert found["LastActivityDate"] == "2026-03-02T19:00:31.004Z"
    assert found["PlaybackPositionTicks"] == 915_000_000


def test_a_stop_has_the_flag_of_completion_and_no_play_method() -> None:
    start, *_, stop = (json.loads(sent(notification)) for notification in told())

    assert "PlayMethod" in start
    assert "PlayedToCompletion" not in start
    assert "PlayMethod" not in stop
    assert stop["PlayedToCompletion"] is False


def test_an_episode_has_its_own_ids_and_only_the_id_of_its_series() -> None:
    found = json.loads(sent(told()[0]))

    assert EPISODE.series is not None
    assert found["Provider_tmdb"] == dict(EPISODE.providers)["Tmdb"]
    assert found["SeriesId"] == EPISODE.series.id
    assert (found["SeasonNumber"], found["EpisodeNumber"], found["EpisodeNumber00"]) == (1, 1, "01")


def test_the_quick_way_of_writing_says_the_same_as_the_plain_one() -> None:
    for version in (11, 12, 16, 21):
        for notification in told(QUOTED):
            fields = all_fields(notification, VIEWER, CLOCK, version, "10.11.8")

            assert json.loads(sent(notification, version)) == json.loads(send_all(fields))


def test_quotes_are_escaped_twice_and_the_rest_as_dot_net_does() -> None:
    found = sent(told(QUOTED)[0])

    assert json.loads(found)["Name"] == 'A Film \\"7\\" & <more>'
    assert found.isascii()
    assert quoted("é'\"\\") == r'"\u00E9\u0027\u0022\\"'


def test_a_template_has_true_with_a_capital_dashed_ids_and_entities() -> None:
    found = sent(told()[1], style=Style.TEMPLATE).decode()
    dashed = f"{VIEWER.id[:8]}-{VIEWER.id[8:12]}-"

    assert '"IsAutomated": "True"' in found
    assert f'"UserId": "{dashed}' in found
    assert html_encoded("é & 漢") == "&#233; &amp; &#28450;"


def test_a_quote_in_a_name_makes_a_template_that_is_no_json() -> None:
    found = sent(told(QUOTED)[0], style=Style.TEMPLATE)

    assert rb"A Film \&quot;7\&quot; &amp; &lt;more&gt;".replace(b"\\\\", b"\\") in found
    with pytest.raises(json.JSONDecodeError, match="escape"):
        json.loads(found)


def test_a_template_leaves_a_missing_key_empty_and_three_braces_raw() -> None:
    assert template({"Name": "a & b"}, "{{Name}}|{{{Name}}}|{{Gone}}") == "a &amp; b|a & b|"


def test_a_form_has_every_value_as_text() -> None:
    found = parse_qs(sent(told()[0], style=Style.FORM).decode(), keep_blank_values=True)

    assert found["IsPaused"] == ["False"]
    assert found["Video_0_Language"] == [""]


def test_an_instant_that_never_was_is_the_first_of_all() -> None:
    assert CLOCK.text(None) == NEVER
    assert CLOCK.json_text(2.5) == "2026-03-02T19:00:02.5Z"
    assert CLOCK.json_text(2.0) == "2026-03-02T19:00:02.0000000Z"
