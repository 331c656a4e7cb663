"""Long-running tasks: each begins again after an error of ours, so that one of them cannot take the program along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

Work = Callable[[], Awaitable[None]]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Tasks:
    """Tasks in *group* that are stopped together."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Work) -> None:
        """Do *work* until it returns or is stopped."""
        task = self._group.create_task(_lasting(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel all of them, and wait until they are over."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _lasting(name: str, work: Work) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            await work()
        except Exception:
            log.exception("a task failed and begins again", task=name, in_seconds=pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
