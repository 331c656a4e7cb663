"""Who a person is, asked at their own server; and that nothing of how they said so stays behind."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator

import httpx
import pytest

from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.porter import PASSWORD
from reconcile.errors import (
    JellyfinError,
    JellyfinRefused,
    JellyfinUnreachable,
    JellyfinUnreadable,
    SignInBarred,
    SignInRefused,
)
from reconcile.jellyfin.doors import Doors
from tests.simulated import URL, Jellyfin, simulated

ADMINISTRATOR, VIEWER = USERS[0], USERS[1]


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as found:
        yield found


def doors(jellyfin: Jellyfin, expected: str | None = None) -> Doors:
    return Doors(URL, jellyfin.http, jellyfin.watch, expected=expected, version="1.2.3")


def answering(status: int, **answer: object) -> Doors:
    """Return the doors of something that answers everything with one thing."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, **answer))  # type: ignore[arg-type]
    return Doors(URL, httpx.AsyncClient(transport=transport))


# --- name and password ------------------------------------------------------------------------------------------------


async def test_a_person_is_known_by_name_and_password_and_logged_out_at_once(jellyfin: Jellyfin) -> None:
    person = await doors(jellyfin).sign_in(VIEWER.name.upper(), PASSWORD)

    assert (person.server_id, person.user_id, person.name) == (SERVER_ID, VIEWER.id, VIEWER.name)
    assert not person.is_administrator
    assert jellyfin.face.porter.signed_in == {}


async def test_a_guests_client_asks_as_them_until_they_leave(jellyfin: Jellyfin) -> None:
    async with doors(jellyfin).by_password(ADMINISTRATOR.name, PASSWORD) as guest:
        found = await guest.client.user(VIEWER.id)

        assert guest.person.is_administrator
        assert found is not None
        assert found.name == VIEWER.name

    with pytest.raises(JellyfinRefused):
        await guest.client.users()


async def test_a_guest_is_logged_out_when_something_fails_meanwhile(jellyfin: Jellyfin) -> None:
    with pytest.raises(ZeroDivisionError):
        async with doors(jellyfin).by_password(VIEWER.name, PASSWORD):
            _ = 1 / 0

    assert jellyfin.face.porter.signed_in == {}


async def test_that_logging_out_fails_is_nothing_to_the_person(jellyfin: Jellyfin) -> None:
    async with doors(jellyfin).by_password(VIEWER.name, PASSWORD) as guest:
        jellyfin.face.trouble.status = 500

    assert guest.person.user_id == VIEWER.id


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param(VIEWER.name, "wrong", id="a wrong password"),
        pytest.param("nobody", PASSWORD, id="an unknown name"),
        pytest.param("", PASSWORD, id="no name"),
        pytest.param("n" * 201, PASSWORD, id="a long name"),
        pytest.param(VIEWER.name, "p" * 1001, id="a long password"),
        pytest.param(VIEWER.name, "\ud800", id="half a character"),
    ],
)
async def test_a_wrong_name_or_password_is_refused_without_repeating_it(
    jellyfin: Jellyfin, name: str, password: str
) -> None:
    with pytest.raises(SignInRefused, match="does not know this name with this password") as raised:
        await doors(jellyfin).sign_in(name, password)

    assert "wrong" not in str(raised.value)


async def test_a_disabled_person_is_kept_out(jellyfin: Jellyfin) -> None:
    jellyfin.face.porter.disabled.add(VIEWER.name)

    with pytest.raises(SignInBarred, match="disabled"):
        await doors(jellyfin).sign_in(VIEWER.name, PASSWORD)


async def test_another_server_at_the_known_address_vouches_for_nobody(jellyfin: Jellyfin) -> None:
    with pytest.raises(JellyfinUnreadable, match="Another Jellyfin"):
        await doors(jellyfin, "5e" * 16).sign_in(VIEWER.name, PASSWORD)

    assert jellyfin.face.porter.signed_in == {}


@pytest.mark.parametrize(
    ("there", "error"),
    [
        pytest.param(answering(200, text="<html>"), JellyfinUnreadable, id="a web site"),
        pytest.param(answering(200, json={"User": {}}), JellyfinUnreadable, id="half an answer"),
        pytest.param(answering(404), JellyfinUnreadable, id="another program"),
        pytest.param(answering(503), JellyfinUnreachable, id="starting"),
        pytest.param(answering(302, headers={"location": "http://elsewhere/"}), JellyfinUnreachable, id="elsewhere"),
    ],
)
async def test_what_is_no_jellyfin_is_said_and_tells_no_password(there: Doors, error: type[JellyfinError]) -> None:
    with pytest.raises(error) as raised:
        await there.sign_in(VIEWER.name, "a very secret password")

    assert "secret" not in "".join(traceback.format_exception(raised.value, limit=0))


async def test_a_proxy_that_wants_a_sign_in_of_its_own_is_named() -> None:
    with pytest.raises(JellyfinUnreadable, match="a sign-in of its own"):
        await answering(401).public_info()


# --- Quick Connect ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_old", [False, True], ids=["10.9 and later", "10.8"])
async def test_a_code_lets_in_whoever_approves_it(jellyfin: Jellyfin, is_old: bool) -> None:
    jellyfin.face.porter.is_old = is_old
    door = doors(jellyfin)
    assert await door.has_quick_connect()

    begun = await door.begin()
    before = await door.is_approved(begun.secret)
    with pytest.raises(SignInRefused, match="never approved"):
        await door.sign_in_by_quick_connect(begun.secret)
    jellyfin.face.porter.approve(begun.code, VIEWER)
    after = await door.is_approved(begun.secret)
    person = await door.sign_in_by_quick_connect(begun.secret)

    assert (before, after, person.user_id) == (False, True, VIEWER.id)
    assert begun.secret not in repr(begun)
    assert jellyfin.face.porter.signed_in == {}


async def test_a_code_that_has_lapsed_is_told_so(jellyfin: Jellyfin) -> None:
    door = doors(jellyfin)
    begun = await door.begin()
    jellyfin.face.porter.lapse()

    with pytest.raises(SignInRefused, match="lapsed"):
        await door.is_approved(begun.secret)


async def test_where_quick_connect_is_off_that_is_said(jellyfin: Jellyfin) -> None:
    jellyfin.face.porter.has_quick_connect = False

    assert not await doors(jellyfin).has_quick_connect()
    with pytest.raises(SignInRefused, match="turned off"):
        await doors(jellyfin).begin()
