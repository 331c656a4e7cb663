"""What somebody completed is told to Seerr, or leaves their watchlist there: if they wish it, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconcile.resettling import resettle
from reconcile.store import errands
from reconcile.store.engine import Transactions
from reconcile.store.errands import Errand
from reconcile.store.tables import account, seerr_wish
from tests.reconcile.seerr.fake import FakeSeerr
from tests.reconcile.seerr.household import FILM, VIEWER, Beside, episode

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = 90_000

pytestmark = pytest.mark.anyio


class Scene(Beside):
    """The viewer is user 2 of a Seerr that knows the film as 5 and the series as 7."""

    def __init__(self, store: Transactions, fake: FakeSeerr) -> None:
        super().__init__(store, fake)
        self.account = 0

    async def set_up(self, *, watchlist: bool = False, watches: bool = False) -> None:
        (self.account,) = await self.meet(VIEWER)
        self.fake.has_user(2, "viewer", VIEWER)
        self.fake.has_media(5, "movie", 603)
        self.fake.has_media(7, "tv", 77, jellyfinMediaId="51" * 16)
        await self.wish(self.account, watchlist=watchlist, watches=watches)
        await self.visit()

    async def settle_down(self, later: timedelta = HOUR) -> None:
        """Let a while pass in which ids are found and errands run."""
        await self.finder.find()
        await self.visit(later)

    async def reasons(self) -> list[tuple[str, str | None]]:
        return [(row["state"], row["reason"]) for row in await self.rows("seerr_errand")]


@pytest.fixture
def fake() -> FakeSeerr:
    return FakeSeerr(is_fork=True)


@pytest.fixture
def scene(store: Transactions, fake: FakeSeerr) -> Scene:
    return Scene(store, fake)


# --- telling the fork -------------------------------------------------------------------------------------------------


async def test_a_film_is_told_with_the_viewers_own_number(scene: Scene) -> None:
    await scene.set_up(watches=True)

    await scene.watch(FILM)
    await scene.settle_down()

    (row,) = scene.fake.tracked
    assert (row["userId"], row["mediaId"], row["mediaType"], row["runtimeMinutes"]) == (2, 5, "movie", 16)
    assert "seasonNumber" not in row
    assert await scene.reasons() == [("done", "told")]


async def test_an_episode_is_told_with_its_numbers(scene: Scene) -> None:
    await scene.set_up(watches=True)

    await scene.watch(episode(3))
    await scene.settle_down()

    (row,) = scene.fake.tracked
    assert (row["mediaId"], row["mediaType"], row["seasonNumber"], row["episodeNumber"]) == (7, "tv", 1, 3)


async def test_nothing_is_told_of_who_does_not_wish_it_or_did_not_yet(scene: Scene) -> None:
    await scene.set_up()
    await scene.watch(FILM)
    await scene.wish(scene.account, watches=True)
    async with scene.store.begin() as db:
        await scene.people.load(db)

    await resettle(scene.store, scene.people, {}, lambda: scene.now)
    await scene.settle_down()

    assert scene.fake.tracked == []


async def test_what_is_not_completed_is_not_told(scene: Scene) -> None:
    await scene.set_up(watches=True)

    await scene.watch(FILM, minutes=5)
    await scene.settle_down()

    assert scene.fake.tracked == []


@pytest.mark.parametrize("how", ["heard again", "settled again", "after a restart"])
async def test_it_is_told_once_whatever_is_done_again(scene: Scene, how: str) -> None:
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await scene.settle_down()

    if how == "heard again":
        await scene.watch(FILM)
    elif how == "settled again":
        for threshold in (99.0, 85.0):
            await resettle(scene.store, scene.people, {"threshold": threshold}, lambda: scene.now)
    else:
        scene.mirroring = scene.another()
    await scene.settle_down(DAY)

    assert len(scene.fake.tracked) == 1


async def test_the_same_evening_under_another_time_zones_day_is_not_told_twice(scene: Scene) -> None:
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await scene.settle_down()
    async with scene.store.begin() as db:
        await db.execute(sa.update(account).values(time_zone="Pacific/Auckland"))
        await scene.people.load(db)

    await resettle(scene.store, scene.people, {}, lambda: scene.now)
    await scene.settle_down(DAY)

    assert [row["day"] for row in await scene.rows("seerr_errand")] == ["2026-03-07", "2026-03-08"]
    assert len(scene.fake.tracked) == 1
    assert ("done", "told before") in await scene.reasons()


async def test_another_day_is_another_watch(scene: Scene) -> None:
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await scene.watch(FILM, since=NIGHT)
    await scene.settle_down()

    assert len(scene.fake.tracked) == 2


async def test_an_answer_that_is_lost_is_asked_about_before_it_is_told_again(scene: Scene) -> None:
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await scene.finder.find()
    scene.fake.loses_answers = True
    assert await scene.visit(HOUR) == "error"
    scene.fake.loses_answers = False
    scene.mirroring = scene.another()

    await scene.visit(HOUR)

    assert len(scene.fake.tracked) == 1
    assert await scene.reasons() == [("done", "told; the answer had been lost")]


async def test_what_it_never_heard_is_told_when_it_is_back(scene: Scene) -> None:
    await scene.set_up(watches=True)
    scene.fake.hanging = {"/settings/public"}
    await scene.watch(FILM)
    await scene.finder.find()
    await scene.visit(2 * HOUR)
    assert scene.fake.tracked == []
    scene.fake.hanging = set()

    await scene.visit(HOUR)

    assert len(scene.fake.tracked) == 1


async def test_what_does_not_count_any_more_is_not_told(scene: Scene) -> None:
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await resettle(scene.store, scene.people, {"threshold": 99.0}, lambda: scene.now)

    await scene.settle_down()
    assert scene.fake.tracked == []
    assert await scene.reasons() == [("dropped", "what was watched does not count any more")]

    await resettle(scene.store, scene.people, {"threshold": 85.0}, lambda: scene.now)
    await scene.settle_down()
    assert len(scene.fake.tracked) == 1


async def test_a_title_that_it_does_not_know_waits_until_it_does(scene: Scene) -> None:
    await scene.set_up(watches=True)
    scene.fake.media = []
    await scene.visit(2 * DAY)
    await scene.watch(FILM, since=3 * 86_400)
    await scene.settle_down()
    assert scene.fake.tracked == []

    scene.fake.has_media(9, "movie", 603)
    await scene.visit(DAY)
    await scene.settle_down(DAY)

    assert [row["mediaId"] for row in scene.fake.tracked] == [9]


async def test_a_seerr_that_keeps_no_watches_is_told_none_and_after_a_month_it_is_given_up(scene: Scene) -> None:
    scene.fake.is_fork = False
    await scene.set_up(watches=True)
    await scene.watch(FILM)
    await scene.settle_down()
    assert await scene.reasons() == [("waiting", "this Seerr keeps no watches")]

    await scene.visit(31 * DAY)

    assert await scene.reasons() == [("dropped", "given up: this Seerr keeps no watches")]
    assert scene.fake.count("/tracking/watch", "POST") == 0


async def test_csrf_protection_is_shown_and_what_waits_is_told_once_it_is_off(scene: Scene) -> None:
    await scene.set_up(watches=True)
    scene.fake.csrf = True
    await scene.watch(FILM)
    await scene.settle_down()
    assert "CSRF" in " ".join((await scene.mirroring.status()).warnings)
    scene.fake.csrf = False

    await scene.settle_down(DAY)

    assert len(scene.fake.tracked) == 1
    assert (await scene.mirroring.status()).warnings == []


async def test_who_is_erased_leaves_no_errand(scene: Scene) -> None:
    await scene.set_up(watches=True, watchlist=True)
    scene.fake.lists_for(2, "movie", 603)
    await scene.visit(MINUTE * 10)
    await scene.watch(FILM)

    async with scene.store.begin() as db:
        await db.execute(sa.delete(account))

    left = ("seerr_errand", "seerr_listed", "seerr_user", "seerr_wish")
    assert {name: await scene.rows(name) for name in left} == {name: [] for name in left}


# --- watchlists -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_new", [False, True], ids=["up to 3.1.0", "after 3.1.0"])
async def test_a_film_leaves_the_watchlist_when_it_is_completed(scene: Scene, is_new: bool) -> None:
    scene.fake.is_new = is_new
    await scene.set_up(watchlist=True)
    scene.fake.lists_for(2, "movie", 603)
    scene.fake.lists_for(2, "tv", 604)
    await scene.visit(MINUTE * 10)

    await scene.watch(FILM, since=3600)
    await scene.settle_down()

    assert [entry["tmdbId"] for entry in scene.fake.lists[2]] == [604]


async def test_a_film_that_is_listed_again_after_it_was_watched_stays(scene: Scene) -> None:
    await scene.set_up(watchlist=True)
    await scene.watch(FILM)
    scene.fake.lists_for(2, "movie", 603)

    await scene.settle_down()

    assert len(scene.fake.lists[2]) == 1
    assert await scene.reasons() == [("dropped", "it was listed after it was watched")]


async def test_who_does_not_wish_it_any_more_keeps_their_list(scene: Scene) -> None:
    await scene.set_up(watchlist=True)
    scene.fake.lists_for(2, "movie", 603)
    await scene.visit(MINUTE * 10)
    await scene.watch(FILM, since=3600)
    async with scene.store.begin() as db:
        await db.execute(sa.delete(seerr_wish))

    await scene.settle_down()

    assert len(scene.fake.lists[2]) == 1


async def test_a_film_listed_and_watched_once_more_leaves_again(scene: Scene) -> None:
    await scene.set_up(watchlist=True)
    for evening in (3600, 3600 + NIGHT):
        scene.fake.lists_for(2, "movie", 603)
        await scene.visit(MINUTE * 10)
        await scene.watch(FILM, since=evening)
        await scene.settle_down()

        assert scene.fake.lists[2] == []


@pytest.mark.parametrize(
    ("status", "stays"), [("Ended", False), ("Returning Series", True)], ids=["it is over", "more is to come"]
)
async def test_a_series_leaves_when_it_is_completed_and_not_when_one_is_only_caught_up(
    scene: Scene, status: str, stays: bool
) -> None:
    await scene.set_up(watchlist=True)
    scene.fake.series[77] = {"seasons": [{"seasonNumber": 1, "episodeCount": 2}], "status": status}
    scene.fake.lists_for(2, "tv", 77)
    await scene.visit(MINUTE * 10)
    await scene.watch(episode(1), item="e1" * 16, since=3600)
    await scene.settle_down(DAY)
    assert len(scene.fake.lists[2]) == 1

    await scene.watch(episode(2), item="e2" * 16, since=2 * NIGHT)
    await scene.settle_down(DAY)
    await scene.settle_down(DAY)

    assert (len(scene.fake.lists[2]) == 1) is stays


# --- errands as kept --------------------------------------------------------------------------------------------------


async def test_what_was_done_for_a_media_stays_done_when_it_becomes_another(scene: Scene) -> None:
    await scene.set_up()
    one, other = (Errand("watch", scene.account, n, "", "2026-03-07", scene.now, scene.now) for n in (1, 2))
    async with scene.store.begin() as db:
        await errands.queue(db, [one, other], scene.now)
        await errands.done(db, other, scene.now, 5, "told")
        await errands.move(db, {2: 1})
        await errands.queue(db, [one], scene.now)

    (row,) = await scene.rows("seerr_errand")
    assert (row["media_id"], row["state"], row["seerr_media_id"]) == (1, "done", 5)
