"""Somebody who is told: a real server on loopback that verifies what it gets by its own means, and may misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec


class Received(msgspec.Struct):
    """One request: its path, headers (in lower case) and body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Say whether the signature holds, as the specification words it."""
        key = base64.b64decode(secret.split("_", 1)[1])
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


class Reader:
    """Answers with *status*, with *more* headers; it holds its answers back while *gate* is shut."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        self.more: dict[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0
        self.most_waiting = 0
        self.url = ""
        self._news = asyncio.Condition()

    async def hears(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.received) >= count)

    @property
    def kinds(self) -> list[str]:
        return [each.said["type"] for each in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(head[0].split(" ")[1], headers, body))
            async with self._news:
                self._news.notify_all()
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            await self.gate.wait()
            self.waiting -= 1
            told = "".join(f"{name}: {value}\r\n" for name, value in self.more.items())
            writer.write(f"HTTP/1.1 {self.status} X\r\n{told}content-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # whoever sent has gone
        finally:
            writer.close()


@asynccontextmanager
async def reader() -> AsyncIterator[Reader]:
    """Listen on a free port of this machine."""
    mine = Reader()
    server = await asyncio.start_server(mine._serve, "127.0.0.1", 0)
    mine.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield mine
    finally:
        mine.gate.set()
        server.close()
        await asyncio.sleep(0)
