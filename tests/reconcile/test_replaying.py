"""Replays and resettling: the same evidence again, and what that does to the history."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from receiver.notification import read
from reconcile.bygones import Bygone, Told, bygone, examples, kept, lines
from reconcile.difference import differences, rows
from reconcile.people import People
from reconcile.playback.check_in import Ignored, Observation, Rejected
from reconcile.playback.rules import Rules
from reconcile.replaying import Replayed, replay
from reconcile.resettling import resettle
from reconcile.store import deliveries, tables
from reconcile.store import people as kept_people
from reconcile.store.deliveries import Delivery
from reconcile.store.engine import Transactions

SERVER, VIEWER, FILM = "5e" * 16, "a1" * 16, "f1" * 16
EIGHT = datetime(2026, 1, 3, 20, tzinfo=UTC)
REACHED = "reached 86.1 % of 1 h 40 min, watched 86 min"
RUNTIME = 100.0
"""Minutes."""

pytestmark = pytest.mark.anyio


def notification(minute: float, kind: str = "PlaybackProgress", **more: object) -> dict[str, object]:
    at = EIGHT + timedelta(minutes=minute)
    text = at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    told = {
        "NotificationType": kind,
        "ServerId": SERVER,
        "UserId": VIEWER,
        "NotificationUsername": "viewer-1",
        "ItemId": FILM,
        "ItemType": "Movie",
        "Name": "A Film",
        "Provider_tmdb": "11",
        "RunTimeTicks": round(RUNTIME * 600_000_000),
        "Id": "d1" * 16,
        "ClientName": "Jellyfin Web",
        "DeviceId": "a device",
        "PlaybackPositionTicks": round(minute * 600_000_000),
        "IsPaused": False,
        "IsAutomated": False,
        "UtcTimestamp": text,
        "LastPlaybackCheckIn": text,
    }
    return told | more


def evening(until: float = 86.1) -> list[dict[str, object]]:
    """Return an evening on which a film is played until that minute."""
    minutes = [float(minute) for minute in range(0, int(until), 4)]
    told = [notification(minute, "PlaybackProgress" if minute else "PlaybackStart") for minute in minutes]
    return [*told, notification(until, "PlaybackStop")]


def bodies(told: list[dict[str, object]]) -> list[bytes]:
    return [json.dumps(each).encode() for each in told]


async def listed(*told: Told) -> AsyncIterator[Told]:
    for each in told:
        yield each


class Ledger:
    def __init__(self, store: Transactions, rules: Rules | None = None) -> None:
        self.store = store
        self.people = People(rules or Rules(), UTC, auto_link=True)
        self.now = EIGHT + timedelta(days=1)

    async def replayed(self, source: AsyncIterator[Told], *, dry_run: bool = False) -> Replayed:
        return await replay(self.store, self.people, source, lambda: self.now, read, dry_run=dry_run)

    async def resettled(self, *, dry_run: bool = False, **overrides: object) -> list[str]:
        found = await resettle(self.store, self.people, overrides, lambda: self.now, dry_run=dry_run)
        return [each.sentence(is_dry=dry_run) for each in found]

    async def watches(self) -> list[tuple[object, ...]]:
        w = tables.watch.c
        async with self.store.read() as db:
            return [tuple(row) for row in await db.execute(sa.select(w.day, w.completed, w.plays, w.watched_seconds))]

    async def keep(self, told: list[dict[str, object]], outcome: str = "recorded") -> None:
        async with self.store.begin() as db:
            for number, body in enumerate(bodies(told)):
                at = EIGHT + timedelta(minutes=number)
                await deliveries.add(db, Delivery(at, "application/json", body, kind="x", outcome=outcome))


@pytest.fixture
def ledger(store: Transactions) -> Ledger:
    return Ledger(store)


async def test_a_file_of_notifications_makes_a_history(ledger: Ledger) -> None:
    done = await ledger.replayed(lines(bodies(evening())))

    assert (done.read, done.recorded, done.refusals) == (23, 23, 0)
    assert await ledger.watches() == [("2026-01-03", True, 1, 5166.0)]
    assert [each.sentence(is_dry=False) for each in done.differences] == [
        "2026-01-03 viewer-1: A Film, now counts: reached 86.1 % of 1 h 40 min, watched 86 min"
    ]


async def test_no_delivery_is_kept_of_it(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))

    async with ledger.store.read() as db:
        assert (await db.execute(sa.select(sa.func.count()).select_from(tables.delivery))).scalar() == 0


async def test_a_second_time_changes_nothing(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))

    done = await ledger.replayed(lines(reversed(bodies(evening()))))

    assert (done.recorded, done.known, done.differences) == (0, 23, [])


async def test_a_dry_run_says_what_would_be_and_leaves_no_trace(ledger: Ledger) -> None:
    done = await ledger.replayed(lines(bodies(evening())), dry_run=True)

    assert [each.sentence(is_dry=True) for each in done.differences] == [
        "2026-01-03 viewer-1: A Film, would now count: reached 86.1 % of 1 h 40 min, watched 86 min"
    ]
    assert await ledger.watches() == []
    assert ledger.people.accounts == {}, "nobody was linked"
    async with ledger.store.read() as db:
        assert await deliveries.tallies(db) == {}


async def test_kept_deliveries_are_replayed_from_one_instant_to_another(ledger: Ledger) -> None:
    await ledger.keep(evening())

    done = await ledger.replayed(kept(ledger.store, EIGHT, EIGHT + timedelta(minutes=5)))

    assert (done.read, done.recorded) == (5, 5)


async def test_a_delivery_that_had_been_set_aside_is_recorded_now(ledger: Ledger) -> None:
    await ledger.keep(evening(), outcome="failed")

    await ledger.replayed(kept(ledger.store))

    async with ledger.store.read() as db:
        outcomes = {row[0] for row in await db.execute(sa.select(tables.delivery.c.outcome))}
    assert outcomes == {"recorded"}


async def test_a_rejected_example_that_can_be_read_now_is_restored_and_dropped(ledger: Ledger) -> None:
    async with ledger.store.begin() as db:
        for body in (*bodies(evening()), b"still nonsense"):
            await deliveries.reject(db, Delivery(EIGHT, "text/plain", body, reason="an old bug"), "line 1")

    done = await ledger.replayed(examples(ledger.store))

    async with ledger.store.read() as db:
        left = await deliveries.rejected_bodies(db)
    assert (done.restored, done.refusals, len(left)) == (deliveries.EXAMPLES, 0, 0)


async def test_one_that_still_cannot_be_read_stays(ledger: Ledger) -> None:
    async with ledger.store.begin() as db:
        await deliveries.reject(db, Delivery(EIGHT, "text/plain", b"nonsense", reason="no JSON"), "line 1")

    done = await ledger.replayed(examples(ledger.store))

    async with ledger.store.read() as db:
        assert len(await deliveries.rejected_bodies(db)) == 1
    assert done.refusals == 1


async def test_a_dry_run_restores_nothing(ledger: Ledger) -> None:
    async with ledger.store.begin() as db:
        await deliveries.reject(db, Delivery(EIGHT, "text/plain", bodies(evening())[0], reason="a bug"), "line 1")

    done = await ledger.replayed(examples(ledger.store), dry_run=True)

    async with ledger.store.read() as db:
        assert len(await deliveries.rejected_bodies(db)) == 1
    assert done.restored == 1


async def test_who_is_not_recorded_is_counted_and_not_kept(ledger: Ledger) -> None:
    ledger.people.auto_link = False

    done = await ledger.replayed(lines(bodies(evening())))

    assert done.ignored == {"not a recorded user": 23}
    assert await ledger.watches() == []


async def test_one_odd_delivery_is_left_out_and_the_others_go_on(ledger: Ledger) -> None:
    def odd(body: bytes, content_type: str | None, received_at: datetime) -> Observation | Ignored | Rejected:
        told = read(body, content_type, received_at)
        if isinstance(told, Observation) and b"PlaybackStart" in body:
            return Observation(told.key, told.channel, told.observed_at, told.check_in, item=None)  # type: ignore[arg-type]
        return told

    done = await replay(ledger.store, ledger.people, lines(bodies(evening())), lambda: ledger.now, odd)

    assert (done.recorded, done.refusals) == (22, 1)
    assert (done.refused[0].place, "an error of ours" in done.refused[0].reason) == ("line 1", True)


STAMPED = json.dumps(notification(3))
UNSTAMPED = json.dumps({key: value for key, value in notification(3).items() if key != "UtcTimestamp"})


@pytest.mark.parametrize(
    ("line", "received_at"),
    [
        pytest.param(STAMPED, EIGHT + timedelta(minutes=3), id="a bare notification with its time"),
        pytest.param(
            json.dumps({"received_at": "2026-01-03T21:00:00Z", "content_type": "text/plain", "body": UNSTAMPED}),
            EIGHT + timedelta(hours=1),
            id="a body as text, with the time of receipt",
        ),
        pytest.param(
            f'{{"received_at": "2026-01-03T22:00:00+01:00", "body": {UNSTAMPED}}}',
            EIGHT + timedelta(hours=1),
            id="a body as JSON",
        ),
        pytest.param(json.dumps({"body": STAMPED}), EIGHT + timedelta(minutes=3), id="a body that tells its time"),
    ],
)
def test_a_line_is_a_delivery(line: str, received_at: datetime) -> None:
    told = bygone(line.encode(), "line 1")

    assert isinstance(told, Bygone)
    assert told.received_at == received_at
    assert isinstance(read(told.body, told.content_type, told.received_at), Observation)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(UNSTAMPED, "a replay would be a new evening", id="no time at all"),
        pytest.param(json.dumps({"body": UNSTAMPED}), "a replay would be a new evening", id="nor in the body"),
        pytest.param(json.dumps({"body": STAMPED, "received_at": "soon"}), "no instant", id="a time that is none"),
        pytest.param('{"UtcTimestamp": 7}', "a replay would be a new evening", id="a timestamp that is none"),
        pytest.param("[1, 2]", "no delivery", id="no object"),
        pytest.param("{", "no delivery", id="no JSON"),
    ],
)
async def test_a_line_that_is_no_delivery_is_refused_with_a_sentence(
    store: Transactions, line: str, reason: str
) -> None:
    done = await Ledger(store).replayed(lines([b"", line.encode()]))

    assert done.refusals == 1
    assert done.refused[0].place == "line 2"
    assert reason in done.refused[0].reason


async def test_a_higher_threshold_shows_what_would_no_longer_count(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))

    said = await ledger.resettled(dry_run=True, threshold=90.0)

    assert said == [f"2026-01-03 viewer-1: A Film, would no longer count: {REACHED}; the threshold is 90 %"]
    assert len(await ledger.watches()) == 1


async def test_without_a_dry_run_it_is_so(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))

    said = await ledger.resettled(threshold=90.0)

    assert [each.split(": ")[1] for each in said] == ["A Film, no longer counts"]
    assert await ledger.watches() == []


async def test_a_lower_threshold_shows_what_would_count(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening(until=80))))

    said = await ledger.resettled(dry_run=True, threshold=75.0)

    assert said == ["2026-01-03 viewer-1: A Film, would now count: reached 80 % of 1 h 40 min, watched 80 min"]


async def test_a_partial_row_is_told_from_a_completed_one(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))

    said = await ledger.resettled(dry_run=True, threshold=90.0, record_partials=True)

    assert [each.split(": ")[1] for each in said] == ["A Film, would be partial only"]


async def test_the_same_rules_change_nothing(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))
    before = await ledger.watches()

    assert await ledger.resettled() == []
    assert await ledger.watches() == before


async def test_an_accounts_own_rules_stay_its_own(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))
    async with ledger.store.begin() as db:
        await db.execute(sa.update(tables.account).values(threshold=80.0))

    assert await ledger.resettled(dry_run=True, threshold=90.0) == []


async def test_a_row_that_is_filed_under_another_media_is_the_same_row(ledger: Ledger) -> None:
    await ledger.replayed(lines(bodies(evening())))
    async with ledger.store.begin() as db:
        before = await rows(db)
        other = sa.insert(tables.media).values(kind="movie", title="A Film").returning(tables.media.c.id)
        number = (await db.execute(other)).scalar_one()
        await db.execute(sa.update(tables.watch).values(media_id=number))

        assert await differences(db, before) == []


async def test_long_work_says_how_far_it_is(ledger: Ledger) -> None:
    told: list[object] = []
    await replay(
        ledger.store, ledger.people, lines(bodies(evening())), lambda: ledger.now, partial(read), progress=told.append
    )

    await resettle(ledger.store, ledger.people, {}, lambda: ledger.now, progress=lambda *so_far: told.append(so_far))

    assert told == [23, (1, 1)]


async def test_nobody_who_is_erased_comes_back(ledger: Ledger) -> None:
    async with ledger.store.begin() as db:
        await kept_people.set_opted_out(db, SERVER, VIEWER, opted_out=True)

    done = await ledger.replayed(lines(bodies(evening())))

    assert done.recorded == 0
