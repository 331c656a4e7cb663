"""``playledger demo``: an evening of a simulated Jellyfin, served from a temporary folder, told in plain sentences."""

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
from receiver.rehearsal.library import DEVICES, USERS, library
from receiver.rehearsal.pace import Pace
from receiver.rehearsal.performance import Performance
from receiver.rehearsal.script import Script
from receiver.rehearsal.sender import Sender
from receiver.rehearsal.steps import Close, Open, Pause, Play, PlayTo, Programme, Wait
from reconcile.secrets import new_token
from reconcile.settings import Settings, read_settings
from reconcile.store.engine import Transactions
from reconcile.store.history import Wanted, playbacks

Say = Callable[[str], None]

CALM = 30.0
"""From this speed on the plugin does not tell of every second, or it would do nothing else."""

_ELSEWHERE = frozenset({"PLAYLEDGER_HOST", "PLAYLEDGER_PORT"})
"""What the demonstration takes from the environment."""


def demo(speed: float, say: Say, *, is_once: bool) -> None:
    """Serve the evening, *speed* times as fast as it is; with *is_once* stop when it is over."""
    logs.set_up(level=40)
    with tempfile.TemporaryDirectory(prefix="playledger-demo-") as folder, asyncio.Runner() as runner:
        runner.run(_demo(folder, speed, say, is_once=is_once))


def evening(began: datetime) -> Script:
    """Return what is played: two episodes to their ends, and a film that is left halfway."""
    series, film = library().episodes[0], library().films[0]
    almost = series[1].runtime * 0.93
    television = Programme(
        DEVICES[1],
        USERS[0],
        20.0,
        (
            Open(series[0]),
            Play(series[0].runtime / 2),
            Pause(240.0),
            PlayTo(series[0].runtime - 30.0),
            Close(),
            Wait(30.0),
            Open(series[1]),
            PlayTo(almost),
            Close(),
        ),
    )
    phone = Programme(DEVICES[2], USERS[1], 300.0, (Open(film), Play(film.runtime / 2), Close()))
    return Script(1, began, (television, phone))


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
        say(f"A simulated evening, {speed:g} times as fast as a real one. Ctrl-C ends it, and leaves nothing behind.")
        say("Its users, viewer-1 to viewer-4, sign in on the pages with the password «password».")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(jellyfin.serve([door]))
            tasks.create_task(
                _perform(performance, pace, settings, playledger, app.state.house.store, say, is_once=is_once)
            )
            await playledger.serve()
            playledger.should_exit = jellyfin.should_exit = True


async def _perform(
    performance: Performance,
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
    last = max(player.now for player in performance.players) + 600.0
    told: dict[int, str] = {}
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as http:
        sender = Sender(http, url, settings.webhook_token)
        while not playledger.should_exit:
            await sender.catch_up(performance, pace.now())
            for line in _news(await _ledger(store), told):
                say(line)
            if performance.clock.seconds(pace.now()) > last:
                break
            await asyncio.sleep(0.25)
    say(f"That was the evening: {sum(sender.answers.values())} webhooks, each answered after it was kept.")
    if not is_once:
        say("Nothing more will play; the pages stay until Ctrl-C.")
    if is_once:
        playledger.should_exit = True


async def _ledger(store: Transactions) -> list[PlaybackWords]:
    async with store.read() as db:
        return [playback_words(row) for row in await playbacks(db, Wanted(), None, 50)]


def _news(ledger: list[PlaybackWords], told: dict[int, str]) -> Iterator[str]:
    """Yield what has become of playbacks since the last time, in the order in which they began."""
    for each in reversed(ledger):
        state = each.state if each.open else each.sentence
        if told.get(each.id) != state:
            yield _sentence(each, is_first=each.id not in told)
            told[each.id] = state


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
