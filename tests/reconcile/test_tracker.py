"""The tracker answers after the commit, loses nothing when the database is away, and asks it nothing it knows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from reconcile.arrivals import Arrival, Outcome
from reconcile.changes import Settled
from reconcile.errors import StoreAway
from reconcile.playback.check_in import Channel, CheckIn, Kind
from reconcile.store.engine import Transactions
from reconcile.store.tables import playback
from reconcile.tracker import FLUSH
from tests.invariants.hearing import generated
from tests.invariants.stage import Batches, Stage, copied, played, split
from tests.reconcile.arrivals import SERVER, Household, at, delivery, key, line, shown, stopped, told


class Troubled:
    """Counts the transactions of a store, and those that wrote; refuses them while it is *away*."""

    def __init__(self, store: Transactions) -> None:
        self.begun = 0
        self.written = 0
        self._has_written = False
        self.away = False
        self.statements = 0
        engine = store._writer.sync_engine
        sa.event.listen(engine, "begin", self._begin)
        sa.event.listen(engine, "before_cursor_execute", self._execute)
        self.refuse_after: int | None = None

    def _begin(self, *_what: object) -> None:
        self.begun += 1
        self.statements = 0
        self._has_written = False
        if self.away:
            raise StoreAway("the database is away")

    def _execute(self, _connection: object, _cursor: object, statement: str, *_what: object) -> None:
        self.statements += 1
        if not self._has_written and statement.startswith(("INSERT", "UPDATE", "DELETE")):
            self._has_written = True
            self.written += 1
        if self.refuse_after is not None and self.statements > self.refuse_after:
            raise StoreAway("the database went away")


@pytest.fixture
def troubled(store: Transactions) -> Troubled:
    return Troubled(store)


async def playing(store: Transactions, *, until: int = 60) -> Household:
    """A household whose viewer has played since eight."""
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(*line(0, until))
    return house


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_an_answer_comes_after_the_commit(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    async def record() -> int:
        await house.tracker.record(Arrival((told(0, 0),)))
        async with store.read() as db:
            return int(await db.scalar(sa.select(sa.func.count()).select_from(playback)) or 0)

    kept = asyncio.ensure_future(record())
    await house.work()

    assert await kept == 1


async def test_what_arrives_while_a_transaction_runs_shares_the_next_one(
    store: Transactions, troubled: Troubled
) -> None:
    house = await playing(store, until=0)
    before = troubled.begun

    answers = await house.hear(*line(10, 1000, 10))

    assert len(answers) == 100
    assert troubled.begun - before == 1


async def test_run_answers_until_closed_and_close_finishes_what_is_queued(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    running = asyncio.ensure_future(house.tracker.run())
    first = await house.tracker.record(Arrival((told(0, 0),)))
    running.cancel()

    late = asyncio.ensure_future(house.tracker.record(Arrival((told(10, 10),))))
    await asyncio.sleep(0)
    await house.tracker.close()

    assert {first.outcome, (await late).outcome} == {Outcome.RECORDED}


async def test_an_arrival_whose_transaction_was_cancelled_is_answered_by_close(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    waiting = asyncio.ensure_future(house.tracker.record(Arrival((told(0, 0),))))
    await asyncio.sleep(0)
    taking = asyncio.ensure_future(house.tracker.take())
    sa.event.listen(store._writer.sync_engine, "before_cursor_execute", lambda *_what: taking.cancel(), once=True)
    with pytest.raises(asyncio.CancelledError):
        await taking

    await house.tracker.close()

    assert (await waiting).outcome is Outcome.RECORDED
    assert len(await house.rows("check_in")) == 1


async def test_who_no_longer_waits_is_not_taken_in(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    gone = asyncio.ensure_future(house.tracker.record(Arrival((told(0, 0),))))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)

    await house.work()

    assert await house.rows("check_in") == []


async def test_listeners_are_told_after_the_commit_and_only_of_changes(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    heard: list[Settled] = []
    stop_listening = house.tracker.events.listen(heard.append)

    await house.hear(told(0, 0))
    await house.hear(told(0, 0))
    await house.hear(*line(10, 900, 10), stopped(905, 905))
    stop_listening()
    await house.hear(told(2000, 0))

    assert [len(each.playbacks) for each in heard] == [1, 1]
    assert [change.after is not None for change in heard[1].watches] == [True]


# --- when things go wrong --------------------------------------------------------------------------------------------


async def test_while_the_database_is_away_nothing_is_kept_and_no_sighting_is_lost(
    store: Transactions, troubled: Troubled
) -> None:
    house = await playing(store)
    assert house.tracker.is_known(shown(60, 60, 60)) is False  # polls have not told of it yet
    await house.look(62, shown(60, 60, 62))
    assert house.tracker.is_known(shown(60, 60, 68))

    troubled.away = True
    with pytest.raises(StoreAway):
        await house.hear(told(70, 70))
    with pytest.raises(StoreAway):
        await house.tracker.flush()
    troubled.away = False

    assert len(await house.rows("check_in")) == 7
    await house.tracker.flush()
    assert (await house.rows("check_in"))[-1]["sighted_until"] == at(68)


@pytest.mark.parametrize("statements", [0, 1, 3, 6, 10])
async def test_a_first_arrival_that_failed_leaves_no_trace_in_memory_either(
    store: Transactions, troubled: Troubled, statements: int
) -> None:
    house = Household(store, auto_link=True)
    troubled.refuse_after = statements
    with pytest.raises(StoreAway):
        await house.hear(told(0, 0))
    troubled.refuse_after = None

    answers = await house.hear(*line(0, 900), stopped(905, 905))

    assert {answer.outcome for answer in answers} == {Outcome.RECORDED}
    assert len(await house.rows("account")) == 1
    assert (await house.one("watch"))["completed"]


async def test_an_arrival_that_makes_us_raise_is_set_aside_and_the_rest_go_on(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    poison = told(20, 20)
    assert poison.check_in is not None
    odd: CheckIn = msgspec.structs.replace(poison.check_in, position="twenty")
    arrivals = [Arrival((each,), delivery=delivery()) for each in line(0, 40)]
    arrivals[2].observations = (msgspec.structs.replace(poison, check_in=odd),)

    with capture_logs() as logged:
        answers = await house.take(arrivals)

    assert "an arrival failed and is set aside" in {entry["event"] for entry in logged}
    outcomes = [answer.outcome for answer in answers]
    assert outcomes == [Outcome.RECORDED, Outcome.RECORDED, Outcome.FAILED, Outcome.RECORDED, Outcome.RECORDED]
    assert [row["at"] for row in await house.rows("check_in")] == [at(0), at(10), at(30), at(40)]
    (aside,) = [row for row in await house.rows("delivery") if row["outcome"] == "failed"]
    assert aside["id"] == answers[2].delivery
    assert aside["error"]


# --- what costs nothing ----------------------------------------------------------------------------------------------


async def test_a_flood_of_what_is_known_needs_no_transaction_but_a_flush(
    store: Transactions, troubled: Troubled
) -> None:
    house = await playing(store)
    before = troubled.begun

    taken = [house.tracker.is_known(told(60, 60, seen=second)) for second in range(61, 69)]
    needed = troubled.begun - before
    await house.tracker.flush()
    await house.tracker.flush()

    # The first is still a guess taken back, or the report itself: told by the same channel, it adds only a sighting.
    assert all(taken)
    assert (needed, troubled.begun - before) == (0, 1)
    assert (await house.rows("check_in"))[-1]["sighted_until"] == at(68)


async def test_a_pause_that_is_merely_shown_costs_a_flush_every_five_seconds_and_no_check_in(
    store: Transactions, troubled: Troubled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfall 19: an automatic notification a second and a look every 10 s, for 20 minutes."""
    house = Household(store)
    await house.welcome("viewer")
    await house.hear(told(0, 0), told(10, 10, Kind.PAUSED))
    await house.look(20, told(10, 10, Kind.PAUSED, channel=Channel.POLL, seen=20))
    await house.tracker.flush()
    kept, written, sleep = await house.rows("check_in"), troubled.written, asyncio.sleep
    seconds = iter(range(21, 21 + 1200))

    async def pass_time(how_long: float) -> None:
        """Let the *seconds* of the evening go by while the tracker sleeps."""
        await sleep(0)
        for _ in range(round(how_long)):
            second = next(seconds, None)
            if second is None:
                raise asyncio.CancelledError
            assert house.tracker.is_known(told(10, 10, Kind.PAUSED, seen=second))
            house.now = at(second)
            if second % 10 == 0:
                assert house.tracker.still_shown(key(), at(10), Kind.PAUSED, at(second))
                await house.look(second, still=[key()])

    monkeypatch.setattr(asyncio, "sleep", pass_time)
    with pytest.raises(asyncio.CancelledError):
        await house.tracker.tend()
    monkeypatch.undo()

    looks, flushes = 1200 / 10, 1200 / FLUSH.total_seconds()
    assert looks < troubled.written - written <= looks + flushes
    assert [row["at"] for row in await house.rows("check_in")] == [row["at"] for row in kept]
    assert (await house.rows("check_in"))[-1]["sighted_until"] == at(1220)
    assert (await house.one("playback"))["open"]


async def test_what_says_more_than_a_sighting_is_not_known(store: Transactions) -> None:
    house = await playing(store)

    assert not house.tracker.is_known(told(70, 70))
    assert not house.tracker.is_known(told(60, 59))
    assert not house.tracker.is_known(told(60, 60, of=key(item="next")))
    assert not house.tracker.is_known(shown(60, 60, 61))


async def test_ignored_reasons_are_counted_with_the_next_flush(store: Transactions) -> None:
    house = Household(store)
    house.tracker.ignore("music")
    house.tracker.ignore("music", 2)

    await house.tracker.flush()
    await house.tracker.flush()

    assert await house.rows("tally") == [{"reason": "music", "count": 3}]


# --- looks and silence -----------------------------------------------------------------------------------------------


async def test_a_playback_that_two_looks_no_longer_show_has_ended(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")
    for second in (10, 20, 30):
        await house.look(second, shown(second - 5, second - 5, second))

    await house.look(40)
    one = await house.one("playback")
    await house.look(61)

    assert one["open"]
    ended = await house.one("playback")
    assert (ended["ended_by"], ended["open"]) == ("absence", False)


async def test_a_look_keeps_nothing_of_who_is_not_recorded(store: Transactions) -> None:
    house = Household(store)
    await house.welcome("viewer")

    await house.look(10, shown(5, 5, 10), shown(5, 5, 10, of=key(user="guest")))

    assert [row["user_id"] for row in await house.rows("playback_key")] == ["viewer"]


async def test_the_sweep_ends_what_has_been_silent_for_too_long_and_then_has_nothing_to_do(
    store: Transactions,
) -> None:
    house = await playing(store)
    house.now = at(359)
    early = await house.tracker.sweep()
    house.now = at(361)

    swept = [await house.tracker.sweep() for _ in range(2)]

    assert early == 0
    assert swept == [1, 0]
    ended = await house.one("playback")
    assert (ended["ended_by"], ended["ended_at"]) == ("silence", at(60))


@pytest.mark.parametrize("minutes", [-5, 5], ids=["behind ours", "ahead of ours"])
async def test_the_sweep_goes_by_the_servers_clock(store: Transactions, minutes: int) -> None:
    house = await playing(store)
    ahead = timedelta(minutes=minutes)
    house.tracker.ahead[SERVER] = ahead
    house.now = at(359) - ahead
    early = await house.tracker.sweep()
    house.now = at(361) - ahead

    swept = [await house.tracker.sweep() for _ in range(2)]

    assert (early, swept) == (0, [1, 0])


async def test_a_new_process_goes_on_where_the_last_one_was(store: Transactions) -> None:
    await playing(store)
    house = Household(store)
    async with store.read() as db:
        await house.people.load(db)

    (known,) = await house.hear(told(60, 60))
    (new,) = await house.hear(told(70, 70))

    assert (known.outcome, new.outcome) == (Outcome.KNOWN, Outcome.RECORDED)
    assert (await house.one("playback"))["watched_seconds"] == pytest.approx(70, abs=0.1)


# --- two processes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [5, 9])
async def test_two_processes_told_of_one_evening_at_once_make_the_ledger_of_one(
    sqlite_template: Path, postgres_url: str, seed: int
) -> None:
    evening = generated(seed)
    stores = [Transactions(postgres_url), Transactions(postgres_url)]
    stages = [Stage(store, evening) for store in stores]
    for stage in stages:
        await stage.start()
    for part in split(evening.both, Batches((30,))):
        await asyncio.gather(stages[0].take(part[::2]), stages[1].take([*part[1::2], *part[:3]]))
        await asyncio.gather(*(stage.tend() for stage in stages))
    for stage in stages:
        await stage.settle()
    raced = await stages[0].ledger()
    for store in stores:
        await store.close()

    with copied(sqlite_template) as url:
        assert raced == await played(url, evening, evening.both, Batches((30,)))
