"""The composition root: all parts are made here and handed on. Importing it does nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import httpx
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from receiver import logs
from receiver.api import (
    accounts,
    activity,
    badges,
    corrections,
    deliveries,
    health,
    history,
    imports,
    links,
    media,
    outbound,
    outbox,
    playbacks,
    progress,
    rejected,
    replays,
    resettlings,
    seerr,
    servers,
    sessions,
    status,
    tokens,
)
from receiver.api import settings as settings_api
from receiver.api.errors import HANDLERS, http_error
from receiver.api.guard import guard
from receiver.house import House
from receiver.pages.outside import for_browsers
from receiver.pages.rendering import templates
from receiver.pages.router import pages
from receiver.version import program_version
from receiver.webhook import webhook_route
from reconcile.settings import Settings

API = "/api/v1"

Work = Callable[[House], Awaitable[None]]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    http: httpx.AsyncClient | None = None,
    works: Sequence[Work] = (),
    routes: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """Return the program as an application; `app.state.house` holds its parts.

    *clock* gives UTC; *http* is the client with which media servers are asked (made here unless given, and closed by
    its maker). *works* run for as long as the app does, once this process may record; *routes* are answered too.
    """
    logs.quiet()
    house = House(settings, clock, http)
    house.works = [(getattr(work, "__name__", "work"), _bound(work, house)) for work in works]
    return Litestar(
        [
            webhook_route(house.webhook),
            health.alive,
            health.ready,
            health.metrics,
            Router(API, route_handlers=_api(), guards=[guard(house)], security=[{"bearer": []}]),
            *pages(house),
            *routes,
        ],
        dependencies={"house": Provide(lambda: house, sync_to_thread=False, use_cache=True)},
        exception_handlers={**HANDLERS, HTTPException: for_browsers(house, http_error)},
        lifespan=[house.lifespan],
        logging_config=None,
        openapi_config=_openapi(),
        state=State({"house": house}),
        request_max_body_size=1024 * 1024,
        template_config=templates(),
    )


def _api() -> list[ControllerRouterHandler]:
    return [
        history.history,
        playbacks.playback_list,
        playbacks.one,
        sessions.sessions,
        sessions.live,
        accounts.account_list,
        accounts.one,
        accounts.create,
        accounts.change,
        accounts.erase,
        accounts.export,
        corrections.correction_list,
        corrections.create,
        corrections.take_back,
        servers.server_list,
        servers.create,
        servers.mint,
        servers.users,
        links.link_list,
        links.put_link,
        links.remove,
        media.search,
        media.unresolved,
        media.review,
        media.one,
        media.match,
        media.match_list,
        media.undo,
        seerr.state,
        seerr.sync,
        seerr.connect,
        seerr.wish_list,
        seerr.put_wish,
        seerr.errand_list,
        settings_api.setting_list,
        settings_api.change,
        resettlings.resettling_list,
        resettlings.one,
        tokens.token_list,
        tokens.create,
        tokens.revoke,
        outbound.target_list,
        outbound.create,
        outbound.change,
        outbound.remove,
        outbound.test,
        outbox.message_list,
        outbox.one,
        outbox.retry,
        deliveries.delivery_list,
        deliveries.one,
        rejected.rejected_list,
        rejected.one,
        rejected.retry,
        rejected.retry_all,
        replays.create,
        replays.replay_list,
        replays.one,
        imports.create,
        imports.import_list,
        imports.one,
        imports.attempt,
        imports.apply,
        imports.undo,
        imports.discard,
        activity.activity,
        badges.badge_list,
        progress.progress,
        progress.abandon,
        progress.resume,
        status.status,
    ]


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="PLAYLEDGER_ADMIN_TOKEN, or a token of the pages")
    return OpenAPIConfig(
        title="Playledger",
        version=program_version(),
        description="Exactly-once watch history for Jellyfin. Times are UTC, seconds are numbers, absent is null.",
        path="/schema",
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        components=Components(security_schemes={"bearer": bearer}),
        use_handler_docstrings=True,
    )


def _bound(work: Work, house: House) -> Callable[[], Awaitable[None]]:
    return lambda: work(house)
