"""What is known of an item, whoever told it first, and what makes two items the same media (DESIGN §3, §8)."""

from itertools import permutations

import pytest

from reconcile.playback.check_in import Channel, DeviceFacts, ItemFacts, Key, Observation
from reconcile.playback.facts import Facts, device_of, filled, item_of, learnt
from reconcile.playback.identity import is_guid, normalised_id, session_id
from reconcile.playback.media import Match, conflict, identity_of
from tests.reconcile.playback.evenings import at

KEY = Key("server", "session", "user", "item")
NOTHING, NO_DEVICE = ItemFacts(), DeviceFacts()


def told(channel: Channel, item: ItemFacts = NOTHING, device: DeviceFacts = NO_DEVICE) -> Observation:
    return Observation(KEY, channel, at(0), item=item, device=device)


def known(*observations: Observation) -> Facts:
    facts: Facts = {}
    for each in observations:
        facts = learnt(facts, each)
    return facts


def test_a_snapshot_knows_the_runtime_of_what_is_really_played() -> None:
    webhook = told(Channel.WEBHOOK, ItemFacts(runtime_seconds=6000.0))
    poll = told(Channel.POLL, ItemFacts(runtime_seconds=5400.0))

    assert item_of(known(webhook, poll)).runtime_seconds == 5400
    assert item_of(known(poll, webhook)).runtime_seconds == 5400


def test_what_only_one_channel_tells_is_kept() -> None:
    facts = known(
        told(Channel.POLL, ItemFacts(kind="movie", name="A Film"), DeviceFacts(client="A Client")),
        told(Channel.WEBHOOK, ItemFacts(year=1999), DeviceFacts(device_name="A Television")),
    )

    assert item_of(facts) == ItemFacts(kind="movie", name="A Film", year=1999)
    assert device_of(facts) == DeviceFacts(client="A Client", device_name="A Television")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_and_the_number_of_tellings_make_no_difference(order: tuple[int, ...]) -> None:
    each = [
        told(Channel.WEBHOOK, ItemFacts(name="A", runtime_seconds=1.0)),
        told(Channel.WEBHOOK, ItemFacts(name="B", runtime_seconds=2.0)),
        told(Channel.POLL, ItemFacts(name="A")),
    ]

    assert known(*(each[n] for n in order), *each) == known(*each)


def test_an_item_is_filled_with_what_only_the_catalogue_knows() -> None:
    item = filled(ItemFacts(kind="movie", name="Told"), ItemFacts(name="Catalogued", runtime_seconds=6000.0))

    assert item == ItemFacts(kind="movie", name="Told", runtime_seconds=6000.0)


# --- media ----------------------------------------------------------------------------------------------------


def test_a_film_is_named_by_its_public_ids_and_by_where_it_lies() -> None:
    film = ItemFacts(kind="movie", name="A Film", year=1999, tmdb_id="603", imdb_id="tt1")

    identity = identity_of("server", "item", film, None)

    assert identity is not None
    assert (identity.kind, identity.title, identity.year) == ("movie", "A Film", 1999)
    assert identity.aliases == (("tmdb", "603"), ("imdb", "tt1"), ("item", "server:item"))


def test_a_film_without_ids_is_still_itself() -> None:
    identity = identity_of("server", "item", ItemFacts(kind="movie", name="A Film"), None)

    assert identity is not None
    assert identity.aliases == (("item", "server:item"),)


def test_an_episodes_own_ids_are_not_its_series() -> None:
    episode = ItemFacts(kind="episode", name="Pilot", tmdb_id="1", series_id="series", series_name="A Series")

    unknown = identity_of("server", "item", episode, None)
    known_now = identity_of("server", "item", episode, ItemFacts(kind="series", name="The Series", tmdb_id="77"))

    assert unknown is not None
    assert known_now is not None
    assert (unknown.kind, unknown.title, unknown.aliases) == ("series", "A Series", (("item", "server:series"),))
    assert known_now.aliases == (("tmdb", "77"), ("item", "server:series"))
    assert known_now.title == "The Series"


def test_an_episode_whose_series_nobody_knows_stands_for_itself() -> None:
    identity = identity_of("server", "item", ItemFacts(kind="episode", name="Pilot", tmdb_id="1"), None)

    assert identity is not None
    assert (identity.kind, identity.aliases) == ("episode", (("item", "server:item"),))


@pytest.mark.parametrize(
    ("item", "name", "match", "kind", "aliases"),
    [
        pytest.param(
            ItemFacts(kind="movie", name="Told", tmdb_id="603"),
            "server:item",
            Match("movie", tmdb_id="604"),
            "movie",
            (("tmdb", "604"), ("item", "server:item")),
            id="a film",
        ),
        pytest.param(
            ItemFacts(kind="episode", name="Pilot", series_id="series"),
            "server:series",
            Match("series", tvdb_id="8"),
            "series",
            (("tvdb", "8"), ("item", "server:series")),
            id="a series",
        ),
        pytest.param(
            ItemFacts(kind="episode", name="Pilot", series_id="series"),
            "server:item",
            Match("series", imdb_id="tt8"),
            "series",
            (("imdb", "tt8"), ("item", "server:item")),
            id="one episode",
        ),
        pytest.param(
            ItemFacts(kind="movie", name="Told", tmdb_id="603"),
            "server:item",
            Match("series", tmdb_id="604"),
            "movie",
            (("tmdb", "603"), ("item", "server:item")),
            id="a word about another kind does not count",
        ),
    ],
)
def test_what_people_said_stands_instead_of_what_was_told(
    item: ItemFacts, name: str, match: Match, kind: str, aliases: tuple[tuple[str, str], ...]
) -> None:
    identity = identity_of("server", "item", item, ItemFacts(name="A Series", tmdb_id="77"), {name: match})

    assert identity is not None
    assert (identity.kind, identity.aliases) == (kind, aliases)


def test_what_has_no_kind_has_no_identity_yet() -> None:
    assert identity_of("server", "item", ItemFacts(name="A Film"), None) is None


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        pytest.param({"tmdb_id": "1"}, {"tmdb_id": "2"}, True, id="two ids of one source"),
        pytest.param({"tmdb_id": "1", "imdb_id": "a"}, {"tmdb_id": "1", "imdb_id": "b"}, True, id="one of two differs"),
        pytest.param({"tmdb_id": "1"}, {"imdb_id": "b"}, False, id="ids of two sources"),
        pytest.param({"tmdb_id": "1"}, {"tmdb_id": "1"}, False, id="the same"),
    ],
)
def test_media_with_different_ids_of_one_source_are_not_the_same(
    one: dict[str, str | None], other: dict[str, str | None], is_conflict: bool
) -> None:
    nothing: dict[str, str | None] = {"tmdb_id": None, "tvdb_id": None, "imdb_id": None}

    assert conflict(nothing | one, nothing | other) is is_conflict


# --- ids ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{0123ABCD-4567-89ab-cdef-0123456789AB}", " 0123abcd456789abcdef0123456789ab "])
def test_ids_are_the_same_however_they_are_spelt(text: str) -> None:
    assert normalised_id(text) == "0123abcd456789abcdef0123456789ab"
    assert is_guid(normalised_id(text))


def test_a_session_id_depends_on_client_and_device_only() -> None:
    assert session_id("Jellyfin Web", "a") == session_id("Jellyfin Web", "a")
    assert session_id("Jellyfin Web", "a") != session_id("Jellyfin Web", "b")
    assert is_guid(session_id("Jellyfin Web", "a"))
