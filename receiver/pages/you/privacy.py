"""What is kept of somebody, in which browsers they are signed in, taking it all along, and being forgotten."""

from __future__ import annotations

import re
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter
from litestar.response import Redirect, Stream, Template

from receiver.api.pages import chosen
from receiver.exporting import everything_as_csv, everything_as_json
from receiver.house import House
from receiver.pages.rendering import HEADERS, AnyRequest, redirect
from receiver.pages.you.whose import Whose, shown, theirs, whose
from receiver.sign_in import COOKIE
from reconcile.store import accounts, sign_ins
from reconcile.store.belongings import kept_of
from reconcile.store.sign_ins import SignIn

MOST = 10_000
"""How far things are counted: of more it is said that they are more."""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@get(theirs("/privacy"))
async def privacy(request: AnyRequest, house: NamedDependency[House]) -> Template:
    """Show what is kept, and what can be done about it."""
    return await _privacy(request, house, whose(request, house))


async def _privacy(
    request: AnyRequest, house: House, it: Whose, error: str | None = None, status: int = 200
) -> Template:
    async with house.store.read() as db:
        kept = await kept_of(db, it.account.id, MOST)
        row = await accounts.one(db, it.account.id)
    return shown(
        request,
        house,
        it,
        "you/privacy.html",
        status=status,
        kept=kept,
        most=MOST,
        since=None if row is None else row["created_at"],
        sign_ins=[(each, browser_of(each.agent)) for each in await _sign_ins(house, it)],
        retention=house.settings.retention_days,
        error=error,
    )


@post([f"{path}/{{number:int}}" for path in theirs("/sign-ins")])
async def sign_out(request: AnyRequest, house: NamedDependency[House]) -> Redirect:
    """Sign one of their other browsers out."""
    it, number = whose(request, house), request.path_params["number"]
    known = {each.id for each in await _sign_ins(house, it)} - {it.visitor.sign_in}
    if number not in known:
        raise NotFoundException("There is no such browser, or it is this one: use «Sign out» above.")
    await house.sign_ins.sign_out(number)
    return redirect(f"{it.base}/privacy", "That browser is signed out.")


@post(theirs("/sign-ins/others"))
async def sign_others_out(request: AnyRequest, house: NamedDependency[House]) -> Redirect:
    """Sign all of their browsers out but this one."""
    it = whose(request, house)
    others = [each.id for each in await _sign_ins(house, it) if each.id != it.visitor.sign_in]
    await house.sign_ins.sign_out(*others)
    return redirect(f"{it.base}/privacy", "All other browsers are signed out." if it.is_own else "They are signed out.")


@get(theirs("/export"))
async def export(
    request: AnyRequest,
    house: NamedDependency[House],
    form: Annotated[str, QueryParameter(name="format", max_length=10)] = "json",
) -> Stream:
    """Return all that is kept of an account, as one JSON object or as CSV."""
    it = whose(request, house)
    chosen("format", form, "json", "csv")
    async with house.store.read() as db:
        row = await accounts.one(db, it.account.id)
    if row is None:
        raise NotFoundException("There is no such person here.")
    told = everything_as_csv(house.store, row) if form == "csv" else everything_as_json(house.store, row)
    headers = HEADERS | {"content-disposition": f'attachment; filename="playledger-{it.account.id}.{form}"'}
    return Stream(told, media_type="text/csv" if form == "csv" else "application/json", headers=headers)


@post(theirs("/erase"))
async def erase(request: AnyRequest, house: NamedDependency[House]) -> Response[Any] | Redirect:
    """Erase an account for good, if its name was typed as it is written; its browsers are signed out."""
    it, form = whose(request, house), await request.form()
    if str(form.get("confirm", "")).strip() != it.account.name.strip():
        wrong = "That is not the name, exactly as it is written. Nothing was erased."
        return await _privacy(request, house, it, wrong, status=400)
    browsers = [each.id for each in await _sign_ins(house, it)]
    if await house.eraser.erase(it.account.id) is None:
        raise NotFoundException("There is no such person here.")
    await house.refresh()
    await house.sign_ins.sign_out(*browsers)
    if not it.is_own:
        return redirect("/now", f"{it.account.name} is erased. Backups and exports made before are yours to delete.")
    answer = redirect("/sign-in", "You are erased: nothing of you is kept here, and nothing more will be.")
    answer.set_cookie(Cookie(key=COOKIE, max_age=0))
    return answer


async def _sign_ins(house: House, it: Whose) -> list[SignIn]:
    """Return the signed-in browsers of all users of the account, the latest seen first."""
    found: list[SignIn] = []
    async with house.store.read() as db:
        for link in await accounts.links_of(db, it.account.id):
            found += await sign_ins.all_of(db, house.clock(), (link["server_id"], link["user_id"]))
    return sorted(found, key=lambda each: each.seen_at, reverse=True)


def browser_of(agent: str | None) -> str:
    """Return what a browser calls itself, in short: «Firefox on Linux»."""
    if not agent:
        return "A browser that does not name itself"
    name = next((name for sign, name in _BROWSERS if sign in agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in agent), None)
    if name is None and system is None:
        return re.sub(r"[^\w ./()-]", "", agent)[:60] or "A browser"
    return " on ".join(part for part in (name, system) if part)


ROUTES = (privacy, sign_out, sign_others_out, export, erase)
