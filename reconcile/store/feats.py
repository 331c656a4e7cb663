"""Feats as kept, counted by month, so that the thousandth is found without counting to a thousand.

Whoever writes says which names of which kinds they speak of: those rows are compared with what should be there, and
what differs is written. So a part that is computed again and again stays what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.feats import SEASONS, SERIES, TOGETHER, Feat
from reconcile.store.keys import CHUNK
from reconcile.store.tables import feat, feat_count

Place = tuple[datetime, str]
"""Where a feat stands among those of its kind: (at, name)."""


class Moved(msgspec.Struct):
    """What came, went or moved among the feats of one account: by kind in which months, and since when."""

    months: dict[str, set[str]] = {}
    since: dict[str, datetime] = {}
    gone: list[Feat] = []
    made: list[Feat] = []

    def note(self, old: Feat | None, new: Feat | None) -> None:
        """Note that *old* has become *new*; None where there was or is none."""
        if old is not None:
            self.gone.append(old)
        if new is not None:
            self.made.append(new)
        for each in (old, new):
            if each is not None:
                self.months.setdefault(each.kind, set()).add(each.month)
                self.since[each.kind] = min(each.at, self.since.get(each.kind, each.at))


_COLUMNS = (feat.c.kind, feat.c.name, feat.c.at, feat.c.watch_id, feat.c.media_id, feat.c.part)
_NAMED = sa.select(*_COLUMNS).where(
    feat.c.account_id == sa.bindparam("account"),
    feat.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    feat.c.name.in_(sa.bindparam("names", expanding=True)),
)
_DELETE = sa.delete(feat).where(
    feat.c.account_id == sa.bindparam("account"),
    feat.c.kind == sa.bindparam("of_kind"),
    feat.c.name == sa.bindparam("called"),
)
_INSERT = sa.insert(feat)
_OF_SERIES = sa.select(feat.c.name).where(
    feat.c.account_id == sa.bindparam("account"),
    feat.c.media_id == sa.bindparam("media"),
    feat.c.kind.in_(sa.bindparam("kinds", expanding=True)),
)


async def settle(
    db: AsyncConnection,
    account: int,
    kinds: Collection[str],
    names: Iterable[str],
    wanted: Iterable[Feat],
    moved: Moved,
) -> None:
    """Make the feats of *kinds* called one of *names* what is *wanted*, and note in *moved* what that changed."""
    before = await named(db, account, kinds, names)
    after = {(each.kind, each.name): each for each in wanted}
    gone = [each for place, each in before.items() if after.get(place) != each]
    made = [each for place, each in after.items() if before.get(place) != each]
    if gone:
        await db.execute(_DELETE, [{"account": account, "of_kind": e.kind, "called": e.name} for e in gone])
    if made:
        await db.execute(_INSERT, [_values(account, each) for each in made])
    for each in gone:
        moved.note(each, None)
    for each in made:
        moved.note(None, each)


async def named(
    db: AsyncConnection, account: int, kinds: Collection[str], names: Iterable[str]
) -> dict[tuple[str, str], Feat]:
    """Return the feats of *kinds* called one of *names*, by kind and name."""
    found: dict[tuple[str, str], Feat] = {}
    wanted = sorted(set(names))
    for start in range(0, len(wanted), CHUNK):
        asked = {"account": account, "kinds": sorted(kinds), "names": wanted[start : start + CHUNK]}
        for row in await db.execute(_NAMED, asked):
            found[row[0], row[1]] = Feat(*row)
    return found


def _values(account: int, each: Feat) -> dict[str, object]:
    return {
        "account_id": account,
        "kind": each.kind,
        "name": each.name,
        "at": each.at,
        "month": each.month,
        "part": each.part,
        "media_id": each.media,
        "watch_id": each.watch,
    }


async def names_of_series(db: AsyncConnection, account: int, media_id: int) -> set[str]:
    """Return the names of an account's feats with a whole series or a season of it."""
    asked = {"account": account, "media": media_id, "kinds": (SERIES, SEASONS)}
    return set((await db.execute(_OF_SERIES, asked)).scalars())


async def forget(db: AsyncConnection, account: int) -> None:
    """Forget an account's feats, and how many they are: they are to be made anew."""
    for table in (feat, feat_count):
        await db.execute(sa.delete(table).where(table.c.account_id == account))


async def of_media(db: AsyncConnection, media_ids: Collection[int]) -> list[tuple[int, Feat]]:
    """Return the feats that were done with *media_ids*, each with its account."""
    query = sa.select(feat.c.account_id, *_COLUMNS).where(feat.c.media_id.in_(media_ids))
    return [(account, Feat(*row)) for account, *row in await db.execute(query)]


async def company_of(db: AsyncConnection, media_id: int, name: str, other: int) -> list[int]:
    """Return the accounts that are said to have watched something of *media_id*, called *name*, with *other*."""
    c = feat.c
    query = sa.select(c.account_id).where(c.media_id == media_id, c.kind == TOGETHER, c.name == name)
    return list((await db.execute(query.where(c.part == str(other)))).scalars())


async def in_company_of(db: AsyncConnection, other: int) -> list[int]:
    """Return the accounts that are said to have watched anything with *other*: the whole table is read for it."""
    query = sa.select(feat.c.account_id).where(feat.c.kind == TOGETHER, feat.c.part == str(other)).distinct()
    return list((await db.execute(query)).scalars())


async def first_of_part(db: AsyncConnection, account: int, kind: str, part: str) -> Feat | None:
    """Return the earliest feat of *kind* whose part is *part*."""
    c = feat.c
    query = sa.select(*_COLUMNS).where(c.account_id == account, c.kind == kind, c.part == part)
    row = (await db.execute(query.order_by(c.at, c.name).limit(1))).first()
    return None if row is None else Feat(*row)


# --- counts ----------------------------------------------------------------------------------------------------------

_COUNTED = (
    sa.select(feat.c.month, sa.func.count())
    .where(
        feat.c.account_id == sa.bindparam("account"),
        feat.c.kind == sa.bindparam("of_kind"),
        feat.c.month.in_(sa.bindparam("months", expanding=True)),
    )
    .group_by(feat.c.month)
)
_KEPT = sa.select(feat_count.c.month, feat_count.c.count).where(
    feat_count.c.account_id == sa.bindparam("account"),
    feat_count.c.kind == sa.bindparam("of_kind"),
    feat_count.c.month.in_(sa.bindparam("months", expanding=True)),
)
_FORGET = sa.delete(feat_count).where(
    feat_count.c.account_id == sa.bindparam("account"),
    feat_count.c.kind == sa.bindparam("of_kind"),
    feat_count.c.month == sa.bindparam("of_month"),
)
_COUNT = sa.insert(feat_count)
_RECOUNT = (
    sa.update(feat_count)
    .where(
        feat_count.c.account_id == sa.bindparam("account"),
        feat_count.c.kind == sa.bindparam("of_kind"),
        feat_count.c.month == sa.bindparam("of_month"),
    )
    .values(count=sa.bindparam("number"))
)
_MONTHS = (
    sa.select(feat_count.c.month, sa.func.sum(feat_count.c.count))
    .where(
        feat_count.c.account_id == sa.bindparam("account"),
        feat_count.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    )
    .group_by(feat_count.c.month)
    .order_by(feat_count.c.month)
)
_RANKED = (
    sa.select(*_COLUMNS)
    .where(
        feat.c.account_id == sa.bindparam("account"),
        feat.c.kind.in_(sa.bindparam("kinds", expanding=True)),
        feat.c.month == sa.bindparam("of_month"),
    )
    .order_by(feat.c.at, feat.c.name)
    .limit(1)
    .offset(sa.bindparam("skipped"))
)


async def count(db: AsyncConnection, account: int, moved: Moved) -> None:
    """Count the months again in which something has *moved*."""
    for kind, touched in moved.months.items():
        months = sorted(touched)
        for start in range(0, len(months), CHUNK):
            await _count(db, account, kind, months[start : start + CHUNK])


async def _count(db: AsyncConnection, account: int, kind: str, months: Sequence[str]) -> None:
    asked = {"account": account, "of_kind": kind, "months": months}
    now = {row[0]: row[1] for row in await db.execute(_COUNTED, asked)}
    then = {row[0]: row[1] for row in await db.execute(_KEPT, asked)}
    for month in months:
        told = {"account": account, "of_kind": kind, "of_month": month}
        if month not in now:
            if month in then:
                await db.execute(_FORGET, told)
        elif month not in then:
            values = {"account_id": account, "kind": kind, "month": month, "count": now[month]}
            await db.execute(_COUNT, values)
        elif now[month] != then[month]:
            await db.execute(_RECOUNT, told | {"number": now[month]})


class Ranking(msgspec.Struct, frozen=True):
    """How many feats of *kinds* an account has, by month, the earliest first."""

    account: int
    kinds: tuple[str, ...]
    months: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many that are."""
        return sum(number for _month, number in self.months)

    async def nth(self, db: AsyncConnection, number: int) -> Feat | None:
        """Return the feat that made them *number*, None if there are fewer: by months, then within one."""
        before = 0
        for month, there in self.months:
            if before + there >= number:
                asked = {"account": self.account, "kinds": self.kinds, "of_month": month}
                row = (await db.execute(_RANKED, asked | {"skipped": number - before - 1})).first()
                return None if row is None else Feat(*row)
            before += there
        return None


async def ranking(db: AsyncConnection, account: int, kinds: Sequence[str]) -> Ranking:
    """Return how many feats of *kinds* an account has."""
    rows = await db.execute(_MONTHS, {"account": account, "kinds": tuple(kinds)})
    return Ranking(account, tuple(kinds), tuple((month, int(number)) for month, number in rows))


async def up_to(db: AsyncConnection, account: int, kinds: Sequence[str], last: Place, most: int) -> list[Feat]:
    """Return up to *most* feats of *kinds* that were done by *last*, the latest first."""
    at, name = last
    c = feat.c
    query = sa.select(*_COLUMNS).where(c.account_id == account, c.kind.in_(kinds))
    query = query.where(sa.or_(c.at < at, sa.and_(c.at == at, c.name <= name)))
    rows = await db.execute(query.order_by(c.at.desc(), c.name.desc()).limit(most))
    return [Feat(*row) for row in rows]
