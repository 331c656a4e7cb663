"""Insert that settles races: the same ON CONFLICT statement in the words of either database."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(db: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into *table* that knows ``on_conflict_do_nothing``, ``on_conflict_do_update`` and ``excluded``.

    ids have gaps on PostgreSQL after a conflict; nobody may count on dense ones.
    """
    return sqlite.insert(table) if db.dialect.name == "sqlite" else postgresql.insert(table)
