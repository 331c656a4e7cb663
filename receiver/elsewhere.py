"""What is asked elsewhere than at media servers: Seerr and TMDB, where the settings name them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from receiver.tasks import Tasks
from receiver.wires import Wires
from reconcile.errors import SeerrError
from reconcile.finding import Finder
from reconcile.mirroring import Mirroring
from reconcile.seerr.client import SeerrClient
from reconcile.settings import Settings
from reconcile.store.lease import Leases
from reconcile.tmdb import TmdbClient
from reconcile.tracker import Tracker

log = structlog.get_logger()


class Elsewhere:
    """The mirror of Seerr, None where none is set up, and the finder of ids. *trouble* is an impossible setting."""

    def __init__(
        self, settings: Settings, wires: Wires, tracker: Tracker, leases: Leases, clock: Callable[[], datetime]
    ) -> None:
        self.seerr: Mirroring | None = None
        self.finder: Finder | None = None
        self.trouble: str | None = None
        self._settings = settings
        self._wires = wires
        self._tracker = tracker
        self._leases = leases
        self._clock = clock

    async def open(self, tasks: Tasks) -> None:
        """Begin to ask, in the background: nothing waits for it."""
        url, key = self._settings.seerr_url, self._settings.seerr_api_key
        if url and key:
            self._mirror(url, key, tasks)
        elif url or key:
            self.trouble = "Seerr needs both SEERR_URL and SEERR_API_KEY."
        tmdb_key = self._settings.tmdb_api_key
        tmdb = TmdbClient(tmdb_key, self._wires.http) if tmdb_key else None
        if self.seerr is not None or tmdb is not None:
            self.finder = Finder(self._tracker, self._clock, tmdb, leases=self._leases)
            tasks.start("finding ids", self.finder.run)

    def _mirror(self, url: str, key: str, tasks: Tasks) -> None:
        try:
            client = SeerrClient(url, key, self._wires.http)
        except SeerrError as error:
            self.trouble = str(error)
            log.warning("Seerr cannot be asked", error=str(error))
            return
        tracker = self._tracker
        self.seerr = Mirroring(client, tracker.store, tracker.people, self._clock, leases=self._leases)
        tasks.start("mirroring Seerr", self.seerr.run)
