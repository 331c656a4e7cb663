"""Settings: how recording does, and what may be changed while the program runs, with the difference first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage, Template

from receiver.api.pages import LARGEST_ID
from receiver.house import House, rules_of
from receiver.pages.doors import FOR_OWNERS
from receiver.pages.rendering import AnyRequest, page, part, redirect
from receiver.pages.settings.form import LABELS, NAMES, entered, errors_of, fields, spoken
from receiver.pages.settings.status import overall, statuses
from receiver.pages.you.rules import WINDOW, window_in_words
from receiver.wishes import Plan, adjust, planned
from reconcile.errors import StoreError
from reconcile.estimating import Case, Estimate, estimate
from reconcile.people import overridden
from reconcile.settings import Settings
from reconcile.store import resettlings

VERDICT = frozenset({"PLAYLEDGER_THRESHOLD", "PLAYLEDGER_MIN_SECONDS", "PLAYLEDGER_RECORD_PARTIALS"})
"""What an estimate can tell of: the other rules cut plays differently, which only settling them shows."""

LATEST = 5
_OVER = frozenset({resettlings.DONE, resettlings.FAILED})
_LOOK_AGAIN = 1.0


@get("/settings", opt=FOR_OWNERS)
async def settings(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show all that may be changed, and how recording does."""
    return await _settings(request, house)


async def _settings(
    request: AnyRequest, house: House, values: Mapping[str, str] | None = None, status: int = 200
) -> Template:
    async with house.store.read() as db:
        found = await statuses(house, db)
        latest = await resettlings.resettlings(db, None, LATEST)
    groups = fields(house, values)
    context: dict[str, object] = {
        "servers": found,
        "overall": overall(house, found),
        "is_on": house.settings.monitor_enabled,
        "groups": groups,
        "latest": latest,
        "is_advanced_wrong": any(each.error for each in groups[-1][1]),
        "estimate": None,
        "window": "",
        "errors": {},
        "cuts": [],
        "labels": LABELS,
        "spoken": spoken,
    }
    return page(request, house, "settings/settings.html", status=status, **context)


@get("/settings/preview", opt=FOR_OWNERS)
async def settings_preview(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Say in a sentence what the settings of a form would make of everybody's last 30 days; a part of a page."""
    values = entered(request.query_params, house)
    errors = errors_of(values)
    context: dict[str, object] = {"errors": errors, "estimate": None, "window": "", "cuts": []}
    if not errors:
        async with house.store.read() as db:
            plan = await planned(house, db, dict(values))
        context |= await _would_be(house, plan)
    return part(request, house, "settings/preview.html", **context)


@post("/settings", opt=FOR_OWNERS)
async def save(request: AnyRequest, house: NamedDependency[House]) -> Redirect | Response[Any]:
    """Keep what was entered; where it would settle the history anew, show what that would do before."""
    values = entered(await request.form(), house)
    if errors_of(values):
        return await _settings(request, house, values, status=400)
    async with house.store.read() as db:
        plan = await planned(house, db, dict(values))
    if not plan.changes:
        return redirect("/settings", "Nothing was changed: all is as before.", "soft")
    if not plan.rules:
        await adjust(house, {name: each["after"] for name, each in plan.changes.items()})
        return redirect("/settings", f"Kept, and in force: {', '.join(LABELS[name] for name in plan.changes)}.")
    told: Mapping[str, Any] = {"plan": plan, "labels": LABELS, "spoken": spoken, "errors": {}}
    return page(request, house, "settings/confirm.html", **told, **await _would_be(house, plan))


@post("/settings/apply", opt=FOR_OWNERS)
async def apply(request: AnyRequest, house: NamedDependency[House]) -> Redirect | Response[Any]:
    """Keep what was shown before, and settle the history by it; with ``try`` only work out what that would do."""
    form = await request.form()
    values = {name: str(form[name])[:40] for name in NAMES if name in form}
    if errors_of(values):
        return await _settings(request, house, values, status=400)
    is_dry = "try" in form
    plan, asked = await adjust(house, dict(values), dry_run=is_dry)
    if asked is not None:
        return redirect(f"/settings/changes/{asked['id']}")
    return redirect("/settings", "Kept, and in force." if plan.changes else "Nothing was changed: all is as before.")


@get("/settings/changes/{number:int}", opt=FOR_OWNERS)
async def change(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show a change of rules: how far the history is settled by it, and what that did."""
    row = await _row(house, request.path_params["number"])
    is_over = row["state"] in _OVER
    return page(request, house, "settings/change.html", row=row, is_over=is_over, labels=LABELS, spoken=spoken)


@get("/settings/changes/{number:int}/stream", opt=FOR_OWNERS)
async def progress(request: AnyRequest, house: NamedDependency[House]) -> ServerSentEvent:
    """Tell how far it is, until it is over."""
    row = await _row(house, request.path_params["number"])
    return ServerSentEvent(_progress(request, house, row["id"]))


async def _progress(request: AnyRequest, house: House, number: int) -> AsyncIterator[ServerSentEventMessage]:
    engine = request.app.template_engine
    if engine is None:
        return
    part, told = engine.get_template("settings/progress.html"), ""
    async with aclosing(house.live.changes()) as changes:
        async for _ in changes:
            try:
                row = await house.resettler.outcome(number, _LOOK_AGAIN)
            except StoreError:
                continue
            if row is None or row["state"] in _OVER:
                yield ServerSentEventMessage(event="reload", data="{}")
                return
            html = part.render(row=row)
            if html != told:
                told = html
                yield ServerSentEventMessage(
                    event="part", data=msgspec.json.encode({"id": "progress", "html": html}).decode()
                )


async def _row(house: House, number: int) -> dict[str, Any]:
    async with house.store.read() as db:
        row = await resettlings.one(db, number) if 0 < number <= LARGEST_ID else None
    if row is None:
        raise NotFoundException("There is no such change.")
    return row


async def _would_be(house: House, plan: Plan) -> dict[str, Any]:
    """Return what an estimate can say of *plan*, and what it cannot."""
    found: Estimate | None = None
    if plan.rules & VERDICT:
        async with house.store.read() as db:
            found = await estimate(db, _cases(house, plan.after), house.clock() - WINDOW)
    return {
        "estimate": found,
        "window": "" if found is None else window_in_words(found, house.clock()),
        "cuts": sorted(LABELS[name] for name in plan.rules - VERDICT),
    }


def _cases(house: House, after: Settings) -> dict[int, Case]:
    people, then = house.people, rules_of(after)
    return {
        number: Case(people.rules(number), overridden(then, account), people.zone_of(number))
        for number, account in people.accounts.items()
    }


ROUTES = (settings, settings_preview, save, apply, change, progress)
