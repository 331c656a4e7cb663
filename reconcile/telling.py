"""Telling others: what follows from a change of the history is queued for them in the same transaction.

Where nobody is to be told, nothing is queued and no statement is run. What is told of is a fact of lately, about
somebody who is recorded now, and none that another tool alone tells of; ids derive from the fact, and what a target
was told last is compared with what is so now, so that a replay, a resettle or a crash tells nothing twice.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile import messages
from reconcile.changes import Settled
from reconcile.hearers import Hearers, Row, Told
from reconcile.people import People
from reconcile.playback.badges import BY_CODE
from reconcile.playback.news import WENT_ON, Kind
from reconcile.retelling import tell_watches
from reconcile.store import outbox, tellable
from reconcile.store.channels import IMPORT_ALONE
from reconcile.store.outbox import Message


async def tell(db: AsyncConnection, people: People, now: datetime, settled: Settled) -> None:
    """Queue what *settled* means for those who are to be told. It comes last of all that follows."""
    if people.targets:
        hearers = Hearers(db, people, now)
        await _playbacks(hearers, settled)
        await tell_watches(hearers, settled)
        _badges(hearers, settled)
        await outbox.queue(db, hearers.queued, now)


# --- playbacks -------------------------------------------------------------------------------------------------------


async def _playbacks(hearers: Hearers, settled: Settled) -> None:
    """Tell which playbacks have begun, and which are over."""
    began = settled.began if hearers.want(Kind.PLAYBACK_STARTED) else []
    ended = settled.ended if hearers.want(Kind.PLAYBACK_ENDED) else []
    if not began and not ended:
        return
    rows = await tellable.playbacks(hearers.db, {*began, *ended})
    media = await hearers.media(row["media_id"] for row in rows.values())
    told = await hearers.told({_subject(rows[number]) for number in ended if number in rows})
    for kind, numbers in ((Kind.PLAYBACK_STARTED, began), (Kind.PLAYBACK_ENDED, ended)):
        for number in dict.fromkeys(numbers):
            if number in rows:
                _playback(hearers, kind, rows[number], media, told)


def _playback(hearers: Hearers, kind: Kind, row: Row, media: dict[int, Row], told: dict[tuple[int, str], Told]) -> None:
    account_id, is_end = row["account_id"], kind is Kind.PLAYBACK_ENDED
    is_recorded = hearers.people.is_recorded((row["server_id"], row["user_id"]), hearers.now)
    if account_id is None or not is_recorded or (is_end and row["open"]) or row["channels"] == IMPORT_ALONE:
        return
    at = row["ended_at"] if is_end else row["started_at"]
    shown = messages.media_words(media.get(row["media_id"]), row["unit"], row["facts"])
    body = messages.body(kind, at, messages.playback_words(row, hearers.account(account_id), shown))
    subject = _subject(row)
    key = (row["server_id"], row["session_id"], row["user_id"], row["item_id"])
    fact = (kind.value, *key, row["first_at"].isoformat())
    for target in hearers.of(account_id, [kind], at):
        before = told.get((target.id, subject)) if is_end else None
        if before is None or Kind.PLAYBACK_ENDED not in before.kinds:
            number = messages.message_id(*fact)
        elif at - datetime.fromisoformat(before.data["ended_at"]) > WENT_ON:
            number = messages.message_id(*fact, before.message_id)
        else:
            continue
        hearers.queued.append(Message(number, target.id, account_id, kind.value, subject, body))


def _subject(row: Row) -> str:
    return f"playback/{row['key_id']}/{row['first_at'].isoformat()}"


# --- badges ----------------------------------------------------------------------------------------------------------


def _badges(hearers: Hearers, settled: Settled) -> None:
    """Tell which badges were earned. One that goes and is earned again is told once."""
    for each in settled.badges:
        if each.after is None or not each.is_earned:
            continue
        badge = BY_CODE.get(each.code)
        data = {
            "account": hearers.account(each.account),
            "badge": {
                "code": each.code,
                "name": None if badge is None else badge.name,
                "sentence": None if badge is None else badge.sentence,
            },
            "earned_at": each.after,
            "watch": each.watch,
        }
        subject = f"badge/{each.account}/{each.code}"
        kind, number = Kind.BADGE_EARNED, messages.message_id(Kind.BADGE_EARNED.value, subject)
        body = messages.body(kind, each.after, data)
        for target in hearers.of(each.account, [kind], each.after):
            hearers.queued.append(Message(number, target.id, each.account, kind.value, subject, body))
