"""Asking a Jellyfin server with a key: what to ask, and what its answers are read as (facts B7, B9, G)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from reconcile.errors import JellyfinMissing, JellyfinRefused
from reconcile.jellyfin import catalogue, episodes, keys
from reconcile.jellyfin.asking import LONGEST_LOOK, TIMEOUT, Answer, Asker, Question, raise_for, redacted
from reconcile.jellyfin.catalogue import CatalogueItem, JellyfinUser, Plugin, PublicInfo
from reconcile.jellyfin.keys import ApiKey
from reconcile.playback.identity import is_guid, normalised_id
from reconcile.playback.progress import Totals

__all__ = ["LONGEST_LOOK", "TIMEOUT", "Answer", "JellyfinClient", "redacted"]

_BATCH = 100
"""How many ids one ``GET /Items`` names: 33 characters each, in a URL that proxies limit to 4 or 8 KB."""

_PICTURE_SECONDS = 5.0
_PICTURE_BYTES = 512 * 1024
_INSTALL_SECONDS = 120.0
"""The server fetches the lists of its repositories and the plugin itself before it answers."""

_LOG_OUT_SECONDS = 5.0
_ALLOWED_IN_KEY = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~")


class JellyfinClient:
    """Asks one server. It shares *http*, whose life is its maker's; *now* is our clock (UTC).

    *api_key* may also be the token of a person who has signed in: then they ask. All its questions raise
    JellyfinUnreachable (no answer, or a server that is not well), JellyfinRefused (the key is wrong or may not) or
    JellyfinUnreadable (it is no Jellyfin, or says what we do not understand).
    """

    def __init__(
        self, url: str, api_key: str, http: httpx.AsyncClient, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._asker = Asker(url, http, now)
        self._key = _checked(api_key.strip())

    @property
    def url(self) -> str:
        """The server's address, fit for logs."""
        return self._asker.url

    @property
    def offset(self) -> timedelta:
        """What to add to our clock to have the server's, as far as its answers have told."""
        return self._asker.offset

    # --- who is there, and what plays -----------------------------------------------------------------------------

    async def public_info(self) -> PublicInfo:
        """Return who the server says it is. Needs no key, and sends none."""
        question = Question("GET", "/System/Info/Public")
        answer = await self._asker.ask(question)
        raise_for(question, answer, self._asker.doing(question))
        return catalogue.public_info(answer.body)

    async def sessions(self) -> Answer:
        """Return all sessions, still as bytes (`reconcile.jellyfin.snapshot.decode_snapshot` reads them).

        It may take `LONGEST_LOOK` seconds. Nothing is filtered: ``controllableByUserId`` would hide players without
        remote control (facts B7).
        """
        return await self._told(Question("GET", "/Sessions", longest=LONGEST_LOOK, silence=LONGEST_LOOK))

    async def users(self) -> tuple[JellyfinUser, ...]:
        """Return the server's users."""
        return catalogue.users((await self._get("/Users")).body)

    async def user(self, user_id: str) -> JellyfinUser | None:
        """Return one user with their rights as they are now, None if there is none of that id any more."""
        known = normalised_id(user_id)
        if not is_guid(known):
            return None
        try:
            return catalogue.user((await self._get(f"/Users/{known}")).body)
        except JellyfinMissing:
            return None

    # --- the library ----------------------------------------------------------------------------------------------

    async def items(self, ids: Iterable[str], user_id: str | None = None) -> tuple[CatalogueItem, ...]:
        """Return what the library knows of *ids*; those that it does not know are not in the answer.

        *user_id* is needed by Jellyfin 10.8 only (facts B9).
        """
        wanted = list(dict.fromkeys(normalised_id(item_id) for item_id in ids))
        found: list[CatalogueItem] = []
        for start in range(0, len(wanted), _BATCH):
            query = {"ids": ",".join(wanted[start : start + _BATCH]), "fields": "ProviderIds"}
            if user_id is not None:
                query["userId"] = normalised_id(user_id)
            found.extend(catalogue.catalogue_items((await self._get("/Items", query)).body))
        return tuple(found)

    async def series_running(self, ids: Iterable[str]) -> dict[str, bool | None]:
        """Return of each series of *ids* whether more of it will come, None where the server does not know."""
        wanted = sorted({normalised_id(item_id) for item_id in ids})
        found: dict[str, bool | None] = {}
        for start in range(0, len(wanted), _BATCH):
            query = {"ids": ",".join(wanted[start : start + _BATCH]), "enableUserData": "false"}
            found |= episodes.running((await self._get("/Items", query)).body)
        return found

    async def series_totals(self, item_id: str, *, is_running: bool | None) -> Totals:
        """Return how many episodes a series has. A series that is gone is JellyfinUnreadable (404)."""
        query = {"enableImages": "false", "enableUserData": "false"}
        answer = await self._get(f"/Shows/{normalised_id(item_id)}/Episodes", query)
        return episodes.totals(answer.body, answer.server_at, is_running=is_running)

    async def picture(self, item_id: str, width: int) -> Answer:
        """Return an item's primary image, at most *width* pixels wide, as it came. JellyfinMissing: it has none."""
        known = normalised_id(item_id)
        if not is_guid(known):
            raise JellyfinMissing("That is no item's id.")
        return await self._told(
            Question(
                "GET",
                f"/Items/{known}/Images/Primary",
                {"maxWidth": str(width), "quality": "90"},
                accept="image/webp, image/jpeg, image/png",
                longest=_PICTURE_SECONDS,
                largest=_PICTURE_BYTES,
            )
        )

    # --- what it and its plugins have kept ------------------------------------------------------------------------

    async def activity_log(self, start: int, limit: int, since: datetime) -> bytes:
        """Return *limit* entries of the activity log from *start* on, newest first, none of them before *since*."""
        query = {"startIndex": str(start), "limit": str(limit), "hasUserId": "true"}
        query["minDate"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (await self._get("/System/ActivityLog/Entries", query)).body

    async def custom_query(self, query: str) -> bytes:
        """Have the Playback Reporting plugin run *query*, SQL, and return its answer (facts E)."""
        body = msgspec.json.encode({"CustomQueryString": query, "ReplaceUserId": False})
        return (await self._told(Question("POST", "/user_usage_stats/submit_custom_query", body=body))).body

    # --- its plugins ----------------------------------------------------------------------------------------------

    async def plugins(self) -> tuple[Plugin, ...]:
        """Return the installed plugins. The key must be an administrator's, as every API key is."""
        return catalogue.plugins((await self._get("/Plugins")).body)

    async def plugin_configuration(self, plugin_id: str) -> bytes:
        """Return a plugin's configuration as it came; its keys and tokens may be in it."""
        return (await self._get(f"/Plugins/{normalised_id(plugin_id)}/Configuration")).body

    async def set_plugin_configuration(self, plugin_id: str, body: bytes) -> None:
        """Replace the WHOLE configuration of a plugin (facts G)."""
        await self._told(Question("POST", f"/Plugins/{normalised_id(plugin_id)}/Configuration", body=body))

    async def install_plugin(self, name: str, plugin_id: str) -> None:
        """Have a plugin installed from the server's repositories; it is active only after a restart.

        JellyfinMissing: none of them has a version that fits this server.
        """
        query = {"assemblyGuid": normalised_id(plugin_id)}
        await self._told(Question("POST", f"/Packages/Installed/{name}", query, longest=_INSTALL_SECONDS))

    async def restart(self) -> None:
        """Restart the server: whoever is watching is interrupted, so ask first."""
        await self._told(Question("POST", "/System/Restart"))

    # --- keys -----------------------------------------------------------------------------------------------------

    async def api_keys(self) -> tuple[ApiKey, ...]:
        """Return every API key of the server. Whoever asks must be an administrator."""
        return keys.api_keys((await self._get("/Auth/Keys")).body)

    async def add_api_key(self, app: str) -> None:
        """Have a key made for *app*; the server does not say which it is (facts G)."""
        await self._told(Question("POST", "/Auth/Keys", {"app": app}))

    async def remove_api_key(self, token: str) -> None:
        """Revoke a key."""
        await self._told(Question("DELETE", f"/Auth/Keys/{_checked(token)}", shown="/Auth/Keys/…"))

    async def log_out(self) -> None:
        """Make the token with which this client asks worthless."""
        await self._told(Question("POST", "/Sessions/Logout", longest=_LOG_OUT_SECONDS))

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        return await self._told(Question("GET", path, query or {}))

    async def _told(self, question: Question) -> Answer:
        answer = await self._asker.ask(question, f'MediaBrowser Token="{self._key}"')
        raise_for(question, answer, self._asker.doing(question))
        return answer


def _checked(api_key: str) -> str:
    """Return *api_key* if it can be sent; a key with a line break would end up in an error's text."""
    if not api_key or not _ALLOWED_IN_KEY.issuperset(api_key):
        raise JellyfinRefused("The API key is empty, or has characters that no key of Jellyfin has: copy it again.")
    return api_key
