"""Bodies for the eye: set out in lines, without addresses, device ids and whatever opens something. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from receiver.redaction import redacted

GONE = "(redacted)"

_HIDDEN = re.compile(r"token|secret|password|api_?key|authorization|remoteendpoint|deviceid|ipaddress", re.IGNORECASE)
_PAIR = re.compile(
    r"(\"?\w*(?:token|secret|password|api_?key|authorization)\w*\"?\s*[:=]\s*)(\"(?:[^\"\\]|\\.)*\"|[^\s,}&]+)",
    re.IGNORECASE,
)


def presentable(body: str) -> str:
    """Return *body* as it is shown to administrators: JSON indented, anything else as it came, with what is hidden."""
    try:
        told = msgspec.json.decode(body.removeprefix("\ufeff"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _PAIR.sub(rf"\1{GONE}", redacted(body.encode("utf-8", "replace")).decode("utf-8", "replace"))
    try:
        return msgspec.json.format(msgspec.json.encode(_shown(told)), indent=2).decode()
    except RecursionError:
        return GONE


def _shown(told: Any) -> Any:  # noqa: ANN401 - whatever JSON may hold
    if isinstance(told, dict):
        return {name: GONE if _HIDDEN.search(name) and value else _shown(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_shown(each) for each in told]
    return told
