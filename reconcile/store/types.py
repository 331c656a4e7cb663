"""Column types of our own: instants are aware and UTC on every database, ids fit 64 bits, JSON has no second null."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number made by the database. PostgreSQL spends one on each refused insert too; SQLite counts only in INTEGER."""

Json = sa.JSON(none_as_null=True)
"""Lists and objects; None is the database's NULL."""


class Instant(sa.TypeDecorator[datetime]):
    """An aware UTC datetime, to the microsecond.

    SQLite keeps text without a zone and gives back naive values; PostgreSQL keeps timestamptz. A naive value is
    refused with ValueError: it would be one hour off somewhere, in silence.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return *value* as the database is to keep it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Return what was kept, aware and in UTC."""
        if value is None:
            return None
        kept: datetime = value
        return kept.replace(tzinfo=UTC) if kept.tzinfo is None else kept.astimezone(UTC)


def as_text(at: datetime) -> str:
    """Return an instant as SQLite keeps it, for statements in the driver's own words."""
    told = _encoded(at)
    if len(told) == _WITH_MICROSECONDS:
        return told[1:27].replace(b"T", b" ").decode()
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def as_json(at: datetime) -> str:
    """Return a UTC instant as it is kept within JSON: what `datetime.isoformat` returns, at a fifth of its price."""
    told = _encoded(at)
    return told[1:27].decode() + "+00:00" if len(told) == _WITH_MICROSECONDS else at.isoformat()


_encoded = msgspec.json.Encoder().encode
_WITH_MICROSECONDS = len('"2026-11-22T20:00:00.000001Z"')
"""Only a UTC instant with microseconds is told at this length: a look asks for thousands of these."""
