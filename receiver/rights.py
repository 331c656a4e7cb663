"""Rights looked at again: what a Jellyfin server says now of everybody who has signed in with it (DESIGN §17)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from receiver.visitors import User
from receiver.wires import Wire, Wires
from reconcile.errors import JellyfinError, JellyfinRefused, JellyfinUnreadable, StoreError
from reconcile.jellyfin.catalogue import JellyfinUser
from reconcile.people import People
from reconcile.store import sign_ins
from reconcile.store.engine import Transactions
from reconcile.store.sign_ins import SignIn

log = structlog.get_logger()

EVERY = timedelta(minutes=15)
"""How old a server's word about somebody may become."""

_LOOKS_EVERY_SECONDS = 60.0
_LONGEST_SECONDS = 30.0


class Rights:
    """Takes rights, or the sign-in, from whom their server no longer gives them; a server away changes nothing.

    An error about one person leaves theirs as they are, and the others are looked at.
    """

    def __init__(self, store: Transactions, wires: Wires, people: People, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._wires = wires
        self._people = people
        self._clock = clock

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("rights are not looked at", error=str(error))
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)

    async def look(self) -> None:
        """Ask for everybody of whom their server has not spoken for a while. Raises StoreError."""
        now = self._clock()
        async with self._store.read() as db:
            found = await sign_ins.all_of(db, now)
        for user in _users(found):
            if self._people.is_erased(user):
                await self._sign_out(user, "erased")
        by_server: dict[str, set[User]] = {}
        for user in _users([each for each in found if each.checked_at is None or now - each.checked_at >= EVERY]):
            by_server.setdefault(user[0], set()).add(user)
        for server_id, users in by_server.items():
            wire = self._wires.of(server_id)
            if wire is not None:
                await self._look_at(wire, sorted(users))

    async def _look_at(self, wire: Wire, users: Sequence[User]) -> None:
        for user in users:
            try:
                told = await self._asked(wire, user)
            except (JellyfinError, TimeoutError) as error:
                log.info("rights stay as they are", server=wire.client.url, error=str(error) or type(error).__name__)
                if isinstance(error, JellyfinRefused) or not await self._is_well(wire, user[0]):
                    return  # it is about all of them: the key, or the server
                continue
            if told is None or told.is_disabled:
                await self._sign_out(user, "gone" if told is None else "disabled")
                continue
            async with self._store.begin() as db:
                await sign_ins.checked(db, user, self._clock(), is_administrator=told.is_administrator)

    async def _asked(self, wire: Wire, user: User) -> JellyfinUser | None:
        """Return what the server says of *user*, None if it does not know them. Raises JellyfinError, TimeoutError."""
        async with wire.turn, asyncio.timeout(_LONGEST_SECONDS):
            told = await wire.client.user(user[1])
            if told is not None and told.id != user[1]:
                raise JellyfinUnreadable(f"{wire.client.url} answered about somebody else than was asked for.")
            if (told is None or told.is_administrator) and (await wire.client.public_info()).id != user[0]:
                raise JellyfinUnreadable(f"Another server answers at {wire.client.url}: its word counts nothing here.")
        return told

    async def _is_well(self, wire: Wire, server_id: str) -> bool:
        """Say whether that server answers, and is the one it was."""
        try:
            async with wire.turn, asyncio.timeout(_LONGEST_SECONDS):
                return (await wire.client.public_info()).id == server_id
        except (JellyfinError, TimeoutError):
            return False

    async def _sign_out(self, user: User, why: str) -> None:
        async with self._store.begin() as db:
            await sign_ins.remove_of(db, user)
        log.info("signed out", server=user[0], why=why)


def _users(found: Sequence[SignIn]) -> set[User]:
    return {(each.server_id, each.user_id) for each in found if each.server_id is not None and each.user_id is not None}
