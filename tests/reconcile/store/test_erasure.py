"""Erasure reaches every table, also those that are yet to come, and finds a person in bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from reconcile.store import erasure
from reconcile.store.engine import Transactions
from reconcile.store.erasure import Mentions
from reconcile.store.tables import metadata

NOW = datetime(2026, 3, 7, 20, tzinfo=UTC)
USER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

NOBODYS = {
    "account",  # goes by its id
    "api_token",
    "erased",
    "import_run",  # goes by what the sentences say, and by the account's number
    "item",
    "look",
    "media",
    "media_alias",
    "media_match",
    "rejected",  # goes by what the body says
    "rejected_count",
    "replay",  # goes by what the sentences say
    "resettling",
    "seerr_media",
    "seerr_series",
    "series_total",
    "server",
    "setting",
    "tally",
    "tmdb_answer",
    "webhook_token",
}
"""Tables that hold nothing of one person. Whoever adds one here says that it is so."""


def is_reached(table: sa.Table, seen: frozenset[str] = frozenset()) -> bool:
    columns = set(table.c.keys())
    if "account_id" in columns or {"server_id", "user_id"} <= columns:
        return True
    parents = [each.column.table for each in table.foreign_keys if each.ondelete == "CASCADE"]
    return any(is_reached(parent, seen | {table.name}) for parent in parents if parent.name not in seen)


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_says_whose_its_rows_are_or_is_nobodys(table: sa.Table) -> None:
    assert is_reached(table) or table.name in NOBODYS, (
        f"erasure does not reach {table.name}: give it account_id, server_id and user_id, or a parent that has them"
    )


@pytest.mark.parametrize(
    ("body", "is_there"),
    [
        (USER, True),
        (USER.upper(), True),
        ("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", True),
        ('{"NotificationUsername":"Al"}', True),
        ("an album by somebody", False),
        ("", False),
    ],
    ids=["the id", "in capitals", "with dashes", "the name", "a part of another word", "nothing"],
)
def test_a_person_is_found_by_id_and_by_name(body: str, is_there: bool) -> None:
    assert Mentions({"al"}, {("server", USER)}).are_in(body.encode()) is is_there


def test_of_nobody_there_is_no_mention() -> None:
    assert not Mentions((), ()).are_in(b"anything")


async def test_an_erasure_is_lifted_once_and_remembered_with_its_time(store: Transactions) -> None:
    async with store.begin() as db:
        await erasure.note(db, ["abc"], NOW)
        assert await erasure.erasures(db) == {"abc": (NOW, True)}

        first = await erasure.lift(db, "abc", NOW + timedelta(days=1))
        again = await erasure.lift(db, "abc", NOW + timedelta(days=2))

        assert first == erasure.Past(NOW, is_lifted_now=True)
        assert again == erasure.Past(NOW, is_lifted_now=False)
        assert await erasure.lift(db, "other", NOW) is None
        assert await erasure.erasures(db) == {"abc": (NOW, False)}
        await erasure.note(db, ["abc"], NOW + timedelta(days=3))
        assert await erasure.erasures(db) == {"abc": (NOW + timedelta(days=3), True)}
