"""What an import told of is laid open honestly: it has no line, as nobody says from where to where it was played."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.pages.history.evidence import Evidence, laid_open
from receiver.pages.saying import ending_in_words
from reconcile.playback.check_in import Channel, CheckIn
from reconcile.playback.edges import EndedBy
from reconcile.playback.imports import Play, told_of
from reconcile.store.channels import mask_of
from tests.receiver.pages.pictures.rows import line_row, row_of
from tests.reconcile.playback.evenings import DEFAULTS

BEGAN = datetime(2024, 5, 1, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 21, tzinfo=UTC)

ROW: dict[str, Any] = {
    "id": 7,
    "key_id": 3,
    "server_id": "a" * 32,
    "session_id": "b" * 32,
    "user_id": "c" * 32,
    "user_name": "viewer",
    "account_id": 1,
    "account_name": "viewer",
    "item_id": "d" * 32,
    "facts": {},
    "media_id": None,
    "media_kind": None,
    "media_title": None,
    "year": None,
    "tmdb_id": None,
    "tvdb_id": None,
    "imdb_id": None,
    "seerr_media_id": None,
    "unit": "",
    "skipped": [],
    "completed": False,
    "verdict": "partial",
    "sentence": "not counted: watched 10 min",
}


def opened(*imports: tuple[int, str], seconds: float = 600.0) -> Evidence:
    """Return the playback that a row of so many *seconds* tells of, laid open."""
    check_in: CheckIn = told_of(Play("c" * 32, "d" * 32, BEGAN, seconds, "row 1"), BEGAN)
    row = ROW | row_of([check_in]) | {"channels": mask_of({Channel.IMPORT})}
    return laid_open(row, [line_row(check_in)], DEFAULTS, UTC, NOW, imports)


def test_there_is_no_line_and_the_sentence_says_why() -> None:
    it = opened((1, "playback-reporting"), (4, "jellystat"), (5, "jellystat"))

    assert it.imported == (
        "Imported from Playback Reporting and Jellystat: it began at 20:00 and played for 10 min. "
        "From where to where is not told, so there is no line."
    )
    assert (it.picture, it.strip, it.story) == ("", "", [])
    assert dict(it.facts)["Ended"] == "20:10, as the import tells"
    assert not {"Reached", "Covered", "Skipped", "Check-ins"} & dict(it.facts).keys()
    assert it.imports == [1, 4, 5]


def test_where_its_tools_are_not_known_it_is_imported_all_the_same() -> None:
    assert opened().imported.startswith("Imported: it began at 20:00")


def test_what_lasts_longer_than_can_be_believed_says_so() -> None:
    assert opened(seconds=80_000.0).imported.endswith("For how long it says that it played cannot be believed.")


@pytest.mark.parametrize("by", list(EndedBy))
def test_every_end_is_said_in_words(by: EndedBy) -> None:
    assert ending_in_words(by) != by.value
