"""The simulated Jellyfin answers and sends over HTTP as a real one does."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from receiver.rehearsal.face import WEBHOOK_PLUGIN, Face
from receiver.rehearsal.household import household, short_library
from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.pace import Pace
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.sender import Sender

BEGAN = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
TOKEN = "an api key of the household"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = BEGAN

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def face(watch: Watch) -> Face:
    return Face(Performance(household(BEGAN)), short_library(), watch.now, TOKEN)


def jellyfin(face: Face, token: str | None = TOKEN) -> httpx.AsyncClient:
    headers = {"Authorization": f'MediaBrowser Client="a test", Token="{token}"'} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://jellyfin", headers=headers)


async def test_who_it_is_may_be_asked_without_a_key(face: Face) -> None:
    async with jellyfin(face, token=None) as client:
        answer = await client.get("/System/Info/Public")

    assert answer.json()["Id"] == SERVER_ID
    assert parsedate_to_datetime(answer.headers["Date"]) == BEGAN


@pytest.mark.parametrize("token", [None, "another"], ids=["no key", "a wrong key"])
async def test_everything_else_wants_the_key(face: Face, token: str | None) -> None:
    async with jellyfin(face, token) as client:
        answers = [await client.get(path) for path in ("/Sessions", "/Users", "/Items", "/Plugins")]

    assert {answer.status_code for answer in answers} == {401}


async def test_a_play_is_shown_within_seconds(face: Face, watch: Watch) -> None:
    async with jellyfin(face) as client:
        before = (await client.get("/Sessions")).json()
        watch.move(4.0)
        after = (await client.get("/Sessions")).json()

    assert not any("NowPlayingItem" in session for session in before)
    assert after[0]["NowPlayingItem"]["Name"] == "A Film 1"
    assert after[0]["PlayState"]["PositionTicks"] == 10_000_000


async def test_series_are_found_by_the_ids_of_their_episodes(face: Face) -> None:
    episode = face.library.episodes[0][0]
    assert episode.series is not None

    async with jellyfin(face) as client:
        bare = (await client.get("/Items", params={"ids": episode.series.id})).json()
        full = (await client.get("/Items", params={"ids": f"{episode.series.id},0", "fields": "ProviderIds"})).json()

    assert "ProviderIds" not in bare["Items"][0]
    assert full["Items"][0]["ProviderIds"] == dict(episode.series.providers)
    assert full["TotalRecordCount"] == 1


async def test_users_and_plugins_are_listed(face: Face) -> None:
    async with jellyfin(face) as client:
        users = (await client.get("/Users")).json()
        plugins = (await client.get("/Plugins")).json()

    assert [user["Id"] for user in users] == [user.id for user in USERS]
    assert [user["Policy"]["IsAdministrator"] for user in users] == [True, False, False, False]
    assert plugins[0]["Id"] == WEBHOOK_PLUGIN


async def test_the_plugins_configuration_is_replaced_as_a_whole(face: Face) -> None:
    path = f"/Plugins/{WEBHOOK_PLUGIN}/Configuration"

    async with jellyfin(face) as client:
        told = {"ServerUrl": "http://here", "GenericOptions": [{"WebhookName": "ours", "Unheard": 1}], "Unheard": 1}
        answer = await client.post(path, json=told)
        found = (await client.get(path)).json()

    assert answer.status_code == 204
    assert (found["ServerUrl"], found["SlackOptions"]) == ("http://here", [])
    assert [(each["WebhookName"], each["EnableMovies"]) for each in found["GenericOptions"]] == [("ours", False)]
    assert "Unheard" not in str(found)


async def test_trouble_can_be_made(face: Face, watch: Watch) -> None:
    watch.move(4.0)
    async with jellyfin(face) as client:
        face.trouble.status = 503
        away = await client.get("/Sessions")
        face.trouble.status, face.trouble.malformed = None, True
        odd = await client.get("/Sessions")
        face.trouble.malformed, face.trouble.empty = False, True
        empty = await client.get("/Sessions")

    assert away.status_code == 503
    assert odd.json()[0]["Id"] == 17
    assert "NowPlayingItem" in odd.json()[1]
    assert empty.json() == []


async def test_the_plugin_posts_in_order_and_a_play_completes_within_two_minutes(face: Face, watch: Watch) -> None:
    came: list[dict[str, object]] = []

    def receive(request: httpx.Request) -> httpx.Response:
        assert request.headers["X-Playledger-Token"] == "the token of the webhook"
        came.append(json.loads(request.content))
        return httpx.Response(202)

    async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as client:
        sender = Sender(client, "http://playledger/webhooks/jellyfin", "the token of the webhook")
        for _ in range(120):
            watch.move(1.0)
            await sender.catch_up(face.performance, watch.now())

    times = [str(note["UtcTimestamp"]) for note in came]
    assert came[0]["NotificationType"] == "PlaybackStart"
    assert any(note["NotificationType"] == "PlaybackStop" and note["PlayedToCompletion"] for note in came)
    assert times == sorted(times)
    assert sender.answers == {202: len(came)}


async def test_what_fails_is_counted_and_never_sent_again(face: Face, watch: Watch) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        sender = Sender(client, "http://playledger/webhooks/jellyfin")
        watch.move(10.0)
        await sender.catch_up(face.performance, watch.now())
        once = dict(sender.answers)
        await sender.catch_up(face.performance, watch.now())

    assert once[0] > 1
    assert sender.answers == once


async def test_following_ends_when_it_is_told_to(face: Face, watch: Watch) -> None:
    stop = asyncio.Event()
    stop.set()

    async with httpx.AsyncClient() as client:
        await Sender(client, "http://playledger/").follow(face.performance, watch.now, stop)


def test_a_fast_clock_runs_ahead_of_the_real_one() -> None:
    real = Watch()
    pace = Pace(speed=30.0, ahead=10.0, real=real.now)

    real.move(2.0)

    assert pace.now() == BEGAN + timedelta(seconds=70)
