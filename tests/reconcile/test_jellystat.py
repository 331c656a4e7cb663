"""A backup of Jellystat is read for what it proves, in every shape that it has had."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile import jellystat, unpacking
from reconcile.jellyfin.item_types import NO_USER
from reconcile.jellyfin.playback_reporting import NOTHING
from reconcile.playback.check_in import DeviceFacts, Ignored, ItemFacts, Rejected
from reconcile.playback.imports import Play, Told

USER, DEVICE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "a device"
FILM, EPISODE = "b7d1f4a09c3e48d2a6510e7f3c2b9d84", "1b7d1f4a09c3e48d2a6510e7f3c2b9d8"
SERIES, SEASON = "c4e8a1d2f3b64597880a1b2c3d4e5f60", "0c4e8a1d2f3b64597880a1b2c3d4e5f6"
TICKS = 10_000_000


def row(**changed: object) -> dict[str, object]:
    """Return a row of a film, as PostgreSQL's driver and JSON make it: a bigint is text."""
    return {
        "Id": "5c0c7f3e-6f5b-4a35-9d6f-0b9d1f6d2a11",
        "IsPaused": False,
        "UserId": USER,
        "UserName": "viewer",
        "Client": "Jellyfin Web",
        "DeviceName": "Firefox",
        "DeviceId": DEVICE,
        "ApplicationVersion": "10.9.7",
        "NowPlayingItemId": FILM,
        "NowPlayingItemName": "A Film",
        "SeasonId": None,
        "SeriesName": None,
        "EpisodeId": None,
        "PlaybackDuration": "5400",
        "ActivityDateInserted": "2025-03-01T21:30:00.250Z",
        "PlayMethod": "DirectPlay",
        "MediaStreams": [{"Type": "Video", "Height": 1080}],
        "TranscodingInfo": None,
        "PlayState": {"PositionTicks": 12 * TICKS, "IsPaused": False, "PlayMethod": "DirectPlay"},
        "OriginalContainer": "mkv",
        "RemoteEndPoint": "192.0.2.7",
        "ServerId": None,
        "imported": False,
        **changed,
    }


def episode(**changed: object) -> dict[str, object]:
    names = {"NowPlayingItemId": SERIES, "NowPlayingItemName": "A Title", "SeriesName": "A Series"}
    return row(EpisodeId=EPISODE, SeasonId=SEASON, **names, **changed)


def retold(**changed: object) -> dict[str, object]:
    """Return a row that Jellystat had from Playback Reporting."""
    return row(**{"Id": "17", "DeviceId": None, "PlayState": None, "MediaStreams": None, "imported": True, **changed})


def film_of(seconds: float, kind: str = "Movie") -> dict[str, object]:
    ticks = str(int(seconds * TICKS))
    return {"Id": FILM, "Name": "A Film", "Type": kind, "ProductionYear": 1994, "RunTimeTicks": ticks, "archived": True}


def backup(*rows: object, **tables: list[object]) -> bytes:
    return json.dumps(
        [{"jf_users": []}, *[{name: told} for name, told in tables.items()], {jellystat.ACTIVITY: rows}]
    ).encode()


def read(data: bytes) -> list[Told]:
    return list(jellystat.read_backup(data))


def play(data: bytes) -> Play:
    (told,) = read(data)
    assert isinstance(told, Play), told
    return told


def test_a_row_is_a_play_that_ended_at_its_date() -> None:
    assert play(backup(row())) == Play(
        user_id=USER,
        item_id=FILM,
        started_at=datetime(2025, 3, 1, 20, 0, 0, 250000, tzinfo=UTC),
        seconds=5400.0,
        place="row 1",
        item=ItemFacts(name="A Film"),
        device=DeviceFacts("Jellyfin Web", "Firefox", DEVICE),
        user_name="viewer",
    )


def test_the_item_of_an_episode_is_the_episode_and_not_its_series() -> None:
    told = play(backup(episode()))

    assert told.item_id == EPISODE
    assert told.item == ItemFacts(kind="episode", name="A Title", series_name="A Series")


def test_the_library_in_the_backup_tells_more() -> None:
    known = {
        "Id": EPISODE + SEASON,
        "EpisodeId": EPISODE,
        "Name": "A Title",
        "Type": "Episode",
        "SeriesId": SERIES,
        "SeriesName": "A Series",
        "ParentIndexNumber": 0,
        "IndexNumber": 2,
        "ProductionYear": 2001,
        "RunTimeTicks": str(6000 * TICKS),
    }

    told = play(backup(episode(), jf_library_episodes=["odd", known]))

    assert told.item == ItemFacts("episode", "A Title", 2001, 6000.0, SERIES, "A Series", 0, 2)


def test_a_film_is_known_by_the_library() -> None:
    assert play(backup(row(), jf_library_items=[film_of(6000)])).item == ItemFacts("movie", "A Film", 1994, 6000.0)


def test_the_library_may_stand_behind_the_activity() -> None:
    data = json.dumps([{jellystat.ACTIVITY: [row()]}, {"jf_library_items": [film_of(6000)]}]).encode()

    assert play(data).item.runtime_seconds == 6000.0


# --- honest times -----------------------------------------------------------------------------------------------------


def test_pauses_and_credits_beyond_the_runtime_are_not_watched() -> None:
    told = play(backup(row(PlaybackDuration="5400"), jf_library_items=[film_of(5000)]))

    assert told.seconds == 5000.0
    assert told.started_at == datetime(2025, 3, 1, 20, 0, 0, 250000, tzinfo=UTC)


def test_a_duration_that_slept_through_an_outage_proves_nothing() -> None:
    (told,) = read(backup(row(PlaybackDuration="29400"), jf_library_items=[film_of(3600)]))

    assert isinstance(told, Rejected)
    assert "29400 s, and lasts 3600 s" in told.reason


def test_a_short_film_may_idle_for_ten_minutes() -> None:
    assert play(backup(row(PlaybackDuration=690), jf_library_items=[film_of(100)])).seconds == 100.0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"PlaybackDuration": "0"}, NOTHING),
        ({"UserId": None}, NO_USER),
        ({"UserId": "0" * 32}, NO_USER),
    ],
    ids=["nothing played", "no user", "nobody"],
)
def test_what_is_not_history_is_ignored(changed: dict[str, object], told: Ignored) -> None:
    assert read(backup(row(**changed))) == [told]


def test_music_is_ignored_by_its_type() -> None:
    assert read(backup(row(), jf_library_items=[film_of(6000, "Audio")])) == [Ignored("item type Audio")]


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (row(PlaybackDuration="-5"), "lost count"),
        (row(PlaybackDuration="NaN"), "lost count"),
        (row(PlaybackDuration=1e300), "lost count"),
        (row(PlaybackDuration=None), "PlaybackDuration is missing"),
        (row(PlaybackDuration="long"), "PlaybackDuration is no number"),
        (row(PlaybackDuration=10**400), "PlaybackDuration is no number"),
        (row(UserId=42), "UserId is no text"),
        (row(imported="perhaps"), "imported is neither true nor false"),
        (row(ActivityDateInserted="yesterday"), "no date such as"),
        (row(ActivityDateInserted=None), "no date such as"),
        (row(NowPlayingItemId="42"), "none of Jellyfin's"),
        (row(NowPlayingItemId=None), "none of Jellyfin's"),
        ("a row", "it is no row of a table"),
        (None, "it is no row of a table"),
    ],
    ids=str,
)
def test_one_odd_row_is_rejected_for_itself(odd: object, words: str) -> None:
    first, told, last = read(backup(row(), odd, episode()))

    assert isinstance(told, Rejected)
    assert words in told.reason
    assert told.place == "row 2"
    assert isinstance(first, Play)
    assert isinstance(last, Play)
    assert (first.place, last.place) == ("row 1", "row 3")


# --- rows of Playback Reporting ---------------------------------------------------------------------------------------


def test_a_row_from_playback_reporting_began_twenty_seconds_before_its_date_on_the_servers_wall() -> None:
    told = play(backup(retold()))

    assert told.retold
    assert told.started_at == datetime(2025, 3, 1, 21, 29, 40, 250000)  # noqa: DTZ001 - a wall time
    assert told.seconds == 5400.0


@pytest.mark.parametrize(
    "ids",
    [
        {"NowPlayingItemId": EPISODE, "EpisodeId": EPISODE + SEASON},
        {"NowPlayingItemId": EPISODE, "EpisodeId": EPISODE},
        {"NowPlayingItemId": SERIES, "EpisodeId": EPISODE},
        {"NowPlayingItemId": EPISODE, "EpisodeId": None},
    ],
    ids=["with its season behind it", "twice", "with its series", "unknown to the library"],
)
def test_an_episode_from_playback_reporting_is_found_as_every_version_wrote_it(ids: dict[str, str]) -> None:
    told = play(backup(retold(NowPlayingItemName="A Series - s01e02 - A Title", **ids)))

    assert told.item_id == EPISODE
    assert told.item == ItemFacts("episode", "A Title", None, None, None, "A Series", 1, 2)


def test_without_the_column_its_number_gives_it_away() -> None:
    assert play(backup(retold(imported=None))).retold


# --- shapes -----------------------------------------------------------------------------------------------------------


def lines(*told: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in told)


def line(table: str, data: object) -> dict[str, object]:
    return {"type": "row", "table": table, "data": data}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([{jellystat.ACTIVITY: [row()]}]).encode(),
        json.dumps({jellystat.ACTIVITY: [row()]}, indent=2).encode(),
        json.dumps([row()]).encode(),
        b"\xef\xbb\xbf" + backup(row()),
        gzip.compress(backup(row())),
        gzip.compress(backup(row())[:99]) + gzip.compress(backup(row())[99:]),
        lines({"type": "table", "table": jellystat.ACTIVITY}, line(jellystat.ACTIVITY, row())),
        gzip.compress(lines(line("jf_users", {"Id": USER}), line(jellystat.ACTIVITY, row()))),
    ],
    ids=["one table", "one object", "bare rows", "a mark", "gzip", "gzip in parts", "lines", "lines and gzip"],
)
def test_every_shape_is_read_alike(data: bytes) -> None:
    assert play(data) == play(backup(row()))


def test_one_odd_line_is_rejected_for_itself() -> None:
    head = {"type": "table", "table": jellystat.ACTIVITY}
    data = (
        lines(head, line(jellystat.ACTIVITY, row())) + b'{"type": "row", \n\n' + lines(line(jellystat.ACTIVITY, row()))
    )

    odd, *plays = read(data)

    assert isinstance(odd, Rejected)
    assert odd.place == "line 3"
    assert [told.place for told in plays if isinstance(told, Play)] == ["row 1", "row 2"]


def test_a_backup_without_plays_is_empty() -> None:
    assert read(backup()) == []
    assert read(lines({"type": "table", "table": jellystat.ACTIVITY})) == []


@pytest.mark.parametrize(
    ("data", "words", "place"),
    [
        (b"", "it is empty: make the backup again", ""),
        (b"[{]", "it is no JSON", "line 1, column 3"),
        (b'[\n {"jf_users": [1,]}]', "it is no JSON", "line 2, column 18"),
        (backup(row())[:-2], "it ends too early: copy it again", ""),
        (b"[1]", "it is JSON, but no backup", ""),
        (b'"text"', "it is JSON, but no backup", ""),
        (b"PK\x03\x04", "it is no JSON", "line 1, column 1"),
        (b'[{"jf_users": []}]', "it has no plays (a table called jf_playback_activity)", ""),
        (b'[{"jf_playback_activity": {}}]', "it is no list of rows", "table jf_playback_activity"),
        (gzip.compress(backup(row()))[:-20], "ends too early", ""),
        (b"\x1f\x8bnothing", "is damaged", ""),
    ],
    ids=[
        "empty",
        "odd",
        "odd on line 2",
        "cut short",
        "numbers",
        "text",
        "zip",
        "no plays",
        "no rows",
        "cut gzip",
        "no gzip",
    ],
)
def test_what_is_no_backup_is_one_sentence_with_its_place(data: bytes, words: str, place: str) -> None:
    (told,) = read(data)

    assert isinstance(told, Rejected)
    assert words in told.reason
    assert told.place == place


def test_what_would_fill_the_memory_is_not_unpacked() -> None:
    told = unpacking.unpacked(gzip.compress(b" " * 5_000_000), largest=1024 * 1024)

    assert told == Rejected("unpacked it is larger than 1 MiB: import a part of it")


def test_a_small_file_that_unpacks_to_far_more_than_a_backup_does_is_a_trap() -> None:
    packed = gzip.compress(b"[" + b"{}," * 8_000_000 + b"{}]")

    tracemalloc.start()
    try:
        (told,) = read(packed)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(told, Rejected)
    assert "more than 100 times as large, and a backup is 10 to 30 times" in told.reason
    assert most < 4 * unpacking.FREE


def test_a_backup_that_packs_well_is_unpacked_while_it_is_small() -> None:
    assert play(gzip.compress(backup(row(), jf_users=["viewer" * 100_000]), 9)) == play(backup(row()))


@pytest.mark.parametrize("around", [b"[%s]", b'{"jf_playback_activity": [%s]}'], ids=["bare", "a table"])
def test_a_list_of_nothing_but_nothing_is_not_taken_apart(around: bytes) -> None:
    assert read(around % (b"{}," * 400_000 + b"{}")) == [Rejected("it is JSON, but no backup of tables")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_backup_that_windows_saved_in_utf_16_is_read_alike(encoding: str) -> None:
    assert play(("\ufeff" + backup(row()).decode()).encode(encoding)) == play(backup(row()))


# --- texts and numbers that no database keeps -------------------------------------------------------------------------


def test_texts_are_kept_without_nul() -> None:
    names = dict.fromkeys(("Client", "DeviceName", "DeviceId", "UserName", "NowPlayingItemName"), "a\x00b")
    told = play(backup(row(**names, SeriesName="\x00"), jf_library_items=[{"Id": FILM, "SeriesName": "c\x00d"}]))

    assert told.device == DeviceFacts("ab", "ab", "ab")
    assert (told.user_name, told.item.name, told.item.series_name) == ("ab", "ab", "cd")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"A\\ud800", "A\ufffd"),
        (b"\\udc00\\ud83d\\ude00", "\ufffd\U0001f600"),
        (b"\\ud800\\ud83d\\ude00", "\ufffd\U0001f600"),
        (b"\\\\ud800", "\\ud800"),
    ],
    ids=["a first half", "a second half", "half before whole", "no escape"],
)
def test_half_a_character_is_replaced_and_refuses_nothing(text: bytes, name: str) -> None:
    data = backup(row(NowPlayingItemName="HERE"), row()).replace(b"HERE", text)

    first, last = read(data)

    assert isinstance(first, Play)
    assert isinstance(last, Play)
    assert (first.item.name, last.item.name) == (name, "A Film")


@pytest.mark.parametrize("odd", [-1, 10**6, 2**31, 10**18, 10**400], ids=["negative", "a million", "32", "64", "400"])
def test_numbers_beyond_belief_are_not_known(odd: int) -> None:
    known = {**film_of(6000), "ProductionYear": odd, "ParentIndexNumber": odd, "IndexNumber": odd}

    assert play(backup(row(), jf_library_items=[known])).item == ItemFacts("movie", "A Film", None, 6000.0)


@pytest.mark.parametrize("ticks", [10**400, 2**62 + 1, -1, 0], ids=["400 digits", "beyond 2**62", "negative", "none"])
def test_a_length_beyond_belief_is_not_known(ticks: int) -> None:
    known = {**film_of(6000), "RunTimeTicks": ticks}

    assert play(backup(row(), jf_library_items=[known])).item.runtime_seconds is None


def test_a_number_of_thousands_of_digits_is_odd_for_itself() -> None:
    data = backup(row(Id="HERE"), row()).replace(b'"HERE"', b"9" * 6000)

    assert isinstance(read(data)[-1], Play)
    assert len(read(data)) == 2


def test_deep_nesting_is_rejected() -> None:
    assert all(isinstance(told, Rejected) for told in read(b"[" * 100_000))
    deep = b'[{"jf_playback_activity": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}]"
    assert all(isinstance(told, Rejected) for told in read(deep))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.integers(min_value=300, max_value=420).map(lambda digits: 10**digits)
    | st.text()
    | st.sampled_from(["\ud800", "a\x00b"])
    | st.sampled_from([USER, FILM, "5400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(
    changed=st.dictionaries(st.sampled_from(sorted(row())), _JSON),
    known=st.dictionaries(st.sampled_from(sorted(film_of(1))), _JSON),
)
def test_no_row_is_too_odd(changed: dict[str, object], known: dict[str, object]) -> None:
    told = read(backup(row(**changed), row(), jf_library_items=[{**film_of(6000), **known}]))

    assert len(told) == 2
    assert all(isinstance(each, Play | Ignored | Rejected) for each in told)
    kept = msgspec.json.encode([each for each in told if isinstance(each, Play)]).decode()
    assert r"\u0000" not in kept.replace(r"\\", "")


@given(
    st.binary()
    | st.binary().map(gzip.compress)
    | st.binary().map(lambda data: gzip.compress(backup(row()))[:40] + data)
)
def test_no_backup_is_too_odd(data: bytes) -> None:
    assert all(isinstance(told, Ignored | Rejected) for told in read(data))
