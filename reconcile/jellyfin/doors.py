"""How a person comes in: asking a server whether it is them, by password or by Quick Connect (facts G).

What a person's token opens is wanted for a moment only: it is logged out again as soon as that is over. Neither
passwords nor tokens stand in errors, logs or the text of an object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
import msgspec

from reconcile.errors import JellyfinError, JellyfinUnreadable, SignInBarred, SignInRefused
from reconcile.jellyfin import catalogue
from reconcile.jellyfin.asking import Answer, Asker, Question, raise_for
from reconcile.jellyfin.catalogue import Admission, PublicInfo
from reconcile.jellyfin.client import JellyfinClient

NAME = "Playledger"
DEVICE_ID = "playledger-sign-in"
"""Always the same: each new sign-in would leave another device in the server's list."""

LONGEST_NAME, LONGEST_PASSWORD = 200, 1000
_SECONDS = 15.0
_BYTES = 1024 * 1024
_LAPSED = "The code has lapsed, or was never approved: ask for a new one."
_OFF = "Quick Connect is turned off at this Jellyfin: sign in with name and password."


class Person(msgspec.Struct, frozen=True):
    """Somebody of whom a server has just said that it is them; ids are normalised."""

    server_id: str
    user_id: str
    name: str
    is_administrator: bool
    is_disabled: bool


class Guest(msgspec.Struct, frozen=True):
    """A person who is signed in just now; *client* asks as them, until they are logged out."""

    person: Person
    client: JellyfinClient


class QuickConnect(msgspec.Struct, frozen=True):
    """*code* is for the person to enter in an app that is signed in already, *secret* is for us alone."""

    code: str
    secret: str

    def __repr__(self) -> str:
        """Return it fit for logs."""
        return f"QuickConnect({self.code!r})"


class _QuickConnect(msgspec.Struct, frozen=True, rename="pascal"):
    secret: str
    code: str
    authenticated: bool = False


class Doors:
    """The doors of one server. *expected* is its id where we know it: another server's word is worth nothing here.

    All raise JellyfinUnreachable or JellyfinUnreadable (it is no Jellyfin, or not that one).
    """

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        expected: str | None = None,
        version: str = "0",
    ) -> None:
        self._asker = Asker(url, http, now)
        self._url, self._http, self._now = url, http, now
        self._expected = expected
        self._who = f'MediaBrowser Client="{NAME}", Device="{NAME}", DeviceId="{DEVICE_ID}", Version="{version}"'

    @property
    def url(self) -> str:
        """The server's address, fit for logs."""
        return self._asker.url

    async def public_info(self) -> PublicInfo:
        """Return who the server says it is."""
        question = Question("GET", "/System/Info/Public")
        answer, doing = await self._asked(question), self._asker.doing(question)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise JellyfinUnreadable(f"{doing}: {answer.status}. Something before Jellyfin wants a sign-in of its own.")
        raise_for(question, answer, doing)
        return catalogue.public_info(answer.body)

    # --- name and password ----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def by_password(self, name: str, password: str) -> AsyncIterator[Guest]:
        """Let somebody in for as long as the block lasts. Raises SignInRefused or SignInBarred."""
        if not name.strip() or len(name) > LONGEST_NAME or len(password) > LONGEST_PASSWORD:
            raise SignInRefused("Jellyfin does not know this name with this password.")
        try:
            body = msgspec.json.encode({"Username": name.strip(), "Pw": password})
        except UnicodeEncodeError as error:
            raise SignInRefused("Jellyfin does not know this name with this password.") from error
        answer = await self._asked(Question("POST", "/Users/AuthenticateByName", body=body))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise SignInRefused("Jellyfin does not know this name with this password.")
        async with self._let_in(answer) as guest:
            yield guest

    async def sign_in(self, name: str, password: str) -> Person:
        """Return who that is; they are logged out again. Raises SignInRefused or SignInBarred."""
        async with self.by_password(name, password) as guest:
            return guest.person

    # --- Quick Connect --------------------------------------------------------------------------------------------

    async def has_quick_connect(self) -> bool:
        """Say whether the server lets people in by a code."""
        question = Question("GET", "/QuickConnect/Enabled")
        answer = await self._asked(question)
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED}:
            return False
        raise_for(question, answer, self._asker.doing(question))
        return catalogue.decoded(answer.body, bool, "Quick Connect")

    async def begin(self) -> QuickConnect:
        """Ask for a code. Raises SignInRefused if Quick Connect is turned off."""
        question = Question("POST", "/QuickConnect/Initiate")
        answer = await self._asked(question)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:  # 10.8 has it as a GET
            question = Question("GET", "/QuickConnect/Initiate")
            answer = await self._asked(question)
        told = self._quick(question, answer)
        return QuickConnect(told.code, told.secret)

    async def is_approved(self, secret: str) -> bool:
        """Say whether the person has entered the code. Raises SignInRefused once it has lapsed."""
        question = Question("GET", "/QuickConnect/Connect", {"secret": secret})
        return self._quick(question, await self._asked(question)).authenticated

    @asynccontextmanager
    async def by_quick_connect(self, secret: str) -> AsyncIterator[Guest]:
        """Let in whoever approved the code, for as long as the block lasts. Raises SignInRefused or SignInBarred."""
        body = msgspec.json.encode({"Secret": secret})
        answer = await self._asked(Question("POST", "/Users/AuthenticateWithQuickConnect", body=body))
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
            raise SignInRefused(_LAPSED)
        async with self._let_in(answer) as guest:
            yield guest

    async def sign_in_by_quick_connect(self, secret: str) -> Person:
        """Return who approved the code; they are logged out again. Raises SignInRefused or SignInBarred."""
        async with self.by_quick_connect(secret) as guest:
            return guest.person

    # --------------------------------------------------------------------------------------------------------------

    def _quick(self, question: Question, answer: Answer) -> _QuickConnect:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise SignInRefused(_OFF)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise SignInRefused(_LAPSED)
        raise_for(question, answer, self._asker.doing(question))
        return catalogue.decoded(answer.body, _QuickConnect, "Quick Connect")

    @asynccontextmanager
    async def _let_in(self, answer: Answer) -> AsyncIterator[Guest]:
        if answer.status == HTTPStatus.FORBIDDEN:
            raise SignInBarred(
                "Jellyfin does not let this person in: the account is disabled, or not allowed at this time, from "
                "here, or on one more device."
            )
        question = Question("POST", "/Users/AuthenticateByName")
        raise_for(question, answer, self._asker.doing(question))
        admitted = catalogue.admission(answer.body)
        client = JellyfinClient(self._url, admitted.token, self._http, self._now)
        try:
            yield Guest(self._person(admitted), client)
        finally:
            with suppress(JellyfinError):  # a token that could not be logged out is forgotten here all the same
                await client.log_out()

    def _person(self, admitted: Admission) -> Person:
        user = admitted.user
        if self._expected is not None and admitted.server_id != self._expected:
            raise JellyfinUnreadable(
                f"Another Jellyfin answers at {self.url} than the one that is known: check its URL."
            )
        if user.is_disabled:
            raise SignInBarred("Jellyfin says that this account is disabled.")
        return Person(admitted.server_id, user.id, user.name, user.is_administrator, user.is_disabled)

    async def _asked(self, question: Question) -> Answer:
        limited = msgspec.structs.replace(question, longest=_SECONDS, largest=_BYTES)
        return await self._asker.ask(limited, self._who)
