"""All routes of the set-up."""

from __future__ import annotations

from receiver.pages.set_up import connect, done, hear, hearing, people, start

ROUTES = (
    *start.ROUTES,
    *connect.ROUTES,
    *hear.ROUTES,
    *hearing.ROUTES,
    *people.ROUTES,
    *done.ROUTES,
)
