"""What Seerr knows is mirrored in the background: users become links, media get ids, and nothing ever waits for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconcile.erasing import erase
from reconcile.store import people as kept_people
from reconcile.store.engine import Transactions
from reconcile.store.people import untie
from tests.reconcile.seerr.fake import SERVER, FakeSeerr
from tests.reconcile.seerr.household import FILM, OTHER, VIEWER, Beside, episode

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.anyio


@pytest.fixture
def fake() -> FakeSeerr:
    return FakeSeerr()


@pytest.fixture
def house(store: Transactions, fake: FakeSeerr) -> Beside:
    return Beside(store, fake)


# --- links ------------------------------------------------------------------------------------------------------------


async def test_whoever_is_linked_there_has_an_account_here_and_is_not_recorded(house: Beside) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", "A1A1A1A1-a1a1-a1a1-a1a1-a1a1a1a1a1a1")
    house.fake.has_user(3, "not linked", None)

    assert await house.visit() == "active"

    assert {user: source for user, (_account, source) in (await house.links()).items()} == {VIEWER: "seerr"}
    assert not house.people.is_recorded((SERVER, VIEWER), house.now)
    assert [row["name"] for row in await house.rows("account")] == ["viewer"]


async def test_a_link_that_is_there_already_stays_as_it_is(house: Beside) -> None:
    (account,) = await house.meet(VIEWER)
    house.fake.has_user(2, "another name", VIEWER)

    for _visit in range(2):
        await house.visit(HOUR)

    assert await house.links() == {VIEWER: (account, "test")}
    assert house.people.is_recorded((SERVER, VIEWER), house.now)


async def test_who_links_to_another_jellyfin_user_there_keeps_their_account_here(house: Beside) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", VIEWER)
    await house.visit()
    house.fake.has_user(2, "viewer", OTHER)

    await house.visit(HOUR)

    links = await house.links()
    assert links[OTHER][0] == links[VIEWER][0]
    assert (await house.one("seerr_user"))["user_id"] == OTHER


async def test_two_users_with_one_jellyfin_user_are_one_account_and_a_warning(house: Beside) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", VIEWER)
    house.fake.has_user(3, "the same", VIEWER)

    await house.visit()

    assert len(await house.rows("account")) == 1
    assert "3" in (await house.mirroring.status()).warnings[0]


async def test_who_was_unlinked_here_is_not_linked_again(house: Beside) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", VIEWER)
    await house.visit()
    async with house.store.begin() as db:
        await untie(db, SERVER, VIEWER, house.now)
        await kept_people.set_opted_out(db, SERVER, VIEWER, opted_out=True)

    await house.visit(HOUR)

    assert await house.links() == {}


async def test_who_was_erased_is_not_linked_again(store: Transactions, fake: FakeSeerr) -> None:
    house = Beside(store, fake, hashed=str.upper)
    await house.meet()
    fake.has_user(2, "viewer", VIEWER)
    await house.visit()
    async with store.begin() as db:
        account = (await house.links_in(db))[VIEWER][0]
        assert await erase(db, house.people, account, house.now, {}) is not None

    await house.visit(HOUR)

    assert await house.links() == {}
    assert await house.rows("seerr_user") == []
    assert await house.rows("account") == []


async def test_whom_auto_link_links_at_first_sight_is_left_to_it(store: Transactions, fake: FakeSeerr) -> None:
    house = Beside(store, fake, auto_link=True)
    await house.meet()
    fake.has_user(2, "viewer", VIEWER)
    await house.visit()
    assert await house.links() == {}

    await house.watch()
    await house.visit(HOUR)

    assert [row["user_id"] for row in await house.rows("seerr_user")] == [VIEWER]
    assert len(await house.rows("account")) == 1


async def test_a_user_who_is_gone_there_is_noted_and_loses_nothing_here(house: Beside) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", VIEWER)
    await house.visit()
    house.fake.users.pop()

    await house.visit(HOUR)

    assert (await house.one("seerr_user"))["gone_at"] is not None
    assert list(await house.links()) == [VIEWER]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"server_id": "99" * 16}, "none of the servers known here", id="another Jellyfin"),
        pytest.param({"server_id": ""}, "does not know its Jellyfin", id="no server id"),
        pytest.param({"media_server": 1}, "runs with Plex", id="Plex"),
        pytest.param({"initialized": False}, "set-up is not finished", id="not set up"),
    ],
)
async def test_users_of_another_server_are_not_linked_and_the_state_says_why(
    house: Beside, change: dict[str, object], words: str
) -> None:
    await house.meet()
    house.fake.has_user(2, "viewer", VIEWER)
    for name, value in change.items():
        setattr(house.fake, name, value)

    assert await house.visit() == "error"

    assert words in (await house.mirroring.status()).reason
    assert await house.links() == {}


# --- media ------------------------------------------------------------------------------------------------------------


async def test_all_media_are_mirrored_then_only_what_changes(house: Beside) -> None:
    await house.meet()
    for number in range(1, 251):
        house.fake.has_media(number, "movie", number)
    await house.visit()
    assert len(await house.rows("seerr_media")) == 250
    asked = house.fake.count("/media")

    house.fake.has_media(251, "tv", 77, updatedAt="2026-03-08T00:00:00.000Z")
    await house.visit(timedelta(minutes=10))

    assert len(await house.rows("seerr_media")) == 251
    assert house.fake.count("/media") == asked + 2, "up to the first page that says nothing new"


async def test_what_is_gone_there_is_gone_from_the_mirror_within_a_day(house: Beside) -> None:
    await house.meet()
    house.fake.has_media(1, "movie", 603)
    house.fake.has_media(2, "movie", 604)
    await house.visit()
    house.fake.media.pop()

    await house.visit(HOUR)
    assert len(await house.rows("seerr_media")) == 2, "a list of changes does not show it"
    await house.visit(2 * DAY)

    assert [row["id"] for row in await house.rows("seerr_media")] == [1]


async def test_an_answer_that_is_not_whole_shows_nothing_to_be_gone(house: Beside) -> None:
    await house.meet()
    house.fake.has_media(1, "movie", 603)
    await house.visit()
    house.fake.media = [{"id": 1, "mediaType": "movie"}]

    await house.visit(2 * DAY)

    assert [row["id"] for row in await house.rows("seerr_media")] == [1]


async def test_a_series_gets_its_episodes_counted_and_where_tmdb_is_away_that_is_all_the_trouble(
    house: Beside,
) -> None:
    await house.meet(VIEWER)
    await house.watch(episode(1))
    house.fake.has_media(7, "tv", 77, jellyfinMediaId="51" * 16)
    await house.visit()
    await house.finder.find()

    assert await house.visit(HOUR) == "active"
    assert "how many episodes" in " ".join((await house.mirroring.status()).warnings)

    house.fake.series[77] = {"seasons": [{"seasonNumber": 1, "episodeCount": 1}], "status": "Ended"}
    await house.visit(DAY)
    (total,) = await house.rows("series_total")
    assert (total["source"], total["total_episodes"], total["is_running"]) == ("seerr", 1, False)
    assert (await house.one("series_progress"))["status"] == "completed"


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_while_it_is_away_the_wait_grows_and_the_state_says_since_when(house: Beside) -> None:
    await house.meet()
    house.fake.is_down = True

    began = house.now
    waits = []
    for _visit in range(9):
        waits.append((await house.mirroring.visit()).total_seconds())
        house.now += timedelta(minutes=1)

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    status = await house.mirroring.status()
    assert (status.state.value, status.since) == ("error", began)

    house.fake.is_down = False
    assert await house.visit() == "active"


@pytest.mark.parametrize("path", ["/settings/public", "/settings/jellyfin", "/user", "/media"])
@pytest.mark.parametrize("how", ["hanging", "broken"])
async def test_a_route_that_hangs_or_fails_is_an_error_that_passes(house: Beside, path: str, how: str) -> None:
    await house.meet()
    getattr(house.fake, how).add(path)
    assert await house.visit() == "error"

    getattr(house.fake, how).clear()

    assert await house.visit() == "active"


async def test_a_version_that_is_never_told_stands_in_nobodys_way(house: Beside) -> None:
    await house.meet()
    house.fake.hanging = {"/status"}

    assert await house.visit() == "active"
    assert (await house.mirroring.status()).version is None


async def test_what_is_watched_is_recorded_while_it_is_away(house: Beside) -> None:
    (account,) = await house.meet(VIEWER)
    await house.wish(account, watchlist=True, watches=True)
    house.fake.is_down = True
    await house.visit()

    await house.watch(FILM)

    assert (await house.one("watch"))["completed"]
    assert {row["kind"] for row in await house.rows("seerr_errand")} == {"watch", "watchlist"}


async def test_another_process_that_holds_the_mirror_is_left_to_it(house: Beside) -> None:
    class Held:
        async def holds(self, server_id: str) -> bool:  # noqa: ARG002 - it holds nothing
            return False

        async def release(self) -> None:
            pass

    house.mirroring._leases = Held()

    assert await house.visit() == "paused"
    assert house.fake.asked == []


# --- asked in between -------------------------------------------------------------------------------------------------


async def test_what_is_asked_for_while_it_visits_is_done_at_the_next_visit(
    house: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = house.mirroring.client.can_track

    async def meanwhile() -> bool:
        await house.meet()  # only now the server is known here …
        house.mirroring.hurry()  # … and somebody wants to see it work
        monkeypatch.undo()
        return await asked()

    monkeypatch.setattr(house.mirroring.client, "can_track", meanwhile)

    assert await house.visit() == "error"
    assert await house.visit() == "active"
