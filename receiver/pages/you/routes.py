"""All routes of one's own pages, which are an administrator's way to another's too."""

from __future__ import annotations

from litestar import Router

from receiver.pages.you import activity, badges, overview, privacy, recorded, series
from receiver.pages.you.whose import NobodyError, to_you

ROUTES = (
    Router(
        "/",
        route_handlers=[
            *overview.ROUTES,
            *recorded.ROUTES,
            *activity.ROUTES,
            *series.ROUTES,
            *badges.ROUTES,
            *privacy.ROUTES,
        ],
        exception_handlers={NobodyError: to_you},
    ),
)
