"""``playledger serve``: the web server in this process, and what somebody who starts it needs to know."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import click
import uvicorn
from litestar import Litestar

from receiver import first_start, logs
from receiver.app import create_app
from receiver.commands import world
from receiver.garbage import settle_down
from receiver.house import House
from receiver.version import program_version
from receiver.webhook import at_the_door
from reconcile.errors import SettingRefused, StoreError
from reconcile.settings import Settings, token_files

WEBHOOK = "/webhooks/jellyfin"
_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - recognised here, not bound to
_GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Says where it listens, once it does. With *is_open* a link into the pages is part of that at every start.

    What is to be pasted into Jellyfin is not, then: there is nothing left to be set up.
    """

    def __init__(self, config: uvicorn.Config, settings: Settings, app: Litestar, *, is_open: bool = False) -> None:
        super().__init__(config)
        self._settings = settings
        self._app = app
        self._is_open = is_open

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            link = await link_of(self._app.state.house, is_open=self._is_open)
            for line in welcome(self._settings, self.port, link, is_wired=self._is_open):
                click.echo(line)
            settle_down()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening; whoever follows the live view is let go first, or it would be waited for."""
        self._app.state.house.live.close()
        await super().shutdown(sockets)

    @property
    def port(self) -> int:
        """The port it listens on: another one than the settings' where that is 0."""
        listening = [one.getsockname()[1] for server in self.servers for one in server.sockets]
        return int(listening[0]) if listening else self._settings.port


def server(app: Litestar, settings: Settings, *, is_open: bool = False) -> Server:
    """Return the web server for *app*: one process, no access log, and none of its own words about itself."""
    config = uvicorn.Config(
        at_the_door(app.state.house.webhook, app),
        host=settings.host,
        port=settings.port,
        http="httptools",
        loop="auto" if sys.platform == "win32" else "uvloop",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return Server(config, settings, app, is_open=is_open)


async def link_of(house: House, *, is_open: bool) -> str | None:
    """Return the path of a link into the pages that works once, None where the set-up was finished already."""
    if house.waits_for is not None:
        return None
    try:
        async with house.store.read() as db:
            is_finished = await first_start.is_finished(db)
    except StoreError:
        return None
    return f"/welcome/{house.sign_ins.first_token()}" if is_open or not is_finished else None


def serve() -> None:
    """Serve until told to stop. Raises SettingRefused, also where the address cannot be listened on."""
    logs.set_up()
    settings = asyncio.run(world.settings_of())
    check_address(settings)
    running = server(create_app(settings), settings)
    running.run()
    if not running.started:
        raise click.ClickException("It could not start; the lines above say why.")


def check_address(settings: Settings) -> None:
    """Find out before anything else whether the address is free: the web server would only log it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise SettingRefused(
            f"PLAYLEDGER_HOST and PLAYLEDGER_PORT: {settings.host}:{settings.port} cannot be listened on: {error}."
        ) from error


def welcome(settings: Settings, port: int, link: str | None = None, *, is_wired: bool = False) -> Iterator[str]:
    """Yield where everything is, what to paste into Jellyfin unless it *is_wired*, and *link*, which leads in."""
    host = "localhost" if settings.host in _EVERYWHERE else settings.host
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    token = "the value of PLAYLEDGER_WEBHOOK_TOKEN"  # noqa: S105 - where it is, not what it is
    for name, path in token_files(settings.data_dir).items():
        where = "set in the environment" if name in settings.fixed else f"in {path}"
        if name == "PLAYLEDGER_WEBHOOK_TOKEN" and name not in settings.fixed:
            token = f"the content of {path}"
        yield f"{name.removeprefix('PLAYLEDGER_').replace('_', ' ').lower():14}{where}"
    by_hand = (
        "",
        "In Jellyfin: Dashboard › Plugins › Webhook › Add Generic Destination",
        f"  Webhook Url        {url}{WEBHOOK}   (the host as Jellyfin reaches it)",
        "  Notification Type  Playback Start, Playback Progress, Playback Stop",
        "  Item Type          Movies, Episodes",
        "  Send All Properties (ignores template)  on",
        f"  Add Request Header X-Playledger-Token: {token}",
    )
    yield from (
        *(() if is_wired else by_hand),
        "",
        f"polling       {_polling(settings)}",
        f"recording     {_recording(settings)}",
        "",
        *(() if link is None else ("Open this in your browser; it works once:", f"  {url}{link}", "")),
        f"Playledger {program_version()} listens on {url}",
    )


def _polling(settings: Settings) -> str:
    if not settings.monitor_enabled:
        return "off, and recording too: JELLYFIN_ACTIVITY_MONITOR_ENABLED is false"
    if not settings.poll:
        return "off: PLAYLEDGER_POLL is false"
    if not (settings.jellyfin_url and settings.jellyfin_api_key):
        return "the servers that were added; set JELLYFIN_URL and JELLYFIN_API_KEY for a first one"
    return f"{settings.jellyfin_url} every {settings.poll_interval.total_seconds():g} s while something plays"


def _recording(settings: Settings) -> str:
    if settings.auto_link:
        return "every Jellyfin user from first sight (PLAYLEDGER_AUTO_LINK)"
    return "whom you choose: playledger users list, playledger users link NAME"
