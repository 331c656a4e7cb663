"""Recordings of the real shapes of Jellyfin's JSON, and small changes to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "jellyfin"

SERVER = "5f2c1d0e9b8a47c6a3e4d5f60718293a"
VIEWER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
GUEST = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
EPISODE = "b7d1f4a09c3e48d2a6510e7f3c2b9d84"
SERIES = "c4e8a1d2f3b64597880a1b2c3d4e5f60"
SESSION = "458748a90a917c0fe7394c43a5566171"

NOTIFICATIONS = (
    "plugin_21_start.json",
    "plugin_21_progress.json",
    "plugin_21_automated.json",
    "plugin_21_stop.json",
    "plugin_15_automated.json",
    "plugin_11_start.json",
    "plugin_21_marked_played.json",
    "template_quoted.txt",
    "template_bare.txt",
    "template_broken.txt",
    "form.txt",
)


def recording(name: str) -> bytes:
    """Return the recorded body of that name."""
    return (_FOLDER / name).read_bytes()


def changed(name: str, *without: str, **values: object) -> bytes:
    """Return a recorded JSON object without some of its keys, and with other *values* for some."""
    told: dict[str, Any] = json.loads(recording(name))
    return json.dumps({key: value for key, value in (told | values).items() if key not in without}).encode()


def sessions() -> list[dict[str, Any]]:
    """Return the recorded snapshot: an episode playing, a film paused by two, and a session in which nothing plays."""
    told: list[dict[str, Any]] = json.loads(recording("sessions.json"))
    return told
