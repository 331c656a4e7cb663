"""The Webhook plugin is found, installed, told where to send, and told no longer; others' settings stay as they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from receiver.rehearsal.face import RESTART_SECONDS
from receiver.rehearsal.library import SERVER_ID
from reconcile.errors import JellyfinUnreachable, PluginOverwritten, PluginUnready, SettingRefused
from reconcile.hooking import Hooking, checked_address, mint
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.webhook_plugin import PluginState
from reconcile.secrets import fingerprint
from reconcile.store import servers, tokens
from reconcile.store.engine import Transactions
from tests.simulated import KEY, URL, Jellyfin, simulated

HERE = "http://playledger.test:8484"
SHARED = "the-token-of-the-settings"
STRANGER = {"WebhookName": "Tracker", "WebhookUri": "http://tracker.test/hook", "NotificationTypes": ["ItemAdded"]}


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as found:
        await has(found, STRANGER)
        yield found


async def has(jellyfin: Jellyfin, *wanted: dict[str, Any]) -> None:
    """Have the plugin send to these, and fill in the rest as it does."""
    client = JellyfinClient(URL, KEY, jellyfin.http, jellyfin.watch)
    await client.set_plugin_configuration(WEBHOOK_PLUGIN, json.dumps({"GenericOptions": wanted}).encode())


@pytest.fixture
async def hooking(store: Transactions, jellyfin: Jellyfin) -> Hooking:
    return await hooked_to(store, jellyfin, jellyfin.http)


async def hooked_to(store: Transactions, jellyfin: Jellyfin, http: httpx.AsyncClient) -> Hooking:
    async with store.begin() as db:
        await servers.see(db, SERVER_ID, jellyfin.watch())
    client = JellyfinClient(URL, KEY, http, jellyfin.watch)

    async def heard() -> None:
        return None

    return Hooking(store, client, SERVER_ID, jellyfin.watch, shared_token=SHARED, heard=heard)


def entries(jellyfin: Jellyfin) -> list[dict[str, Any]]:
    return list(jellyfin.face.plugin_configuration["GenericOptions"])


def token_of(entry: dict[str, Any]) -> str:
    return str({each["Key"]: each["Value"] for each in entry["Headers"]}["X-Playledger-Token"])


async def known(store: Transactions) -> dict[str, str | None]:
    async with store.read() as db:
        return await tokens.webhook_tokens(db)


# --- hooking up -------------------------------------------------------------------------------------------------------


async def test_the_plugin_is_told_where_to_send_with_a_token_of_its_own(
    store: Transactions, hooking: Hooking, jellyfin: Jellyfin
) -> None:
    done = await hooking.hook_up(HERE, with_marks=True)

    stranger, mine = entries(jellyfin)
    assert stranger["WebhookUri"] == STRANGER["WebhookUri"]
    assert (done.url, done.replaced, done.others) == (f"{HERE}/webhooks/jellyfin", False, ())
    assert (mine["WebhookUri"], "UserDataSaved" in mine["NotificationTypes"]) == (done.url, True)
    assert await known(store) == {fingerprint(token_of(mine)): SERVER_ID}
    (pointer,) = (await hooking.look()).pointers
    assert (pointer.name, pointer.is_own, pointer.knows_us, pointer.works) == ("Playledger", True, True, True)


async def test_hooking_up_again_replaces_the_entry_and_its_token(
    store: Transactions, hooking: Hooking, jellyfin: Jellyfin
) -> None:
    await hooking.hook_up(HERE)
    before = token_of(entries(jellyfin)[1])

    done = await hooking.hook_up("http://elsewhere.test/base/")

    after = entries(jellyfin)
    assert (done.replaced, len(after)) == (True, 2)
    assert after[1]["WebhookUri"] == "http://elsewhere.test/base/webhooks/jellyfin"
    assert token_of(after[1]) != before
    assert await known(store) == {fingerprint(token_of(after[1])): SERVER_ID}


async def test_unhooking_takes_out_what_was_put_in_and_its_token(
    store: Transactions, hooking: Hooking, jellyfin: Jellyfin
) -> None:
    before = jellyfin.face.plugin_configuration
    await hooking.hook_up(HERE)

    gone = await hooking.unhook()

    assert gone == 1
    assert jellyfin.face.plugin_configuration == before
    assert await known(store) == {}
    assert await hooking.unhook() == 0


async def test_others_that_point_at_us_are_told_of_and_left_alone(
    store: Transactions, hooking: Hooking, jellyfin: Jellyfin
) -> None:
    async with store.begin() as db:
        minted = await mint(db, SERVER_ID, jellyfin.watch())
    address = f"{HERE}/webhooks/jellyfin"
    headers = [{"Key": "X-Playledger-Token", "Value": SHARED}]
    by_hand = {"WebhookName": "By hand", "WebhookUri": address, "Headers": headers}
    in_address = {"WebhookName": "In the address", "WebhookUri": f"{address}?token={minted}"}
    another = {"WebhookName": "Playledger", "WebhookUri": "http://another.test/webhooks/jellyfin"}
    await has(jellyfin, by_hand, in_address, another)

    done = await hooking.hook_up(HERE)
    await hooking.unhook()

    assert [(each.name, each.knows_us) for each in done.others] == [
        ("By hand", True),
        ("In the address", True),
        ("Playledger", False),
    ]
    assert not any(each.works for each in done.others)
    assert "lacks PlaybackProgress, PlaybackStart, PlaybackStop." in {each.what for each in done.others[0].troubles}
    assert [each["WebhookName"] for each in entries(jellyfin)] == ["By hand", "In the address", "Playledger"]
    assert fingerprint(minted) in await known(store)


@pytest.mark.parametrize(
    "address",
    ["", "playledger", "ftp://here", "http://", "http://a:b@here", "http://here/?x=1", "http://here/#x", "http://[::1"],
)
async def test_an_address_that_jellyfin_could_not_reach_is_refused(hooking: Hooking, address: str) -> None:
    with pytest.raises(SettingRefused, match="http://host:8484"):
        await hooking.hook_up(address)


def test_the_path_of_the_webhooks_may_be_given_or_not() -> None:
    told = {checked_address(each) for each in (HERE, f"{HERE}/", f" {HERE}/webhooks/jellyfin/ ")}

    assert told == {f"{HERE}/webhooks/jellyfin"}


# --- somebody else writes at the same time, and other trouble ---------------------------------------------------------


class Meddler(httpx.AsyncBaseTransport):
    """Somebody who writes into the plugin's configuration right after us, so many times."""

    def __init__(self, jellyfin: Jellyfin, times: int, what: Callable[[dict[str, Any]], None]) -> None:
        self._inner = httpx.ASGITransport(jellyfin.face)
        self._jellyfin, self._times, self._what = jellyfin, times, what

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith("/Configuration") and self._times:
            self._times -= 1
            self._what(self._jellyfin.face.plugin_configuration)
        return answer


def drop_ours(configuration: dict[str, Any]) -> None:
    configuration["GenericOptions"] = [configuration["GenericOptions"][0] | {"WebhookName": "Theirs"}]


async def test_who_writes_over_us_once_is_written_after(store: Transactions, jellyfin: Jellyfin) -> None:
    async with httpx.AsyncClient(transport=Meddler(jellyfin, 1, drop_ours)) as http:
        await (await hooked_to(store, jellyfin, http)).hook_up(HERE)

    assert [each["WebhookName"] for each in entries(jellyfin)] == ["Theirs", "Playledger"]


async def test_who_goes_on_writing_over_us_is_named_and_the_token_forgotten(
    store: Transactions, jellyfin: Jellyfin
) -> None:
    async with httpx.AsyncClient(transport=Meddler(jellyfin, 5, drop_ours)) as http:
        with pytest.raises(PluginOverwritten, match="at the same time"):
            await (await hooked_to(store, jellyfin, http)).hook_up(HERE)

    assert await known(store) == {}


async def test_where_the_server_goes_away_after_it_was_written_the_token_stays_good(
    store: Transactions, jellyfin: Jellyfin
) -> None:
    def go_away(_configuration: dict[str, Any]) -> None:
        jellyfin.face.trouble.status = 503

    async with httpx.AsyncClient(transport=Meddler(jellyfin, 1, go_away)) as http:
        with pytest.raises(JellyfinUnreachable):
            await (await hooked_to(store, jellyfin, http)).hook_up(HERE)

    assert fingerprint(token_of(entries(jellyfin)[1])) in await known(store)


# --- installing -------------------------------------------------------------------------------------------------------


async def test_a_missing_plugin_is_installed_and_runs_after_a_restart(hooking: Hooking, jellyfin: Jellyfin) -> None:
    jellyfin.face.workshop.status = None
    missing = await hooking.look()
    with pytest.raises(PluginUnready, match="not installed"):
        await hooking.hook_up(HERE)

    installed = await hooking.install()
    with pytest.raises(PluginUnready, match="has restarted"):
        await hooking.hook_up(HERE)
    await hooking.restart()
    with pytest.raises(JellyfinUnreachable):
        await hooking.look()
    jellyfin.watch.move(RESTART_SECONDS + 1)
    after = await hooking.look()

    states = [each.state for each in (missing.plugin, installed, after.plugin)]
    assert states == [PluginState.MISSING, PluginState.RESTART, PluginState.ACTIVE]
    assert after.plugin.tells_check_ins


async def test_a_plugin_that_no_repository_has_is_said(hooking: Hooking, jellyfin: Jellyfin) -> None:
    jellyfin.face.workshop.status, jellyfin.face.workshop.is_offered = None, False

    with pytest.raises(PluginUnready, match="repositories"):
        await hooking.install()


async def test_a_plugin_that_is_disabled_is_said(hooking: Hooking, jellyfin: Jellyfin) -> None:
    jellyfin.face.workshop.status = "Disabled"

    with pytest.raises(PluginUnready, match="«Disabled»"):
        await hooking.hook_up(HERE)
