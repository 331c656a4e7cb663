"""Who is recorded, under which rules: held in memory, and asked before anything is written, the spool included."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.rules import Rules
from reconcile.playback.surroundings import Recorded
from reconcile.store import erasure
from reconcile.store import people as kept
from reconcile.store import targets as kept_targets
from reconcile.store.people import Account, Interval
from reconcile.store.targets import Target

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a user is recorded who is linked at first sight: whatever of theirs arrives, in whatever order."""

NOT_RECORDED = "not a recorded user"
ERASED = "erased"

User = tuple[str, str]
"""(server id, user id)."""


class People:
    """The accounts, links and intervals as they were when `load` was last called.

    *auto_link*: whoever is not known yet is recorded from first sight, unless they opted out or were erased. *hashed*
    returns the keyed hash by which the erased are known; without it nobody is taken for new once somebody was erased.
    """

    def __init__(
        self, rules: Rules, zone: tzinfo, *, auto_link: bool = False, hashed: Callable[[str], str] | None = None
    ) -> None:
        self.global_rules = rules
        self.zone = zone
        self.auto_link = auto_link
        self._hashed = hashed
        self._erased: frozenset[str] = frozenset()
        self._erased_at: dict[str, datetime] = {}
        self.accounts: dict[int, Account] = {}
        self.targets: tuple[Target, ...] = ()
        self._intervals: dict[User, tuple[Interval, ...]] = {}
        self._recorded: dict[User, tuple[tuple[Interval, ...], tuple[Recorded, ...]]] = {}
        self._opted_out: set[User] = set()
        self._rules: dict[int, Rules] = {}

    def fresh(self) -> People:
        """Return a copy that has not been loaded: for what may be taken back."""
        return People(self.global_rules, self.zone, auto_link=self.auto_link, hashed=self._hashed)

    async def load(self, db: AsyncConnection) -> None:
        """Read everything anew."""
        self.accounts = {each.id: each for each in await kept.accounts(db)}
        self._opted_out = await kept.opted_out(db)
        erasures = await erasure.erasures(db)
        self._erased = frozenset(hashed for hashed, (_at, stands) in erasures.items() if stands)
        self._erased_at = {hashed: at for hashed, (at, _stands) in erasures.items()}
        self._intervals = _by_user(await kept.intervals(db))
        self._recorded = {}
        self.targets = await kept_targets.active(db)
        self._rules = {}

    async def load_within(self, db: AsyncConnection) -> Callable[[], None]:
        """Read everything anew within a transaction that may yet fail; return what takes that back if it does."""
        before = self.accounts, self._opted_out, self._intervals
        await self.load(db)
        read = self._intervals

        def take_back() -> None:
            if self._intervals is read:
                self.accounts, self._opted_out, self._intervals = before
                self._rules = {}

        return take_back

    def is_known(self, user: User) -> bool:
        """Say whether *user* was ever recorded, or said that they do not want to be."""
        return user in self._intervals or user in self._opted_out

    def hash_of(self, user: User) -> str | None:
        """Return the keyed hash by which *user* is known once erased; None without the key."""
        return None if self._hashed is None else self._hashed(" ".join(user))

    def is_erased(self, user: User) -> bool:
        """Say whether *user* was erased, and nobody has linked them again since."""
        if not self._erased or user in self._intervals:
            return False
        hashed = self.hash_of(user)
        return hashed is None or hashed in self._erased

    def unrecorded(self, user: User) -> str:
        """Return why nothing of *user* is kept, in a short fixed phrase."""
        return ERASED if self.is_erased(user) else NOT_RECORDED

    def is_to_be_linked(self, user: User) -> bool:
        """Say whether *user* is to be linked at this first sight."""
        return self.auto_link and not self.is_known(user) and not self.is_erased(user)

    def is_recorded(self, user: User, at: datetime) -> bool:
        """Say whether what *user* did *at* that instant may be kept."""
        intervals = self._intervals.get(user)
        if intervals is None:
            return self.is_to_be_linked(user)
        for each in intervals:  # noqa: SIM110 - asked a thousand times a look
            if each.since <= at and (each.until is None or at < each.until):
                return True
        return False

    def intervals(self, user: User) -> tuple[Recorded, ...]:
        """Return the dated intervals in which *user* was recorded."""
        mine = self._intervals.get(user, ())
        known = self._recorded.get(user)
        if known is None or known[0] is not mine:
            known = self._recorded[user] = (mine, tuple(Recorded(i.since, i.until) for i in mine))
        return known[1]

    def account_of(self, user: User, at: datetime, *, imported: bool = False) -> int | None:
        """Return the account for which *user* was recorded *at* that instant.

        What was *imported* of the time before they were asked is of the first account for which they were recorded.
        """
        mine = self._intervals.get(user, ())
        for i in mine:
            if i.since <= at and (i.until is None or at < i.until):
                return i.account_id
        before = self._before_asked(user) if imported else None
        if before is None or not before.holds(at):
            return None
        return next((i.account_id for i in mine if i.until is None or i.until > i.since), None)

    def importable(self, user: User) -> tuple[Recorded, ...]:
        """Return when what another tool kept of *user* may be taken over.

        Before they were first asked, though not before they were erased, and after that only while they were recorded:
        hours of privacy, and a no, hold for imports too.
        """
        before = self._before_asked(user)
        return self.intervals(user) if before is None else (before, *self.intervals(user))

    def _before_asked(self, user: User) -> Recorded | None:
        mine = self._intervals.get(user, ())
        if not mine:
            return None
        asked = min(min(i.since, i.until or i.since) for i in mine)
        hashed = self.hash_of(user) if self._erased_at else None
        since = ALWAYS if hashed is None else self._erased_at.get(hashed, ALWAYS)
        return Recorded(since, asked) if since < asked else None

    def may_import(self, user: User, at: datetime, now: datetime) -> bool:
        """Say whether what another tool kept of *user* *at* that instant may be taken over: they are recorded *now*."""
        return self.account_of(user, now) is not None and self.account_of(user, at, imported=True) is not None

    def has_opted_in(self, account_id: int, now: datetime, *, imported: bool = False) -> bool:
        """Say whether any user is recorded for the account *now*: whoever is not, nobody is told about.

        What was *imported* may also be of the time before the account was first recorded, if it still is.
        """
        mine = [i for intervals in self._intervals.values() for i in intervals if i.account_id == account_id]
        if any(i.since <= now and (i.until is None or now < i.until) for i in mine):
            return True
        return imported and any(i.until is None for i in mine) and now < min(i.since for i in mine)

    def in_private(self, account_id: int, now: datetime) -> dict[User, datetime]:
        """Return the users of an account who are in private mode *now*, each with the instant that ends it."""
        found: dict[User, datetime] = {}
        for user, intervals in self._intervals.items():
            mine = [i for i in intervals if i.account_id == account_id and (i.until is None or i.until > i.since)]
            later = [i.since for i in mine if i.since > now]
            if later and self.account_of(user, now) is None:
                found[user] = min(later)
        return found

    def recorded_of(self, server_id: str, now: datetime) -> int:
        """Return how many users of a server are recorded *now*."""
        mine = (user for user in self._intervals if user[0] == server_id)
        return sum(self.account_of(user, now) is not None for user in mine)

    def change_rules(self, rules: Rules) -> None:
        """Go by other global rules from now on."""
        self.global_rules = rules
        self._rules = {}

    def rules(self, account_id: int | None) -> Rules:
        """Return the rules of an account: its own where it has any, else the global ones."""
        if account_id is None or account_id not in self.accounts:
            return self.global_rules
        if account_id not in self._rules:
            self._rules[account_id] = overridden(self.global_rules, self.accounts[account_id])
        return self._rules[account_id]

    def zone_of(self, account_id: int) -> tzinfo:
        """Return the time zone whose days an account's watches are counted in."""
        account = self.accounts.get(account_id)
        return ZoneInfo(account.time_zone) if account is not None and account.time_zone else self.zone


def _by_user(intervals: Iterable[Interval]) -> dict[User, tuple[Interval, ...]]:
    found: dict[User, tuple[Interval, ...]] = {}
    for each in intervals:
        user = (each.server_id, each.user_id)
        found[user] = (*found.get(user, ()), each)
    return found


_OWN = ("threshold", "min_seconds", "partial_min_seconds", "record_partials", "require_coverage")


def overridden(rules: Rules, account: Account) -> Rules:
    """Return *rules* with what *account* sets for itself."""
    own = {name: getattr(account, name) for name in _OWN if getattr(account, name) is not None}
    return msgspec.structs.replace(rules, **own)


def fingerprint(rules: Rules) -> str:
    """Return a short text that changes when *rules* do."""
    told: Mapping[str, object] = msgspec.to_builtins(rules)
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:12]
