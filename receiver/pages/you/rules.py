"""One's own rules: the form, what is wrong with it, and what it would change, without changing anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import msgspec

from receiver.house import House
from receiver.pages.saying import counted, for_long, local
from receiver.pages.you.whose import Whose
from receiver.wishes import Ruled
from reconcile.accounts import checked_zone
from reconcile.errors import SettingRefused
from reconcile.estimating import Case, Estimate, estimate
from reconcile.people import overridden
from reconcile.store.people import Account

WINDOW = timedelta(days=30)
"""Of how long ago a preview tells."""

HOUSEHOLD, OWN = "household", "own"

BOUNDS = {"threshold": (1, 100), "min_seconds": (0, 3600), "partial_min_seconds": (0, 36000)}
_SWITCHES = ("record_partials", "require_coverage")
_LONGEST = 80


class Form(msgspec.Struct):
    """What somebody has entered: *fields* as they are shown again, *values* as they are kept, *errors* by field."""

    fields: dict[str, str]
    values: dict[str, object] = {}
    errors: dict[str, str] = {}


def fields_of(account: Account, house: House) -> dict[str, str]:
    """Return the fields of an account's rules as they are; where it has none of its own, the household's are shown."""
    rules = house.people.global_rules
    fields = {}
    for name in BOUNDS:
        own = getattr(account, name)
        fields[f"{name}_from"] = HOUSEHOLD if own is None else OWN
        fields[name] = f"{getattr(rules, name) if own is None else own:g}"
    for name in _SWITCHES:
        fields[name] = {None: HOUSEHOLD, True: "yes", False: "no"}[getattr(account, name)]
    return fields | {"time_zone": account.time_zone or ""}


def read(told: Mapping[str, Any], account: Account, house: House) -> Form:
    """Return what *told*, the fields of a form, means; what it does not say stays as it is."""
    before = fields_of(account, house)
    form = Form({name: str(told.get(name, value))[:_LONGEST].strip() for name, value in before.items()})
    for name, (low, high) in BOUNDS.items():
        _number(form, name, low, high, before)
    for name in _SWITCHES:
        chosen = form.fields[name]
        if chosen in {HOUSEHOLD, "yes", "no"}:
            form.values[name] = None if chosen == HOUSEHOLD else chosen == "yes"
        else:
            form.errors[name] = "Choose one of the three."
    _zone(form)
    form.values = {name: value for name, value in form.values.items() if value != getattr(account, name)}
    return form


def _number(form: Form, name: str, low: int, high: int, before: Mapping[str, str]) -> None:
    if form.fields[f"{name}_from"] == HOUSEHOLD:
        form.values[name], form.fields[name] = None, form.fields[name] or before[name]
        return
    unit = "%" if name == "threshold" else "s"
    try:
        value = float(form.fields[name].replace(",", "."))
    except ValueError:
        value = float("nan")
    if low <= value <= high:
        form.values[name] = value
    else:
        form.errors[name] = f"A number from {low} to {high} {unit} is needed."


def _zone(form: Form) -> None:
    name = form.fields["time_zone"]
    try:
        form.values["time_zone"] = checked_zone(name) if name else None
    except SettingRefused:
        form.errors["time_zone"] = "No such time zone: a name such as Europe/Lisbon is needed, or nothing."


@cache
def zones() -> tuple[str, ...]:
    """Return the names of time zones that people look for: continent and city."""
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES)))


_NOT_PLACES = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/", "posix/", "right/")


async def preview(house: House, it: Whose, form: Form) -> Estimate:
    """Return what the account's last 30 days would be by the rules of *form*, reckoned without writing."""
    own = msgspec.structs.asdict(it.account) | form.values
    then = overridden(house.people.global_rules, Account(**own))
    case = Case(it.rules, then, house.people.zone_of(it.account.id))
    async with house.store.read() as db:
        return await estimate(db, {it.account.id: case}, house.clock() - WINDOW)


def window_in_words(found: Estimate, now: datetime) -> str:
    """Return of how long ago an estimate tells: «last 30 days», or less where there was too much of it."""
    days = max(1, round((now - found.since) / timedelta(days=1)))
    if found.is_cut_short and days <= 1:
        return f"last {for_long((now - found.since).total_seconds())}"
    return f"last {counted(days, 'day')}"


class Effect(msgspec.Struct, frozen=True):
    """What a change of rules does to the whole history: rows that *came*, *went*, *moved* to another day or *differ*.

    *sentences* tell the first of them one by one, moved ones apart.
    """

    came: int
    went: int
    moved: int
    differ: int
    sentences: list[str]

    @property
    def said(self) -> str:
        """It in one line."""
        parts = [
            f"{counted(number, 'row')} {verb}"
            for number, verb in ((self.came, "new"), (self.went, "gone"), (self.moved, "on another day"))
            if number
        ]
        if self.differ:
            parts.append(f"{counted(self.differ, 'row')} with another verdict")
        return ", ".join(parts) or "no row of the history differs"


MOST_TOLD = 50


def effect(done: Ruled, *, is_dry: bool) -> Effect:
    """Return what a change did, or would do: a row that is gone here and new there has moved to another day."""
    new = {
        (e.after.account_id, e.after.media_id, e.after.unit, e.after.playbacks): e
        for e in done.differences
        if e.before is None and e.after
    }
    moved = set()
    for each in done.differences:
        if each.after is None and each.before is not None:
            row = each.before
            twin = new.get((row.account_id, row.media_id, row.unit, row.playbacks))
            if twin is not None:
                moved |= {id(each), id(twin)}
    rest = [each for each in done.differences if id(each) not in moved]
    return Effect(
        came=sum(each.before is None for each in rest),
        went=sum(each.after is None for each in rest),
        moved=len(moved) // 2,
        differ=sum(each.before is not None and each.after is not None for each in rest),
        sentences=[each.sentence(is_dry=is_dry) for each in rest[:MOST_TOLD]],
    )


def today(now: datetime, it: Whose) -> Any:  # noqa: ANN401 - a date
    """Return the date on the account's own calendar."""
    return local(now, it.zone).date()
