"""Ids that the library does not tell are found in Seerr's mirror, then at TMDB, and rows of one media become one."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from reconcile.errors import TmdbRefused, TmdbUnreachable
from reconcile.playback.check_in import ItemFacts
from reconcile.resettling import resettle
from reconcile.store import media
from reconcile.store.engine import Transactions
from reconcile.tmdb import TmdbClient
from tests.reconcile.seerr.fake import SERVER, FakeSeerr
from tests.reconcile.seerr.household import FILM, VIEWER, Beside, episode

DAY = timedelta(days=1)
SERIES = "51" * 16
NO_NUMBER = ItemFacts(kind="movie", name="A Film", runtime_seconds=1000.0, imdb_id="tt1")

pytestmark = pytest.mark.anyio


class Tmdb:
    """A TMDB that knows what is in *known*, and remembers what it was asked."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, list[dict[str, int]]]] = {}
        self.asked: list[str] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        value, source = request.url.path.rsplit("/", 1)[1], request.url.params["external_source"]
        self.asked.append(value)
        if request.url.params.get("api_key") != "secret" and request.headers.get("authorization") != "Bearer a.b.c":
            return httpx.Response(401)
        return httpx.Response(self.status, json=self.known.get((source, value), {"movie_results": []}))


def client(tmdb: Tmdb, key: str = "secret") -> TmdbClient:
    return TmdbClient(key, httpx.AsyncClient(transport=httpx.MockTransport(tmdb)), url="http://tmdb.test")


@pytest.fixture
def tmdb() -> Tmdb:
    return Tmdb()


@pytest.fixture
async def house(store: Transactions) -> Beside:
    house = Beside(store, FakeSeerr())
    await house.meet(VIEWER)
    return house


async def told_by_library(house: Beside, tvdb_id: str) -> None:
    """Have the library tell of the series."""
    async with house.store.begin() as db:
        told = ItemFacts(name="A Series", tvdb_id=tvdb_id)
        await media.learn(db, SERVER, SERIES, told, house.now, house.now + DAY)
    await resettle(house.store, house.people, {}, lambda: house.now)


# --- Seerr's mirror ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["jellyfinMediaId", "jellyfinMediaId4k", "tvdbId"])
async def test_a_series_is_found_in_the_mirror(house: Beside, by: str) -> None:
    await house.watch(episode(1))
    if by == "tvdbId":
        await told_by_library(house, tvdb_id="8")
    house.fake.has_media(7, "tv", 77, **{by: 8 if by == "tvdbId" else SERIES})
    await house.visit()

    await house.finder.find()

    row = await house.one("media")
    assert (row["tmdb_id"], row["seerr_media_id"]) == ("77", 7)
    assert len(await house.rows("watch")) == 1


async def test_two_items_of_one_film_become_one_by_what_the_mirror_says(house: Beside) -> None:
    await house.watch(FILM)
    await house.watch(NO_NUMBER, item="f2" * 16, since=90_000)
    assert len(await house.rows("media")) == 2
    house.fake.has_media(5, "movie", 603, imdbId="tt1")
    await house.visit()

    await house.finder.find()

    row = await house.one("media")
    assert (row["tmdb_id"], row["imdb_id"], row["seerr_media_id"]) == ("603", "tt1", 5)
    assert len(await house.rows("watch")) == 2


async def test_a_film_and_a_series_of_the_same_number_are_not_mixed_up(house: Beside) -> None:
    await house.watch(FILM)
    house.fake.has_media(9, "tv", 603)
    await house.visit()
    await house.finder.find()
    assert (await house.one("media"))["seerr_media_id"] is None

    house.fake.has_media(5, "movie", 603)
    await house.visit(timedelta(hours=1))
    await house.finder.find()

    assert (await house.one("media"))["seerr_media_id"] == 5


async def test_a_number_that_seerr_has_given_up_is_given_up(house: Beside) -> None:
    await house.watch(FILM)
    house.fake.has_media(5, "movie", 603)
    await house.visit()
    await house.finder.find()
    house.fake.media = []

    await house.visit(2 * DAY)
    await house.finder.find()

    assert (await house.one("media"))["seerr_media_id"] is None


async def test_entries_that_contradict_each_other_tell_nothing(house: Beside) -> None:
    await house.watch(episode(1))
    house.fake.has_media(7, "tv", 77, jellyfinMediaId=SERIES)
    house.fake.has_media(8, "tv", 78, jellyfinMediaId4k=SERIES)
    await house.visit()

    await house.finder.find()

    assert (await house.one("media"))["tmdb_id"] is None


async def test_what_was_found_once_is_not_found_again(house: Beside) -> None:
    await house.watch(episode(1))
    house.fake.has_media(7, "tv", 77, jellyfinMediaId=SERIES)
    await house.visit()
    await house.finder.find()
    told: list[object] = []
    house.tracker.events.listen(told.append)

    await house.finder.find()

    assert told == []


# --- TMDB -------------------------------------------------------------------------------------------------------------


async def test_what_the_mirror_does_not_know_tmdb_is_asked_and_its_answer_kept(house: Beside, tmdb: Tmdb) -> None:
    await house.watch(episode(1))
    await told_by_library(house, tvdb_id="8")
    tmdb.known["tvdb_id", "8"] = {"tv_results": [{"id": 77}]}
    finder = house.finding(client(tmdb))

    for _round in range(3):
        await finder.find()

    assert (await house.one("media"))["tmdb_id"] == "77"
    assert tmdb.asked == ["8"]


async def test_a_film_is_asked_for_by_its_imdb_id(house: Beside, tmdb: Tmdb) -> None:
    await house.watch(NO_NUMBER)
    tmdb.known["imdb_id", "tt1"] = {"movie_results": [{"id": 603}]}

    await house.finding(client(tmdb)).find()

    assert (await house.one("media"))["tmdb_id"] == "603"


async def test_what_tmdb_does_not_know_it_is_asked_ever_more_rarely(house: Beside, tmdb: Tmdb) -> None:
    await house.watch(NO_NUMBER)
    finder = house.finding(client(tmdb))

    for _day in range(16):
        await finder.find()
        house.now += DAY

    assert len(tmdb.asked) == 5, "at once, and after 1, 3, 7 and 15 days"


async def test_a_tmdb_that_does_not_answer_is_left_alone_for_a_while(house: Beside, tmdb: Tmdb) -> None:
    await house.watch(NO_NUMBER)
    tmdb.status = 503
    finder = house.finding(client(tmdb))

    for _minute in range(16):
        await finder.find()
        house.now += timedelta(minutes=1)

    assert len(tmdb.asked) == 5
    assert "later" in (finder.error or "")

    tmdb.status, house.now = 200, house.now + DAY
    await finder.find()
    assert finder.error is None


@pytest.mark.parametrize("key", ["secret", "a.b.c"], ids=["a short key", "a read access token"])
async def test_tmdb_is_asked_with_either_kind_of_key(tmdb: Tmdb, key: str) -> None:
    tmdb.known["tvdb_id", "8"] = {"tv_results": [{"id": 77}]}

    assert await client(tmdb, key).find("series", "tvdb", "8") == "77"
    assert await client(tmdb, key).find("movie", "tvdb", "8") is None
    assert await client(tmdb, key).find("series", "tvdb", "8/../9") is None


async def test_a_film_that_two_numbers_stand_for_is_none(tmdb: Tmdb) -> None:
    tmdb.known["imdb_id", "tt1"] = {"movie_results": [{"id": 603}, {"id": 604}]}

    assert await client(tmdb).find("movie", "imdb", "tt1") is None


async def test_its_key_stands_in_no_error(tmdb: Tmdb) -> None:
    with pytest.raises(TmdbRefused) as refused:
        await client(tmdb, "wrong-secret").find("series", "tvdb", "8")
    broken = httpx.AsyncClient(transport=httpx.MockTransport(_fail))
    with pytest.raises(TmdbUnreachable) as unreachable:
        await TmdbClient("wrong-secret", broken).find("series", "tvdb", "8")

    assert "wrong-secret" not in f"{refused.value!r} {unreachable.value!r} {unreachable.value.__cause__!r}"


def _fail(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no way to {request.url}")
