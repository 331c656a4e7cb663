"""The round trip: a server and all between it and the ledger, tried; each finding a plain sentence with what to do."""

from __future__ import annotations

import asyncio

from receiver import checking
from receiver.checking import Finding, good, note, wrong
from receiver.house import House
from receiver.pages.admin.lights import webhook_light
from receiver.wires import Wire
from reconcile.errors import StoreError
from reconcile.jellyfin.webhook_plugin import Knows
from reconcile.secrets import fingerprint, is_same
from reconcile.store import tokens
from reconcile.store.servers import Server

SET_UP = "Webhook set-up"
"""What the button is called that leads to where a server's webhook is set up."""

LONGEST_TEST = 60.0
"""Seconds after which a test ends, however slowly a server answers."""


async def tried(house: House, server: Server) -> list[Finding]:
    """Return what is found when a server and all between it and the ledger are tried. Nothing is changed."""
    wire = house.wires.of(server.id)
    found: list[Finding] = []
    if wire is None:
        found.append(
            note(
                "Its address or API key is not known: webhooks work, polling and looking up series do not.",
                "Add them under «Change address or key».",
            )
        )
    else:
        found += await _asked(house, wire, server)
    found.append(_heard(house, server))
    found.append(await _written(house))
    found.append(await _recorded(house, server))
    return found


async def _asked(house: House, wire: Wire, server: Server) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(LONGEST_TEST), wire.turn:
            found += [each async for each in checking.jellyfin(wire.client, await _knows(house, server.id))]
    except TimeoutError:
        found.append(wrong(f"No whole answer within {LONGEST_TEST:g} s.", "See how busy the server is, and try again."))
    wire.poller.hurry()
    return found


async def _knows(house: House, server_id: str) -> Knows:
    async with house.store.read() as db:
        bound = await tokens.webhook_tokens(db)
    known = {each for each, bound_to in bound.items() if bound_to in {None, server_id}}
    return lambda token: is_same(token, house.settings.webhook_token) or fingerprint(token) in known


def _heard(house: House, server: Server) -> Finding:
    heard, now = house.hearing.servers.get(server.id), house.clock()
    wire = house.wires.of(server.id)
    light = webhook_light(heard, None if wire is None else wire.poller.status, house.started_at, now)
    said = f"{light.text}: {light.why}."
    if light.kind == "good":
        return good(said)
    if light.kind == "off":
        return note(
            said,
            "Play something for ten seconds: a webhook comes each second while it plays. "
            f"If none does, look at «{SET_UP}».",
        )
    return wrong(said, f"Look at «{SET_UP}»: which address Jellyfin sends to, and whether it reaches it.")


async def _written(house: House) -> Finding:
    if house.waits_for is not None:
        return wrong(f"This process does not record: {house.waits_for}")
    if not house.settings.monitor_enabled:
        return wrong("Recording is off.", "Turn it on under Settings.")
    try:
        async with house.store.begin():
            pass
    except StoreError as error:
        return wrong(str(error), "Deliveries wait in the spool until it answers.")
    return good("The database can be written.")


async def _recorded(house: House, server: Server) -> Finding:
    now = house.clock()
    mine = house.people.recorded_of(server.id, now)
    if mine:
        return good(f"{mine} of its users recorded now.")
    if house.settings.auto_link:
        return good("Everybody is recorded from first sight.")
    return note("Nobody of this server is recorded.", "Link people under People, and let them turn recording on.")
