"""All pages under one guard, and what they are made with."""

from __future__ import annotations

from litestar import Router
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from receiver.house import House
from receiver.pages import posters
from receiver.pages.admin import routes as admin
from receiver.pages.doors import guard
from receiver.pages.entrance import code, jellyfin
from receiver.pages.entrance import routes as entrance
from receiver.pages.errors import CSRF_COOKIE, handlers
from receiver.pages.history import correcting, corrections
from receiver.pages.history import routes as history
from receiver.pages.now import routes as now
from receiver.pages.rendering import STATIC
from receiver.pages.set_up import routes as set_up
from receiver.pages.settings import routes as settings
from receiver.pages.you import routes as you


def pages(house: House) -> list[ControllerRouterHandler]:
    """Return the routes of all pages, and of what they are made with."""
    forms = CSRFConfig(
        secret=house.safe.hashed("forms"),
        cookie_name=CSRF_COOKIE,
        cookie_httponly=True,
        cookie_samesite="strict",
    )
    return [
        create_static_files_router(
            "/static",
            [STATIC],
            cache_control=CacheControlHeader(max_age=365 * 24 * 3600, public=True, immutable=True),
            name="pages-static",
        ),
        Router(
            "/",
            route_handlers=[
                *entrance.ROUTES,
                *jellyfin.ROUTES,
                *code.ROUTES,
                *set_up.ROUTES,
                *now.ROUTES,
                *posters.ROUTES,
                *settings.ROUTES,
                *you.ROUTES,
                *admin.ROUTES,
                *history.ROUTES,
                *corrections.ROUTES,
                *correcting.ROUTES,
            ],
            guards=[guard(house)],
            middleware=[DefineMiddleware(CSRFMiddleware, config=forms)],
            exception_handlers=handlers(house),
            include_in_schema=False,
        ),
    ]
