"""What people said of the keys that are being settled: for whom their playbacks count, and as what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from reconcile.playback.check_in import Key
from reconcile.playback.corrections import Correction, Counts, counts_as, meant
from reconcile.playback.media import Identity
from reconcile.playback.playback import Playback
from reconcile.store import corrections
from reconcile.store.keys import KeyRow


class Corrected:
    """The corrections of some keys, with the media that they name; *accounts* are those that there are."""

    def __init__(
        self,
        said: Mapping[tuple[str, str, str], Sequence[Correction]],
        media: Mapping[Identity, int],
        accounts: Mapping[int, object],
    ) -> None:
        self._said = said
        self._media = media
        self._accounts = accounts
        self._excluded: dict[tuple[int, datetime], str] = {}

    @classmethod
    async def of(cls, db: AsyncConnection, keys: Collection[Key], accounts: Mapping[int, object]) -> Corrected:
        """Return what was said of *keys*, read within the transaction *db*."""
        said = await corrections.of_keys(db, keys)
        named = {each.to_media for told in said.values() for each in told if each.to_media is not None}
        media = {identity: await corrections.media_of(db, identity) for identity in named}
        return cls(said, media, accounts)

    def concern(self, row: KeyRow) -> bool:
        """Say whether anything was said of a key."""
        return corrections.place_of(row.key) in self._said

    def counts(self, row: KeyRow, found: Playback, cut: Counts) -> Counts:
        """Return what the playback *found* of a key counts as that would count as *cut*."""
        said = self._said.get(corrections.place_of(row.key)) if self._said else None
        if said is None or cut.account_id is None:
            return cut
        about = meant(said, row.key.session_id, found.first_at, found.last_at)
        counts = counts_as(cut, about, self._media, self._accounts)
        if counts.excluded is not None:
            self._excluded[row.id, found.first_at] = counts.excluded
        return counts

    async def keep(self, db: AsyncConnection) -> None:
        """Note why those that count for nobody do not."""
        await corrections.exclude(db, self._excluded)
