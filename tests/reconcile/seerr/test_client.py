"""What we ask of Seerr, and what its answers, refusals and silences become."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

import httpx
import pytest

from reconcile.errors import (
    SeerrError,
    SeerrMissing,
    SeerrReadOnly,
    SeerrRefused,
    SeerrUnreachable,
    SeerrUnreadable,
    SeerrUnready,
)
from reconcile.seerr import answers
from reconcile.seerr.answers import MediaServer, SeriesTotals, Tracked
from reconcile.seerr.client import Removal, SeerrClient
from tests.reconcile.seerr.fake import JELLYFIN_KEY, KEY, SERVER, URL, FakeSeerr

EIGHT = datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=UTC)

pytestmark = pytest.mark.anyio


def client(fake: FakeSeerr, *, key: str = KEY, url: str = URL, longest: float = 10) -> SeerrClient:
    transport = httpx.ASGITransport(fake)
    return SeerrClient(url, key, httpx.AsyncClient(transport=transport), longest=longest)


def answering(status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> SeerrClient:
    reply = httpx.MockTransport(lambda _request: httpx.Response(status, content=content, headers=headers))
    return SeerrClient(URL, KEY, httpx.AsyncClient(transport=reply))


async def test_it_says_what_it_is_without_a_key() -> None:
    fake = FakeSeerr()

    told = await client(fake, key="wrong").public_settings()

    assert (told.initialized, told.media_server) == (True, MediaServer.JELLYFIN)
    assert await client(fake, key="wrong").version() == "develop-a1b2c3"


async def test_every_user_is_found_on_however_many_pages_with_ids_made_alike() -> None:
    fake = FakeSeerr()
    for number in range(2, 252):
        fake.has_user(number, f"user {number}", f"{number:08X}-0000-0000-0000-000000000000")

    found = await client(fake).users()

    assert [user.id for user in found] == list(range(1, 252))
    assert (found[0].jellyfin_user_id, found[1].jellyfin_user_id) == (None, f"{2:08x}" + "0" * 24)
    assert fake.count("/user") == 3


async def test_a_user_that_makes_no_sense_does_not_hide_the_others() -> None:
    fake = FakeSeerr()
    fake.has_user(4, "viewer", None)
    fake.users.insert(1, {"id": "three", "displayName": "?"})

    assert [user.id for user in await client(fake).users()] == [1, 4]


async def test_its_jellyfin_is_told_with_the_key_that_no_repr_shows() -> None:
    told = await client(FakeSeerr()).jellyfin()

    assert (told.server_id, told.url, told.api_key) == (SERVER, "http://jellyfin.test:8096/base", JELLYFIN_KEY)
    assert JELLYFIN_KEY not in repr(told)


async def test_the_fork_is_told_from_the_others_by_what_it_can_do() -> None:
    assert not await client(FakeSeerr()).can_track()
    assert await client(FakeSeerr(is_fork=True)).can_track()


@pytest.mark.parametrize("is_new", [False, True], ids=["up to 3.1.0", "after 3.1.0"])
async def test_what_is_listed_leaves_the_list_and_what_is_not_is_said_so(is_new: bool) -> None:
    fake = FakeSeerr(is_new=is_new)
    fake.has_user(2, "viewer", None)
    fake.lists_for(2, "movie", 603)
    asking = client(fake)

    assert await asking.unlist(2, "movie", "603") is Removal.REMOVED
    assert await asking.unlist(2, "movie", "603") is Removal.NOT_LISTED
    assert fake.lists[2] == []


@pytest.mark.parametrize("is_new", [False, True], ids=["up to 3.1.0", "after 3.1.0"])
async def test_a_series_of_the_same_number_is_never_removed_instead_of_a_film(is_new: bool) -> None:
    fake = FakeSeerr(is_new=is_new)
    fake.has_user(2, "viewer", None)
    fake.lists_for(2, "tv", 603)

    assert await client(fake).unlist(2, "movie", "603") is Removal.NOT_LISTED
    assert [entry["mediaType"] for entry in fake.lists[2]] == ["tv"]


async def test_where_both_are_listed_an_old_version_is_not_asked_to_guess() -> None:
    fake, newer = FakeSeerr(), FakeSeerr(is_new=True)
    for each in (fake, newer):
        each.has_user(2, "viewer", None)
        each.lists_for(2, "tv", 603)
        each.lists_for(2, "movie", 603)

    assert await client(fake).unlist(2, "movie", "603") is Removal.AMBIGUOUS
    assert await client(newer).unlist(2, "movie", "603") is Removal.REMOVED
    assert (len(fake.lists[2]), [entry["mediaType"] for entry in newer.lists[2]]) == (2, ["tv"])


async def test_a_long_watchlist_is_read_to_its_end() -> None:
    fake = FakeSeerr()
    for number in range(45):
        fake.lists_for(1, "movie", number + 1)

    assert len(await client(fake).watchlist(1)) == 45


async def test_the_fork_keeps_a_watch_in_the_name_of_its_user() -> None:
    fake = FakeSeerr(is_fork=True)
    fake.has_user(2, "viewer", None)
    fake.has_media(7, "tv", 77)
    asking = client(fake)

    await asking.track(2, media_id=7, media_type="tv", season=1, episode=2, minutes=42, watched_at=EIGHT)

    (row,) = fake.tracked
    assert (row["userId"], row["seasonNumber"], row["episodeNumber"], row["runtimeMinutes"]) == (2, 1, 2, 42)
    assert row["watchedAt"] == "2026-11-22T20:00:00.123Z"
    assert await asking.tracked(2, 7) == [Tracked(1, 2, EIGHT.replace(microsecond=123000))]
    assert fake.asked[0][3] == "2"


@pytest.mark.parametrize("user", [0, -1, True, "2", 1.0], ids=str)
async def test_no_user_is_named_that_would_hang_it(user: int) -> None:
    fake = FakeSeerr(is_fork=True)

    with pytest.raises(ValueError, match="number above 0"):
        await client(fake).tracked(user, 7)

    assert fake.asked == []


@pytest.mark.parametrize(
    ("status", "running", "seasons", "totals"),
    [
        pytest.param("Ended", False, [(0, 3), (1, 10), (2, 8)], SeriesTotals(18, {1: 10, 2: 8}, False), id="over"),
        pytest.param("Returning Series", False, [(1, 10)], SeriesTotals(10, {1: 10}, True), id="more is to come"),
        pytest.param("Ended", True, [], SeriesTotals(20, {}, True), id="only the sum is told"),
    ],
)
async def test_a_series_is_counted_without_its_specials(
    status: str, running: bool, seasons: list[tuple[int, int]], totals: SeriesTotals
) -> None:
    fake = FakeSeerr()
    told = [{"seasonNumber": number, "episodeCount": count} for number, count in seasons]
    fake.series[77] = {"numberOfEpisodes": 20, "inProduction": running, "status": status, "seasons": told}

    assert await client(fake).series("77") == totals


async def test_a_wrong_key_an_unfinished_set_up_and_an_unknown_user_are_told_apart() -> None:
    fake = FakeSeerr(is_fork=True)
    with pytest.raises(SeerrRefused, match="API key is wrong"):
        await client(fake, key="wrong").users()
    with pytest.raises(SeerrRefused, match="no user 9"):
        await client(fake).tracked(9, 7)

    fake.initialized = False
    with pytest.raises(SeerrUnready, match="set-up is not finished"):
        await client(fake).users()


async def test_csrf_protection_makes_it_read_only() -> None:
    fake = FakeSeerr(is_fork=True)
    fake.csrf = True
    asking = client(fake)

    assert await asking.users()
    with pytest.raises(SeerrReadOnly, match="CSRF"):
        await asking.track(1, media_id=1, media_type="movie", season=None, episode=None, minutes=1, watched_at=EIGHT)
    with pytest.raises(SeerrReadOnly, match="CSRF"):
        await asking.unlist(1, "movie", "603")


async def test_a_question_that_is_never_answered_ends_after_its_limit() -> None:
    fake = FakeSeerr()
    fake.hanging = {"/user"}

    with pytest.raises(SeerrUnreachable, match="no whole answer in time"):
        await client(fake, longest=0.05).users()


@pytest.mark.parametrize(
    ("asking", "ours", "words"),
    [
        (answering(500), SeerrUnreachable, "not well"),
        (answering(429), SeerrUnreachable, "429"),
        (answering(404), SeerrMissing, "address"),
        (answering(418), SeerrUnreadable, "418"),
        (answering(200, b"<html>"), SeerrUnreadable, "something else"),
        (answering(200, b'{"pageInfo": {}}'), SeerrUnreadable, "users could not be read"),
        (answering(302, headers={"location": "http://elsewhere.test/login"}), SeerrUnreachable, "redirects"),
    ],
    ids=["broken", "too often", "missing", "odd", "no JSON", "other JSON", "redirect"],
)
async def test_what_goes_wrong_becomes_ours_and_tells_no_secret(
    asking: SeerrClient, ours: type[SeerrError], words: str
) -> None:
    with pytest.raises(ours, match=words) as raised:
        await asking.users()

    assert KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("url", ["", "seerr", "ftp://seerr.test", "http://"])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(SeerrUnreachable, match="http://host:5055"):
        client(FakeSeerr(), url=url)


@pytest.mark.parametrize("key", ["", " ", "two words", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SeerrRefused, match="copy it again"):
        client(FakeSeerr(), key=key)


@pytest.mark.parametrize("url", ["http://a:b@seerr.test/base/", "http://seerr.test/base/api/v1"])
def test_its_address_is_shown_without_what_is_secret(url: str) -> None:
    assert client(FakeSeerr(), url=url).url == "http://seerr.test/base"


@pytest.mark.parametrize("text", [None, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_instant_is_none(text: str | None) -> None:
    assert answers.instant(text) is None
