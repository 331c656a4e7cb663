"""How a page is made: the templates, what every one of them knows, and a word that is shown once."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request
from litestar.datastructures import Cookie
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template import TemplateConfig
from litestar.utils.scope.state import ScopeState
from markupsafe import Markup

from receiver.house import House
from receiver.pages import saying
from receiver.version import program_version
from receiver.visitors import Visitor

AnyRequest = Request[Any, Any, Any]

HERE = Path(__file__).parent
STATIC = HERE / "static"

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""What keeps other sites out of a page, and it out of caches."""

NOTICE = "playledger-notice"
_NOTICE_LENGTH = 500


def templates() -> TemplateConfig[Any]:
    """Return the templates: escaped always, and an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(static=static, csrf=_csrf, version=program_version())
    environment.filters.update(
        for_long=saying.for_long,
        position=saying.position,
        ago=saying.ago,
        at=saying.at,
        number=number,
        ms=ms,
        day=saying.day_in_words,
        day_of=date.fromisoformat,
        counted=saying.counted,
        date=saying.date_in_words,
        dated=_dated,
    )
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def page(request: AnyRequest, house: House, name: str, *, status: int = 200, **context: object) -> Template:
    """Return the page *name* with *context*, and what every page knows: visitor, now, zone, path, notice."""
    visitor = request.state.get("visitor")
    told = request.cookies.get(NOTICE)
    kind, _, said = unquote(told).partition(" ") if told else ("", "", "")
    every: dict[str, object] = {
        "visitor": visitor,
        "now": house.clock(),
        "zone": zone_of(house, visitor),
        "path": request.url.path,
        "notice": (kind, said) if said else None,
        "waits_for": house.waits_for,
    }
    gone = [Cookie(key=NOTICE, max_age=0)] if told else []
    return Template(name, context=every | context, status_code=status, cookies=gone, headers=HEADERS)


def part(request: AnyRequest, house: House, name: str, **context: object) -> Template:
    """Return a part of a page, fetched by itself, with *context*, now and zone; what is shown once waits for a page."""
    every: dict[str, object] = {"now": house.clock(), "zone": zone_of(house, request.state.get("visitor"))}
    return Template(name, context=every | context, headers=HEADERS)


def zone_of(house: House, visitor: Visitor | None) -> Any:  # noqa: ANN401 - a zone, of a file or of UTC
    """Return the time zone in which *visitor* reads the clock."""
    if visitor is None or visitor.account_id is None:
        return house.people.zone
    return house.people.zone_of(visitor.account_id)


def redirect(path: str, said: str | None = None, kind: str = "good") -> Redirect:
    """Return where to go after a form; what is *said* is shown there once. *kind*: good, warn, bad."""
    answer = Redirect(path, status_code=303)
    if said:
        text = quote(f"{kind} {said[:_NOTICE_LENGTH]}")
        answer.set_cookie(Cookie(key=NOTICE, value=text, max_age=60, httponly=True, samesite="lax"))
    return answer


def number(value: float) -> str:
    """Return a number as people write it: 1,204, or 2.5."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def ms(instant: datetime | None) -> int | str:
    """Return an instant as scripts count them, in milliseconds; nothing where there is none."""
    return "" if instant is None else round(instant.timestamp() * 1000)


def static(name: str) -> str:
    """Return the address of a static file; it changes with the content."""
    return f"/static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@pass_context
def _dated(context: Context, sentence: str) -> str:
    """Return a sentence of the ledger's with its dates as whoever reads the page says them."""
    return saying.dated(sentence, saying.local(context["now"], context["zone"]).date())


@pass_context
def _csrf(context: Context) -> Markup:
    """Return the hidden field that every form needs."""
    request = context["request"]
    token = ScopeState.from_scope(request.scope).csrf_token or ""
    return Markup('<input type="hidden" name="_csrf_token" value="{}">').format(token)
