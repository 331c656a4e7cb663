"""A server on a real socket, for what only a socket has: silence, limits of time, a connection that is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def listening(
    answer: Callable[[str], Awaitable[bytes]], date: Callable[[], str] | None = None
) -> AsyncIterator[str]:
    """Answer each request with the body that *answer* makes of its path; yield the address.

    Whoever still thinks at the end is left to finish. *date* says the header of that name.
    """
    thinking: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        thinking.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            body = await answer(request.split()[1].decode())
            told = "" if date is None else f"Date: {date()}\r\n"
            head = f"HTTP/1.1 200 OK\r\n{told}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            await asyncio.gather(*(task for task in thinking if task is not None))
