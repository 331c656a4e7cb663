"""Insert that settles races: the same ON CONFLICT statement in the words of either database."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(db: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into *table* that knows ``on_conflict_do_nothing``, ``on_conflict_do_update`` and ``excluded``.

    ids have gaps on PostgreSQL after a conflict; nobody may count on dense ones.
    """
    return upsert_of(db.dialect.name, table)


def upsert_of(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the same by the name of the dialect."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
