"""Sending what is queued: to every target at its own pace, again and again until it is received or three days are over.

Each attempt is claimed first, so that two processes on one database do not both make it; a process that dies between
sending and noting it leaves a claim that lapses, and the message goes out again under the same id. The order in which
a target receives its messages is not promised.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import msgspec
import structlog

from reconcile.errors import PlayledgerError, StoreError
from reconcile.playback.news import REMEMBERED, TRIED_FOR, next_try
from reconcile.secrets import Safe
from reconcile.signing import headers
from reconcile.store import outbox, targets
from reconcile.store.engine import Transactions
from reconcile.store.outbox import Due
from reconcile.store.targets import Target

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 5.0
"""How often is looked for what is due: a retry, or a message of another process."""

LIMIT_SECONDS = 15.0
"""How long one attempt may take, from the connection to the status of the answer."""

CLAIMED_FOR = timedelta(minutes=2)
"""When a claim lapses: well after the longest attempt."""

AT_ONCE, AT_ONCE_PER_TARGET = 32, 4
"""How many attempts run at the same time: of all, and of one target, so that a slow one leaves room for the others."""

PRUNE_EVERY = timedelta(hours=1)

_GONE = 410
_REDIRECTS = range(300, 400)
_LONGEST_PAUSE = timedelta(hours=6)
_LAST_SECONDS = 3.0
_AGENT = "Playledger"


class Attempt(msgspec.Struct, frozen=True):
    """What came of an attempt: *error* None means received. *pause*: how long the reader asks us to wait."""

    status: int | None
    error: str | None
    pause: timedelta | None = None


class Sender:
    """Sends what is due. *clock* gives UTC; *http* must not follow redirects by itself."""

    def __init__(
        self,
        store: Transactions,
        safe: Safe,
        http: Callable[[], httpx.AsyncClient],
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._safe = safe
        self._http = http
        self._clock = clock
        self._chance = chance
        self._wake = asyncio.Event()
        self._busy: Counter[int] = Counter()
        self._claimed: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pruned_at: datetime | None = None

    def wake(self) -> None:
        """Look for what is due now."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled; what is on its way then has a few seconds to arrive."""
        try:
            while True:
                await self._round()
                await self._rest()
        finally:
            if self._tasks:
                await asyncio.wait(tuple(self._tasks), timeout=_LAST_SECONDS)
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give back what was claimed and not done, so that nobody waits for the claim to lapse. Raises StoreAway."""
        if self._claimed:
            async with self._store.begin() as db:
                await outbox.let_go(db, self._claimed)
            self._claimed.clear()

    async def idle(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
            await asyncio.sleep(0)  # what is done is taken off the list a turn later

    async def start_due(self) -> int:
        """Claim what is due and begin to send it; return how many messages that is. Raises StoreAway."""
        now, begun = self._clock(), 0
        async with self._store.read() as db:
            wanted = await outbox.targets_due(db, now)
        for number in wanted:
            room = min(AT_ONCE_PER_TARGET - self._busy[number], AT_ONCE - self._busy.total())
            if room > 0:
                begun += await self._start(number, now, room)
        return begun

    async def send_one(self, message: int, target: int) -> None:
        """Send one message, and wait for what comes of it; nothing if another process is at it. Raises StoreAway."""
        await self._start(target, self._clock(), 1, only=message)
        await self.idle()

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        self._wake.clear()
        try:
            await self.start_due()
            await self._prune()
        except StoreError as error:
            log.warning("messages wait for the database", error=str(error))

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _prune(self) -> None:
        now = self._clock()
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            async with self._store.begin() as db:
                await outbox.prune(db, now, TRIED_FOR, REMEMBERED)
            self._pruned_at = now

    async def _start(self, number: int, now: datetime, room: int, *, only: int | None = None) -> int:
        until = now + CLAIMED_FOR
        async with self._store.begin() as db:
            target, sealed = await targets.one(db, number), await targets.secret(db, number)
            due = [] if target is None else await outbox.claim(db, number, now, until, room, only=only)
        if target is None:
            return 0
        for message in due:
            self._claimed.add(message.id)
            self._busy[number] += 1
            task = asyncio.get_running_loop().create_task(self._deliver(target, sealed, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(due)

    async def _deliver(self, target: Target, sealed: bytes | None, message: Due) -> None:
        try:
            attempt = await self._attempt(target, sealed, message)
            await self._note(target, message, attempt)
            self._claimed.discard(message.id)
        except StoreError as error:
            log.warning("what came of a message could not be noted; it will be sent again", error=str(error))
        except Exception:
            log.exception("an error of ours while sending", message=message.message_id)
        finally:
            self._busy[target.id] -= 1
            self._wake.set()

    async def _attempt(self, target: Target, sealed: bytes | None, message: Due) -> Attempt:
        body = message.body.encode()
        try:
            secret = self._safe.decrypted(sealed or b"", targets.purpose(target.id))
            signed = headers(secret, message.message_id, self._clock(), body)
            told = {"content-type": "application/json", "user-agent": _AGENT, **signed}
            async with asyncio.timeout(LIMIT_SECONDS):
                request = self._http().build_request("POST", target.url, content=body, headers=told)
                answer = await self._http().send(request, stream=True, follow_redirects=False)
                await answer.aclose()
        except TimeoutError:
            return Attempt(None, f"no answer within {LIMIT_SECONDS:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Attempt(None, f"{type(error).__name__}: {error}"[:500])
        except (PlayledgerError, ValueError) as error:
            return Attempt(None, str(error))
        return _attempt_of(answer)

    async def _note(self, target: Target, message: Due, attempt: Attempt) -> None:
        now = self._clock()
        if attempt.error is None and attempt.status is not None:
            async with self._store.begin() as db:
                await outbox.done(db, message.id, now, attempt.status)
            return
        again = next_try(message.attempts + 1, message.tried_since, now, self._chance())
        if attempt.status == _GONE:
            again = None
        if again is not None and attempt.pause is not None:
            again = max(again, now + attempt.pause)
        error = attempt.error or ""
        log.info("a message was not received", target=target.id, kind=message.kind, status=attempt.status, again=again)
        async with self._store.begin() as db:
            await outbox.failed(db, message.id, again, attempt.status, error)
            if attempt.status == _GONE:
                note = "turned off: it answered 410, which means that it wants no more"
                await targets.change(db, target.id, {"active": False, "note": note})


def _attempt_of(answer: httpx.Response) -> Attempt:
    status = answer.status_code
    if answer.is_success:
        return Attempt(status, None)
    if status in _REDIRECTS:
        return Attempt(status, f"it answered {status}: redirects are not followed, give the target its new address")
    return Attempt(status, f"it answered {status}", _pause(answer.headers.get("retry-after")))


def _pause(told: str | None) -> timedelta | None:
    """Return how long ``Retry-After`` asks us to wait, in seconds, within reason."""
    if told is None or not told.isascii() or not told.isdigit():
        return None
    return min(timedelta(seconds=int(told[:9])), _LONGEST_PAUSE)
