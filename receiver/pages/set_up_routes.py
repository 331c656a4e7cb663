"""All routes of the set-up."""

from __future__ import annotations

from receiver.pages import set_up, set_up_connect, set_up_done, set_up_hear, set_up_hearing, set_up_people

ROUTES = (
    *set_up.ROUTES,
    *set_up_connect.ROUTES,
    *set_up_hear.ROUTES,
    *set_up_hearing.ROUTES,
    *set_up_people.ROUTES,
    *set_up_done.ROUTES,
)
