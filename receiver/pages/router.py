"""All pages under one guard, and what they are made with."""

from __future__ import annotations

from litestar import Router
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
from receiver.pages.errors import handlers
from receiver.pages.forms import forms
from receiver.pages.history import correcting, corrections
from receiver.pages.history import routes as history
from receiver.pages.now import routes as now
from receiver.pages.rendering import STATIC
from receiver.pages.set_up import routes as set_up
from receiver.pages.settings import routes as settings
from receiver.pages.uploads import Uploads
from receiver.pages.you import routes as you


def pages(house: House) -> list[ControllerRouterHandler]:
    """Return the routes of all pages, and of what they are made with."""
    check = guard(house)
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
            guards=[check],
            middleware=[DefineMiddleware(Uploads, check=check), DefineMiddleware(CSRFMiddleware, config=forms(house))],
            exception_handlers=handlers(house),
            include_in_schema=False,
        ),
    ]
