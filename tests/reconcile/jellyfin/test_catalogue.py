"""What a server says of its items, users and plugins."""

from __future__ import annotations

import pytest

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN, catalogue_items, plugins, public_info, users
from tests.recordings.shapes import EPISODE, GUEST, SERIES, SERVER, VIEWER, recording


def test_a_series_has_its_own_public_ids_in_any_spelling() -> None:
    series = catalogue_items(recording("items.json"))[0]

    assert (series.item_id, series.kind, series.facts.name) == (SERIES, "series", "The Lighthouse Keepers")
    assert (series.facts.tmdb_id, series.facts.tvdb_id, series.facts.imdb_id) == ("990001", "6900000", "tt9900000")


def test_an_episode_names_its_series_and_a_film_its_runtime() -> None:
    _, film, episode = catalogue_items(recording("items.json"))

    assert (film.kind, film.facts.year, film.facts.runtime_seconds) == ("movie", 1922, 5640.0)
    assert (episode.item_id, episode.kind, episode.facts.series_id) == (EPISODE, "episode", SERIES)
    assert episode.facts.tmdb_id is None


def test_users_and_plugins_are_known_by_normalised_ids() -> None:
    assert [(user.id, user.is_administrator, user.is_disabled) for user in users(recording("users.json"))] == [
        (VIEWER, True, False),
        (GUEST, False, True),
    ]
    assert [(plugin.id, plugin.version) for plugin in plugins(recording("plugins.json"))] == [
        (WEBHOOK_PLUGIN, "21.0.0.0")
    ]
    assert public_info(b'{"Id":"%s","ServerName":"media","Version":"10.11.11"}' % SERVER.encode()).id == SERVER


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"Items":[{"Id":null}]}', b'{"a":' + b"[" * 100_000])
def test_an_answer_that_is_something_else_is_ours_to_raise(body: bytes) -> None:
    with pytest.raises(JellyfinUnreadable, match="about items could not be read"):
        catalogue_items(body)
