"""The three lights of a server: its API key, its webhook, and the polls, each with the reason in words.

Pure: what is known is handed in, the time too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from receiver.hearing import Heard
from receiver.pages.saying import ago, counted
from reconcile.poller import State, Status

SILENT = timedelta(seconds=90)
"""While something plays, a webhook comes each second; after so long without any, something is wrong."""


class Light(msgspec.Struct, frozen=True):
    """A state with its reason; *kind* is ``good``, ``warn``, ``bad`` or ``off``."""

    text: str
    kind: str
    why: str


def key_light(status: Status | None) -> Light:
    """Say whether the server lets our API key list users and sessions, as far as polling has told."""
    if status is None:
        return Light("No API key", "off", "it cannot be asked: webhooks alone tell of it")
    if status.is_refused:
        return Light("API key refused", "bad", status.reason)
    if status.state is State.ACTIVE:
        return Light("API key works", "good", "it may list sessions; Test tries the list of users too")
    if status.state is State.ERROR:
        return Light("API key not tried", "warn", "the server does not answer as it should")
    return Light("API key kept", "off", "it is not used now")


def webhook_light(heard: Heard | None, status: Status | None, started_at: datetime, now: datetime) -> Light:
    """Say when the server's webhook was heard."""
    if status is not None and status.unseen:
        missed = counted(status.unseen, "playback")
        last = "never" if heard is None else ago(heard.last_at, now)
        return Light("Webhook silent", "bad", f"{missed} of the last hour came by polls only; last heard {last}")
    if heard is None:
        return Light("Webhook never heard", "off", f"not since the program started, {ago(started_at, now)}")
    if status is not None and status.is_playing and now - heard.last_at > SILENT:
        return Light("Webhook silent", "warn", f"something plays, and it was last heard {ago(heard.last_at, now)}")
    return Light(f"Webhook heard {ago(heard.last_at, now)}", "good", f"{counted(heard.count, 'time')} since the start")


def poll_light(status: Status | None, looked_at: datetime | None, now: datetime) -> Light:
    """Say how polling goes; *looked_at* is the last look, on our clock."""
    if status is None:
        return Light("Not polled", "off", "its address or its key is not known")
    if status.state is State.ERROR:
        return Light("Polls fail", "bad", f"since {ago(status.since, now)}: {status.reason}")
    if status.state is State.PAUSED:
        return Light("Polls paused", "off", status.reason)
    last = "" if looked_at is None else f" {ago(looked_at, now)}"
    return Light(f"Poll OK{last}", "good", "something plays" if status.is_playing else "nothing plays")
