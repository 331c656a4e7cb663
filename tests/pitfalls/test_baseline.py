"""Where the peers stand (facts/peers.md, table 0.1): every line of it, right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from receiver.rehearsal.steps import Close, Open, Play, PlayTo, Restart, Seek, Wait
from tests.pitfalls.evening import BROWSER, EIGHT_PM, EPISODE, FILM, HOUR, MINUTE, NEXT_EPISODE, Evening, Way
from tests.pitfalls.ledger import read_ledger


class Line(msgspec.Struct, frozen=True):
    """One line of the table: what happens, the watched seconds of each playback, and how many plays the history has."""

    plays_out: Callable[[Evening], None]
    watched: tuple[float, ...]
    plays: int


def _down_for_eight_hours(evening: Evening) -> None:
    evening.play(Open(FILM), Play(600), Close("nothing"))
    evening.killed(601, 8 * HOUR)


def _server_unreachable(evening: Evening) -> None:
    evening.play(Open(FILM), Play(600), Restart(3 * HOUR), Close("nothing"))


def _one_empty_poll(evening: Evening) -> None:
    evening.play(Open(FILM), Play(59 * MINUTE), Close())
    evening.look = lambda second, body: b"[]" if 1700 <= second < 1712 else body


def _autoplay(evening: Evening) -> None:
    evening.play(
        *(Open(EPISODE), PlayTo(EPISODE.runtime), Close("nothing"), Wait(0.5)),
        *(Open(NEXT_EPISODE), PlayTo(NEXT_EPISODE.runtime), Close()),
    )


def _redeployed(evening: Evening) -> None:
    evening.play(Open(FILM), Play(HOUR), Close())
    evening.redeployed(1800, 1805)


def _again_within_the_hour(evening: Evening) -> None:
    evening.play(Open(EPISODE), PlayTo(1200), Close(), Wait(600), Open(EPISODE), PlayTo(1200), Close())


def _a_jump_to_the_end(evening: Evening) -> None:
    evening.play(Open(FILM), Play(31), Seek(0.958 * FILM.runtime - 31), Play(12), Close())


def _from_the_start_again(evening: Evening) -> None:
    evening.play(Open(EPISODE), Play(100), Seek(-100), PlayTo(EPISODE.runtime), Close())


LINES = {
    "600 s watched, then the tracker is down for 8 h": Line(_down_for_eight_hours, (600,), 0),
    "600 s watched, then the server is away for 3 h": Line(_server_unreachable, (600,), 0),
    "one play of 59 min, one empty poll in the middle": Line(_one_empty_poll, (59 * MINUTE,), 0),
    "autoplay in one session, without a gap": Line(_autoplay, (EPISODE.runtime, NEXT_EPISODE.runtime), 2),
    "redeployed in the middle of a play": Line(_redeployed, (HOUR,), 0),
    "a second viewing of 20 min within the hour": Line(_again_within_the_hour, (1200, 1200), 0),
    "31 s watched, then a jump to 95.8 %": Line(_a_jump_to_the_end, (43,), 0),
    "the viewer restarts the title at 100 s": Line(_from_the_start_again, (EPISODE.runtime + 100,), 1),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_every_line_of_the_table_is_right(evening: Evening, line: Line) -> None:
    line.plays_out(evening)

    ledger = await evening.ledger()

    # A seek costs polls up to one interval more (DESIGN §2).
    tolerance = 2 * evening.tolerance if evening.way is Way.POLL else evening.tolerance
    assert [each.watched for each in ledger.playbacks] == [pytest.approx(s, abs=tolerance) for s in line.watched]
    assert sum(row.plays for row in ledger.watches) == line.plays


async def test_a_write_that_fails_at_the_stop_loses_nothing(evening: Evening) -> None:
    """The database refuses twice, at the worst moment; what was not answered comes again, and there is one row."""
    evening.play(Open(EPISODE), PlayTo(EPISODE.runtime), Close())
    evening.refuses_at = EPISODE.runtime

    ledger = await evening.ledger()

    assert evening.refuses_at is None
    assert [each.watched for each in ledger.playbacks] == [pytest.approx(EPISODE.runtime, abs=evening.tolerance)]
    assert [row.plays for row in ledger.watches] == [1]


async def test_a_stream_that_says_nothing_new_hardly_asks_the_database(sqlite_url: str) -> None:
    """One Progress a second that the server sends by itself, and a look every 10 s, between two reports of the client.

    The peers ask 60 to 120 times a minute.
    """
    evening = Evening(sqlite_url, Way.BOTH)
    evening.flood = True
    evening.stride = timedelta(seconds=1)
    evening.play(Open(FILM), Play(540), Close(), on=replace(BROWSER, interval=HOUR))
    asked: list[str] = []
    recording = evening.recording()
    program = await evening.program(recording)

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if 60 <= (program.now - EIGHT_PM).total_seconds() < 240 and statement.lstrip().upper().startswith("SELECT"):
            asked.append(statement)

    for engine in (program.store._reader, program.store._writer):
        sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    await evening.run(program)
    ledger = await read_ledger(program.store)
    await program.close()

    assert len(ledger.playbacks) == 1
    assert 0 < len(asked) / 3 < 60
