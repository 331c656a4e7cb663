"""Forms: each proves that it came from a page of ours."""

from __future__ import annotations

from litestar.config.csrf import CSRFConfig

from receiver.house import House

CSRF_COOKIE = "playledger-form"


def forms(house: House) -> CSRFConfig:
    """Return how a form proves it."""
    return CSRFConfig(
        secret=house.safe.hashed("forms"),
        cookie_name=CSRF_COOKIE,
        cookie_httponly=True,
        cookie_samesite="strict",
    )
