"""What the Playback Reporting plugin has kept is read row by row, and nothing odd in it stops the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.rehearsal.library import DEVICES, USERS
from reconcile.errors import JellyfinMissing, JellyfinRefused, JellyfinUnreadable
from reconcile.jellyfin import playback_reporting
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.item_types import NO_USER
from reconcile.jellyfin.playback_reporting import NOTHING, read_backup, read_row
from reconcile.playback.check_in import DeviceFacts, Ignored, ItemFacts, Rejected
from reconcile.playback.imports import Play, Told
from reconcile.unpacking import unpacked
from tests.simulated import BEGAN, KEY, URL, Jellyfin, simulated

USER, ITEM = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "b7d1f4a09c3e48d2a6510e7f3c2b9d84"


def row(
    created: str = "2026-01-03 20:00:20.1234567",
    user: str = USER,
    item: str = ITEM,
    kind: str = "Movie",
    name: str = "A Film",
    duration: str = "5400",
) -> tuple[str, ...]:
    return (created, user, item, kind, name, "DirectPlay", "Jellyfin Web", "Firefox", duration)


def play(told: Told) -> Play:
    assert isinstance(told, Play), told
    return told


def test_a_row_is_a_play_that_began_twenty_seconds_before_its_date_on_the_servers_wall() -> None:
    assert read_row(row(), "row 17") == Play(
        user_id=USER,
        item_id=ITEM,
        started_at=datetime(2026, 1, 3, 20, 0, 0, 123456),  # noqa: DTZ001 - a wall time
        seconds=5400.0,
        place="row 17",
        item=ItemFacts(kind="movie", name="A Film"),
        device=DeviceFacts(client="Jellyfin Web", device_name="Firefox"),
    )


@pytest.mark.parametrize(
    ("created", "microsecond"),
    [("2026-01-03 20:00:20", 0), ("2026-01-03 20:00:20.5", 500000), ("2026-01-03 20:00:20.0000009", 0)],
    ids=["no fraction", "one digit", "seven digits"],
)
def test_a_date_has_up_to_seven_digits(created: str, microsecond: int) -> None:
    started_at = play(read_row(row(created), "")).started_at

    assert (started_at.second, started_at.microsecond, started_at.tzinfo) == (0, microsecond, None)


def test_a_version_that_keeps_utc_says_so() -> None:
    assert play(read_row(row("2026-01-03 20:00:20Z"), "")).started_at == datetime(2026, 1, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("A Series - s01e02 - A Title", ItemFacts("episode", "A Title", None, None, None, "A Series", 1, 2)),
        ("A - B - s2026e104 - C - D", ItemFacts("episode", "C - D", None, None, None, "A - B", 2026, 104)),
        ("A Series - s00e00 - A Title", ItemFacts("episode", "A Title", None, None, None, "A Series")),
        ("An episode of nothing", ItemFacts("episode", "An episode of nothing")),
        ("A - s100000e999999999 - B", ItemFacts("episode", "B", None, None, None, "A")),
        ("A\x00 - s01e02 - B\x00", ItemFacts("episode", "B", None, None, None, "A", 1, 2)),
    ],
    ids=["ordinary", "dashes and years", "00 is not known", "no such form", "beyond belief", "with NUL"],
)
def test_an_episodes_name_is_taken_apart(name: str, facts: ItemFacts) -> None:
    assert play(read_row(row(kind="Episode", name=name), "")).item == facts


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (row(kind="Audio"), Ignored("item type Audio")),
        (row(user="0" * 32), NO_USER),
        (row(user=""), NO_USER),
        (row(duration="0"), NOTHING),
    ],
    ids=["music", "nobody", "no user", "nothing played"],
)
def test_what_is_not_history_is_ignored(odd: tuple[str, ...], told: Ignored) -> None:
    assert read_row(odd, "row 1") == told


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (row(duration="-2147483648"), "the plugin lost count"),
        (row(duration="630720000"), "longer than a day"),
        (row(duration=""), "no number of seconds"),
        (row(created="yesterday"), "no date such as"),
        (row(created="2026-02-30 20:00:00"), "no date such as"),
        (row(item="42"), "none of Jellyfin's"),
        (row()[:8], "it has 8 columns, a row of the backup has 9"),
        (row()[:1], "it has 1 column, a row of the backup has 9"),
    ],
    ids=["INT32_MIN", "twenty years", "no duration", "no date", "no such day", "no id", "a column short", "text"],
)
def test_what_cannot_be_believed_is_rejected_with_a_sentence_and_its_place(odd: tuple[str, ...], words: str) -> None:
    told = read_row(odd, "row 17")

    assert isinstance(told, Rejected)
    assert words in told.reason
    assert told.place == "row 17"


def test_texts_are_kept_without_nul() -> None:
    told = play(read_row((*row()[:6], "a\x00b", "\x00", "5400"), ""))

    assert told.device == DeviceFacts(client="ab", device_name=None)


def test_dashed_ids_are_normalised() -> None:
    told = play(read_row(row(user="0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"), ""))

    assert told.user_id == USER


@given(st.lists(st.text() | st.sampled_from(row()), max_size=11))
def test_no_row_is_too_odd(cells: list[str]) -> None:
    assert isinstance(read_row(cells, "row 1"), Play | Ignored | Rejected)


# --- a backup ---------------------------------------------------------------------------------------------------------


def test_a_backup_is_read_line_by_line_with_tabs_in_titles() -> None:
    lines = ["\t".join(row()), "a note", "", "\t".join(row(name="A\tFilm\u2028in two"))]

    first, odd, last = read_backup(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())

    assert play(first).place == "line 1"
    assert isinstance(odd, Rejected)
    assert odd.place == "line 2"
    assert (play(last).place, play(last).item.name) == ("line 4", "A\tFilm\u2028in two")
    assert play(last).seconds == 5400.0


def test_an_empty_backup_holds_nothing() -> None:
    assert list(read_backup(b"")) == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_backup_that_windows_saved_in_utf_16_is_read_alike(encoding: str) -> None:
    text = unpacked(("\ufeff" + "\t".join(row())).encode(encoding))

    assert isinstance(text, bytes)
    assert list(read_backup(text)) == [read_row(row(), "line 1")]


@given(st.binary())
def test_no_backup_is_too_odd(data: bytes) -> None:
    assert all(isinstance(told, Ignored | Rejected) for told in read_backup(data))


# --- over the API -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as server:
        server.face.kept.has_plugin = True
        yield server


def client(jellyfin: Jellyfin, key: str = KEY) -> JellyfinClient:
    return JellyfinClient(URL, key, jellyfin.http, jellyfin.watch)


async def told_by(asking: JellyfinClient, page: int = 1000) -> list[list[Told]]:
    return [told async for told in playback_reporting.plays(asking, page)]


async def test_all_rows_come_page_after_page(jellyfin: Jellyfin) -> None:
    film, kept = jellyfin.face.library.films[0], jellyfin.face.kept
    kept.zone = ZoneInfo("Asia/Kolkata")
    for number in range(5):
        kept.play(USERS[0], film, BEGAN - timedelta(days=number), 60 + number, DEVICES[0])

    pages = await told_by(client(jellyfin), page=2)

    assert [[play(told).seconds for told in page] for page in pages] == [[60, 61], [62, 63], [64]]
    first = play(pages[0][0])
    assert (first.place, first.user_id, first.item_id) == ("row 1", USERS[0].id, film.id)
    assert first.started_at == BEGAN.astimezone(kept.zone).replace(tzinfo=None)


async def test_an_episode_is_known_by_its_name(jellyfin: Jellyfin) -> None:
    episode = jellyfin.face.library.episodes[0][9]
    jellyfin.face.kept.play(USERS[0], episode, BEGAN, 60, DEVICES[0])

    ((told,),) = await told_by(client(jellyfin))

    assert play(told).item == ItemFacts(
        kind="episode", name=episode.name, series_name="A Series", season=episode.season, episode=episode.episode
    )


async def test_an_empty_table_is_no_error(jellyfin: Jellyfin) -> None:
    assert await told_by(client(jellyfin)) == []


async def test_pages_that_end_with_the_table_are_not_asked_for_again_and_again(jellyfin: Jellyfin) -> None:
    for number in range(4):
        jellyfin.face.kept.play(USERS[0], jellyfin.face.library.films[number], BEGAN, 60, DEVICES[0])

    assert [len(page) for page in await told_by(client(jellyfin), page=2)] == [2, 2]


async def test_without_the_plugin_it_is_said_what_is_missing(jellyfin: Jellyfin) -> None:
    jellyfin.face.kept.has_plugin = False

    with pytest.raises(JellyfinMissing, match="does not have the Playback Reporting plugin"):
        await told_by(client(jellyfin))


async def test_a_key_that_may_not_ask_is_told_so(jellyfin: Jellyfin) -> None:
    jellyfin.face.porter.signed_in["0123456789abcdef"] = USERS[1]

    with pytest.raises(JellyfinRefused, match="give it an API key"):
        await told_by(client(jellyfin, "0123456789abcdef"))


def answering(*answers: object) -> JellyfinClient:
    left = list(answers)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=left.pop(0)))
    return JellyfinClient(URL, KEY, httpx.AsyncClient(transport=transport), lambda: BEGAN)


def page(
    *rows: tuple[str, ...], columns: tuple[str, ...] = ("rowid", *playback_reporting.COLUMNS)
) -> dict[str, object]:
    return {"colums": columns, "results": rows, "message": ""}


async def test_an_error_of_sql_is_told_without_its_html() -> None:
    message = "Error Running Query</br>no such table: PlaybackActivity<pre>at SQLite\nat Jellyfin</pre>"
    odd = answering({"colums": [], "results": [], "message": message})

    with pytest.raises(JellyfinUnreadable, match=r"Error Running Query no such table: PlaybackActivity$"):
        await told_by(odd)


async def test_columns_are_known_by_their_names() -> None:
    turned = page(tuple(reversed(("7", *row()))), columns=tuple(reversed(("rowid", *playback_reporting.COLUMNS))))

    ((told,),) = await told_by(answering(turned))

    assert told == read_row(row(), "row 7")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(("1", *row()[:8]), columns=("rowid", *playback_reporting.COLUMNS[:8])), "no column PlayDuration"),
        (page(("one", *row())), "without its number"),
        (page(row()), "without its number"),
        ([], "could not be read"),
    ],
    ids=["a column is missing", "no number", "a cell short", "another answer"],
)
async def test_an_answer_that_is_not_the_plugins_is_refused(answer: object, words: str) -> None:
    with pytest.raises(JellyfinUnreadable, match=words):
        await told_by(answering(answer))


async def test_the_same_page_again_is_not_read_for_ever() -> None:
    with pytest.raises(JellyfinUnreadable, match="the same rows twice"):
        await told_by(answering(*[page(("1", *row()), ("2", *row()))] * 2), page=2)
