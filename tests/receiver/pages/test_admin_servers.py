"""Servers: their lights, the round trip of Test, and another address or key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from receiver.hearing import Heard
from receiver.pages.admin import round_trip
from receiver.pages.admin.lights import key_light, poll_light, webhook_light
from reconcile.poller import State, Status
from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.admin_houses import ATTIC, KEY, SERVER, URL, asked
from tests.receiver.pages.visitors import form_of, owner

STARTED = NINE_PM - timedelta(hours=2)


def status(**values: object) -> Status:
    told: dict[str, object] = {
        "url": URL,
        "server_id": ATTIC,
        "state": State.ACTIVE,
        "reason": "",
        "since": STARTED,
        "requests_a_minute": 6,
        "is_playing": False,
        "is_push_proven": False,
        "unseen": 0,
        "malformed": 0,
        "held": 0,
        "lost": 0,
    }
    return Status(**told | values)  # type: ignore[arg-type] # what each test says differently


@pytest.mark.parametrize(
    ("told", "kind", "said"),
    [
        pytest.param(None, "off", "No API key", id="no wire"),
        pytest.param(status(), "good", "API key works", id="answered"),
        pytest.param(status(state=State.ERROR, is_refused=True, reason="wrong"), "bad", "refused", id="refused"),
        pytest.param(status(state=State.ERROR, reason="no answer"), "warn", "not tried", id="away"),
        pytest.param(status(state=State.PAUSED, reason="off"), "off", "kept", id="paused"),
    ],
)
def test_the_first_light_says_what_the_key_may(told: Status | None, kind: str, said: str) -> None:
    light = key_light(told)

    assert light.kind == kind
    assert said in light.text


@pytest.mark.parametrize(
    ("heard", "told", "kind", "said"),
    [
        pytest.param(None, None, "off", "never heard", id="never"),
        pytest.param(Heard(NINE_PM - timedelta(seconds=20), 7), status(), "good", "heard 20 s ago", id="heard"),
        pytest.param(
            Heard(NINE_PM - timedelta(minutes=5), 7), status(is_playing=True), "warn", "silent", id="silent in a play"
        ),
        pytest.param(Heard(NINE_PM - timedelta(hours=1), 7), status(), "good", "60 min ago", id="nothing plays"),
        pytest.param(None, status(unseen=2), "bad", "silent", id="polls saw what it did not tell"),
    ],
)
def test_the_second_light_says_when_the_webhook_was_heard(
    heard: Heard | None, told: Status | None, kind: str, said: str
) -> None:
    light = webhook_light(heard, told, STARTED, NINE_PM)

    assert light.kind == kind
    assert said in light.text


@pytest.mark.parametrize(
    ("told", "kind", "said"),
    [
        pytest.param(None, "off", "Not polled", id="no wire"),
        pytest.param(status(), "good", "Poll OK 10 s ago", id="well"),
        pytest.param(status(state=State.ERROR, reason="no answer"), "bad", "no answer", id="error"),
        pytest.param(status(state=State.PAUSED, reason="webhooks only"), "off", "webhooks only", id="paused"),
    ],
)
def test_the_third_light_says_how_polling_goes(told: Status | None, kind: str, said: str) -> None:
    light = poll_light(told, NINE_PM - timedelta(seconds=10), NINE_PM)

    assert light.kind == kind
    assert said in f"{light.text} {light.why}"


async def test_one_button_tries_a_server_all_the_way(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, face), owner(here) as visitor:
        face.plugin_configuration["GenericOptions"] = [
            {
                "WebhookName": "Playledger",
                "WebhookUri": "http://127.0.0.1:8484/webhooks/jellyfin",
                "NotificationTypes": ["PlaybackStart", "PlaybackProgress", "PlaybackStop"],
                "EnableMovies": True,
                "EnableEpisodes": True,
                "SendAllProperties": True,
                "Headers": [{"Key": "X-Playledger-Token", "Value": here.house.settings.webhook_token}],
            }
        ]
        path = f"/admin/servers/{ATTIC}/test"
        found = await visitor.post(path, data=form_of(await visitor.get("/admin"), path))

    assert found.status_code == 200
    for said in (
        "answers at http://jellyfin.test",
        "The API key is good",
        "It may list sessions",
        "clock and ours agree",
        "Webhook plugin",
        "points at us, with a good token",
        "Webhook never heard",
        "The database can be written",
        "All that is needed works",
    ):
        assert said in found.text


async def test_a_webhook_that_is_not_heard_leads_to_where_it_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent_light = webhook_light(None, status(unseen=2), STARTED, NINE_PM)
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        path = f"/admin/servers/{ATTIC}/test"
        form = form_of(await visitor.get("/admin"), path)
        never = await visitor.post(path, data=form)
        monkeypatch.setattr(round_trip, "webhook_light", lambda *_: silent_light)
        silent = await visitor.post(path, data=form)

    hint = f'«<a href="/set-up/hear?server={ATTIC}">Webhook set-up</a>»'
    assert "Webhook never heard" in never.text
    assert "Webhook silent" in silent.text
    assert hint in never.text
    assert hint in silent.text


async def test_a_test_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, face), owner(here) as visitor:
        form = form_of(await visitor.get("/admin"))
        face.token = "another"
        found = await visitor.post(f"/admin/servers/{ATTIC}/test", data=form)

    assert "One thing does not work" in found.text
    assert "The API key is wrong" in found.text


async def test_a_server_without_key_can_be_tested_too(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        await here.watch(NINE_PM)
        found = await visitor.post(f"/admin/servers/{SERVER}/test", data=form_of(await visitor.get("/admin")))

    assert "Its address or API key is not known" in found.text
    assert "Webhook heard just now" in found.text


async def test_another_address_is_tried_with_the_key_that_is_kept(tmp_path: Path) -> None:
    path = f"/admin/servers/{ATTIC}/address"
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        form = form_of(await visitor.get("/admin"), path)
        done = await visitor.post(path, data=form | {"url": "http://jellyfin.again", "api_key": ""})
        shown = await visitor.get(done.headers["location"])

    assert done.status_code == 303
    assert "http://jellyfin.again" in shown.text
    assert KEY not in shown.text


async def test_an_address_that_does_not_fit_is_told_beside_the_field(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        await here.watch(NINE_PM)
        form = form_of(await visitor.get("/admin"))
        odd = await visitor.post(f"/admin/servers/{ATTIC}/address", data=form | {"url": "no address"})
        other = await visitor.post(f"/admin/servers/{SERVER}/address", data=form | {"url": URL, "api_key": KEY})
        bare = await visitor.post(f"/admin/servers/{SERVER}/address", data=form | {"url": URL})

    assert (odd.status_code, other.status_code, bare.status_code) == (400, 400, 400)
    assert 'aria-invalid="true"' in odd.text
    assert "That is another server" in other.text
    assert "No API key is kept" in bare.text


async def test_what_the_environment_says_is_shown_as_fixed(tmp_path: Path) -> None:
    async with asked(tmp_path) as (here, _face), owner(here) as visitor:
        form = form_of(await visitor.get("/admin"))
        here.house.wires.each[0].is_of_environment = True
        shown = await visitor.get("/admin")
        refused = await visitor.post(f"/admin/servers/{ATTIC}/address", data=form | {"url": URL})

    assert "JELLYFIN_URL and JELLYFIN_API_KEY say its address" in shown.text
    assert refused.status_code == 400
