"""The metadata that all tables share, and their columns in the words of this project."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Text

from reconcile.store.types import Id, Instant, Json

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def row_id() -> Column[int]:
    """Return the column that numbers the rows."""
    return Column("id", Id, primary_key=True)


def of(name: str, parent: str, *, primary_key: bool = False) -> Column[int]:
    """Return a column that points at the row without which this one makes no sense."""
    return Column(name, Id, ForeignKey(parent, ondelete="CASCADE"), primary_key=primary_key, nullable=False)


def text(name: str, *, primary_key: bool = False) -> Column[str]:
    """Return a column of text that is always there; it may be empty."""
    return Column(name, Text, primary_key=primary_key, nullable=False)


def texts(*names: str) -> list[Column[Any]]:
    """Return columns of text that may be absent."""
    return [Column(name, Text) for name in names]


def instant(name: str, *, primary_key: bool = False) -> Column[Any]:
    """Return a column of an aware instant."""
    return Column(name, Instant, primary_key=primary_key, nullable=False)


def number(name: str, default: int | None = None) -> Column[int]:
    """Return a column of a whole number."""
    return Column(name, Integer, nullable=False, server_default=None if default is None else str(default))


def seconds(name: str, default: int | None = None) -> Column[float]:
    """Return a column of a number, mostly seconds."""
    return Column(name, Float, nullable=False, server_default=None if default is None else str(default))


def flag(name: str) -> Column[bool]:
    """Return a column that is false unless it is said."""
    return Column(name, Boolean, nullable=False, server_default=sa.false())


def json(name: str, empty: str) -> Column[Any]:
    """Return a column of JSON, *empty* unless it is said."""
    return Column(name, Json, nullable=False, server_default=empty)
