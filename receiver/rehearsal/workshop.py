"""The simulated Jellyfin's workshop: the Webhook plugin, its installation and its configuration (facts G)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.rehearsal.asked import BAD, NOT_FOUND, NOTHING, Answer, Asked, as_json
from reconcile.playback.identity import normalised_id

WEBHOOK_PLUGIN = "71552a5a5c5c4350a2aeebe451a30173"
ACTIVE, RESTART = "Active", "Restart"

_LISTS = ("Discord", "Generic", "GenericForm", "Gotify", "Pushbullet", "Pushover", "Slack", "Smtp", "Mqtt")
_EMPTY: Mapping[str, Any] = {"ServerUrl": "", **{f"{name}Options": [] for name in _LISTS}}
_GENERIC: Mapping[str, Any] = {
    "NotificationTypes": [],
    "WebhookName": None,
    "WebhookUri": None,
    **{f"Enable{kind}": False for kind in ("Movies", "Episodes", "Series", "Seasons", "Albums", "Songs", "Videos")},
    "SendAllProperties": False,
    "TrimWhitespace": False,
    "SkipEmptyMessageBody": False,
    "EnableWebhook": True,
    "Template": None,
    "UserFilter": [],
    "Headers": [],
    "Fields": [],
}


class Workshop:
    """The plugin of that *version*. *status* is Jellyfin's word for it, None while it is not installed.

    *is_offered*: the server's repositories have it. Tests may change all of it, and *configuration* too.
    """

    def __init__(self, version: int) -> None:
        self.version = version
        self.status: str | None = ACTIVE
        self.is_offered = True
        self.configuration: dict[str, Any] = {**_EMPTY}

    def restarted(self) -> None:
        """Start again: what was installed runs."""
        if self.status == RESTART:
            self.status = ACTIVE

    def answer(self, request: Asked) -> Answer | None:
        """Return what an administrator is answered, None if that is not ours to answer."""
        if (request.method, request.path) == ("GET", "/plugins"):
            return as_json([] if self.status is None else [_plugin(self.version, self.status)])
        if request.method == "POST" and request.path.startswith("/packages/installed/"):
            return self._install(request)
        if not _is_configuration(request.path):
            return None
        if self.status != ACTIVE:
            return NOT_FOUND
        return as_json(self.configuration) if request.method == "GET" else self._configure(request)

    def _install(self, request: Asked) -> Answer:
        is_it = request.last == "Webhook" and normalised_id(request.query.get("assemblyguid", "")) == WEBHOOK_PLUGIN
        if not is_it or not self.is_offered:
            return NOT_FOUND
        self.status = RESTART
        return NOTHING

    def _configure(self, request: Asked) -> Answer:
        told = request.told()
        if not told:
            return BAD
        known = _known(told, _EMPTY)
        known["GenericOptions"] = [_known(entry, _GENERIC) for entry in known["GenericOptions"] or []]
        self.configuration = known
        return NOTHING


def _known(told: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plugin's type has a place for: unknown keys are dropped, missing ones get their defaults."""
    return {key: told.get(key, default) for key, default in defaults.items()}


def _is_configuration(path: str) -> bool:
    parts = path.strip("/").split("/")
    return parts[0] == "plugins" and parts[-1] == "configuration" and normalised_id(parts[1]) == WEBHOOK_PLUGIN


def _plugin(version: int, status: str) -> dict[str, object]:
    told = {"Name": "Webhook", "Version": f"{version}.0.0.0", "Id": WEBHOOK_PLUGIN, "Status": status}
    return {**told, "ConfigurationFileName": "Jellyfin.Plugin.Webhook.xml", "CanUninstall": True, "HasImage": True}
