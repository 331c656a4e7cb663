"""Our entry goes into the plugin's configuration and out again, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import JellyfinUnreadable
from reconcile.jellyfin.catalogue import WEBHOOK_PLUGIN, Plugin
from reconcile.jellyfin.own_destination import Entry, added, is_kept, ours, own, removed
from reconcile.jellyfin.webhook_plugin import Destination, Found, PluginState, destinations, found, troubles

URL = "http://here:8484/webhooks/jellyfin"
TOKEN, OLD, FOREIGN = "a-token-of-ours", "an-older-one-of-ours", "a-token-of-another"
ENTRY = Entry(URL, TOKEN)
IS_OURS = ours(URL, lambda token: token in {TOKEN, OLD})

Anything = Any
texts = st.text(max_size=12)  # of whole characters: half ones cannot be sent
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
headers = st.lists(
    st.fixed_dictionaries(
        {"Key": st.sampled_from(["X-Playledger-Token", "Content-Type", "x"]), "Value": st.sampled_from([FOREIGN, "y"])}
    ),
    max_size=2,
)
# Another Playledger's, somebody's own that points at us, and whatever else there may be.
strangers = st.builds(
    lambda rest, uri, name, told: {**rest, "WebhookUri": uri, "WebhookName": name, "Headers": told},
    st.dictionaries(texts, values, max_size=4),
    st.sampled_from(["http://there/webhooks/jellyfin", "http://here:8484/other", None, "http://[bad"]),
    st.sampled_from(["Playledger", "Tracker", None, ""]),
    headers,
)
lists = st.lists(strangers | values, max_size=4)
configurations = st.builds(
    lambda rest, options: {**rest, "GenericOptions": options}, st.dictionaries(texts, values, max_size=5), lists
)


def encoded(configuration: object) -> bytes:
    return json.dumps(configuration, ensure_ascii=False).encode()


@given(configurations)
def test_taking_out_what_was_put_in_leaves_what_was_there(configuration: dict[str, Anything]) -> None:
    body = encoded(configuration)

    again = json.loads(removed(added(body, ENTRY, IS_OURS), IS_OURS))

    assert again == configuration
    assert list(again) == list(configuration)


@given(configurations)
def test_putting_it_in_twice_is_putting_it_in_once(configuration: dict[str, Anything]) -> None:
    once = added(encoded(configuration), ENTRY, IS_OURS)

    assert added(once, ENTRY, IS_OURS) == once
    assert is_kept(once, once, IS_OURS)


@given(configurations, st.integers(0, 4))
def test_an_older_entry_of_ours_is_replaced_where_it_stands(configuration: dict[str, Anything], place: int) -> None:
    body = added(encoded(configuration), Entry("http://old:1/webhooks/jellyfin", OLD), IS_OURS)
    told = json.loads(body)
    told["GenericOptions"].insert(place, told["GenericOptions"].pop() | {"UserFilter": ["someone"], "Newer": 1.0})

    after = json.loads(added(encoded(told), ENTRY, IS_OURS))

    mine = after["GenericOptions"][min(place, len(configuration["GenericOptions"]))]
    assert (mine["WebhookUri"], mine["UserFilter"], mine["Newer"]) == (URL, ["someone"], 1.0)
    assert [each for each in after["GenericOptions"] if each is not mine] == configuration["GenericOptions"]


def test_what_is_not_ours_keeps_its_very_spelling() -> None:
    body = b'{"ServerUrl":"\\u00e9", "GenericOptions":[ {"Z":1.50,"A":10000000000000000000000} ],"Newer":1e2}'

    after = added(body, ENTRY, IS_OURS)

    assert b'{"Z":1.50,"A":10000000000000000000000}' in after
    assert b'"ServerUrl":"\\u00e9"' in after
    assert b'"Newer":1e2' in after


@pytest.mark.parametrize("there", [{}, {"GenericOptions": None}], ids=["no list", "null"])
def test_a_configuration_without_a_list_gets_one(there: dict[str, Anything]) -> None:
    after = added(encoded(there), ENTRY, IS_OURS)

    assert [each.token for each in own(after, IS_OURS)] == [TOKEN]
    assert json.loads(removed(after, IS_OURS)) == {"GenericOptions": []}


def test_two_of_ours_become_one() -> None:
    one = added(b"{}", Entry("http://old:1/webhooks/jellyfin", OLD), IS_OURS)
    told = json.loads(one)
    told["GenericOptions"] *= 2

    assert len(json.loads(added(encoded(told), ENTRY, IS_OURS))["GenericOptions"]) == 1


def test_it_says_what_the_plugin_needs_to_be_told() -> None:
    (mine,) = json.loads(added(b"{}", Entry(URL, TOKEN, with_marks=True), IS_OURS))["GenericOptions"]

    assert mine["Headers"][0] == {"Key": "Content-Type", "Value": "application/json"}
    assert mine["NotificationTypes"][-1] == "UserDataSaved"
    assert (mine["SendAllProperties"], mine["EnableVideos"], mine["EnableSongs"]) == (True, True, False)
    assert troubles(destinations(added(b"{}", ENTRY, IS_OURS))[0], lambda token: token == TOKEN) == ()


def changed(body: bytes, **keys: object) -> bytes:
    told = json.loads(body)
    told["GenericOptions"][-1] |= keys
    return encoded(told)


def test_what_is_read_back_may_be_spelt_by_an_older_plugin() -> None:
    written = added(b'{"GenericOptions":[],"ServerUrl":""}', ENTRY, IS_OURS)
    told = json.loads(written)
    del told["GenericOptions"][0]["EnableVideos"]
    told["GenericOptions"][0]["EnableLiveTv"] = False

    assert is_kept(written, encoded(dict(reversed(told.items()))), IS_OURS)


@pytest.mark.parametrize(
    "found_there",
    [
        pytest.param(lambda body: removed(body, IS_OURS), id="ours is gone"),
        pytest.param(lambda body: changed(body, EnableMovies=False), id="ours says something else"),
        pytest.param(lambda body: encoded(json.loads(body) | {"ServerUrl": "x"}), id="another setting"),
        pytest.param(lambda body: body.replace(TOKEN.encode(), OLD.encode()), id="another token"),
    ],
)
def test_that_somebody_else_wrote_meanwhile_is_seen(found_there: Anything) -> None:
    written = added(b'{"GenericOptions":[],"ServerUrl":""}', ENTRY, IS_OURS)

    assert not is_kept(written, found_there(written), IS_OURS)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"GenericOptions":{}}', b"\xff"])
def test_what_is_no_configuration_is_refused(body: bytes) -> None:
    with pytest.raises(JellyfinUnreadable, match="could not be read"):
        added(body, ENTRY, IS_OURS)


def test_tokens_stand_in_no_text_of_an_object() -> None:
    (mine,) = own(added(b"{}", ENTRY, IS_OURS), IS_OURS)

    assert TOKEN not in f"{ENTRY!r}{mine!r}"


# --- the plugin itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "state", "version"),
    [
        pytest.param([], PluginState.MISSING, None, id="missing"),
        pytest.param([("21.0.0.0", "Active")], PluginState.ACTIVE, "21.0.0.0", id="active"),
        pytest.param([("20.0.0.0", "Restart")], PluginState.RESTART, "20.0.0.0", id="just installed"),
        pytest.param([("20.0.0.0", "Malfunctioned")], PluginState.INACTIVE, "20.0.0.0", id="broken"),
        pytest.param(
            [("21.0.0.0", "Restart"), ("20.0.0.0", "Active")], PluginState.ACTIVE, "20.0.0.0", id="just updated"
        ),
    ],
)
def test_the_plugin_that_runs_counts(listed: list[tuple[str, str]], state: PluginState, version: str | None) -> None:
    others = Plugin("5e" * 16, "Other", "1", "Active")

    seen = found([others, *(Plugin(WEBHOOK_PLUGIN, "Webhook", each, status) for each, status in listed)])

    assert (seen.state, seen.version) == (state, version)


def test_versions_before_16_do_not_tell_check_ins() -> None:
    assert [Found(PluginState.ACTIVE, each).tells_check_ins for each in ("15.0.0.0", "16.0.0.0", "x")] == [
        False,
        True,
        False,
    ]


def test_a_destination_with_an_address_that_is_none_points_nowhere() -> None:
    assert not Destination(webhook_uri="http://[bad/webhooks/jellyfin").points_at_us
