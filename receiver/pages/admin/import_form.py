"""The form that begins an import: of which server, and from where the rows come. The set-up has it too."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from receiver.house import House
from receiver.importer import LARGEST
from receiver.pages.admin.tabs import administered, name_of
from receiver.pages.doors import visitor_of
from receiver.pages.rendering import AnyRequest
from receiver.pages.set_up.words import wrong
from reconcile.errors import JellyfinError, JellyfinUnreachable, PlayledgerError, StoreError
from reconcile.staging import Source

ASK, TSV, JSON = "ask", "tsv", "json"
_SOURCES = {ASK: Source.PLAYBACK_REPORTING, TSV: Source.PLAYBACK_REPORTING, JSON: Source.JELLYSTAT}
_FIELD = re.compile(r"^(?:server_id|zone): (.)")
_LONGEST = 100


class Form(msgspec.Struct, frozen=True):
    """The form as it is shown: where it is sent, the *servers* as (id, name), and whether one of them can be asked.

    *server* and *way* are chosen; *error* says what was wrong with it; *megabytes* is how large a file may be.
    """

    action: str
    servers: Sequence[tuple[str, str]]
    can_ask: bool
    server: str
    way: str
    error: str = ""
    megabytes: int = LARGEST // 1024 // 1024


class Wish(msgspec.Struct, frozen=True):
    """What was sent: which server's, which tool's, and the file, None where the server itself is to be asked."""

    server: str
    way: str
    body: bytes | None


class Begun(msgspec.Struct, frozen=True):
    """The *number* of an import that was read, None if it was not: then what to show again, and with which status."""

    number: int | None
    wish: Wish
    error: str = ""
    status: int = 200


async def form_for(request: AnyRequest, house: House, action: str, begun: Begun | None = None) -> Form:
    """Return the form for whoever sits there; *begun* is what came of it when it was sent."""
    known = await administered(house, visitor_of(request))
    asked = [each for each in known if house.wires.of(each.id) is not None]
    first = next(iter([*asked, *known]), None)
    servers = [(each.id, name_of(each)) for each in known]
    if begun is not None:
        return Form(action, servers, bool(asked), begun.wish.server, begun.wish.way, begun.error)
    return Form(action, servers, bool(asked), "" if first is None else first.id, ASK if asked else TSV)


async def begun(request: AnyRequest, house: House) -> Begun:
    """Read what the form that was sent asks for; nothing of it counts yet. Raises StoreError, ClientException (400)."""
    wish = await _wish(request)
    if wish.body == b"":
        return Begun(None, wish, "Choose the file of the backup first.", 400)
    try:
        number = await house.importer.begin(wish.server, _SOURCES[wish.way], wish.body)
    except StoreError:
        raise
    except PlayledgerError as error:
        return Begun(None, wish, said(error, house, wish.server), 502 if isinstance(error, JellyfinError) else 400)
    return Begun(number, wish)


async def _wish(request: AnyRequest) -> Wish:
    form = await request.form()
    way, file = str(form.get("way", "")), form.get("file")
    if way not in _SOURCES:
        raise ClientException("From where the rows come has to be chosen.")
    return Wish(str(form.get("server", ""))[:_LONGEST], way, None if way == ASK else await _content(file))


async def _content(file: object) -> bytes:
    """Return the file; empty where none was chosen."""
    return await file.read() if isinstance(file, UploadFile) else b""


def said(error: PlayledgerError, house: House, server_id: str) -> str:
    """Return what is amiss, as a page says it."""
    wire = house.wires.of(server_id)
    if isinstance(error, JellyfinUnreachable) and wire is not None:
        found = wrong(error, wire.client.url)
        return f"{found.what} {found.do}".strip()
    return _FIELD.sub(lambda told: told[1].upper(), str(error))
