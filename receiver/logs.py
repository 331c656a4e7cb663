"""The log: one line a fact, as JSON or for eyes. URLs, tokens and bodies stay out of it."""

from __future__ import annotations

import logging
import sys
from datetime import datetime

import msgspec
import structlog

_QUIET = ("httpx", "httpcore", "uvicorn.access", "sqlalchemy.engine", "aiosqlite", "alembic")
"""They would tell URLs, statements and values."""


# The variables around an error hold tokens and what people watch.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def set_up(*, as_json: bool | None = None, level: int = logging.INFO) -> None:
    """Have everything logged to standard error: as JSON unless somebody sits before it."""
    if as_json is None:
        as_json = not sys.stderr.isatty()
    quiet()
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    ending: list[structlog.typing.Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer(_json)] if as_json else [_dates, _for_eyes()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *ending,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_standard_error,
    )


def quiet() -> None:
    """Silence those who would log URLs or values, and structlog's own tracebacks, which show them too."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if not structlog.is_configured():
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        structlog.configure(
            processors=[structlog.processors.add_log_level, stamp, _dates, _for_eyes()],
            logger_factory=_to_standard_error,
        )


def _for_eyes() -> structlog.dev.ConsoleRenderer:
    colours = sys.stderr.isatty()
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def _to_standard_error(*_names: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


def _dates(_log: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in event.items()}


def _json(event: object, **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
