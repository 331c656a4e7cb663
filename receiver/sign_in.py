"""Signing in and out: who may, how often they may try, and for how long it lasts (DESIGN §17)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from receiver.codes import Codes
from receiver.visitors import User, Visitor, visitor_of
from reconcile.secrets import fingerprint, is_same, new_token
from reconcile.store import people, servers, sign_ins
from reconcile.store.engine import Transactions
from reconcile.store.sign_ins import SignIn

COOKIE = "playledger"
LASTS = timedelta(days=30)
"""How long a browser stays signed in after it was last here."""

SEEN_EVERY = timedelta(hours=1)
"""How exactly it is kept when a browser was last here."""

TRIES, WITHIN = 10, timedelta(minutes=10)
"""How often an address, or anybody by one name, may try in vain."""

_REMEMBERED = 10_000
_AGENT = 200


class Tries:
    """How often each address tried in vain lately; or each name, or whoever else is to be slowed down."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, list[datetime]] = OrderedDict()

    def too_many(self, address: str) -> timedelta | None:
        """Return how long *address* has to wait before it may try again, None if it may."""
        now = self._clock()
        failed = [at for at in self._failed.get(address, ()) if now - at < WITHIN]
        return failed[0] + WITHIN - now if len(failed) >= TRIES else None

    def failed(self, address: str) -> None:
        """Note a try in vain; or one that may be: many at once are not to slip through while they are looked into."""
        now = self._clock()
        lately = [at for at in self._failed.pop(address, ()) if now - at < WITHIN]
        self._failed[address] = [*lately, now]
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)

    def taken_back(self, address: str) -> None:
        """Forget the latest try of *address*: it was none, or not in vain."""
        known = self._failed.get(address)
        if known:
            known.pop()

    def succeeded(self, address: str) -> None:
        """Forget the tries in vain of *address*."""
        self._failed.pop(address, None)


class SignIns:
    """The signed-in browsers, and the link of the first start: it opens the set-up once.

    *tries* are slowed down by address, *names* by server and name, *begun* are the codes that an address asks for.
    """

    def __init__(self, store: Transactions, admin_token: str, clock: Callable[[], datetime]) -> None:
        self.tries, self.names, self.begun = Tries(clock), Tries(clock), Tries(clock)
        self.codes = Codes(clock)
        self._store = store
        self._admin_token = admin_token
        self._clock = clock
        self._once: str | None = None

    def first_token(self) -> str:
        """Return the token of the first start's link, which can be used once while this process lives."""
        token = new_token()
        self._once = fingerprint(token)
        return token

    def is_first_token(self, token: str) -> bool:
        """Say whether *token* opens the set-up."""
        return self._once is not None and is_same(fingerprint(token), self._once)

    async def by_first_token(self, token: str, agent: str | None) -> str | None:
        """Use the link of the first start up: return a browser's token for all rights, None if it is none of ours."""
        if not self.is_first_token(token):
            return None
        self._once = None
        return await self._add(None, None, agent, is_administrator=True)

    async def by_admin_token(self, token: str, agent: str | None) -> str | None:
        """Return a browser's token for whoever holds the administrator's token, None for anybody else."""
        if not is_same(token, self._admin_token):
            return None
        return await self._add(None, None, agent, is_administrator=True)

    async def by_user(self, user: User, name: str, agent: str | None, *, is_administrator: bool) -> str:
        """Return a browser's token for *user*, whose Jellyfin server has just said that it is them.

        What it said of their rights goes for their other browsers too.
        """
        return await self._add(user, name, agent, is_administrator=is_administrator)

    async def visitor(self, token: str) -> Visitor | None:
        """Return whose browser bears *token*, None if it is not signed in. Raises StoreAway."""
        now = self._clock()
        async with self._store.read() as db:
            found = await sign_ins.by_token(db, fingerprint(token), now)
            if found is None:
                return None
            known = frozenset(server.id for server in await servers.all_of_them(db)) if found.is_administrator else None
            links = await people.links(db) if found.is_administrator else ()
        if now - found.seen_at >= SEEN_EVERY:
            async with self._store.begin() as db:
                await sign_ins.seen(db, found.id, now, now + LASTS)
        linked = {(link.server_id, link.user_id): link.account_id for link in links}
        return visitor_of(found, known or frozenset(), linked)

    async def sign_out(self, *numbers: int) -> None:
        """Sign browsers out."""
        async with self._store.begin() as db:
            await sign_ins.remove(db, numbers)

    async def _add(self, user: User | None, name: str | None, agent: str | None, *, is_administrator: bool) -> str:
        token, now = new_token(), self._clock()
        server_id, user_id = user or (None, None)
        who = SignIn(
            id=0,
            server_id=server_id,
            user_id=user_id,
            user_name=name,
            is_administrator=is_administrator,
            made_at=now,
            seen_at=now,
            expires_at=now + LASTS,
            checked_at=now,
            agent=agent[:_AGENT] if agent else None,
            account_id=None,
        )
        async with self._store.begin() as db:
            await sign_ins.remove_expired(db, now)
            await sign_ins.add(db, fingerprint(token), who)
            if user is not None:
                await sign_ins.checked(db, user, now, is_administrator=is_administrator)
        return token
