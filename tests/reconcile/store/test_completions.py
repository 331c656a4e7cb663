"""Whoever sat in one seat is found by the seat: a larger ledger, or a longer series, is no more work."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from reconcile.store import completions
from reconcile.store.engine import Transactions

SEAT = "ix_playback_key_server_id_item_id_session_id_user_id (server_id=? AND item_id=? AND session_id=?)"
ASKED = {"account": 1, "media": [1, 2], "units": ["", "s01e01"]}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param(completions._TOGETHER, {"account": 1}, id="all that was watched together"),
        pytest.param(completions._UNITS_TOGETHER, ASKED, id="a few films and episodes"),
        pytest.param(completions._SEATED, ASKED, id="who else was in the seat"),
    ],
)
async def test_sqlite_goes_through_the_seat(sqlite_url: str, query: sa.Select[Any], asked: dict[str, object]) -> None:
    store = Transactions(sqlite_url)
    text = query.params(asked).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})

    async with store.read() as db:
        rows = (await db.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")).all()
    await store.close()

    steps = [str(row._mapping["detail"]) for row in rows]
    assert any(step.startswith("SEARCH other_key") and step.endswith(SEAT) for step in steps), steps
    assert not any("ix_watch_media_id" in step or step.startswith("SCAN") for step in steps), steps
