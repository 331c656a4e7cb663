"""Tokens and hooks: who may call the API, whose webhooks are let in, and who is told what happens here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Body, FromPath
from msgspec import Meta

from receiver.access import Scope
from receiver.api import outbound, outbox
from receiver.api import tokens as api
from receiver.api.outbound import NewTarget, TargetChanges
from receiver.api.pages import LARGEST_ID
from receiver.api.servers import minted
from receiver.api.tokens import NewToken
from receiver.house import House
from receiver.pages.admin.tabs import administered, administered_one, name_of, tab
from receiver.pages.doors import FOR_ADMINISTRATORS, FOR_OWNERS, visitor_of
from receiver.pages.rendering import AnyRequest, redirect
from reconcile.errors import SettingRefused
from reconcile.playback.news import FACTS
from reconcile.store import outbox as kept_outbox
from reconcile.store import people, targets, tokens
from reconcile.store.tokens import WebhookToken

DEAD_SHOWN = 50
HANDLE = 16
"""How many characters of a fingerprint name a webhook token in a form."""

EVENTS = tuple(kind.value for kind in FACTS)


class Named(msgspec.Struct, frozen=True):
    """An API token to be."""

    name: Annotated[str, Meta(max_length=200)] = ""
    scope: Annotated[str, Meta(max_length=20)] = Scope.READ.value


class Told(msgspec.Struct, frozen=True):
    """A target to be: about everyone, unless an account is said."""

    url: Annotated[str, Meta(max_length=2000)] = ""
    account: Annotated[str, Meta(max_length=19, pattern=r"^[0-9]*$")] = ""


class Switch(msgspec.Struct, frozen=True):
    """Whether a target is to be told."""

    on: bool = False


class ListedHook(msgspec.Struct, frozen=True):
    """A webhook token as it is listed; *handle* names it in a form."""

    handle: str
    server_id: str | None
    server: str
    created_at: Any


class Secret(msgspec.Struct, frozen=True):
    """What is shown once: what it is, and what to do with it."""

    title: str
    value: str
    what_for: str


@get("/admin/tokens", opt=FOR_ADMINISTRATORS)
async def everything(request: AnyRequest, house: NamedDependency[House]) -> Response[Any]:
    """Show the tokens, and who is told."""
    return await _shown(request, house)


# --- the API's --------------------------------------------------------------------------------------------------------


@post("/admin/tokens", opt=FOR_OWNERS, status_code=201)
async def make(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Named, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Make a token for the API, and show it this once."""
    try:
        wish = msgspec.convert({"name": data.name.strip(), "scopes": [data.scope]}, NewToken)
    except msgspec.ValidationError:
        return await _shown(request, house, status=400, error="An API token needs a name, and what it opens.")
    made = await api.make(house, wish)
    secret = Secret(f"The token «{made.name}»", made.token, "Send it as Authorization: Bearer … with each request.")
    return await _shown(request, house, status=201, secret=secret)


@post("/admin/tokens/{number:int}/revoke", opt=FOR_OWNERS)
async def revoke(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Revoke a token of the API."""
    await api.remove(house, _number(number))
    return redirect("/admin/tokens", "The token opens nothing any more.")


# --- those of webhooks ------------------------------------------------------------------------------------------------


@post("/admin/tokens/webhooks/{server_id:str}", opt=FOR_ADMINISTRATORS, status_code=201)
async def mint(request: AnyRequest, house: NamedDependency[House], server_id: FromPath[str]) -> Response[Any]:
    """Make a token for the webhooks of one server, and show it this once."""
    server = await administered_one(house, visitor_of(request), server_id)
    made = await minted(house, server.id)
    what_for = "Put it into the header X-Playledger-Token of the plugin's destination."
    secret = Secret(f"A webhook token for {name_of(server)}", made.token, what_for)
    return await _shown(request, house, status=201, secret=secret)


@post("/admin/tokens/webhooks/{server_id:str}/{handle:str}/revoke", opt=FOR_ADMINISTRATORS)
async def revoke_hook(
    request: AnyRequest, house: NamedDependency[House], server_id: FromPath[str], handle: FromPath[str]
) -> Response[Any]:
    """Revoke a token of a server's webhooks."""
    server = await administered_one(house, visitor_of(request), server_id)
    async with house.store.begin() as db:
        mine = [each for each in await tokens.listed_webhook_tokens(db) if each.server_id == server.id]
        found = next((each for each in mine if each.fingerprint[:HANDLE] == handle), None)
        if found is None:
            raise NotFoundException("There is no such token.")
        await tokens.remove_webhook_token(db, found.fingerprint)
    await house.refresh()
    return redirect("/admin/tokens", f"Webhooks of {name_of(server)} with that token are refused from now on.")


# --- who is told ------------------------------------------------------------------------------------------------------


@post("/admin/outbound", opt=FOR_OWNERS, status_code=201)
async def add(
    request: AnyRequest,
    house: NamedDependency[House],
    data: Annotated[Told, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Add a target, and show the secret that signs its messages this once."""
    form = await request.form()
    events = frozenset(str(each) for each in form.getall("events", [])) & frozenset(EVENTS)
    account = int(data.account) if data.account else None
    try:
        made = await outbound.add(house, NewTarget(data.url, events, account))
    except (SettingRefused, ClientException) as error:
        said = error.detail if isinstance(error, ClientException) else str(error)
        return await _shown(request, house, status=400, error=said)
    what_for = "Verify messages with it, as Standard Webhooks say (webhook-signature)."
    secret = Secret(f"The signing secret of {made.url}", made.secret or "", what_for)
    return await _shown(request, house, status=201, secret=secret)


@post("/admin/outbound/{number:int}/test", opt=FOR_OWNERS)
async def test(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Send a test message."""
    made = await outbound.try_out(house, _number(number))
    return redirect("/admin/tokens", f"A test message is on its way (number {made.id}): see below if it fails.")


@post("/admin/outbound/{number:int}/switch", opt=FOR_OWNERS)
async def switch(
    house: NamedDependency[House],
    number: FromPath[int],
    data: Annotated[Switch, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Turn a target on or off."""
    await outbound.adjust(house, _number(number), TargetChanges(active=data.on))
    return redirect("/admin/tokens", f"The target is {'on' if data.on else 'off'}.")


@post("/admin/outbound/{number:int}/remove", opt=FOR_OWNERS)
async def remove(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Remove a target."""
    await outbound.take_away(house, _number(number))
    return redirect("/admin/tokens", "The target is removed, with all that waited for it.")


@post("/admin/outbox/{number:int}/retry", opt=FOR_OWNERS)
async def retry(house: NamedDependency[House], number: FromPath[int]) -> Response[Any]:
    """Try a message again that was given up."""
    await outbox.try_again(house, _number(number))
    return redirect("/admin/tokens", "It is tried again now, and for three more days.")


# ----------------------------------------------------------------------------------------------------------------------


async def _shown(
    request: AnyRequest, house: House, status: int = 200, secret: Secret | None = None, error: str | None = None
) -> Response[Any]:
    visitor = visitor_of(request)
    known = await administered(house, visitor)
    names = {each.id: name_of(each) for each in known}
    async with house.store.read() as db:
        bound = await tokens.listed_webhook_tokens(db)
        mine = await tokens.api_tokens(db) if visitor.is_owner else []
        told = await targets.targets(db) if visitor.is_owner else []
        tallies = await targets.tallies(db) if visitor.is_owner else {}
        sought = kept_outbox.Sought(state=kept_outbox.DEAD)
        dead = await kept_outbox.messages(db, sought, None, DEAD_SHOWN) if visitor.is_owner else []
        accounts = await people.accounts(db) if visitor.is_owner else []
    return tab(
        request,
        house,
        "tokens.html",
        status=status,
        secret=secret,
        error=error,
        tokens=mine,
        hooks=[_listed(each, names) for each in bound if visitor.is_owner or each.server_id in names],
        servers=[(each.id, name_of(each)) for each in known],
        targets=[(each, tallies.get(each.id, targets.Tally())) for each in told],
        urls={each.id: each.url for each in told},
        accounts={each.id: each.name for each in accounts[:500]},
        events=EVENTS,
        dead=dead,
    )


def _listed(token: WebhookToken, names: dict[str, str]) -> ListedHook:
    server = names.get(token.server_id or "", "any server")
    return ListedHook(token.fingerprint[:HANDLE], token.server_id, server, token.created_at)


def _number(number: int) -> int:
    if not 0 < number <= LARGEST_ID:
        raise NotFoundException("There is nothing of that number.")
    return number


ROUTES = (everything, make, revoke, mint, revoke_hook, add, test, switch, remove, retry)
