"""Finding public ids that the library does not tell: in Seerr's mirror, then at TMDB; and Seerr's own ids of media.

In the background, as all of resolution (DESIGN §8): the ledger never waits for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from reconcile.changes import Settled
from reconcile.errors import StoreError, TmdbError
from reconcile.playback.media import SOURCES
from reconcile.playback.pace import jittered
from reconcile.resolving import settle_items
from reconcile.store import found, settings
from reconcile.store.found import Ids, Lacking, Question
from reconcile.store.lease import Leases
from reconcile.tmdb import TmdbClient
from reconcile.tracker import Tracker

log = structlog.get_logger()

ROUND = timedelta(seconds=60)
"""How often is looked for something new to be found."""

LONGEST_REST = timedelta(minutes=5)
"""How long nothing is looked for where nothing was settled: the mirror changes by itself."""

LEASE = "finding"
"""The name under which one of several processes finds."""

ASKED_AT_ONCE = 10
"""How many questions to TMDB one round asks."""

KNOWN_FOR = timedelta(days=90)
"""How long an answer of TMDB holds;"""

UNKNOWN_FOR = timedelta(days=1)
"""… that it knows none, for so long: each time twice as long, up to KNOWN_FOR."""

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)
"""The shortest and the longest wait while TMDB does not answer."""

SERVER_OF_SEERR = "seerr's jellyfin"
"""Under which name the server is kept that Seerr runs with: its item ids are the ones that Seerr's media bear."""


class Finder:
    """Finds ids for *tracker*'s media. Without *tmdb* only Seerr's mirror is looked at. *clock* is ours (UTC)."""

    def __init__(
        self,
        tracker: Tracker,
        clock: Callable[[], datetime],
        tmdb: TmdbClient | None = None,
        *,
        leases: Leases | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.error: str | None = None
        self._tracker = tracker
        self._clock = clock
        self._tmdb = tmdb
        self._leases = leases
        self._chance = chance
        self._failures = 0
        self._tmdb_again_at = datetime.min.replace(tzinfo=clock().tzinfo)
        self._news = True
        self._looked_at: datetime | None = None

    async def run(self) -> None:
        """Find what can be found, until cancelled."""
        stop = self._tracker.events.listen(self._notice)
        try:
            while True:
                try:
                    if self._is_worth_it() and await self._is_ours():
                        await self.find()
                except StoreError as error:
                    log.info("ids are found later", reason=str(error))
                await asyncio.sleep(jittered(ROUND, self._chance()).total_seconds())
        finally:
            stop()

    def _is_worth_it(self) -> bool:
        """Say whether something was settled, or the mirror may have changed, since the last look."""
        at, now = self._looked_at, self._clock()
        if not self._news and at is not None and now - at < LONGEST_REST:
            return False
        self._news, self._looked_at = False, now
        return True

    async def _is_ours(self) -> bool:
        return self._leases is None or await self._leases.holds(LEASE)

    def _notice(self, _settled: Settled) -> None:
        self._news = True

    async def find(self) -> None:
        """Look once for whatever lacks an id. Raises StoreAway."""
        async with self._tracker.store.read() as db:
            server_id = await settings.get(db, SERVER_OF_SEERR) or None
            lacking = await found.lacking(db)
            mirrored = [(each, ids) for each in lacking if (ids := await found.in_mirror(db, each, server_id))]
        for each, ids in mirrored:
            await self._keep(each, ids)
        seen = {each.id for each, _ids in mirrored}
        if self._tmdb is not None and self._clock() >= self._tmdb_again_at:
            await self._ask(self._tmdb, [each for each in lacking if each.id not in seen])
        async with self._tracker.store.read() as db:
            numbers = await found.number_in_seerr(db, server_id)
        if numbers:
            async with self._tracker.store.begin() as db:
                await found.set_seerr_ids(db, numbers)

    async def _keep(self, each: Lacking, ids: Ids) -> None:
        """Keep what was found, and settle what it concerns; what was found before is not found again."""
        async with self._tracker.store.read() as db:
            before = await found.kept(db, each.items)
        items = [item for item in each.items if before.get(item) != ids.tmdb_id]
        if not items:
            return
        async with self._tracker.store.begin() as db:
            await found.keep(db, items, ids, self._clock())
        log.info("public ids were found", media=each.id, by=ids.by, tmdb_id=ids.tmdb_id)
        for server_id in sorted({server for server, _item in items}):
            mine = [item_id for server, item_id in items if server == server_id]
            await settle_items(self._tracker, self._clock, server_id, mine)

    # --- TMDB -----------------------------------------------------------------------------------------------------

    async def _ask(self, tmdb: TmdbClient, lacking: Sequence[Lacking]) -> None:
        """Ask TMDB about some of *lacking* whose time has come."""
        questions = {question: each for each in lacking for question in _questions(each)}
        async with self._tracker.store.read() as db:
            told = await found.answers(db, questions)
        now = self._clock()
        due = [question for question in questions if question not in told or told[question].again_at <= now]
        for question in due[:ASKED_AT_ONCE]:
            try:
                tmdb_id = await tmdb.find(*question)
            except TmdbError as error:
                self._fail(error)
                break
            self._failures, self.error = 0, None
            attempts = told[question].attempts + 1 if question in told else 0
            wait = KNOWN_FOR if tmdb_id else min(KNOWN_FOR, UNKNOWN_FOR * 2 ** min(attempts, 10))
            async with self._tracker.store.begin() as db:
                await found.answered(db, question, tmdb_id, now + jittered(wait, self._chance()), attempts)
            if tmdb_id:
                await self._keep(questions[question], _ids(questions[question], tmdb_id))
        for question, answer in told.items():
            if answer.tmdb_id and question not in due:
                await self._keep(questions[question], _ids(questions[question], answer.tmdb_id))

    def _fail(self, error: TmdbError) -> None:
        self._failures += 1
        self.error = str(error)
        wait = jittered(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10)), self._chance())
        self._tmdb_again_at = self._clock() + wait
        log.warning("TMDB is asked later", reason=str(error), failures=self._failures)


def _questions(each: Lacking) -> list[Question]:
    """Return what may be asked of TMDB about a media: a series by TVDB's id first, a film by IMDb's."""
    order = ("tvdb", "imdb") if each.kind == "series" else ("imdb", "tvdb")
    ids = {"tvdb": each.tvdb_id, "imdb": each.imdb_id}
    return [(each.kind, source, value) for source in order if source in SOURCES and (value := ids[source])]


def _ids(each: Lacking, tmdb_id: str) -> Ids:
    return Ids(tmdb_id, each.tvdb_id, each.imdb_id, "tmdb")
