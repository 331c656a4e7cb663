"""How far somebody is with their series, and giving one up."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect, Template
from markupsafe import Markup

from receiver.api.pages import LARGEST_ID, chosen, cursor_of, place_of
from receiver.house import House
from receiver.pages.pictures.progress import bar
from receiver.pages.rendering import AnyRequest, redirect
from receiver.pages.you.whose import shown, theirs, whose
from receiver.wishes import give_up
from reconcile.playback.progress import Status
from reconcile.store import progress

MOST = 40

NAMES = {
    Status.IN_PROGRESS: "In progress",
    Status.CAUGHT_UP: "Caught up",
    Status.COMPLETED: "Completed",
    Status.ABANDONED: "Given up",
}

Cursor = Annotated[str | None, QueryParameter(max_length=200)]


@get(theirs("/series"))
async def series(
    request: AnyRequest, house: NamedDependency[House], status: FromQuery[str] = "", after: Cursor = None
) -> Template:
    """Show the series of an account, the last watched first; *status* narrows them."""
    it = whose(request, house)
    wanted = chosen("status", status or None, *(each.value for each in Status))
    async with house.store.read() as db:
        rows = await progress.shown(db, it.account.id, wanted, place_of(after), MOST + 1)
    last = rows[MOST - 1] if len(rows) > MOST else None
    more = None
    if last is not None:
        kept = f"status={wanted}&" if wanted else ""
        more = f"{it.base}/series?{kept}after={cursor_of((last['last_watched_at'], last['media_id']))}"
    return shown(
        request,
        house,
        it,
        "you/series.html",
        rows=[row | {"bar": _bar(row), "name": NAMES[Status(row["status"])]} for row in rows[:MOST]],
        more=more,
        narrowed=wanted or "",
        choices=[("", "All"), *((each.value, name) for each, name in NAMES.items())],
        is_first=after is None,
    )


@post([f"{path}/{{media_id:int}}/{{wish:str}}" for path in theirs("/series")])
async def say(request: AnyRequest, house: NamedDependency[House]) -> Redirect | Response[Any]:
    """Give a series up, or take that back."""
    it, wish, number = whose(request, house), request.path_params["wish"], request.path_params["media_id"]
    if wish not in {"abandon", "resume"} or not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is nothing here.")
    row = await give_up(house, it.account.id, number, is_abandoned=wish == "abandon")
    if row is None:
        raise NotFoundException("Nothing of such a series has counted.")
    if wish == "abandon":
        said = f"«{row['title']}» is given up, until you go on with it or watch another episode."
    else:
        said = f"«{row['title']}» is on again: {NAMES[Status(row['status'])].lower()}."
    return redirect(f"{it.base}/series", said)


def _bar(row: dict[str, Any]) -> Markup:
    done, total = row["watched_episodes"], row["total_episodes"]
    return bar(f"series-{row['media_id']}", f"{row['title'] or 'Series'}: episodes counted", done, total)


ROUTES = (series, say)
