"""All routes of the administration."""

from __future__ import annotations

from receiver.pages.admin import deliveries, health, imports, media, people, rejected, replay, servers, sign_ins, tokens

ROUTES = (
    *servers.ROUTES,
    *people.ROUTES,
    *deliveries.ROUTES,
    *rejected.ROUTES,
    *replay.ROUTES,
    *imports.ROUTES,
    *media.ROUTES,
    *tokens.ROUTES,
    *health.ROUTES,
    *sign_ins.ROUTES,
)
