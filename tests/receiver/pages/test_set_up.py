"""The set-up without a window: four steps, each from what is true, and what does not work in words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver import first_start
from receiver.house import House
from receiver.live import Playing
from receiver.pages.set_up import checks as set_up_checks
from receiver.pages.set_up import hearing
from receiver.pages.set_up import plugin as set_up_plugin
from receiver.pages.set_up.heard import Listening, listening_of
from receiver.rehearsal.asked import Answer, Asked
from receiver.rehearsal.face import Face
from receiver.rehearsal.library import DEVICES
from receiver.rehearsal.porter import PASSWORD
from reconcile.store.servers import Server
from tests.receiver.houses import NINE_PM, everything_in, notification, until
from tests.receiver.pages import import_houses
from tests.receiver.pages.set_up_houses import (
    ADMIN,
    ATTIC,
    KEY,
    NOWHERE,
    OTHER,
    SERVER_ID,
    STUDY,
    STUDY_ID,
    VIEWER,
    WIKI,
    Town,
    connect,
    signed_in,
    town,
)
from tests.receiver.pages.visitors import browser, form_of, owner, viewer

CONNECT, HEAR, PEOPLE, HISTORY = (f"/set-up/{step}" for step in ("connect", "hear", "people", "history"))
HERE = "http://playledger.test:8484"


@asynccontextmanager
async def first_time(folder: Path, **environment: str) -> AsyncIterator[tuple[Town, httpx.AsyncClient]]:
    """Start the program, and have its owner sit before the pages."""
    async with town(folder, **environment) as it, owner(it.here) as visitor:
        yield it, visitor


async def sent(visitor: httpx.AsyncClient, page: str, action: str, **told: str | list[str]) -> httpx.Response:
    """Fill in the form of *page* that leads to *action*, and send it."""
    form = form_of(await visitor.get(page), action)
    return await visitor.post(action, data=form | told)


async def led_to(visitor: httpx.AsyncClient) -> str:
    answer = await visitor.get("/set-up")
    return str(answer.headers["location"])


async def at_the_attic(visitor: httpx.AsyncClient, **told: str) -> httpx.Response:
    entry = {"url": ATTIC, "how": "password", "name": ADMIN.name, "password": PASSWORD}
    return await sent(visitor, CONNECT, CONNECT, **(entry | told))


def destinations(face: Face) -> list[dict[str, Any]]:
    return list(face.plugin_configuration["GenericOptions"])


# --- the whole way ----------------------------------------------------------------------------------------------------


async def test_the_way_leads_from_step_to_step_by_what_is_true(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        ways = [await led_to(visitor)]
        await at_the_attic(visitor)
        ways.append(await led_to(visitor))
        hear = f"{HEAR}?server={SERVER_ID}"
        await sent(visitor, hear, f"{HEAR}/hook-up", address=HERE)
        ways.append(await led_to(visitor))
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id])
        ways.append(await led_to(visitor))
        end = await sent(visitor, HISTORY, "/set-up/finish")
        ways.append(await led_to(visitor))
        recorded = [it.here.house.people.is_recorded((SERVER_ID, u.id), it.here.clock()) for u in (VIEWER, OTHER)]

    assert ways == [CONNECT, HEAR, PEOPLE, HISTORY, CONNECT]
    assert end.headers["location"] == "/set-up/done"
    assert recorded == [True, False]


async def test_a_delivery_that_arrives_is_shown_at_the_end_by_its_channel(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await at_the_attic(visitor)
        await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id])
        before = await visitor.get("/set-up/done")
        (entry,) = destinations(it.attic)
        headers = {each["Key"]: each["Value"] for each in entry["Headers"]}
        body = notification("PlaybackStart", it.here.clock(), 0, ServerId=SERVER_ID, UserId=VIEWER.id)
        async with browser(it.here) as jellyfin:
            answer = await jellyfin.post(entry["WebhookUri"], content=body, headers=headers)
        after = await visitor.get("/set-up/done")

    assert "webhook: not heard yet" in before.text
    assert answer.status_code == 202, answer.text
    assert "It has arrived" in after.text
    assert "webhook: heard" in after.text


async def test_no_secret_is_kept_readable_or_shown_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "a-wrong-password-that-is-long"
    async with first_time(tmp_path) as (it, visitor):
        refused = await at_the_attic(visitor, password=wrong)
        await at_the_attic(visitor)
        await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        by_hand = await sent(visitor, HEAR, f"{HEAR}/by-hand", address=HERE)
        shown_token = re.findall(r'aria-label="Value of the header">([^<]+)<', by_hand.text)[0]
        pages = [(await visitor.get(page)).text for page in (CONNECT, HEAR, PEOPLE, "/set-up/done", "/admin/tokens")]
        made = list(it.attic.porter.made)
        (entry,) = destinations(it.attic)
        token = next(each["Value"] for each in entry["Headers"] if each["Key"] == "X-Playledger-Token")
        kept = everything_in(tmp_path)
        is_good = it.here.house.access.webhook(shown_token)
    told = capsys.readouterr()
    said = refused.text + told.out + told.err + caplog.text + "".join(pages)

    assert is_good is not None
    assert is_good.server_id == SERVER_ID
    assert len(made) == 1
    secrets = (wrong, token, shown_token, *made)
    assert [each for each in secrets if each in said] == []
    assert [each for each in secrets if each.encode() in kept] == []
    assert it.attic.porter.signed_in == {}


# --- connect ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [{}, {"how": "key", "api_key": KEY}, {"url": "attic.test:8096"}],
    ids=["by password", "by a key", "an address without a scheme"],
)
async def test_a_server_is_connected_and_what_it_says_is_shown(tmp_path: Path, entry: dict[str, str]) -> None:
    async with first_time(tmp_path) as (it, visitor):
        answer = await at_the_attic(visitor, **entry)
        page = await visitor.get(CONNECT)
        version = it.attic.performance.server.version

    assert (answer.status_code, answer.headers["location"]) == (303, CONNECT)
    assert f"Jellyfin {version}" in page.text
    assert re.search(r"it may list \d users", page.text)
    assert "agrees with ours" in page.text
    assert KEY not in page.text


async def test_by_quick_connect_an_administrator_approves(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor), viewer(it.here, SERVER_ID, VIEWER.id) as other:
        begun = await at_the_attic(visitor, how="code")
        page = await visitor.get(begun.headers["location"])
        code = re.findall(r"</span>(\d{6})</p>", page.text)[0]
        early = await sent(visitor, f"{CONNECT}/code", f"{CONNECT}/code")
        stolen = await other.get("/sign-in/code")
        as_sign_in = await visitor.get("/sign-in/code")
        it.attic.porter.approve(code, ADMIN)
        told = await visitor.get(f"{CONNECT}/code/stream")
        done = await sent(visitor, f"{CONNECT}/code", f"{CONNECT}/code")
        wire = it.here.house.wires.of(SERVER_ID)

    assert early.status_code == 409
    assert (stolen.headers["location"], as_sign_in.headers["location"]) == ("/sign-in", "/sign-in")
    assert "event: submit" in told.text
    assert done.headers["location"] == CONNECT
    assert wire is not None


async def test_a_code_that_a_viewer_approves_connects_nothing(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        page = await visitor.get((await at_the_attic(visitor, how="code")).headers["location"])
        it.attic.porter.approve(re.findall(r"</span>(\d{6})</p>", page.text)[0], VIEWER)
        answer = await sent(visitor, f"{CONNECT}/code", f"{CONNECT}/code")
        found = it.here.house.wires.each

    assert answer.status_code == 400
    assert "is no administrator of this Jellyfin" in answer.text
    assert found == []


FAILURES: dict[str, tuple[dict[str, str], str]] = {
    "nobody answers": ({"url": NOWHERE}, f"No Jellyfin answers at {NOWHERE}"),
    "no Jellyfin": ({"url": WIKI}, "it does not speak as Jellyfin does"),
    "no address": ({"url": "http://"}, "it should look like http://host:8096"),
    "nothing entered": ({"url": ""}, "it should look like http://host:8096"),
    "a name in the address": ({"url": "http://me:secret-word@attic.test"}, "has a user name in it"),
    "a wrong password": ({"password": "wrong"}, "does not know this name with this password"),
    "no administrator": ({"name": VIEWER.name}, "is no administrator of this Jellyfin"),
    "a wrong key": ({"how": "key", "api_key": "f" * 32}, "refuses the key"),
    "no key": ({"how": "key"}, "refuses the key"),
    "localhost": ({"url": "http://localhost:8096"}, "In a container, localhost is the container itself"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_what_cannot_be_connected_is_said_in_words(tmp_path: Path, case: str) -> None:
    entry, said = FAILURES[case]
    async with first_time(tmp_path) as (it, visitor):
        answer = await at_the_attic(visitor, **entry)
        found = it.here.house.wires.each

    assert answer.status_code == 400
    assert said in answer.text
    assert set(re.findall(r'type="password" value="([^"]*)"', answer.text)) == {""}
    assert "secret-word" not in answer.text
    assert found == []


async def test_quick_connect_that_is_turned_off_is_said(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        it.attic.porter.has_quick_connect = False
        answer = await at_the_attic(visitor, how="code")

    assert answer.status_code == 400
    assert "Quick Connect is turned off at this Jellyfin" in answer.text


async def test_what_the_environment_says_is_shown_as_fixed_and_counts_as_connected(tmp_path: Path) -> None:
    told = {"JELLYFIN_URL": ATTIC, "JELLYFIN_API_KEY": KEY}
    async with first_time(tmp_path, **told) as (_it, visitor):
        page = await visitor.get(CONNECT)
        way = await led_to(visitor)

    assert "Fixed: JELLYFIN_URL and JELLYFIN_API_KEY" in page.text
    assert way == HEAR


async def test_a_server_that_is_away_does_not_hold_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        it.attic.trouble.delay = 30.0
        monkeypatch.setattr(set_up_checks, "PATIENCE_SECONDS", 0.05)
        monkeypatch.setattr(set_up_plugin, "LOOK_SECONDS", 0.05)
        async with asyncio.timeout(5):
            pages = [await visitor.get(page) for page in (CONNECT, HEAR)]

    assert "took too long to answer" in pages[0].text
    assert "this page looks again by itself" in pages[1].text


# --- hear -------------------------------------------------------------------------------------------------------------


async def test_the_plugin_is_installed_and_jellyfin_restarted_only_when_that_is_agreed_to(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        it.attic.workshop.status = None
        missing = await visitor.get(HEAR)
        await sent(visitor, HEAR, f"{HEAR}/install")
        waits = await visitor.get(HEAR)
        refused = await sent(visitor, HEAR, f"{HEAR}/restart")
        still = str(it.attic.workshop.status)
        await sent(visitor, HEAR, f"{HEAR}/restart", agreed="true")
        starting = await visitor.get(HEAR)
        it.here.clock.at += timedelta(seconds=30)
        ready = await visitor.get(HEAR)

    assert "Install it" in missing.text
    assert "runs once Jellyfin has restarted" in waits.text
    assert (refused.status_code, still) == (303, "Restart")
    assert "It may be starting" in starting.text
    assert "Have Jellyfin tell us" in ready.text


async def test_one_click_hooks_up_and_another_takes_it_back(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        it.attic.plugin_configuration["GenericOptions"] = []
        offered = await visitor.get(HEAR)
        await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        (entry,) = destinations(it.attic)
        done = await visitor.get(HEAR)
        undone = await sent(visitor, HEAR, f"{HEAR}/undo")
        after = destinations(it.attic)

    assert 'value="http://test"' in offered.text
    assert entry["WebhookUri"] == f"{HERE}/webhooks/jellyfin"
    assert "Waiting for the first delivery" in done.text
    assert "Take it back" in done.text
    assert undone.status_code == 303
    assert after == []


async def test_what_keeps_the_plugin_from_being_set_up_is_said(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        it.attic.workshop.status, it.attic.workshop.is_offered = None, False
        not_offered = await sent(visitor, HEAR, f"{HEAR}/install")
        it.attic.workshop.status = "Malfunctioned"
        broken = await visitor.get(HEAR)
        it.attic.workshop.status = "Active"
        no_address = await sent(visitor, HEAR, f"{HEAR}/hook-up", address="nowhere")
        by_hand = await sent(visitor, HEAR, f"{HEAR}/by-hand", address="nowhere")

    assert not_offered.status_code == 400
    assert "repositories have no Webhook plugin for this version" in not_offered.text
    assert "«Malfunctioned»" in broken.text
    for answer in (no_address, by_hand):
        assert answer.status_code == 400
        assert "should look like http://host:8484" in answer.text
        assert 'value="nowhere"' in answer.text


async def test_settings_that_somebody_else_writes_meanwhile_are_said(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        workshop = it.attic.workshop
        configure = workshop._configure

        def overwritten(request: Asked) -> Answer:
            answer = configure(request)
            workshop.configuration = {**workshop.configuration, "GenericOptions": []}
            return answer

        workshop._configure = overwritten  # type: ignore[method-assign]
        answer = await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        tokens = await visitor.get("/admin/tokens")

    assert answer.status_code == 400
    assert "Somebody else writes the Webhook plugin" in answer.text
    assert "No token is bound to a server yet" in tokens.text


async def test_an_entry_of_ours_that_was_changed_is_set_right(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        it.attic.plugin_configuration["GenericOptions"][0]["EnableEpisodes"] = False
        changed = await visitor.get(HEAR)
        await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        (entry,) = destinations(it.attic)

    assert "it leaves episodes out." in changed.text
    assert "Set it right" in changed.text
    assert entry["EnableEpisodes"]


async def test_other_destinations_that_point_at_us_are_shown_with_what_they_lack(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        it.attic.plugin_configuration["GenericOptions"] = [
            {
                "WebhookName": "By hand",
                "WebhookUri": f"{HERE}/webhooks/jellyfin",
                "NotificationTypes": ["PlaybackStart"],
                "EnableMovies": True,
                "EnableEpisodes": True,
                "SendAllProperties": True,
                "EnableWebhook": True,
                "Headers": [{"Key": "X-Playledger-Token", "Value": "of-another-program"}],
            }
        ]
        page = await visitor.get(HEAR)

    assert "By hand" in page.text
    assert "lacks PlaybackProgress, PlaybackStop." in page.text
    assert "presents a token that is not ours." in page.text


async def test_polls_only_is_a_decision_that_is_kept(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        before = await led_to(visitor)
        answer = await sent(visitor, HEAR, f"{HEAR}/polls")
        after = await led_to(visitor)

    assert (before, after) == (HEAR, PEOPLE)
    assert answer.headers["location"] == PEOPLE


async def test_a_server_without_a_key_is_set_up_by_hand(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await it.here.send(notification("PlaybackStart", it.here.clock(), 0))
        await it.here.house.notes.write()
        page = await visitor.get(HEAR)
        made = await sent(visitor, HEAR, f"{HEAR}/by-hand", address=HERE)

    assert "cannot be set up with a click" in page.text
    assert made.status_code == 201
    assert f"{HERE}/webhooks/jellyfin" in made.text


async def test_the_stream_tells_the_first_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        house, looks = it.here.house, 0

        def looked(house: House, server: Server) -> Listening:
            nonlocal looks
            looks += 1
            if looks == 2:
                house.hearing.hear(SERVER_ID, it.here.clock())
                house.live.close()
            return listening_of(house, server)

        monkeypatch.setattr(hearing, "listening_of", looked)
        monkeypatch.setattr(hearing, "EVERY_SECONDS", 0.0)
        answer = await visitor.get(f"{HEAR}/stream?server={SERVER_ID}&seen=hooked")
        told = [line for line in answer.text.splitlines() if line.startswith("data")]

    assert house.live.is_closed
    assert len(told) == 2
    assert "Waiting for the first delivery" in told[0]
    assert "Heard" in told[1]


async def test_a_revoked_sign_in_is_told_no_longer_what_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.pages.set_up.done.SURE_FOR_SECONDS", 0.0)
    monkeypatch.setattr("receiver.pages.set_up.done.LONGEST_SECONDS", 3.0)
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        house = it.here.house
        known = await house.sign_ins.visitor(visitor.cookies["playledger"])
        playing = house.live.playing

        async def looked_at_last() -> Playing:
            assert known is not None
            await house.sign_ins.sign_out(known.sign_in)
            return await playing()

        monkeypatch.setattr(house.live, "playing", looked_at_last)
        answer = await visitor.get("/set-up/done/stream")

    assert answer.text.index("event: part") < answer.text.index("event: reload")


async def test_of_several_servers_the_one_that_is_not_heard_comes_first_and_each_can_be_chosen(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it, ATTIC, STUDY)
        it.here.house.hearing.hear(SERVER_ID, it.here.clock())
        first = await visitor.get(HEAR)
        chosen = await visitor.get(HEAR, params={"server": SERVER_ID})
        await sent(visitor, f"{HEAR}?server={STUDY_ID}", f"{HEAR}/hook-up", address=HERE)
        told = [len(destinations(face)) for face in (it.attic, it.study)]

    assert "<h2>Hear The &#34;Study&#34;</h2>" in first.text
    assert "<h2>Hear The &#34;Attic&#34;</h2>" in chosen.text
    assert told == [0, 1]


# --- for whom ---------------------------------------------------------------------------------------------------------


async def test_an_administrator_of_one_server_sets_up_the_webhook_of_that_one_only(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it, ATTIC, STUDY)
        await signed_in(visitor, ADMIN.name)
        mine = await visitor.get(HEAR)
        done = await sent(visitor, HEAR, f"{HEAR}/hook-up", address=HERE)
        another = await visitor.get(HEAR, params={"server": STUDY_ID})
        form = form_of(mine, f"{HEAR}/by-hand") | {"server": STUDY_ID}
        taken = await visitor.post(f"{HEAR}/hook-up", data=form)
        others = [(await visitor.get(page)).status_code for page in ("/set-up", CONNECT, PEOPLE, HISTORY)]

    assert "Steps of the set-up" not in mine.text
    assert done.status_code == 303
    assert (another.status_code, taken.status_code) == (404, 404)
    assert others == [403] * 4


# --- people -----------------------------------------------------------------------------------------------------------


async def test_only_those_whose_tick_was_changed_are_touched(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        first = await visitor.get(PEOPLE)
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id, OTHER.id])
        await sent(visitor, PEOPLE, PEOPLE, were=[VIEWER.id, OTHER.id], record=[OTHER.id])
        page = await visitor.get(PEOPLE)
        now = it.here.clock()
        recorded = [it.here.house.people.is_recorded((SERVER_ID, u.id), now) for u in (ADMIN, VIEWER, OTHER)]

    assert "checked aria" not in first.text
    assert not re.search(r'type="checkbox"[^>]* checked', first.text)
    assert recorded == [False, False, True]
    assert "recording was turned off: tick it only if they ask" in page.text


async def test_whoever_was_erased_or_is_private_is_not_to_be_chosen(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await connect(it)
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id, OTHER.id])
        accounts = {each["name"]: each["id"] for each in (await it.here.get("/accounts"))["items"]}
        erased = f"/api/v1/accounts/{accounts[VIEWER.name]}/erase"
        await it.here.http.post(erased, json={"confirm": VIEWER.name})
        until_then = (it.here.clock() + timedelta(hours=1)).isoformat()
        hidden = {"account_id": accounts[OTHER.name], "recorded": True, "private_until": until_then}
        await it.here.http.put(f"/api/v1/links/{SERVER_ID}/{OTHER.id}", json=hidden)
        page = await visitor.get(PEOPLE)
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id], were=[OTHER.id])
        people, now = it.here.house.people, it.here.clock()
        after = [people.is_recorded((SERVER_ID, user.id), now) for user in (VIEWER, OTHER)]
        private = people.in_private(accounts[OTHER.name], now)

    assert "was erased: link them again under Administration" in page.text
    assert "in private mode just now" in page.text
    assert after == [False, False]
    assert list(private) == [(SERVER_ID, OTHER.id)]


# --- the first start --------------------------------------------------------------------------------------------------


async def test_once_it_is_finished_the_link_leads_to_what_plays(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        async with it.here.house.store.begin() as db:
            await first_start.finish(db, it.here.clock())
        link = f"/welcome/{it.here.house.sign_ins.first_token()}"
        page = await visitor.get(link)
        begun = await visitor.post(link, data=form_of(page))

    assert "Everything is set up already" in page.text
    assert begun.headers["location"] == "/now"


async def test_every_step_can_be_skipped_and_says_so_where_there_is_nothing_yet(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        pages = {page: (await visitor.get(page)).text for page in (CONNECT, HEAR, PEOPLE, HISTORY, "/set-up/done")}
        await until(lambda: it.here.house.waits_for is None)

    assert 'href="/set-up/hear">Skip this step' in pages[CONNECT]
    assert 'href="/set-up/people">Skip this step' in pages[HEAR]
    assert 'href="/set-up/history">Skip this step' in pages[PEOPLE]
    assert "An import belongs to a server" in pages[HISTORY]
    assert "Nobody is recorded yet" in pages[HISTORY]
    assert "Finish the set-up" in pages[HISTORY]
    assert "Nobody is recorded yet" in pages["/set-up/done"]


# --- history ----------------------------------------------------------------------------------------------------------


async def test_what_was_before_is_imported_within_the_set_up_and_leads_back_to_it(tmp_path: Path) -> None:
    async with first_time(tmp_path) as (it, visitor):
        await at_the_attic(visitor)
        await sent(visitor, PEOPLE, PEOPLE, record=[VIEWER.id])
        it.attic.kept.has_plugin = True
        it.attic.kept.play(VIEWER, it.attic.library.films[0], NINE_PM - timedelta(days=9), 90, DEVICES[0])
        refused = await import_houses.sent(visitor, "tsv", page=HISTORY)
        read = await import_houses.sent(visitor, "ask", page=HISTORY)
        shown = await visitor.get(read.headers["location"])
        waiting = await visitor.get(HISTORY)
        await import_houses.done(it.here, visitor, 1, "apply", zone="UTC")
        imported = await visitor.get(HISTORY)
        end = await sent(visitor, HISTORY, "/set-up/finish")
        after = await visitor.get(read.headers["location"])

    assert refused.status_code == 400
    assert "Steps of the set-up" in refused.text
    assert "Choose the file of the backup first" in refused.text
    assert read.headers["location"] == "/admin/imports/1"
    assert 'href="/set-up/history">Go on with it' in shown.text
    assert 'History</span><span class="hush">: to do' in waiting.text
    assert "save a backup of it before you wait" in waiting.text
    assert "save a backup of it before you wait" not in imported.text
    assert "1 row from Playback Reporting" in waiting.text
    assert 'History</span><span class="hush">: done' in imported.text
    assert "That is all" in imported.text
    assert end.headers["location"] == "/set-up/done"
    assert "The set-up is not finished yet" not in after.text
