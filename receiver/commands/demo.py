"""``playledger demo``: evenings of a simulated Jellyfin, served from a temporary folder, told in plain sentences."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import uvicorn

from receiver import first_start, logs
from receiver.api.words import PlaybackWords, playback_words
from receiver.app import create_app
from receiver.commands.serve import WEBHOOK, Server, check_address, server
from receiver.rehearsal.face import Face
from receiver.rehearsal.library import library
from receiver.rehearsal.pace import Pace
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.season import Season, evening
from receiver.rehearsal.sender import Sender
from reconcile.secrets import new_token
from reconcile.settings import Settings, read_settings
from reconcile.store.engine import Transactions
from reconcile.store.history import Wanted, playbacks

Say = Callable[[str], None]

CALM = 30.0
"""From this speed on the plugin does not tell of every second, or it would do nothing else."""

_LAST_LOOK = 600.0
"""Seconds on the server's clock after which nothing of an evening can change any more."""

_SHOWN = 50
"""Playbacks that are told of: those that began last."""

_ELSEWHERE = frozenset({"PLAYLEDGER_HOST", "PLAYLEDGER_PORT"})
"""What the demonstration takes from the environment."""


def demo(speed: float, say: Say, *, is_once: bool) -> None:
    """Serve evenings, *speed* times as fast as they are; with *is_once* stop when the first is over."""
    logs.set_up(level=40)
    with tempfile.TemporaryDirectory(prefix="playledger-demo-") as folder, asyncio.Runner() as runner:
        runner.run(_demo(folder, speed, say, is_once=is_once))


async def _demo(folder: str, speed: float, say: Say, *, is_once: bool) -> None:
    pace = Pace(speed, began=datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0))
    performance = Performance(evening(pace.began), flood=speed < CALM)
    key = new_token()
    with _free_port() as door:
        settings = _settings(folder, f"http://127.0.0.1:{door.getsockname()[1]}", key)
        check_address(settings)
        face = Face(performance, library(), pace.now, key)
        config = uvicorn.Config(face, log_config=None, access_log=False, date_header=False, ws="none")
        jellyfin = _Quiet(config)
        app = create_app(settings, clock=pace.now)
        playledger = server(app, settings, is_open=True)
        say(f"Simulated evenings, {speed:g} times as fast as real ones. Ctrl-C ends them, and leaves nothing behind.")
        say("Its users, viewer-1 to viewer-4, sign in on the pages with the password «password».")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(jellyfin.serve([door]))
            tasks.create_task(
                _perform(Season(face), pace, settings, playledger, app.state.house.store, say, is_once=is_once)
            )
            await playledger.serve()
            playledger.should_exit = jellyfin.should_exit = True


async def _perform(
    season: Season,
    pace: Pace,
    settings: Settings,
    playledger: Server,
    store: Transactions,
    say: Say,
    *,
    is_once: bool,
) -> None:
    """Send what the plugin has to say, and tell what the ledger makes of it, until the program stops."""
    while not playledger.started:
        if playledger.should_exit:
            return
        await asyncio.sleep(0.05)
    async with store.begin() as db:
        await first_start.finish(db, pace.now())  # nothing is left to be set up: the link leads to what plays
    url = f"http://127.0.0.1:{playledger.port}{WEBHOOK}"
    told: dict[int, str] = {}
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as http:
        sender = Sender(http, url, settings.webhook_token)
        while not playledger.should_exit:
            await sender.catch_up(season.performance, pace.now())
            for line in _news(await _ledger(store), told):
                say(line)
            if is_once and season.is_over(pace.now(), _LAST_LOOK):
                break
            if not is_once and season.is_over(pace.now()):
                await _next_evening(season, sender, pace, say)
            await asyncio.sleep(0.25)
    if is_once:
        say(f"That was the evening: {_webhooks(sender)}.")
        playledger.should_exit = True


async def _next_evening(season: Season, sender: Sender, pace: Pace, say: Say) -> None:
    """Send the last of an evening, and begin another."""
    now = pace.now()
    await sender.catch_up(season.performance, now)
    say(f"That was an evening, and another begins; so far {_webhooks(sender)}.")
    season.go_on(now)


def _webhooks(sender: Sender) -> str:
    return f"{sum(sender.answers.values()):,} webhooks, each answered after it was kept"


async def _ledger(store: Transactions) -> list[PlaybackWords]:
    async with store.read() as db:
        return [playback_words(row) for row in await playbacks(db, Wanted(), None, _SHOWN)]


def _news(ledger: list[PlaybackWords], told: dict[int, str]) -> Iterator[str]:
    """Yield what has become of playbacks since the last time, in the order in which they began."""
    for each in reversed(ledger):
        state = each.state if each.open else each.sentence
        if told.get(each.id) != state:
            yield _sentence(each, is_first=each.id not in told)
            told[each.id] = state
    for gone in told.keys() - {each.id for each in ledger}:
        del told[gone]


def _sentence(each: PlaybackWords, *, is_first: bool) -> str:
    at = each.last_at if each.ended_at is None else each.ended_at
    who, what = each.user_name or "somebody", _title(each)
    heard = " and ".join(each.channels)
    if not each.open:
        return f"{at:%H:%M}  {who} ended {what}: {each.sentence} (told by {heard})"
    if is_first:
        return f"{each.started_at:%H:%M}  {who} plays {what} on {each.device} (told by {heard})"
    return f"{at:%H:%M}  {who} {'paused' if each.state == 'paused' else 'goes on with'} {what}"


def _title(each: PlaybackWords) -> str:
    media = each.media
    return f"{media.series_title} {each.unit}" if media.series_title else str(media.title)


def _settings(folder: str, url: str, key: str) -> Settings:
    told = {name: value for name, value in os.environ.items() if name in _ELSEWHERE}
    return read_settings(
        {
            **told,
            "PLAYLEDGER_DATA_DIR": folder,
            "PLAYLEDGER_AUTO_LINK": "true",
            "JELLYFIN_URL": url,
            "JELLYFIN_API_KEY": key,
            "JELLYFIN_ACTIVITY_POLL_INTERVAL": "1000",
        }
    )


@contextmanager
def _free_port() -> Iterator[socket.socket]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        yield door


class _Quiet(uvicorn.Server):
    """A web server beside another one, which alone hears the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the other one."""
        yield
