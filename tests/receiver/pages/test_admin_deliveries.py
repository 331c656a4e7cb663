"""Deliveries: found, opened, traced to what came of them, and replayed one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.pages.admin.bodies import GONE, presentable
from reconcile.store import servers, tracing
from tests.receiver.houses import NINE_PM, Clock, Program, notification, program, until
from tests.receiver.pages.visitors import form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

OTHER = "00000000000000000000000000000bad"


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Program]:
    """A program in which two watched something; deliveries were received as they happened."""
    async with program(tmp_path, database_url, clock=Clock(NINE_PM)) as running:
        for minutes, kind in ((0, "PlaybackStart"), (20, "PlaybackProgress"), (41, "PlaybackStop")):
            running.clock.at = NINE_PM + timedelta(minutes=minutes)
            body = notification(kind, running.clock.at, minutes * 60.0, NotificationUsername="viewer")
            assert (await running.send(body)).status_code == 202
        running.clock.at += timedelta(hours=1)
        begun = running.clock.at - timedelta(minutes=40)
        await running.watch(begun, UserId=GUEST, NotificationUsername="guest", DeviceId="another", Id="f" * 32)
        yield running


async def delivery(here: Program, kind: str = "PlaybackStop") -> int:
    """Return the number of the first user's delivery of that kind."""
    (row,) = (await here.get("/deliveries", user=VIEWER, kind=kind))["items"]
    return int(row["id"])


async def playback(here: Program) -> int:
    """Return the number of the first user's playback."""
    return int((await here.get("/playbacks"))["items"][-1]["id"])


def rows_of(page: httpx.Response) -> int:
    assert page.status_code == 200, page.text
    return page.text.count('<a href="/admin/deliveries/')


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        pytest.param({}, 12, id="all"),
        pytest.param({"outcome": "recorded"}, 12, id="by outcome"),
        pytest.param({"outcome": "failed"}, 0, id="by an outcome that there is not"),
        pytest.param({"q": "stop"}, 2, id="by text"),
        pytest.param({"user": f"{SERVER}:{VIEWER}"}, 3, id="by user"),
        pytest.param({"server": OTHER}, 0, id="by another server"),
        pytest.param({"from": "2026-11-22T21:10", "to": "2026-11-22T21:41"}, 1, id="by time"),
    ],
)
async def test_deliveries_are_found_by_what_is_known_of_them(here: Program, asked: dict[str, str], count: int) -> None:
    async with owner(here) as visitor:
        page = await visitor.get("/admin/deliveries", params=asked)

    assert rows_of(page) == count


async def test_those_of_a_playback_are_its_users_of_its_time(here: Program) -> None:
    async with owner(here) as visitor:
        page = await visitor.get("/admin/deliveries", params={"playback": str(await playback(here))})

    assert rows_of(page) == 3


async def test_nobody_has_to_know_the_number_of_a_playback(here: Program) -> None:
    number = await playback(here)
    path = f"/admin/deliveries?playback={number}"
    async with owner(here) as visitor, viewer(here, SERVER, VIEWER) as theirs:
        opened = await visitor.get(f"/playbacks/{number}")
        found = await visitor.get(path)
        narrower = await visitor.get("/admin/deliveries", params={"playback": str(number), "q": "Stop"})
        of_all = await visitor.get("/admin/deliveries")
        not_theirs = await theirs.get(f"/playbacks/{number}")

    assert f'href="{path}"' in opened.text
    assert path not in not_theirs.text
    assert f'<a href="/playbacks/{number}">one playback</a>' in found.text
    assert f'name="playback" value="{number}"' in narrower.text
    assert rows_of(narrower) == 1
    assert 'name="playback"' not in of_all.text


async def test_an_empty_form_finds_all(here: Program) -> None:
    names = ("outcome", "q", "from", "to", "server", "user", "playback")
    async with owner(here) as visitor:
        page = await visitor.get("/admin/deliveries", params=dict.fromkeys(names, ""))

    assert rows_of(page) == 12


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param({"from": "soon"}, 400, id="no instant"),
        pytest.param({"playback": "x"}, 400, id="no number"),
        pytest.param({"playback": "99999"}, 404, id="no such playback"),
        pytest.param({"cursor": "x"}, 400, id="no cursor"),
    ],
)
async def test_what_makes_no_sense_is_told(here: Program, asked: dict[str, str], status: int) -> None:
    async with owner(here) as visitor:
        assert (await visitor.get("/admin/deliveries", params=asked)).status_code == status


async def test_a_page_goes_on_where_the_last_one_ended(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.pages.admin.deliveries.LIMIT", 5)
    monkeypatch.setattr(tracing, "LOOKED_AT", 7)
    seen, path = 0, "/admin/deliveries?outcome=recorded"
    async with owner(here) as visitor:
        for _page in range(6):
            page = await visitor.get(path)
            seen += rows_of(page)
            if 'rel="next"' not in page.text:
                break
            path = page.text.split('" rel="next"')[0].rpartition('href="')[2].replace("&amp;", "&")

    assert seen == 12


async def test_what_is_rare_is_looked_for_further_back(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LOOKED_AT", 4)
    async with owner(here) as visitor:
        page = await visitor.get("/admin/deliveries", params={"user": f"{SERVER}:{VIEWER}"})

    assert rows_of(page) == 0
    assert "there are older ones" in page.text
    assert 'rel="next"' in page.text


async def test_an_opened_one_says_what_came_of_it(here: Program) -> None:
    async with owner(here) as visitor:
        page = await visitor.get(f"/admin/deliveries/{await delivery(here)}")

    assert page.status_code == 200
    assert "stopped at 41:00" in page.text
    assert f'href="/playbacks/{await playback(here)}"' in page.text
    assert "22 November, viewer" in page.text
    assert page.text.count("counted: ") == 2


async def test_a_body_is_shown_without_addresses_and_devices(here: Program) -> None:
    async with owner(here) as visitor:
        page = await visitor.get(f"/admin/deliveries/{await delivery(here)}")

    assert "&#34;NotificationUsername&#34;: &#34;viewer&#34;" in page.text
    assert f"&#34;RemoteEndPoint&#34;: &#34;{GONE}&#34;" in page.text
    assert f"&#34;DeviceId&#34;: &#34;{GONE}&#34;" in page.text


async def test_one_is_replayed_as_a_dry_run_first(here: Program) -> None:
    async with owner(here) as visitor:
        shown_at = f"/admin/deliveries/{await delivery(here, 'PlaybackProgress')}"
        done = await visitor.post(f"{shown_at}/replay", data=form_of(await visitor.get(shown_at), f"{shown_at}/replay"))
        number = int(done.headers["location"].rpartition("/")[2])

        async def is_done() -> bool:
            return bool((await here.get(f"/replays/{number}"))["state"] == "done")

        await until(is_done)
        shown = await visitor.get(done.headers["location"])
        replay = await here.get(f"/replays/{number}")

    assert replay["dry_run"] is True
    assert (replay["result"]["read"], replay["result"]["known"]) == (1, 1)
    assert "the history would stay as it was" in shown.text


async def test_another_servers_administrator_finds_none_of_them(here: Program) -> None:
    async with here.house.store.begin() as db:
        await servers.see(db, OTHER, NINE_PM, name="elsewhere")
    async with viewer(here, OTHER, GUEST, is_administrator=True) as visitor:
        found = await visitor.get("/admin/deliveries")
        mine = await visitor.get("/admin/deliveries", params={"server": SERVER})
        opened = await visitor.get(f"/admin/deliveries/{await delivery(here)}")
        of_playback = await visitor.get("/admin/deliveries", params={"playback": str(await playback(here))})

    assert (rows_of(found), rows_of(mine)) == (0, 0)
    assert (opened.status_code, of_playback.status_code) == (404, 404)


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("utf-8", "replace"))))
def test_whatever_came_can_be_shown(body: str) -> None:
    assert isinstance(presentable(body), str)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"a": {"ApiKey": "secret-1"}, "b": [{"Token": "secret-1"}]}', id="JSON"),
        pytest.param('{"ApiKey": "secret-1", "NotificationType": True, ', id="broken JSON"),
        pytest.param("NotificationType=PlaybackStart&access_token=secret-1&x=1", id="form"),
    ],
)
def test_no_secret_is_shown(body: str) -> None:
    shown = presentable(body)

    assert "secret-1" not in shown
    assert GONE in shown
