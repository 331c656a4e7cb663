"""A server is connected with a key that works, pasted or made for us; nothing is kept of one that does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from receiver.rehearsal.library import SERVER_ID, USERS
from receiver.rehearsal.porter import PASSWORD
from reconcile.connecting import Connecting, make_key
from reconcile.errors import (
    AdministratorNeeded,
    JellyfinError,
    JellyfinRefused,
    JellyfinUnreachable,
    JellyfinUnreadable,
    StoreAway,
)
from reconcile.jellyfin.client import JellyfinClient
from reconcile.jellyfin.doors import Doors
from reconcile.secrets import Safe
from reconcile.store.connections import connections, purpose
from reconcile.store.engine import Transactions
from tests.simulated import KEY, URL, Jellyfin, simulated

SAFE = Safe("the key of the data folder")


@pytest.fixture
async def jellyfin() -> AsyncIterator[Jellyfin]:
    async with simulated() as found:
        yield found


def connecting(store: Transactions, jellyfin: Jellyfin) -> Connecting:
    return Connecting(store, SAFE, jellyfin.http, jellyfin.watch)


def doors(jellyfin: Jellyfin) -> Doors:
    return Doors(URL, jellyfin.http, jellyfin.watch)


async def kept(store: Transactions) -> dict[str, str]:
    async with store.read() as db:
        return {each.url: SAFE.decrypted(each.sealed_key, purpose(each.server_id)) for each in await connections(db)}


async def test_a_key_that_works_is_kept_encrypted_with_its_server(store: Transactions, jellyfin: Jellyfin) -> None:
    met = await connecting(store, jellyfin).by_key(URL, f" {KEY} ")

    assert (met.server_id, met.users, met.made_key) == (SERVER_ID, len(USERS), False)
    assert await kept(store) == {URL: KEY}
    assert len(await met.client.users()) == met.users


@pytest.mark.parametrize(
    ("url", "key", "error"),
    [
        pytest.param(URL, "another", JellyfinRefused, id="a wrong key"),
        pytest.param("no address", KEY, JellyfinUnreachable, id="no address"),
    ],
)
async def test_of_what_does_not_work_nothing_is_kept(
    store: Transactions, jellyfin: Jellyfin, url: str, key: str, error: type[JellyfinError]
) -> None:
    with pytest.raises(error):
        await connecting(store, jellyfin).by_key(url, key)

    assert await kept(store) == {}


async def test_a_server_that_shows_no_sessions_is_not_connected(store: Transactions, jellyfin: Jellyfin) -> None:
    jellyfin.face.trouble.garbage = True

    with pytest.raises(JellyfinUnreadable):
        await connecting(store, jellyfin).by_key(URL, KEY)

    assert await kept(store) == {}


async def test_an_administrators_password_makes_a_key_of_our_own(store: Transactions, jellyfin: Jellyfin) -> None:
    async with doors(jellyfin).by_password(USERS[0].name, PASSWORD) as guest:
        met = await connecting(store, jellyfin).by_guest(guest)

    ((key, (app, _at)),) = jellyfin.face.porter.made.items()
    assert (app, met.made_key, await kept(store)) == ("Playledger", True, {URL: key})
    assert jellyfin.face.porter.signed_in == {}
    assert len(await met.client.users()) == len(USERS)


async def test_connecting_again_uses_the_key_that_is_there(store: Transactions, jellyfin: Jellyfin) -> None:
    for _ in range(2):
        async with doors(jellyfin).by_password(USERS[0].name, PASSWORD) as guest:
            met = await connecting(store, jellyfin).by_guest(guest)

    assert len(jellyfin.face.porter.made) == 1
    assert not met.made_key


async def test_a_key_that_was_revoked_is_made_anew(store: Transactions, jellyfin: Jellyfin) -> None:
    async with doors(jellyfin).by_password(USERS[0].name, PASSWORD) as guest:
        await connecting(store, jellyfin).by_guest(guest)
        jellyfin.face.porter.made.clear()
        await connecting(store, jellyfin).by_guest(guest)

    assert list((await kept(store)).values()) == list(jellyfin.face.porter.made)


async def test_one_who_is_no_administrator_makes_none(store: Transactions, jellyfin: Jellyfin) -> None:
    async with doors(jellyfin).by_password(USERS[1].name, PASSWORD) as guest:
        with pytest.raises(AdministratorNeeded, match="no administrator"):
            await connecting(store, jellyfin).by_guest(guest)

    assert jellyfin.face.porter.made == {}


async def test_a_key_that_was_made_in_vain_is_revoked(sqlite_url: str, jellyfin: Jellyfin) -> None:
    store = Transactions(sqlite_url, patience=timedelta(milliseconds=10))
    other = Transactions(sqlite_url)
    async with doors(jellyfin).by_password(USERS[0].name, PASSWORD) as guest, other.begin():
        with pytest.raises(StoreAway):
            await connecting(store, jellyfin).by_guest(guest)

    assert jellyfin.face.porter.made == {}
    await store.close()
    await other.close()


async def test_of_several_keys_of_one_name_the_new_one_is_ours(jellyfin: Jellyfin) -> None:
    client = JellyfinClient(URL, KEY, jellyfin.http, jellyfin.watch)
    first = await make_key(client)
    jellyfin.watch.move(1)

    second = await make_key(client)

    assert list(jellyfin.face.porter.made) == [first, second]
    assert all(KEY not in repr(each) and first not in repr(each) for each in await client.api_keys())
