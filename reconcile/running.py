"""Running errands: what was queued is done at Seerr, each once, whatever fails in between (facts A6, B7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from reconcile.errors import SeerrMissing, SeerrReadOnly, SeerrRefused, SeerrUnreadable
from reconcile.playback.pace import jittered
from reconcile.seerr.answers import MOVIE, TV
from reconcile.seerr.client import Removal, SeerrClient
from reconcile.store import errands, seerr
from reconcile.store.engine import Transactions
from reconcile.store.errands import TRYING, WATCH, About, Errand

log = structlog.get_logger()

AT_ONCE = 50
"""How many errands one round runs."""

PLAYING_FOR = timedelta(minutes=5)
"""How soon is looked again whether something that is still playing is over."""

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)

GIVEN_UP_AFTER = timedelta(days=30)

NO_USER = "nobody in Seerr is linked to a Jellyfin user of this account"
NO_MEDIA = "Seerr does not know this title, or its TMDB id is not known here"

_UNIT = re.compile(r"s(\d+)e(\d+)")
_SAME = timedelta(seconds=1)


class NotNow(Exception):
    """An errand has to wait: the message says for what."""

    def __init__(self, reason: str, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class NotAtAll(Exception):
    """An errand is not to be done any more: the message says why."""


class Running:
    """Runs errands at Seerr through *client*. `can_track` says whether it is the fork that keeps watches."""

    def __init__(
        self, client: SeerrClient, store: Transactions, clock: Callable[[], datetime], chance: Callable[[], float]
    ) -> None:
        self.client = client
        self.can_track = False
        self.refusal: str | None = None
        self._store = store
        self._clock = clock
        self._chance = chance

    async def run(self) -> int:
        """Run what is due; return how many were done. Raises SeerrUnreachable and StoreAway: then the rest waits."""
        async with self._store.read() as db:
            due = await errands.due(db, self._clock(), AT_ONCE)
        done = 0
        self.refusal = None if due else self.refusal
        for errand in due:
            done += await self._run(errand)
        return done

    async def _run(self, errand: Errand) -> bool:
        """Run one; say whether it is done."""
        try:
            seerr_media_id, outcome = await self._do(errand)
        except NotAtAll as reason:
            async with self._store.begin() as db:
                await errands.drop(db, errand, self._clock(), str(reason))
            return False
        except NotNow as reason:
            await self._postpone(errand, str(reason), reason.wait)
            return False
        except (SeerrRefused, SeerrMissing, SeerrUnreadable) as error:
            self.refusal = str(error)
            log.warning("an errand to Seerr was refused", kind=errand.kind, account=errand.account_id, error=str(error))
            await self._postpone(errand, str(error), timedelta(hours=1) if isinstance(error, SeerrReadOnly) else None)
            return False
        except Exception:
            # Not even an answer: what was begun may have been done, so its state stays.
            await self._postpone(errand, "Seerr did not answer", None)
            raise
        async with self._store.begin() as db:
            await errands.done(db, errand, self._clock(), seerr_media_id, outcome)
        return True

    async def _postpone(self, errand: Errand, reason: str, wait: timedelta | None) -> None:
        now = self._clock()
        longer = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(errand.attempts, 10))
        async with self._store.begin() as db:
            if now - errand.queued_at > GIVEN_UP_AFTER:
                await errands.drop(db, errand, now, f"given up: {reason}")
            else:
                await errands.postpone(db, errand, now + jittered(wait or longer, self._chance()), reason)

    async def _do(self, errand: Errand) -> tuple[int | None, str]:
        """Do it; return Seerr's id of the media, and what came of it in words."""
        async with self._store.read() as db:
            about = await errands.about(db, errand)
            wish = (await seerr.wishes(db, [errand.account_id])).get(errand.account_id)
            user_id = await seerr.user_of(db, errand.account_id)
        since = None if wish is None else wish.watches_since if errand.kind == WATCH else wish.watchlist_since
        if since is None or errand.watched_at < since:
            raise NotAtAll("the account does not wish it any more")
        if about.seconds is None:
            raise NotAtAll("what was watched does not count any more")
        if about.is_open:
            raise NotNow("it is still playing", PLAYING_FOR)
        if user_id is None:
            raise NotNow(NO_USER)
        if errand.kind == WATCH:
            return await self._tell(errand, about, user_id)
        return None, await self._unlist(errand, about, user_id)

    # --- the fork's watches ---------------------------------------------------------------------------------------

    async def _tell(self, errand: Errand, about: About, user_id: int) -> tuple[int, str]:
        if not self.can_track:
            raise NotNow("this Seerr keeps no watches", LONGEST_RETRY)
        if about.seerr_media_id is None:
            raise NotNow(NO_MEDIA)
        season, episode = _numbers(errand, about)
        async with self._store.read() as db:
            if await errands.was_told(db, errand, about.seerr_media_id):
                return about.seerr_media_id, "told before"
        if errand.state == TRYING and await self._is_there(errand, user_id, about.seerr_media_id, season, episode):
            return about.seerr_media_id, "told; the answer had been lost"
        async with self._store.begin() as db:
            await errands.begin(db, errand)
        try:
            await self.client.track(
                user_id,
                media_id=about.seerr_media_id,
                media_type=TV if about.media_kind == "series" else MOVIE,
                season=season,
                episode=episode,
                minutes=round((about.seconds or 0.0) / 60),
                watched_at=errand.watched_at,
            )
        except (SeerrRefused, SeerrMissing):
            async with self._store.begin() as db:
                await errands.not_done(db, errand)
            raise
        return about.seerr_media_id, "told"

    async def _is_there(
        self, errand: Errand, user_id: int, seerr_media_id: int, season: int | None, episode: int | None
    ) -> bool:
        kept = await self.client.tracked(user_id, seerr_media_id)
        return any(
            (each.season, each.episode) == (season, episode)
            and each.watched_at is not None
            and abs(each.watched_at - errand.watched_at) < _SAME
            for each in kept
        )

    # --- watchlists -----------------------------------------------------------------------------------------------

    async def _unlist(self, errand: Errand, about: About, user_id: int) -> str:
        """Take what was finished from the watchlist, if it was listed before it was watched."""
        if about.tmdb_id is None:
            raise NotNow(NO_MEDIA)
        if about.media_kind == "series":
            async with self._store.read() as db:
                if not await errands.is_finished(db, errand.account_id, errand.media_id):
                    raise NotNow("the series is not finished", LONGEST_RETRY)
        media_type = TV if about.media_kind == "series" else MOVIE
        entries = await self.client.watchlist(user_id)
        told = {each.id: (each.media_type, each.tmdb_id) for each in entries}
        async with self._store.begin() as db:
            seen = await seerr.list_entries(db, user_id, errand.account_id, told, self._clock())
        named = [number for number, entry in told.items() if entry == (media_type, about.tmdb_id)]
        if not named:
            return Removal.NOT_LISTED.value
        if all(seen[number] > errand.watched_at for number in named):
            raise NotAtAll("it was listed after it was watched")
        removal = await self.client.unlist(user_id, media_type, about.tmdb_id)
        if removal is Removal.AMBIGUOUS:
            raise NotNow("a film and a series of the same number are listed, and this Seerr cannot tell them apart")
        return removal.value


def _numbers(errand: Errand, about: About) -> tuple[int | None, int | None]:
    if about.media_kind == "movie":
        return None, None
    found = _UNIT.fullmatch(errand.unit)
    if found is None:
        raise NotAtAll("the episode has no number")
    return int(found[1]), int(found[2])
