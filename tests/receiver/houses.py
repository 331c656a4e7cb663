"""The whole program in this process: the real app on a real database, spoken to as over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import msgspec
from litestar import Litestar

from receiver.app import Work, create_app
from receiver.house import House
from reconcile.settings import read_settings
from tests.recordings.shapes import SERVER, VIEWER, changed

Anything: TypeAlias = Any
"""What JSON may hold."""

WEBHOOK = "/webhooks/jellyfin"
NINE_PM = datetime(2026, 11, 22, 21, tzinfo=UTC)
ADMIN_TOKEN = "admin-token-of-the-tests"
WEBHOOK_TOKEN = "webhook-token-of-the-tests"


class Clock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, at: datetime = NINE_PM) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Program(msgspec.Struct):
    """The running app, and one who speaks to it as an administrator."""

    app: Litestar
    house: House
    http: httpx.AsyncClient
    clock: Clock

    async def send(self, body: bytes, token: str = WEBHOOK_TOKEN, **options: Anything) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "content-type": "text/plain"} | options.pop("headers", {})
        return await self.http.post(WEBHOOK, content=body, headers=headers, **options)

    async def get(self, path: str, **query: object) -> Anything:
        """Return what the API says, which must not be an error."""
        answer = await self.http.get(f"/api/v1{path}", params={k: str(v) for k, v in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def watch(self, start: datetime, *, minutes: int = 40, **values: object) -> None:
        """Have the recorded episode watched from its beginning, for so long, by what the plugin sends."""
        for seconds in (*range(0, minutes * 60, 300), minutes * 60):
            kind = "PlaybackStart" if seconds == 0 else "PlaybackProgress"
            if seconds == minutes * 60:
                kind = "PlaybackStop"
            answer = await self.send(notification(kind, start + timedelta(seconds=seconds), seconds, **values))
            assert answer.status_code == 202, answer.text


def notification(kind: str, at: datetime, position: float, **values: object) -> bytes:
    """Return what the plugin sends *at* that instant, at that *position* in seconds."""
    name = {
        "PlaybackStart": "plugin_21_start.json",
        "PlaybackStop": "plugin_21_stop.json",
        "Automated": "plugin_21_automated.json",
    }.get(kind, "plugin_21_progress.json")
    text = at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    ticks = int(position * 10_000_000)
    told = {"UtcTimestamp": text, "LastActivityDate": text, "PlaybackPositionTicks": ticks}
    if kind != "Automated":
        told["LastPlaybackCheckIn"] = text
    return changed(name, **told | values)


@asynccontextmanager
async def program(
    folder: Path,
    url: str | None = None,
    *,
    clock: Clock | None = None,
    works: Sequence[Work] = (),
    http: httpx.AsyncClient | None = None,
    given: Mapping[str, str] | None = None,
    **environment: str,
) -> AsyncIterator[Program]:
    """Start the program, and stop it as a signal would."""
    told = {
        "PLAYLEDGER_DATA_DIR": str(folder),
        "PLAYLEDGER_ADMIN_TOKEN": ADMIN_TOKEN,
        "PLAYLEDGER_WEBHOOK_TOKEN": WEBHOOK_TOKEN,
        "PLAYLEDGER_AUTO_LINK": "true",
        "TZ": "UTC",
    }
    if url is not None:
        told["PLAYLEDGER_DATABASE_URL"] = url
    clock = clock or Clock()
    app = create_app(read_settings({**told, **(given or {}), **environment}), clock=clock, http=http, works=works)
    house: House = app.state.house
    house.intake.patience = timedelta(seconds=10)  # whoever runs the tests is in no hurry
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # httpx spells ASGI without its types
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as mine:
        yield Program(app, house, mine, clock)


async def until(is_so: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait until something that was begun is done."""
    async with asyncio.timeout(20):
        while True:
            found = is_so()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def link(program: Program, user: str = VIEWER, *, recorded: bool = True, name: str = "viewer") -> int:
    """Make an account and link a user of the recorded server to it; return the account's id."""
    account = (await program.http.post("/api/v1/accounts", json={"name": name})).json()
    answer = await program.http.put(
        f"/api/v1/links/{SERVER}/{user}", json={"account_id": account["id"], "recorded": recorded}
    )
    assert answer.status_code == 200, answer.text
    return int(account["id"])


def everything_in(folder: Path) -> bytes:
    """Return all that is on the disk under *folder*: database, spool and the rest."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
