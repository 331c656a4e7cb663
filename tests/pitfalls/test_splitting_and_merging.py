"""Pitfalls 11 to 19 (facts/peers.md §3): what is one viewing stays one, and what are two stay two."""

import asyncio
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from receiver.rehearsal.player import Player
from receiver.rehearsal.recording import Delivery
from receiver.rehearsal.steps import Close, Open, Pause, Play, PlayTo, Step, Wait
from reconcile.housekeeping import tidy
from reconcile.store.engine import Transactions
from reconcile.store.lease import FolderLease
from reconcile.store.tables import check_in
from tests.pitfalls.evening import (
    BROWSER,
    EPISODE,
    FILM,
    HOUR,
    MINUTE,
    NEXT_EPISODE,
    THIRD_EPISODE,
    Evening,
    Way,
)
from tests.pitfalls.ledger import read_ledger

DAY = 24 * HOUR


class StopsAgain(Step, frozen=True):
    """The client posts one more Stop, at *position*."""

    position: float

    def perform(self, player: Player) -> None:
        player.now += 0.4
        player.item = player.sitting.item
        player.send("stop", self.position)
        player.item = None


async def test_a_rewatch_in_the_same_evening_is_a_second_viewing(evening_anywhere: Evening) -> None:
    """11. An episode fully at 20:00 and fully again at 20:30, on the same device: two viewings, one row of that day."""
    evening = evening_anywhere
    whole = (Open(EPISODE), PlayTo(EPISODE.runtime), Close())
    evening.play(*whole, Wait(6 * MINUTE), *whole)

    ledger = await evening.ledger()

    assert [each.watched for each in ledger.playbacks] == [
        pytest.approx(EPISODE.runtime, abs=evening.tolerance),
        pytest.approx(EPISODE.runtime, abs=evening.tolerance),
    ]
    assert all(each.completed for each in ledger.playbacks)
    assert [(row.day, row.plays, len(row.playbacks)) for row in ledger.watches] == [("2026-03-02", 2, 2)]


async def test_a_film_resumed_the_next_day_is_two_sittings_and_one_completed_play(evening: Evening) -> None:
    """12. The first half on Monday, the rest on Tuesday."""
    half = FILM.runtime / 2
    evening.play(Open(FILM), PlayTo(half), Close(), Wait(DAY), Open(FILM, half), PlayTo(FILM.runtime), Close())

    ledger = await evening.ledger()

    assert [each.watched for each in ledger.playbacks] == [pytest.approx(half, abs=evening.tolerance)] * 2
    assert [each.started_at.day for each in ledger.playbacks] == [2, 3]
    assert [(row.day, row.plays, row.completed) for row in ledger.watches] == [("2026-03-03", 1, True)]


async def test_autoplay_without_a_stop_gives_each_episode_its_own_row(evening: Evening) -> None:
    """13. Three episodes follow each other in one session; nothing tells the ends; one look every 30 s."""
    evening.every = 30.0
    evening.play(
        *(Open(EPISODE), PlayTo(EPISODE.runtime), Close("nothing"), Wait(0.5)),
        *(Open(NEXT_EPISODE), PlayTo(NEXT_EPISODE.runtime), Close("nothing"), Wait(0.5)),
        *(Open(THIRD_EPISODE), Play(600), Close()),
    )

    ledger = await evening.ledger()

    assert [each.watched for each in ledger.playbacks] == [
        pytest.approx(seconds, abs=evening.tolerance) for seconds in (EPISODE.runtime, NEXT_EPISODE.runtime, 600)
    ]
    assert [(row.unit, row.completed) for row in ledger.watches] == [("s01e01", True), ("s01e02", True)]


async def test_a_second_stop_at_zero_undoes_nothing(evening: Evening) -> None:
    """14. The client posts a Stop at 95 %, and then one at 0."""
    evening.play(Open(EPISODE), PlayTo(0.95 * EPISODE.runtime), Close(), StopsAgain(0.0))

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(0.95 * EPISODE.runtime, abs=evening.tolerance)
    assert playback.reached == pytest.approx(0.95 * EPISODE.runtime, abs=evening.tolerance)
    assert [(row.plays, row.completed) for row in ledger.watches] == [(1, True)]


async def test_a_stop_at_zero_alone_undoes_nothing(evening: Evening) -> None:
    """14. The only Stop says 0."""
    evening.play(Open(EPISODE), PlayTo(0.95 * EPISODE.runtime), Close("zero"))

    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(0.95 * EPISODE.runtime, abs=evening.tolerance)
    assert [(row.plays, row.completed) for row in ledger.watches] == [(1, True)]


async def test_a_delivery_that_comes_again_changes_nothing(evening_anywhere: Evening) -> None:
    """15. Every delivery again after 61 s, and after three days, byte by byte the same."""
    evening = evening_anywhere
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())

    def again(deliveries: list[Delivery]) -> Iterable[Delivery]:
        for each in deliveries:
            for later in (timedelta(), timedelta(seconds=61), timedelta(days=3)):
                yield replace(each, arrives_at=each.arrives_at + later)

    evening.deliver = again
    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert [(row.day, row.plays) for row in ledger.watches] == [("2026-03-02", 1)]


async def test_whatever_comes_first_the_ledger_is_the_same(evening: Evening) -> None:
    """16. The Stop arrives before the Start, and all Progress in between from the last to the first."""
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())

    def backwards(deliveries: list[Delivery]) -> Iterable[Delivery]:
        last = deliveries[-1].arrives_at
        for number, each in enumerate(reversed(deliveries)):
            yield replace(each, arrives_at=last + timedelta(seconds=number))

    evening.deliver = backwards
    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert abs((playback.ended_at - evening.at(EPISODE.runtime)).total_seconds()) <= evening.tolerance
    assert [row.plays for row in ledger.watches] == [1]


async def test_what_both_channels_tell_is_told_once(evening_anywhere: Evening) -> None:
    """17. A look 7 s after the Start, and one more that still shows the session just after the Stop."""
    evening = evening_anywhere
    evening.play(Open(EPISODE), Play(900), Close())
    shown: list[bytes] = []

    def with_a_last_tick(second: float, body: bytes | None) -> bytes | None:
        if body is not None and b'"NowPlayingItem"' in body:
            shown[:] = [body]
        return shown[0] if 900 <= second < 912 and shown else body

    evening.look = with_a_last_tick
    ledger = await evening.ledger()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(900, abs=evening.tolerance if evening.way.has_webhooks else 25)
    assert len(playback.channels) == evening.way.has_webhooks + evening.way.has_polls


async def test_two_processes_on_one_database_keep_one_row(evening_anywhere: Evening) -> None:
    """18. Two copies of the program hear everything at once: each thing is in the ledger once all the same."""
    evening = evening_anywhere
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())
    recording = evening.recording()
    one, other = await evening.program(recording), await evening.program(recording)

    await asyncio.gather(evening.run(one), evening.run(other))
    ledger = await read_ledger(one.store)
    await one.close()
    await other.close()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(EPISODE.runtime, abs=evening.tolerance)
    assert [row.plays for row in ledger.watches] == [1]


async def test_a_second_process_on_one_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    """18. It may neither poll nor record."""
    first, second = FolderLease(tmp_path), FolderLease(tmp_path)

    assert await first.holds("a server")
    assert not await second.holds("a server")
    assert f"process {os.getpid()}" in second.holder()
    await first.release()
    assert await second.holds("a server")
    await second.release()


async def test_a_paused_client_that_reports_all_night_adds_nothing(evening: Evening) -> None:
    """19. Paused at 50 %, a report and a look every 10 s for 8 h: one playback, and tidied, next to nothing."""
    evening.stride = timedelta(minutes=20)
    evening.every = 30.0 if evening.way is Way.SHUFFLED else 10.0  # doubled, it takes long
    played, away = EPISODE.runtime / 2, 8 * HOUR
    evening.play(Open(EPISODE), PlayTo(played), Pause(away), Close(), on=replace(BROWSER, interval=evening.every))

    program = await evening.perform()
    ledger = await read_ledger(program.store)
    reported = await _kept(program.store)
    await tidy(program.store, program.people, program.now + timedelta(days=2), timedelta(days=30))
    left, after = await _kept(program.store), await read_ledger(program.store)
    await program.close()

    (playback,) = ledger.playbacks
    assert playback.watched == pytest.approx(played, abs=evening.tolerance)
    assert after.watches == ledger.watches == ()
    assert after.playbacks == ledger.playbacks
    reports = (played + away) / evening.every
    assert 0.9 * reports < reported <= reports + 5  # each once, on however many channels
    apart = evening.rules.silence.total_seconds() / 2 - evening.every  # a point at least every half silence
    assert left <= (played + away) / apart + 15


async def _kept(store: Transactions) -> int:
    """Return how many check-ins are kept."""
    async with store.read() as db:
        return int((await db.execute(sa.select(sa.func.count()).select_from(check_in))).scalar_one())
