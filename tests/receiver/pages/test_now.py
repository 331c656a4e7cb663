"""Now playing: what the page says, to whom, and in every state that there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver import live
from receiver.posters import Posters
from reconcile.errors import StoreAway
from reconcile.jellyfin.client import Answer
from reconcile.playback.pace import Proof
from tests.receiver.houses import Program, link, program, until
from tests.receiver.pages.now_evenings import AWAY, EPISODE, FILM, NOW, OF_GUEST, pause, play, stop
from tests.receiver.pages.visitors import browser, form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERIES, SERVER, SESSION, VIEWER

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


def said(page: httpx.Response) -> str:
    """Return what a page says, without its tags."""
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def playback_of(here: Program, account: str) -> int:
    """Return the open playback of an account, by its name."""
    return int(next(each["id"] for each in (await here.get("/sessions"))["items"] if each["account_name"] == account))


async def test_a_card_says_what_plays_for_whom_how_far_it_is_and_when_it_counts(
    tmp_path: Path, database_url: str
) -> None:
    async with program(tmp_path, database_url) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 10)
        page = await visitor.get("/now")

    text = said(page)
    for part in ("The Lighthouse Keepers", "S01 E02 · The", "viewer", "Firefox · Jellyfin Web", "playing"):
        assert part in text
    assert "10:00 of 45:00" in text
    assert "counts in 28:15 at 85 %" in text
    assert "At 10:00 of 45:00" in text
    assert "22 % covered; it counts from 85 %" in text
    assert re.search(r"webhook\s+just now", text)
    assert re.search(r"src=\"/posters/\d+\"", page.text)
    assert " style=" not in page.text


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "counts in 37:15"), (39, "counts ")],
    ids=["the threshold is far", "it was passed"],
)
async def test_it_says_when_it_counts(tmp_path: Path, minutes: float, words: str) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, minutes)
        text = said(await visitor.get("/now"))

    assert words in text


async def test_the_minimum_is_said_where_it_is_what_is_missing(tmp_path: Path) -> None:
    async with program(tmp_path, PLAYLEDGER_THRESHOLD="2") as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 1)
        text = said(await visitor.get("/now"))

    assert "counts in 1:00" in text
    assert "at least 2 min must be watched" in text


async def test_the_account_s_own_threshold_is_the_one_that_is_marked(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 10)
        answer = await here.http.patch("/api/v1/accounts/1", json={"threshold": 50})
        assert answer.status_code == 200, answer.text
        text = said(await visitor.get("/now"))

    assert "counts in 12:30" in text
    assert "it counts from 50 %" in text


async def test_a_film_stands_with_its_year(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 5, **FILM)
        text = said(await visitor.get("/now"))

    assert "Nosferatu" in text
    assert "1922" in text
    assert "5:00 of 1:34:00" in text


async def test_a_pause_is_said_in_words(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 10, NOW - timedelta(minutes=4))
        await pause(here, 600, NOW - timedelta(minutes=4) + timedelta(seconds=1))
        page = await visitor.get("/now")

    assert "paused for 4 min" in said(page)
    assert 'data-runs="false"' in page.text


async def test_a_player_that_says_nothing_is_said_not_to_have_been_heard(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 10)
        here.clock.at = NOW + timedelta(seconds=50)
        silent = said(await visitor.get("/now"))
        here.clock.at = NOW + timedelta(seconds=301)
        ending = said(await visitor.get("/now"))

    assert "not heard from for 50 s" in silent
    assert " ending " in ending


async def test_a_user_sees_nothing_of_another_and_administrators_see_theirs(tmp_path: Path) -> None:
    async with (
        program(tmp_path) as here,
        viewer(here, SERVER, VIEWER) as mine,
        viewer(here, SERVER, GUEST, name="guest") as theirs,
        viewer(here, SERVER, "c" * 32, name="admin", is_administrator=True) as administrator,
        viewer(here, "d" * 32, "c" * 32, name="other", is_administrator=True) as elsewhere,
        owner(here) as all_of_it,
    ):
        await play(here, 10)
        await play(here, 20, **OF_GUEST, **FILM)
        film = await playback_of(here, "guest")
        pages = {
            name: await visitor.get("/now")
            for name, visitor in {
                "mine": mine,
                "theirs": theirs,
                "administrator": administrator,
                "elsewhere": elsewhere,
                "all": all_of_it,
            }.items()
        }
        posters = [(await visitor.get(f"/posters/{film}")).status_code for visitor in (mine, elsewhere)]

    seen = {
        name: [title for title in ("The Lighthouse Keepers", "Nosferatu") if title in page.text]
        for name, page in pages.items()
    }
    assert seen == {
        "mine": ["The Lighthouse Keepers"],
        "theirs": ["Nosferatu"],
        "administrator": ["The Lighthouse Keepers", "Nosferatu"],
        "elsewhere": [],
        "all": ["The Lighthouse Keepers", "Nosferatu"],
    }
    assert "guest" not in pages["mine"].text
    assert posters == [404, 404]


async def test_those_who_sit_together_are_on_one_card(tmp_path: Path) -> None:
    together = {"UserId": GUEST, "NotificationUsername": "guest", "Id": SESSION}
    async with program(tmp_path) as here, owner(here) as visitor:
        await play(here, 10)
        await play(here, 10, **together)
        page = await visitor.get("/now")

    assert page.text.count("now-card") == 2  # the list's class, and one card
    assert "guest, viewer" in said(page)
    assert "together" in said(page)


async def test_what_is_over_stands_below_with_its_verdict_and_the_day(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 40, NOW - timedelta(hours=1))
        await stop(here, 2400, NOW - timedelta(hours=1))
        await play(here, 10, NOW - timedelta(minutes=10), **EPISODE)
        await stop(here, 600, NOW - timedelta(minutes=10), **EPISODE)
        await play(here, 5, **FILM)
        text = said(await visitor.get("/now"))

    assert "Just ended" in text
    assert text.index("The Storm") < text.index("The &#34;Long&#34; Night")
    assert "counted: reached 88.8 % of 45 min, watched 40 min" in text
    assert "not counted: reached 22.2 % of 45 min, watched 10 min; the threshold is 85 %" in text
    assert "ended 20:50 by a stop" in text
    assert "Today: 1 counted, 55 min watched" in text


async def test_yesterday_is_not_today(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 40, NOW - timedelta(days=1))
        await stop(here, 2400, NOW - timedelta(days=1))
        text = said(await visitor.get("/now"))

    assert "Just ended" not in text
    assert "The last playback began on 21 Nov 20:20." in text


async def test_while_nothing_plays_it_says_how_it_is_being_listened(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor:
        await play(here, 40, NOW - timedelta(hours=1))
        await stop(here, 2400, NOW - timedelta(hours=1))
        here.clock.at = NOW + timedelta(minutes=3)
        text = said(await visitor.get("/now"))

    assert "Nothing is playing" in text
    assert "The last playback began at 19:20." in text
    assert re.search(r"media webhook heard 3 min ago", text)
    assert "not polled" in text


async def test_the_owner_of_nothing_yet_is_led_to_the_set_up(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor, viewer(here, "d" * 32, VIEWER) as user:
        mine, theirs = await visitor.get("/now"), await user.get("/now")

    assert 'href="/set-up"' in mine.text
    assert 'href="/set-up"' not in theirs.text
    assert "has not connected it to a media server yet" in said(theirs)


async def test_whoever_is_not_linked_or_not_recorded_is_told_so(tmp_path: Path) -> None:
    async with (
        program(tmp_path, PLAYLEDGER_AUTO_LINK="false") as here,
        viewer(here, SERVER, VIEWER) as linked,
        viewer(here, SERVER, GUEST, name="guest") as stranger,
    ):
        await here.http.post("/api/v1/servers", json={})
        await link(here, recorded=False)
        texts = [said(await visitor.get("/now")) for visitor in (linked, stranger)]

    assert "You can turn it on under «You»." in texts[0]
    assert "«guest» is not linked to an account yet" in texts[1]


async def test_recording_that_is_off_is_said(tmp_path: Path) -> None:
    async with program(tmp_path, JELLYFIN_ACTIVITY_MONITOR_ENABLED="false") as here, owner(here) as visitor:
        text = said(await visitor.get("/now"))

    assert "Recording is off." in text


async def test_a_server_that_cannot_be_asked_is_said_with_its_reason_to_administrators(tmp_path: Path) -> None:
    async with program(tmp_path, given=AWAY) as here, owner(here) as visitor:
        await until(lambda: here.house.wires.each[0].poller.status.state == "error")
        text = said(await visitor.get("/now"))

    assert "127.0.0.1:9 cannot be asked. Since 21:00." in text
    assert "GET /System/Info/Public" in text


async def test_silent_webhooks_are_said_to_administrators(tmp_path: Path) -> None:
    async with (
        program(tmp_path, given=AWAY) as here,
        owner(here) as visitor,
        viewer(here, SERVER, VIEWER) as user,
    ):
        here.house.wires.each[0].poller._proof = Proof(unseen=2)
        texts = [said(await each.get("/now")) for each in (visitor, user)]

    assert "are silent. 2 playbacks of the last hour were seen by polls only." in texts[0]
    assert "silent" not in texts[1]


async def test_a_database_that_does_not_answer_makes_a_plain_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        monkeypatch.setattr(here.house.store, "read", gone)
        page = await visitor.get("/now")

    assert page.status_code == 503
    assert "The test has taken it away" in page.text


@asynccontextmanager
async def gone() -> AsyncIterator[AsyncConnection]:
    """Be a database that does not answer."""
    raise StoreAway("The test has taken it away.")
    yield


async def test_private_mode_is_shown_to_whoever_is_in_it_and_can_be_ended(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as visitor, owner(here) as administrator:
        await play(here, 10)
        hidden = {"account_id": 1, "recorded": True, "private_until": "2026-11-22T23:30:00Z"}
        await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json=hidden)
        page, other = await visitor.get("/now"), await administrator.get("/now")

        ended = await visitor.post("/now/end-private-mode", data=form_of(page, "/now/end-private-mode"))
        here.clock.at = NOW + timedelta(seconds=1)
        is_recorded = here.house.people.is_recorded((SERVER, VIEWER), here.clock.at)
        after = await visitor.get(ended.headers["location"])

    assert "until 23:30" in said(page)
    assert "Nothing is playing" in said(page)
    assert "Private mode" not in other.text
    assert is_recorded
    assert "Private mode is over" in said(after)
    assert "Private mode is on" not in said(after)


async def test_an_opt_out_takes_the_card_away_at_once(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        await play(here, 10)
        before = said(await visitor.get("/now"))
        await here.http.put(f"/api/v1/links/{SERVER}/{VIEWER}", json={"account_id": 1, "recorded": False})
        after = said(await visitor.get("/now"))

    assert "playing" in before
    assert "Nothing is playing" in after


async def test_a_poster_is_sent_to_whoever_may_see_the_playback_and_kept_by_the_browser(tmp_path: Path) -> None:
    asked: list[str] = []

    async def fetch(_server: str, item: str, _width: int) -> Answer:
        asked.append(item)
        return Answer(PICTURE, NOW, timedelta(), content_type="image/png")

    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as mine, viewer(here, SERVER, GUEST) as other:
        here.house.posters = Posters(tmp_path / "posters", fetch, here.clock)
        await play(here, 10)
        first = await mine.get("/posters/1")
        again = await mine.get("/posters/1", headers={"if-none-match": first.headers["etag"]})
        refused, unknown = await other.get("/posters/1"), await mine.get("/posters/99")

    assert (first.content, first.headers["content-type"]) == (PICTURE, "image/png")
    assert first.headers["cache-control"].startswith("private")
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["vary"] == again.headers["vary"] == "cookie"  # who signs in next asks anew
    assert asked == [SERIES]
    assert (again.status_code, again.content) == (304, b"")
    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert refused.content == unknown.content == b""


async def test_what_has_no_poster_is_no_error(tmp_path: Path) -> None:
    async with program(tmp_path) as here, viewer(here, SERVER, VIEWER) as mine:
        await play(here, 10)
        answer = await mine.get("/posters/1")

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["vary"] == "cookie"


async def test_without_script_the_page_loads_itself_again(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        page = await visitor.get("/now")

    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert page.text.count("http-equiv") == 1


async def test_when_too_many_listen_the_next_one_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 0)
    async with program(tmp_path) as here, owner(here) as visitor, browser(here) as nobody:
        answer, led = await visitor.get("/now/stream"), await nobody.get("/now/stream")

    assert answer.status_code == 503
    assert "Too many are listening already" in answer.text
    assert led.status_code == 303


async def test_a_full_house_is_a_small_page_and_shows_all_where_that_is_asked_for(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        for number in range(1, 23):
            names = {"UserId": f"{number:032x}", "NotificationUsername": f"viewer {number}"}
            await play(here, 1, Id=f"{number:032x}", DeviceId=f"{number}", **names)
        some, everything = await visitor.get("/now"), await visitor.get("/now?all=true")

    assert some.text.count("now-moving") == 20
    assert "2 more are playing." in said(some)
    assert len(some.content) < 50_000
    assert everything.text.count("now-moving") == 22
    assert 'data-stream="/now/stream?all=true"' in everything.text
