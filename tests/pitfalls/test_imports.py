"""Pitfall 37 (facts/peers.md §3): an import, twice, over what was seen live, from a server far away in summer time."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from receiver.rehearsal.kept import Kept
from receiver.rehearsal.library import SERVER_ID
from receiver.rehearsal.steps import Close, Open, Pause, Play, PlayTo, Wait
from reconcile import staging
from reconcile.importing import Work, ask, do
from reconcile.jellyfin.playback_reporting import read_backup
from reconcile.playback.imports import Told
from reconcile.staging import Known, Source
from reconcile.store import imports
from tests.pitfalls.evening import BROWSER, FILM, OTHER_FILM, TELEVISION, VIEWER, Evening
from tests.pitfalls.ledger import Ledger, read_ledger
from tests.pitfalls.program import Program


async def imported(program: Program, kept: Kept, zone: str | None = None) -> None:
    """Import the backup of Playback Reporting, by the *zone* given or the one that the activity log proves."""

    async def pages() -> AsyncIterator[Sequence[Told]]:
        yield list(read_backup(kept.backup()))

    async def progress(_done: int, _total: int) -> None:
        pass

    started = [entry for entry in kept.entries if entry.kind == "VideoPlayback"]
    starts = {VIEWER.id: sorted(entry.at for entry in started)}
    store, source = program.store, Source.PLAYBACK_REPORTING
    known = Known(starts, (str(kept.zone),))
    number = await staging.read(store, program.people, SERVER_ID, source, pages(), lambda: program.now, known)
    await ask(store, number, imports.APPLY, zone)
    async with store.read() as db:
        row = await imports.next_one(db)
    assert row is not None
    heard = program.tracker.events.tell
    await do(Work(store, program.people.fresh(), lambda: program.now, {}, heard, progress), row)
    async with store.begin() as db:
        await imports.note(db, number, state=imports.DONE)


async def imported_twice(evening: Evening, kept: Kept, zone: str | None = None) -> tuple[Ledger, Ledger]:
    """Return the ledger after the evening and the import, and after the import once more."""
    program = await evening.perform()
    await imported(program, kept, zone)
    once = await read_ledger(program.store)
    await imported(program, kept, zone)
    twice = await read_ledger(program.store)
    await program.close()
    return once, twice


async def test_an_import_over_what_was_seen_live_adds_only_what_was_not(evening_anywhere: Evening) -> None:
    """37. The plugin had last week's film too, and tonight's in two rows, with a pause and a break."""
    evening = evening_anywhere
    evening.linked = (VIEWER,)
    evening.play(
        Open(FILM), Play(2000), Pause(200), Play(800), Close(), Wait(600), Open(FILM, 2800.0), PlayTo(5900), Close()
    )
    kept = Kept()
    kept.play(VIEWER, OTHER_FILM, evening.at(-7 * 86_400), 5700, BROWSER)
    kept.play(VIEWER, FILM, evening.at(0), 2800, BROWSER)
    kept.play(VIEWER, FILM, evening.at(3600), 3100, BROWSER)

    once, twice = await imported_twice(evening, kept, "UTC")

    assert twice == once
    (tonight,) = (row for row in once.watches if row.day == "2026-03-02")
    assert tonight.plays == 1
    assert tonight.watched == pytest.approx(5900, abs=3 * evening.tolerance)
    assert [each.sentence for each in once.of(item=FILM)].count("counted once: it was seen live too") == 2


async def test_a_film_that_was_only_begun_does_not_count_because_it_was_imported(evening: Evening) -> None:
    """37. Completion is honest: 20 of 100 minutes are not a film, whoever tells of them."""
    evening.linked = (VIEWER,)
    evening.play(Open(OTHER_FILM), PlayTo(5900), Close())
    kept = Kept()
    kept.play(VIEWER, FILM, evening.at(-86_400), 1200, TELEVISION)

    once, twice = await imported_twice(evening, kept, "UTC")

    assert twice == once
    assert [row.title for row in once.watches] == [OTHER_FILM.name]
    (part,) = once.of(item=FILM)
    assert (part.completed, part.watched) == (False, 1200)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe"])
async def test_instants_are_right_whatever_the_servers_zone_and_summer_time(evening: Evening, zone: str) -> None:
    """37. Wall times of a year with both changes of the clocks; the activity log tells in which zone."""
    evening.linked = (VIEWER,)
    evening.play(Open(FILM), Play(60), Close())
    kept = Kept(ZoneInfo(zone))
    days = [evening.at(-86_400 * days - 61 * days) for days in range(5, 365, 9)]
    for each in days:
        kept.play(VIEWER, OTHER_FILM, each, 1500, TELEVISION)

    once, twice = await imported_twice(evening, kept)

    assert twice == once
    assert [each.started_at for each in once.of(item=OTHER_FILM)] == sorted(days)


async def test_in_the_hour_that_comes_twice_an_instant_is_the_earlier_one(evening: Evening) -> None:
    """37. A wall time in the night in which the clocks go back, with nothing to prove which one it was."""
    evening.linked = (VIEWER,)
    evening.play(Open(FILM), Play(60), Close())
    kept = Kept(ZoneInfo("Europe/Berlin"))
    began = datetime.fromisoformat("2025-10-26T00:30:00+00:00")
    kept.play(VIEWER, OTHER_FILM, began, 1500, TELEVISION)
    kept.entries.clear()

    once, _twice = await imported_twice(evening, kept, "Europe/Berlin")

    (part,) = once.of(item=OTHER_FILM)
    assert part.started_at == began
    assert part.ended_at - part.started_at == timedelta(seconds=1500)
