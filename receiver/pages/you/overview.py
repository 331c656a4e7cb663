"""You: what is recorded of somebody, by which rules, and how the week went; for their own eyes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from receiver.house import House
from receiver.pages.doors import visitor_of
from receiver.pages.rendering import AnyRequest, page, part, redirect
from receiver.pages.saying import local
from receiver.pages.you import activity as by_day
from receiver.pages.you.recorded import OPEN_END, next_morning, recorded
from receiver.pages.you.rules import Form, effect, fields_of, preview, read, window_in_words, zones
from receiver.pages.you.whose import NobodyError, Whose, shown, theirs, whose
from receiver.wishes import rule
from reconcile.playback.streaks import streaks
from reconcile.store import accounts, activity, badges


@get(theirs())
async def overview(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show how it stands: whether they are recorded, by which rules, and how the week went."""
    try:
        it = whose(request, house)
    except NobodyError:
        return page(request, house, "you/nobody.html", user=visitor_of(request).user)
    return await _overview(request, house, it, Form(fields_of(it.account, house)))


@get(theirs("/rules/preview"))
async def rules_preview(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Say in a sentence what the rules of a form would make of the last 30 days; a part of a page."""
    it = whose(request, house)
    form = read(request.query_params, it.account, house)
    found = None if form.errors or not form.values else await preview(house, it, form)
    window = "" if found is None else window_in_words(found, house.clock())
    context: dict[str, object] = {"errors": form.errors, "estimate": found, "window": window, "whom": _whom(it)}
    return part(request, house, "you/preview.html", **context)


@post(theirs("/rules"))
async def rules(request: AnyRequest, house: NamedDependency[House]) -> Redirect | Response[Any]:
    """Keep somebody's own rules, or with ``try`` only show what they would change."""
    it, told = whose(request, house), await request.form()
    form = read(told, it.account, house)
    if form.errors:
        return await _overview(request, house, it, form, status=400)
    if not form.values:
        return redirect(it.base, "Nothing was changed: the rules are as before.", "soft")
    if "try" not in told:
        done = await rule(house, it.account.id, form.values)
        said = "" if done is None else effect(done, is_dry=False).said
        return redirect(it.base, f"The rules are kept. By them, {said}.")
    tried = await rule(house, it.account.id, form.values, dry_run=True)
    would = None if tried is None else effect(tried, is_dry=True)
    found = await preview(house, it, form)
    would_be: dict[str, object] = {"estimate": found, "window": window_in_words(found, house.clock()), "effect": would}
    return await _overview(request, house, it, form, told=would_be)


async def _overview(
    request: AnyRequest,
    house: House,
    it: Whose,
    form: Form,
    status: int = 200,
    told: Mapping[str, object] | None = None,
) -> Template:
    now = house.clock()
    today = local(now, it.zone).date()
    async with house.store.read() as db:
        links = await accounts.links_of(db, it.account.id)
        intervals = await accounts.intervals_of(db, it.account.id)
        lately = await activity.days(db, it.account.id, today - timedelta(days=by_day.BARS), today)
        days = await activity.active_days(db, it.account.id)
        earned = await badges.awards(db, it.account.id)
    rules = house.people.global_rules
    context: Mapping[str, object] = {
        "path": it.base,
        "users": [recorded(link, intervals, now) for link in links],
        "morning": next_morning(now, it.zone),
        "open_end": OPEN_END,
        "today": today,
        "week_seconds": sum(day.watched_seconds for day in lately if day.day >= monday(today)),
        "month": by_day.month({day.day: day.watched_seconds for day in lately}, today) if lately else None,
        "streaks": streaks(days, today),
        "earned": len(earned),
        "form": form,
        "household": rules,
        "household_zone": str(house.people.zone),
        "zones": zones(),
        "whom": _whom(it),
        "estimate": None,
        "window": "",
        "effect": None,
        "errors": form.errors,
    }
    return shown(request, house, it, "you/you.html", status=status, **{**context, **(told or {})})


def monday(today: date) -> date:
    """Return the first day of the week of *today*."""
    return today - timedelta(days=today.weekday())


def _whom(it: Whose) -> str:
    return "your" if it.is_own else f"{it.account.name}’s"


ROUTES = (overview, rules_preview, rules)
