"""The Webhook plugin's HTTP side: it posts one notification after another, and never twice (facts A5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx

from receiver.rehearsal.performance import Performance
from receiver.rehearsal.recording import Delivery

USER_AGENT = "Jellyfin-Server/10.11.8"


class Sender:
    """Posts notifications to *url*, each awaited before the next; what fails is counted and lost, as with the plugin.

    *answers* counts the status codes that came back, 0 stands for no answer at all.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, token: str | None = None) -> None:
        """Post through *client*, which sets the time limit."""
        self._client = client
        self._url = url
        self._headers = {"User-Agent": USER_AGENT} | ({"X-Playledger-Token": token} if token else {})
        self.answers: dict[int, int] = {}

    async def send(self, body: bytes, content_type: str) -> int:
        """Post one notification; return the status code, 0 if no answer came."""
        try:
            headers = {**self._headers, "Content-Type": content_type}
            answer = await self._client.post(self._url, content=body, headers=headers)
            status = answer.status_code
        except httpx.TransportError:
            status = 0
        self.answers[status] = self.answers.get(status, 0) + 1
        return status

    async def send_all(self, deliveries: Iterable[Delivery]) -> None:
        """Post *deliveries* one after another, as fast as they are taken."""
        for delivery in deliveries:
            await self.send(delivery.body, delivery.content_type)

    async def follow(
        self, performance: Performance, now: Callable[[], datetime], stop: asyncio.Event, every: float = 0.25
    ) -> None:
        """Let *performance* play on with the clock *now* until *stop* is set, and post what its plugin has to say.

        Looks every so many real seconds for what is due.
        """
        while not stop.is_set():
            await self.catch_up(performance, now())
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    async def catch_up(self, performance: Performance, now: datetime) -> None:
        """Let *performance* play until *now*, and post what its plugin has to say of that."""
        performance.advance(now)
        for told in performance.take():
            for _, body in performance.written(told):
                await self.send(body, performance.content_type)
