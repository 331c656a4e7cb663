"""Rows of the history as the store reads them, for an evening that is cut by the program's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from receiver.pages.pictures.story import Story, story
from reconcile.playback.check_in import CheckIn
from reconcile.playback.cutting import cut
from reconcile.playback.surroundings import Surroundings
from reconcile.store.channels import mask_of
from tests.reconcile.playback.evenings import DEFAULTS, RUNTIME

Row = dict[str, Any]


def row_of(check_ins: Sequence[CheckIn], runtime: float | None = RUNTIME, now: datetime | None = None) -> Row:
    """Return the first playback of *check_ins* as a row; long over unless *now* is given."""
    at = now or check_ins[-1].at + timedelta(days=2)
    found = cut(check_ins, Surroundings(runtime=runtime), DEFAULTS, at)[0]
    return {
        "runtime_seconds": runtime,
        "started_at": found.started_at,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "ended_at": found.ended_at,
        "ended_by": None if found.ended_by is None else found.ended_by.value,
        "due_at": found.due_at,
        "open": found.is_open,
        "state": found.state.value,
        "position_seconds": found.position,
        "covered": [list(part) for part in found.covered],
        "intervals": [[each.at.isoformat(), each.seconds] for each in found.stretches],
        "completed_at": found.completed_at,
        "watched_seconds": found.watched_seconds,
        "reached_seconds": found.reached_seconds,
        "server_completed": found.server_completed,
    }


def line_row(check_in: CheckIn) -> Row:
    """Return a check-in as a row."""
    return {
        "at": check_in.at,
        "kind": check_in.kind.value,
        "position": check_in.position,
        "reported": check_in.reported,
        "seen_at": check_in.seen_at,
        "sighted_until": check_in.sighted_until,
        "channels": mask_of(check_in.channels),
        "server_completed": check_in.server_completed,
    }


def told(*check_ins: CheckIn, runtime: float | None = RUNTIME, now: datetime | None = None) -> Story:
    """Return the story of *check_ins*."""
    return story(row_of(check_ins, runtime, now), [line_row(each) for each in check_ins], DEFAULTS)
