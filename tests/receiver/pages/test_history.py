"""The history pages: whose rows, which rows, in which order, and what they say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from receiver.pages.history import leaves as history_leaves
from tests.receiver.houses import NINE_PM, Anything, Clock, Program, notification, program
from tests.receiver.pages.evenings import film, rows, titles_of, told_by, zap
from tests.receiver.pages.visitors import owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ANOTHER: Anything = {"UserId": GUEST, "NotificationUsername": "guest", "DeviceId": "another", "Id": "f" * 32}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Program]:
    """Start a program in which two people watched something."""
    async with program(folder, clock=Clock(), PLAYLEDGER_RECORD_PARTIALS="true") as here:
        await film(here, NINE_PM - 3 * DAY, title="A Silent Harbour", year=1961)
        await film(here, NINE_PM - DAY - 3 * HOUR, title="Half a Film", minutes=50)
        await zap(here, NINE_PM - DAY)
        await here.watch(NINE_PM - 2 * HOUR)
        await film(here, NINE_PM - 4 * HOUR, title="Orchard Road", **ANOTHER)
        yield here


def hrefs(page: httpx.Response, text: str) -> list[str]:
    """Return where the links go that bear that *text*."""
    found = re.findall(r'<a[^>]*href="([^"]*)"[^>]*>([^<]*)', page.text)
    return [href.replace("&amp;", "&") for href, said in found if said == text]


async def test_users_see_their_own_and_administrators_all(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        async with viewer(here, SERVER, VIEWER) as visitor:
            mine = await visitor.get("/history")
        async with viewer(here, SERVER, GUEST) as visitor:
            theirs = await visitor.get("/history")
        async with owner(here) as visitor:
            every = await visitor.get("/history")

    assert titles_of(mine) == ["The Lighthouse Keepers", "Half a Film", "A Silent Harbour"]
    assert titles_of(theirs) == ["Orchard Road"]
    assert titles_of(every) == ["The Lighthouse Keepers", "Orchard Road", "Half a Film", "A Silent Harbour"]
    assert "guest" in every.text
    assert "Person" not in mine.text
    assert "viewer</b>," not in mine.text, "whoever sees only their own needs not read whose it is"


async def test_nobody_gets_what_is_anothers_in_any_form(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        (row,) = await rows(here, GUEST)
        watch, playback, account = row["id"], row["playbacks"][0], row["account"]["id"]
        paths = (
            f"/history/{watch}",
            f"/history/{watch}/correct",
            f"/playbacks/{playback}",
            f"/playbacks/{playback}/correct",
            f"/history?person={account}",
            f"/playbacks?person={account}",
            f"/history/export?person={account}",
            f"/playbacks/export?person={account}&format=json",
            "/history/999",
            "/playbacks/999",
        )
        async with viewer(here, SERVER, VIEWER) as visitor:
            answers = {path: await visitor.get(path) for path in paths}
            lists = [
                await visitor.get(path) for path in ("/history/export", "/playbacks/export", f"/history?open={watch}")
            ]

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 404)
    assert all("Orchard" not in answer.text for answer in [*answers.values(), *lists])


async def test_whoever_is_linked_to_nobody_sees_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, "a" * 32) as visitor:
        pages = [await visitor.get(path) for path in ("/history", "/playbacks", "/history/corrections")]

    assert [titles_of(page) for page in pages] == [[], [], []]
    assert "not linked to anybody" in pages[0].text


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("kind=movie", ["Half a Film", "A Silent Harbour"]),
        ("kind=episode", ["The Lighthouse Keepers"]),
        ("text=LIGHTHOUSE", ["The Lighthouse Keepers"]),
        ("text=nothing+like+it", []),
        ("counts=yes", ["The Lighthouse Keepers", "A Silent Harbour"]),
        ("counts=no", ["Half a Film"]),
        ("from=2026-11-21", ["The Lighthouse Keepers", "Half a Film"]),
        ("to=2026-11-20", ["A Silent Harbour"]),
        ("from=2026-11-21&to=2026-11-21", ["Half a Film"]),
        ("evidence=both", ["A Silent Harbour"]),
        ("evidence=webhook", ["The Lighthouse Keepers"]),
        ("evidence=poll", ["Half a Film"]),
        ("evidence=hand", []),
        ("kind=movie&counts=yes&from=2026-11-01", ["A Silent Harbour"]),
    ],
)
async def test_a_filter_shows_what_it_says(tmp_path: Path, query: str, titles: list[str]) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        told = {row["media"]["title"]: row["id"] for row in await rows(here)}
        await told_by(here, 3, told["A Silent Harbour"])
        await told_by(here, 2, told["Half a Film"])
        page = await visitor.get(f"/history?{query}")
        again = await visitor.get(f"/history?{query}")
        export = await visitor.get(f"/history/export?format=json&{query}")

    assert titles_of(page) == titles
    assert again.text == page.text, "the same address is the same view"
    assert [row["media"]["series_title"] or row["media"]["title"] for row in export.json()] == titles
    assert 'class="hist-chip"' in page.text


async def test_a_filter_is_taken_away_by_its_chip(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        page = await visitor.get("/history?kind=movie&counts=no")
        fewer = [await visitor.get(href) for href in (*hrefs(page, "films"), *hrefs(page, "partial"))]

    assert [str(each.url.query, "ascii") for each in fewer] == ["counts=no", "kind=movie"]
    assert titles_of(fewer[1]) == ["Half a Film", "A Silent Harbour"]


async def test_fields_that_nobody_filled_in_are_no_part_of_the_address(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        answer = await visitor.get("/history?text=&person=&kind=movie&counts=&evidence=&from=&to=")

    assert (answer.status_code, answer.headers["location"]) == (303, "/history?kind=movie")


@pytest.mark.parametrize("query", ["kind=song", "from=then", "after=that", "after=x&before=y", "person=-1"])
async def test_what_does_not_fit_is_said_on_a_page(tmp_path: Path, query: str) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        answers = [await visitor.get(f"{path}?{query}") for path in ("/history", "/playbacks", "/history/export")]

    assert [answer.status_code for answer in answers[:2]] == [400, 400]
    assert "That does not fit" in answers[0].text


async def test_a_day_says_what_it_adds_up_to(tmp_path: Path) -> None:
    async with house(tmp_path) as here, owner(here) as visitor:
        page = await visitor.get("/history")
        films = await visitor.get("/history?kind=movie")

    assert "2 counted · 2 h 20 min watched" in page.text
    assert "1 counted · 1 h 40 min watched" in films.text
    assert "1 partial · 50 min watched" in page.text
    assert page.text.index("Today, 22 November") < page.text.index("Yesterday, 21 November")
    assert "Thursday 19 November" in page.text


@pytest.mark.parametrize(
    ("zone", "ended", "day"),
    [
        ("America/Los_Angeles", datetime(2026, 11, 22, 7, 59, tzinfo=UTC), "Yesterday, 21 November"),
        ("America/Los_Angeles", datetime(2026, 11, 22, 8, 59, tzinfo=UTC), "Today, 22 November"),
        ("Pacific/Auckland", datetime(2026, 11, 22, 10, 59, tzinfo=UTC), "Yesterday, 22 November"),
        ("Pacific/Auckland", datetime(2026, 11, 22, 11, 59, tzinfo=UTC), "Today, 23 November"),
        ("Europe/Berlin", datetime(2026, 10, 24, 21, 59, tzinfo=UTC), "Saturday 24 October"),
        ("Europe/Berlin", datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "Sunday 25 October"),
        ("Europe/Berlin", datetime(2026, 10, 25, 23, 59, tzinfo=UTC), "Monday 26 October"),
    ],
    ids=["west, before", "west, after", "east, before", "east, after", "before 25 h", "in 25 h", "after 25 h"],
)
async def test_days_begin_at_the_midnight_of_the_account(tmp_path: Path, zone: str, ended: datetime, day: str) -> None:
    async with program(tmp_path, clock=Clock()) as here, viewer(here, SERVER, VIEWER) as visitor:
        await here.watch(ended - timedelta(minutes=44), minutes=44)
        (row,) = await rows(here)
        answer = await here.http.patch(f"/api/v1/accounts/{row['account']['id']}", json={"time_zone": zone})
        assert answer.status_code == 200, answer.text
        (row,) = await rows(here)
        page = await visitor.get("/history")
        same = await visitor.get(f"/history?from={row['day']}&to={row['day']}")
        played = await visitor.get("/playbacks")

    assert f"<h2>{day}</h2>" in page.text
    assert titles_of(same) == ["The Lighthouse Keepers"]
    assert f"times are {zone}" in page.text
    assert "<h2>" in played.text


async def test_pages_have_no_gaps_while_rows_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_leaves, "LONG", 2)
    async with program(tmp_path, clock=Clock()) as here, viewer(here, SERVER, VIEWER) as visitor:
        for number in range(5):
            await film(here, NINE_PM - (5 - number) * DAY, title=f"Film {number}")
        first = await visitor.get("/history")
        await film(here, NINE_PM - 3 * HOUR, title="Film 5")
        second = await visitor.get(hrefs(first, "Older")[0])
        third = await visitor.get(hrefs(second, "Older")[0])
        back = await visitor.get(hrefs(third, "Newer")[0])
        newest = await visitor.get(hrefs(await visitor.get(hrefs(back, "Newer")[0]), "Newer")[0])

    assert [titles_of(page) for page in (first, second, third)] == [
        ["Film 4", "Film 3"],
        ["Film 2", "Film 1"],
        ["Film 0"],
    ]
    assert hrefs(third, "Older") == []
    assert titles_of(back) == ["Film 2", "Film 1"]
    assert titles_of(newest) == ["Film 5", "Film 4"], "before the first rows there is the first page, whole"
    assert hrefs(newest, "Newer") == []


async def test_a_row_opens_in_its_place_and_on_a_page_of_its_own(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        row = next(row for row in await rows(here) if row["media"]["kind"] == "episode")
        closed = await visitor.get("/history")
        opened = await visitor.get(f"/history?open={row['id']}")
        own = await visitor.get(f"/history/{row['id']}")

    assert "Played on" not in closed.text
    assert "Firefox · Jellyfin Web" in opened.text
    assert 'aria-expanded="true"' in opened.text
    assert "counted: reached 88.8 % of 45 min" in own.text
    assert "began at 0:00" in own.text
    assert "by a stop" in own.text
    assert 'class="pic pic-line' in own.text
    assert "/admin/deliveries" not in own.text


async def test_administrators_are_led_to_the_deliveries(tmp_path: Path) -> None:
    async with house(tmp_path) as here, owner(here) as visitor:
        (row,) = await rows(here, GUEST)
        page = await visitor.get(f"/history/{row['id']}")

    assert f"/admin/deliveries?playback={row['playbacks'][0]}" in page.text


async def test_everything_played_says_why_it_does_not_count(tmp_path: Path) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        page = await visitor.get("/playbacks")
        uncounted = await visitor.get("/playbacks?counts=no")
        zapped = next(each for each in (await here.get("/playbacks"))["items"] if each["watched_seconds"] < 60)
        own = await visitor.get(f"/playbacks/{zapped['id']}")

    assert titles_of(page) == ["The Lighthouse Keepers", "The Lighthouse Keepers", "Half a Film", "A Silent Harbour"]
    assert titles_of(uncounted) == ["The Lighthouse Keepers", "Half a Film"]
    assert "not counted: watched 40 s, the minimum is 120 s" in uncounted.text
    assert "not counted: watched 40 s, the minimum is 120 s" in own.text


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (True, "Jellyfin itself says: played to its end<"),
        (False, "Jellyfin itself says: not played to its end<"),
        (None, None),
    ],
    ids=["completed", "not completed", "nothing"],
)
async def test_a_playback_says_what_jellyfin_itself_says(tmp_path: Path, said: bool | None, line: str | None) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await zap(here, NINE_PM, PlayedToCompletion=said)
        (playback,) = (await here.get("/playbacks"))["items"]
        own = await visitor.get(f"/playbacks/{playback['id']}")

    assert "not counted: watched 40 s, the minimum is 120 s" in own.text
    assert (line in own.text) if line else ("Jellyfin itself" not in own.text)


async def test_an_open_playback_says_how_it_stands(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, viewer(here, SERVER, VIEWER) as visitor:
        for kind, minutes in (("PlaybackStart", 0), ("PlaybackProgress", 5)):
            at = NINE_PM + timedelta(minutes=minutes - 5)
            await here.send(notification(kind, at, minutes * 60))
        page = await visitor.get("/playbacks")
        number = (await here.get("/playbacks"))["items"][0]["id"]
        own = await visitor.get(f"/playbacks/{number}")

    assert "since 20:55" in page.text
    assert ">playing</span>" in page.text
    assert "<dd>not yet</dd>" in own.text


@pytest.mark.parametrize("path", ["/history", "/playbacks"])
async def test_an_export_is_what_the_filter_shows(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await film(here, NINE_PM - 5 * DAY, title="=cmd|' /C calc'!A0")
        page = await visitor.get(f"{path}?kind=movie&counts=yes")
        table = await visitor.get(hrefs(page, "CSV")[0])
        listed = await visitor.get(hrefs(page, "JSON")[0])

    told = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["title"] for row in told] == ["A Silent Harbour", "'=cmd|' /C calc'!A0"]
    assert [row["media"]["title"] for row in listed.json()] == ["A Silent Harbour", "=cmd|' /C calc'!A0"]
    assert told[0]["account"] == "viewer"
    assert f'filename="playledger-{path[1:]}.csv"' in table.headers["content-disposition"]
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["cache-control"] == "no-store"


async def test_an_export_of_nothing_is_whole(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        table = await visitor.get("/history/export?format=csv")
        listed = await visitor.get("/history/export?format=json")
        wrong = await visitor.get("/history/export?format=pdf")

    assert (len(table.text.splitlines()), listed.json(), wrong.status_code) == (1, [], 400)


async def test_a_page_full_of_rows_is_small(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock()) as here, owner(here) as visitor:
        for number in range(31):
            start = NINE_PM - 30 * DAY + number * 20 * HOUR
            await here.watch(
                start, minutes=39, EpisodeNumber=number + 1, ItemId=f"{number + 1:032x}", Name="A Long Name " * 4
            )
        last = (await rows(here))[0]["id"]
        page = await visitor.get(f"/history?open={last}")

    assert len(titles_of(page)) == 30
    assert len(page.content) < 50_000
