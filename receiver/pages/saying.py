"""How the pages say things: durations, positions, instants, days, and how a playback stands, in plain words.

Pure: the time is an argument. What is not known is said as «–».
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from reconcile.playback.edges import EndedBy
from reconcile.playback.rules import REPORTS_EVERY, Rules

Row = Mapping[str, Any]

NOT_KNOWN = "–"

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400

_IN_SECONDS = 120
"""Up to here a duration is said in seconds: verdicts and minimums are («watched 97 s»)."""

_IN_HOURS = 100 * HOUR
"""From here on nobody asks for the minutes."""

_JUST_NOW = 10
_MONTH, _YEAR = 30.44, 365.25

_ENDINGS: dict[str, str] = {
    EndedBy.STOP: "by a stop",
    EndedBy.IDLE: "the server closed it: the player had gone quiet",
    EndedBy.ABSENCE: "the player was gone",
    EndedBy.SUPERSEDED: "something else began",
    EndedBy.RESTART: "it began anew",
    EndedBy.SILENCE: "nothing more was heard",
    EndedBy.IMPORTED: "as the import tells",
}


def for_long(seconds: float | None) -> str:
    """Return a duration: «45 s», «52 min», «1 h 04 min», «312 h»."""
    if seconds is None or not math.isfinite(seconds):
        return NOT_KNOWN
    said = "-" if seconds <= -0.5 else ""  # noqa: PLR2004 - what rounds to nothing has no sign
    whole = round(abs(seconds))
    if whole < _IN_SECONDS:
        return f"{said}{whole} s"
    minutes = round(whole / MINUTE)
    if minutes < MINUTE:
        return f"{said}{minutes} min"
    if whole >= _IN_HOURS:
        return f"{said}{round(whole / HOUR):,} h"
    return f"{said}{minutes // 60} h {minutes % 60:02} min"


def position(seconds: float | None) -> str:
    """Return a place in an item, or a countdown: «1:02:10», «28:10», «0:00»; what has begun to pass is not yet over."""
    if seconds is None or not math.isfinite(seconds):
        return NOT_KNOWN
    whole = max(0, math.floor(seconds))
    hours, rest = divmod(whole, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def share_in_words(percent: float | None) -> str:
    """Return *percent* rounded down, «96 %»: what is called 85 % has reached it."""
    return NOT_KNOWN if percent is None or not math.isfinite(percent) else f"{math.floor(percent):d} %"


def ago(instant: datetime | None, now: datetime) -> str:
    """Return how long before *now* that was: «just now», «40 s ago», «3 h ago», «2 days ago»; «in 4 min» if after."""
    if instant is None:
        return "never"
    seconds = (now - instant).total_seconds()
    if abs(seconds) < _JUST_NOW:
        return "just now"
    said = _roughly(abs(seconds))
    return f"{said} ago" if seconds > 0 else f"in {said}"


def _roughly(seconds: float) -> str:
    if seconds < 1.5 * MINUTE:
        return f"{round(seconds)} s"
    if seconds < 1.5 * HOUR:
        return f"{round(seconds / MINUTE)} min"
    if seconds < 1.5 * DAY:
        return f"{round(seconds / HOUR)} h"
    days = seconds / DAY
    if days < 2 * _MONTH:
        return f"{round(days)} days"
    return f"{round(days / _MONTH)} months" if days < 2 * _YEAR else f"{round(days / _YEAR)} years"


def local(instant: datetime, zone: tzinfo) -> datetime:
    """Return *instant* on the clocks of *zone*; at the very ends of time, where there is no such hour, as it is."""
    try:
        return instant.astimezone(zone)
    except (OverflowError, ValueError):
        return instant


def at(instant: datetime | None, zone: tzinfo, day: date | None = None) -> str:
    """Return the time on the clocks of *zone*, «20:03»; where a *day* is given and it is another: «14 Nov 20:03»."""
    if instant is None:
        return NOT_KNOWN
    there = local(instant, zone)
    time = f"{there:%H:%M}"
    if day is None or there.date() == day:
        return time
    year = "" if there.year == day.year else f" {there.year}"
    return f"{there.day} {there:%b}{year} {time}"


def day_in_words(day: date, today: date) -> str:
    """Return *day* as people name it: «today», «yesterday», «Saturday», «Sat 14 November», «14 November 2025»."""
    past = (today - day).days
    if past in _NEAR_DAYS:
        return _NEAR_DAYS[past]
    if 0 < past < 7:  # noqa: PLR2004 - the days of a week
        return f"{day:%A}"
    return f"{day:%a} {day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B} {day.year}"


_NEAR_DAYS = {0: "today", 1: "yesterday", -1: "tomorrow"}


def date_in_words(day: date, today: date) -> str:
    """Return *day* as a sentence names it: «14 November», «14 November 2025»."""
    return f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B} {day.year}"


def dated(sentence: str, today: date) -> str:
    """Return a sentence of the ledger's with its dates said as people do.

    The ledger dates a row at its beginning, and what somebody said or earned at its end; a title may hold a date too.
    """
    told = _DATED_AT_LAST.sub(lambda found: _spelt(found[0], today), sentence)
    return _DATED_AT_FIRST.sub(lambda found: f"{_spelt(found[1], today)}, ", told)


_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATED_AT_FIRST = re.compile(f"^({_DATE}) ")
_DATED_AT_LAST = re.compile(rf"(?<= on ){_DATE}(?=\Z|, not on {_DATE}\Z)")


def _spelt(text: str, today: date) -> str:
    try:
        return date_in_words(date.fromisoformat(text), today)
    except ValueError:
        return text


class Toward(msgspec.Struct, frozen=True):
    """What counting goes by, in seconds: *position* is where it plays now, *seen* the length of what was covered.

    *watched* is that of the whole chain of playbacks that together make one viewing.
    """

    reached: float
    watched: float
    runtime: float | None
    position: float | None = None
    seen: float | None = None


def toward(row: Row) -> Toward:
    """Return what counting goes by from the row of a playback."""
    return Toward(
        reached=row["reached_seconds"],
        watched=row["watched_seconds"],
        runtime=row["runtime_seconds"],
        position=row["position_seconds"],
        seen=sum(part[1] - part[0] for part in row["covered"]),
    )


def counts_in(it: Toward, rules: Rules) -> str:
    """Return «counts», «counts in 1:12», or why it will not, if it plays on as it does (DESIGN §6, 1 to 3)."""
    left = counts_after(it, rules)
    if isinstance(left, str):
        return left
    return f"counts in {position(math.ceil(left))}" if left > 0 else "counts"


def counts_after(it: Toward, rules: Rules) -> float | str:
    """Return after how many seconds of playing on it counts, 0 if it does; or why it will not."""
    if not it.runtime or it.runtime <= 0:
        return "cannot count yet: the runtime is not known"
    goal = rules.goal(it.runtime)
    where = it.reached if it.position is None else it.position
    minimum = min(rules.min_seconds, it.runtime / 2)
    missing = max(0.0 if it.reached >= goal else goal - where, minimum - it.watched)
    left = max(0.0, it.runtime - where)
    unseen = max(0.0, goal - it.seen) if rules.require_coverage and it.seen is not None else 0.0
    if unseen > left:
        return f"will not count: too much was skipped, {share_in_words(rules.threshold)} must be seen"
    missing = max(missing, unseen)
    if missing > left:
        return f"will not count: watched {for_long(it.watched)}, the minimum is {for_long(minimum)}"
    return missing


def state_in_words(row: Row, now: datetime) -> str:
    """Return how the playback of *row* stands: «playing», «paused for 4 min», «not heard from for 40 s», «ending».

    A closed one is «ended». *row* is one as the history reads it: while open, ``ended_at`` is until when it was heard.
    """
    if not row["open"]:
        return "ended"
    if row["due_at"] is not None and now >= row["due_at"]:
        return "ending"
    if row["state"] == "paused":
        return f"paused for {for_long(max(0.0, (now - still_since(row)).total_seconds()))}"
    heard = max(row["last_at"], row["ended_at"] or row["last_at"])
    silent = now - heard
    return "playing" if silent <= REPORTS_EVERY else f"not heard from for {for_long(silent.total_seconds())}"


def still_since(row: Row) -> datetime:
    """Return when it was last playing: a paused player goes on checking in."""
    first: datetime = row["first_at"]
    if not row["intervals"]:
        return first
    began, seconds = row["intervals"][-1]
    return max(first, datetime.fromisoformat(began) + timedelta(seconds=seconds))


def ending_in_words(ended_by: str | None) -> str:
    """Return what ended a playback: «by a stop», «something else began»; '' while it is open."""
    return "" if ended_by is None else _ENDINGS.get(ended_by, ended_by)


def server_in_words(row: Row) -> str:
    """Return what Jellyfin itself says of the playback of *row*, beside our verdict; '' where it says nothing."""
    completed: bool | None = row["server_completed"]
    if completed is None:
        return ""
    return f"Jellyfin itself says: {'' if completed else 'not '}played to its end"


def listed(names: Iterable[str]) -> str:
    """Return «webhook», «poll and webhook», «import, poll and webhook»."""
    *others, last = [*names] or [NOT_KNOWN]
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return «1 film», «1,204 films»."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
