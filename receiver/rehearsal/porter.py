"""The simulated Jellyfin's porter: who has which key, signing in by password and by Quick Connect (facts B9, G)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.rehearsal.asked import BAD, FORBIDDEN, NOT_FOUND, NOTHING, UNAUTHORISED, Answer, Asked, as_json
from receiver.rehearsal.library import SERVER_ID, User

PASSWORD = "password"  # noqa: S105 - everybody's, and it opens nothing real
_DEVICE = ("Client", "Device", "DeviceId", "Version")


@dataclass
class Code:
    """A code of Quick Connect, and whoever approved it."""

    code: str
    secret: str
    user: User | None = None


class Porter:
    """Knows the keys, and who is signed in. The first of *users* is the administrator.

    *key* is the API key that was there from the beginning, *made* are those that were made since, each with its name
    and when. Tests may change *disabled* (names), *administrators*, *has_quick_connect* and *mistaken*: an id, and
    whom the answer about it is of instead.
    """

    def __init__(self, users: Sequence[User], key: str, now: Callable[[], datetime]) -> None:
        self.users = tuple(users)
        self.key = key
        self.made: dict[str, tuple[str, datetime]] = {}
        self.signed_in: dict[str, User] = {}
        self.disabled: set[str] = set()
        self.mistaken: dict[str, User] = {}
        self.administrators = {user.name for user in users[:1]}
        self.has_quick_connect = True
        self.is_old = False
        self._codes: dict[str, Code] = {}
        self._now = now

    def is_known(self, token: str | None) -> bool:
        """Say whether *token* is a key, or somebody's who is signed in."""
        return token is not None and (self._is_key(token) or token in self.signed_in)

    def is_elevated(self, token: str | None) -> bool:
        """Say whether *token* is a key or an administrator's."""
        user = self.signed_in.get(token or "")
        return token is not None and (self._is_key(token) or (user is not None and user.name in self.administrators))

    def approve(self, code: str, user: User) -> None:
        """Enter *code* as *user*, in an app that is signed in already."""
        found = next(each for each in self._codes.values() if each.code == code)
        found.user = user

    def lapse(self) -> None:
        """Let every code of Quick Connect lapse."""
        self._codes.clear()

    def answer(self, request: Asked) -> Answer | None:
        """Return what is answered to one who is not known yet, None if that is not ours to answer."""
        match request.method, request.path:
            case "POST", "/users/authenticatebyname":
                return self._by_name(request)
            case "POST", "/users/authenticatewithquickconnect":
                return self._by_code(request)
            case "GET", "/quickconnect/enabled":
                return as_json(self.has_quick_connect)
            case ("POST" | "GET") as method, "/quickconnect/initiate":
                return Answer(405) if self.is_old and method == "POST" else self._begin(request)
            case "GET", "/quickconnect/connect":
                return self._state(request)
        return None

    def answer_known(self, request: Asked) -> Answer | None:
        """Return what is answered to one who is known, None if that is not ours to answer."""
        if (request.method, request.path) == ("POST", "/sessions/logout"):
            self.signed_in.pop(request.token or "", None)
            return NOTHING
        if request.path.startswith("/users"):
            return self._people(request.path)
        if request.path.startswith("/auth/keys"):
            return self._keys(request) if self.is_elevated(request.token) else FORBIDDEN
        return None

    def _is_key(self, token: str) -> bool:
        return token == self.key or token in self.made

    # --- signing in -----------------------------------------------------------------------------------------------

    def _by_name(self, request: Asked) -> Answer:
        told = request.told()
        if not all(request.header.get(name) for name in _DEVICE):
            return BAD
        name = str(told.get("Username", "")).lower()
        user = next((user for user in self.users if user.name.lower() == name), None)
        if user is None:
            return UNAUTHORISED
        if user.name in self.disabled:
            return FORBIDDEN
        return self._let_in(user) if told.get("Pw") == PASSWORD else UNAUTHORISED

    def _by_code(self, request: Asked) -> Answer:
        found = self._codes.get(str(request.told().get("Secret")))
        return NOT_FOUND if found is None or found.user is None else self._let_in(found.user)

    def _let_in(self, user: User) -> Answer:
        token = secrets.token_hex(16)
        self.signed_in[token] = user
        session = {"UserId": user.id, "UserName": user.name, "ServerId": SERVER_ID}
        told = {"User": self._told(user), "SessionInfo": session, "AccessToken": token, "ServerId": SERVER_ID}
        return as_json(told)

    # --- Quick Connect --------------------------------------------------------------------------------------------

    def _begin(self, request: Asked) -> Answer:
        if not self.has_quick_connect:
            return UNAUTHORISED
        if not all(request.header.get(name) for name in _DEVICE):
            return BAD
        begun = Code(f"{secrets.randbelow(1_000_000):06d}", secrets.token_hex(32))
        self._codes[begun.secret] = begun
        return as_json(_code(begun))

    def _state(self, request: Asked) -> Answer:
        if not self.has_quick_connect:
            return UNAUTHORISED
        found = self._codes.get(request.query.get("secret", ""))
        return NOT_FOUND if found is None else as_json(_code(found))

    # --- people and keys ------------------------------------------------------------------------------------------

    def _people(self, path: str) -> Answer:
        if path == "/users":
            return as_json([self._told(user) for user in self.users])
        wanted = path.rpartition("/")[2].replace("-", "")
        user = self.mistaken.get(wanted) or next((user for user in self.users if user.id == wanted), None)
        return NOT_FOUND if user is None else as_json(self._told(user))

    def _told(self, user: User) -> dict[str, object]:
        policy = {
            "IsAdministrator": user.name in self.administrators,
            "IsDisabled": user.name in self.disabled,
            "IsHidden": False,
        }
        return {"Name": user.name, "ServerId": SERVER_ID, "Id": user.id, "HasPassword": True, "Policy": policy}

    def _keys(self, request: Asked) -> Answer:
        if request.method == "GET":
            found = [_key(self.key, "the household", None)]
            found += [_key(token, app, at) for token, (app, at) in self.made.items()]
            return as_json({"Items": found, "TotalRecordCount": len(found), "StartIndex": 0})
        if request.method == "POST":
            app = request.query.get("app")
            if not app:
                return BAD
            self.made[secrets.token_hex(16)] = (app, self._now())
            return NOTHING
        self.made.pop(request.last, None)
        return NOTHING


def _code(code: Code) -> dict[str, object]:
    return {"Authenticated": code.user is not None, "Secret": code.secret, "Code": code.code, "DeviceId": "a device"}


def _key(token: str, app: str, at: datetime | None) -> dict[str, object]:
    made = "0001-01-01T00:00:00.0000000Z" if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    return {"Id": 0, "AccessToken": token, "AppName": app, "DeviceId": "", "IsActive": True, "DateCreated": made}
