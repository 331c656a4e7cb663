"""Any order, any repetition, with deletions: what is added up part by part is what adding up everything gives."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reconcile.playback.badges import BADGES, Rule, earned_by
from reconcile.playback.feats import Feat
from reconcile.store.engine import Transactions
from tests.invariants.effort import examples
from tests.invariants.stage import copied
from tests.postgres import Postgres
from tests.reconcile.plays import Ledger, Play

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland")
MIDNIGHT = datetime(2026, 3, 27, 22, tzinfo=UTC)
"""Around it, clocks go forward in Berlin, and an evening of Los Angeles is the next day of UTC."""


class Told(msgspec.Struct, frozen=True):
    """A play in small numbers, and whether it comes or goes."""

    account: int
    title: int
    hours: int
    minutes: int
    completed: bool
    together: bool
    channels: int
    goes: bool


told = st.builds(
    Told,
    account=st.integers(0, 2),
    title=st.integers(0, 8),
    hours=st.integers(0, 24 * 12),
    minutes=st.integers(1, 130),
    completed=st.booleans(),
    together=st.booleans(),
    channels=st.sampled_from([1, 1, 2, 3, 8]),
    goes=st.booleans(),
)


async def _household(store: Transactions) -> tuple[Ledger, list[int], list[tuple[int, str]]]:
    ledger = Ledger(store)
    accounts = await ledger.welcome(*ZONES)
    films = await ledger.media("movie", 1984, 1999, None)
    short, running = await ledger.media("series", 2001, 2002)
    await ledger.totals(short, {1: 3, 0: 1})
    await ledger.totals(running, {1: 2}, running=True)
    titles = [(film, "") for film in films]
    titles += [(short, unit) for unit in ("s01e01", "s01e02", "s01e03", "s00e01")]
    return ledger, accounts, [*titles, (running, "s01e01"), (running, "s01e02")]


def _play(each: Told, accounts: list[int], titles: list[tuple[int, str]]) -> Play:
    media, unit = titles[each.title]
    session = "television" if each.together else f"phone{each.account}"
    at = MIDNIGHT + timedelta(hours=each.hours)
    return Play(
        accounts[each.account], media, at, unit, 60.0 * each.minutes - 30, each.completed, session, each.channels
    )


async def _by_parts(url: str, happened: list[Told], seed: int) -> None:
    store = Transactions(url)
    try:
        ledger, accounts, titles = await _household(store)
        for each in happened:
            play = _play(each, accounts, titles)
            await (ledger.drop(play) if each.goes else ledger.play(play))
        left = list(ledger.kept)
        random.Random(seed).shuffle(left)
        by_parts = await ledger.derived()
        assert await ledger.anew() == by_parts
        await _earned(ledger, by_parts)
        await ledger.drop(*left)
        assert not any((await ledger.derived()).values())
        for play in left:
            await ledger.play(play, play)
        assert await ledger.derived() == by_parts
    finally:
        await store.close()


async def _earned(ledger: Ledger, found: dict[str, list[dict[str, object]]]) -> None:
    """Compare the awards with what the rules say of all feats."""
    feats: dict[object, list[Feat]] = {}
    for row in await ledger.rows("feat"):
        done = Feat(row["kind"], row["name"], row["at"], row["watch_id"], row["media_id"], row["part"])
        feats.setdefault(row["account_id"], []).append(done)
    expected = {
        (account, badge.code, feat.at)
        for account, done in feats.items()
        for badge in BADGES
        if badge.rule is not Rule.EARLY and (feat := earned_by(badge, done)) is not None
    }
    told = {
        (r["account_id"], r["badge"], r["earned_at"]) for r in found["badge_award"] if r["badge"] != "early_adopter"
    }
    assert told == expected


@examples(8, 2000)
@given(happened=st.lists(told, max_size=30), seed=st.integers(0, 99))
def test_any_order_any_repetition_with_deletions_add_up_to_the_same(
    sqlite_template: Path, happened: list[Told], seed: int
) -> None:
    with copied(sqlite_template) as url:
        asyncio.run(_by_parts(url, happened, seed))


@examples(2, 100)
@given(happened=st.lists(told, max_size=20), seed=st.integers(0, 99))
def test_on_postgresql_too(postgres: Postgres, postgres_template: str, happened: list[Told], seed: int) -> None:
    asyncio.run(_by_parts(postgres.new_database(postgres_template), happened, seed))
