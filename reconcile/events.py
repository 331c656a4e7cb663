"""Who wants to hear what has changed."""

from __future__ import annotations

from collections.abc import Callable

from reconcile.changes import Settled


class Events:
    """Who wants to hear what changed: each listener is called after the commit, and must not wait."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Settled], None]] = []

    def listen(self, listener: Callable[[Settled], None]) -> Callable[[], None]:
        """Call *listener* with all that is settled from now on; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, settled: Settled) -> None:
        """Tell everyone."""
        if settled.playbacks or settled.watches or settled.units or settled.badges:
            for listener in tuple(self._listeners):
                listener(settled)
