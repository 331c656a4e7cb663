"""Whatever the admin made of the body, it says the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from receiver.notification import read
from receiver.notification_body import Notification, notification_of
from receiver.notification_text import number_of, tidied, unescaped
from reconcile.playback.check_in import Ignored, Observation, Rejected
from tests.recordings.shapes import EPISODE, NOTIFICATIONS, SERIES, SERVER, VIEWER, changed, recording

RECEIVED = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
ORDINARY = "plugin_21_automated.json"


def observation(body: bytes, content_type: str | None = None) -> Observation:
    told = read(body, content_type, RECEIVED)
    assert isinstance(told, Observation), told
    return told


def rejected(body: bytes, content_type: str | None = None) -> Rejected:
    told = read(body, content_type, RECEIVED)
    assert isinstance(told, Rejected), told
    return told


@pytest.mark.parametrize("content_type", [None, "text/plain; charset=utf-8", "application/json", "image/png", FORM])
def test_json_is_json_whatever_the_content_type_says(content_type: str | None) -> None:
    assert observation(recording(ORDINARY), content_type) == observation(recording(ORDINARY))


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", "Application/X-WWW-Form-URLEncoded"])
def test_a_form_says_what_its_json_says(content_type: str) -> None:
    assert observation(recording("form.txt"), content_type) == observation(recording(ORDINARY))


@pytest.mark.parametrize("spelt", [str.lower, str.upper, str.swapcase], ids=["lower", "upper", "swapped"])
def test_keys_are_matched_without_regard_to_case(spelt: object) -> None:
    assert callable(spelt)
    told = {spelt(key): value for key, value in json.loads(recording(ORDINARY)).items()}

    assert observation(json.dumps(told).encode()) == observation(recording(ORDINARY))


@given(st.data())
def test_a_single_key_in_another_case_is_found_too(data: st.DataObject) -> None:
    told = json.loads(changed(ORDINARY, Provider_tmdb="990002"))
    key = data.draw(st.sampled_from(sorted(told)))
    body = json.dumps({(other.upper() if other == key else other): value for other, value in told.items()}).encode()

    assert observation(body) == observation(json.dumps(told).encode())


def test_a_byte_order_mark_is_skipped() -> None:
    for name in (ORDINARY, "template_quoted.txt"):
        assert observation(b"\xef\xbb\xbf" + recording(name)) == observation(recording(name))


def test_numbers_and_truths_may_be_text_and_ids_dashed() -> None:
    told = observation(recording("template_quoted.txt"))

    assert (told.key.server_id, told.key.user_id, told.key.item_id) == (SERVER, VIEWER, EPISODE)
    assert (told.item.series_id, told.item.season, told.item.episode, told.item.episode_end) == (SERIES, 1, 2, None)
    assert told.check_in == observation(recording(ORDINARY)).check_in
    assert told.flags == ()


def test_a_templates_text_is_unescaped_down_to_the_emoji() -> None:
    assert observation(recording("template_quoted.txt")).item.name == "Café & Nuit <3 😀"


def test_text_from_triple_braces_is_left_as_it_is() -> None:
    body = recording("template_quoted.txt").replace(b"Caf&#233; &amp; Nuit &lt;3", "Café &amp; Nuit".encode())

    assert observation(body).item.name == "Café &amp; Nuit 😀".replace("😀", "&#55357;&#56832;")


def test_bare_truths_raw_newlines_and_an_encoded_escaped_quote_are_mended() -> None:
    told = observation(recording("template_bare.txt"))

    assert told.item.name == 'The "Long" Night'
    assert told.check_in is not None
    assert told.check_in.position == 2670.0


def test_words_inside_strings_are_not_mended() -> None:
    body = recording("template_bare.txt").replace(b"The \\&quot;Long\\&quot; Night", b"True Lies, False Dawn")

    assert observation(body).item.name == "True Lies, False Dawn"


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        (recording("template_broken.txt"), "not JSON: a comma is missing", "line 4, column 18"),
        (
            b'{"NotificationType": "PlaybackStart",\n "Year": , "x": 1}',
            "not JSON: a value is missing",
            "line 2, column 10",
        ),
        (b'{"NotificationType": "PlaybackStart",}', "not JSON: a comma too many", None),
        (b'{"NotificationType" "PlaybackStart"}', "not JSON: a colon is missing", "line 1, column 21"),
        (b"{NotificationType: 1}", "not JSON: a key in double quotes is missing", "line 1, column 2"),
        (b'{"Name": "The \\q"}', "not JSON: JSON knows no such backslash", "line 1, column 15"),
        (b'{"Name": "The', "not JSON: the closing quote is missing of the string that begins", "line 1, column 10"),
        (b'{"Name": 1', "not JSON: the body ends too early", None),
        (b'{"Name": 1} {}', "not JSON: something follows the end", "line 1, column 13"),
        (b'{"Year": NaN}', "not JSON: NaN and Infinity are no numbers", ""),
        (b'{"Year": ' + b"9" * 5000 + b",}", "not JSON: a number is too long", ""),
        (b"", "not JSON: the body is empty", None),
        (b" \n", "not JSON: the body is empty", None),
        (b"[" * 100_000, "not JSON that we read: nested too deeply", ""),
        (b'{"Name": "\xff"}', "not UTF-8", "line 1, column 11"),
        (b'{\n"Name": "\xc3\xa9\xff"}', "not UTF-8", "line 2, column 11"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8", "line 1, column 1"),
        (b"[]", "not a JSON object but a list", ""),
        (b'"PlaybackStart"', "not a JSON object but a text", ""),
        (b"null", "not a JSON object but null", ""),
        (b"{}", "NotificationType is missing", ""),
        (b'{"NotificationType": ""}', "NotificationType is missing", ""),
        (b'{"NotificationType": ["PlaybackStart"]}', "NotificationType is missing", ""),
    ],
)
def test_what_cannot_be_parsed_is_rejected_in_words_with_its_place(body: bytes, reason: str, place: str | None) -> None:
    told = rejected(body)

    assert told.reason == reason
    assert place is None or told.place == place


def test_a_form_that_is_none_is_rejected() -> None:
    assert rejected(b"NotificationType=%ff", FORM).reason == "a form, but not UTF-8"
    assert rejected(b"a=1&" * 20_000, FORM).reason == "a form with too many fields"
    assert rejected(b"", FORM).reason == "NotificationType is missing"


def test_the_fast_way_and_the_slow_way_read_the_same() -> None:
    body = recording(ORDINARY)
    slowly = body.replace(b'"ServerUrl":""', b'"ServerUrl":"","Year ":1,"Played":"no"')

    fast, slow = notification_of(body), notification_of(slowly)

    assert isinstance(fast, Notification)
    assert fast == slow


def test_a_key_said_twice_in_two_cases_counts_as_the_plugin_spells_it() -> None:
    body = changed(ORDINARY, itemid="0" * 32, IsPaused="False")

    assert observation(body).key.item_id == EPISODE


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        (" 12 ", 12),
        (12.0, 12),
        ("12.5", None),
        (True, None),
        (2**70, None),
        (float("inf"), None),
        ("", None),
    ],
)
def test_a_number_is_whole_and_fits(value: object, number: int | None) -> None:
    assert number_of(value) == number


def test_what_no_database_keeps_is_left_out() -> None:
    assert tidied("a\x00b") == "ab"
    assert tidied("\ud83d\ude00 \ud83d!") == "😀 \ufffd!"
    assert observation(changed(ORDINARY, Name="a\x00b", DeviceName="x\x00")).item.name == "ab"


@given(st.text())
def test_what_handlebars_encodes_is_decoded(text: str) -> None:
    named = {'"': "&quot;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
    units = text.encode("utf-16-le", "surrogatepass")
    characters = [chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2)]
    encoded = "".join(named.get(c) or (f"&#{ord(c)};" if ord(c) > 159 else c) for c in characters)

    assert tidied(unescaped(encoded)) == tidied(text)


def mutated(body: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, instead in cuts:
        at = start % (len(body) + 1)
        body = body[:at] + instead + body[at + length :]
    return body


CUTS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=6)), max_size=4)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.binary(), st.sampled_from([None, FORM, "application/json", ""]))
@example(b"\xef\xbb\xbf", None)
@example(b'{"NotificationType":"PlaybackStop","UserId":"\\ud800"}', None)
def test_no_bytes_at_all_make_it_raise(body: bytes, content_type: str | None) -> None:
    assert isinstance(read(body, content_type, RECEIVED), (Observation, Ignored, Rejected))


@given(st.sampled_from(NOTIFICATIONS), CUTS, st.sampled_from([None, FORM]))
def test_no_damage_to_a_real_body_makes_it_raise(
    name: str, cuts: list[tuple[int, int, bytes]], how: str | None
) -> None:
    assert isinstance(read(mutated(recording(name), cuts), how, RECEIVED), (Observation, Ignored, Rejected))


@given(st.data(), ODD, st.booleans())
def test_no_odd_value_makes_it_raise_or_say_what_no_database_keeps(
    data: st.DataObject, odd: object, form: bool
) -> None:
    told = json.loads(recording(data.draw(st.sampled_from([name for name in NOTIFICATIONS if name.startswith("pl")]))))
    told[data.draw(st.sampled_from(sorted(told)))] = odd
    body = urlencode(told, errors="replace").encode() if form else json.dumps(told).encode()

    found = read(body, FORM if form else None, RECEIVED, SERVER)

    if isinstance(found, Observation):
        texts = (
            found.item.name,
            found.item.series_name,
            found.device.device_name,
            found.user_name,
            found.item.tmdb_id,
            found.key.item_id,
        )
        assert all(text is None or "\x00" not in text for text in texts)
