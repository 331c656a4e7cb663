"""Settings: every name with its default, its bounds and a sentence, and the one place that reads them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from reconcile import spelling
from reconcile.errors import SettingRefused
from reconcile.secrets import kept_secret

PREFIX = "PLAYLEDGER_"
"""A name that begins so is ours: one that is not in the table is misspelt."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, read and within their bounds. *threshold* is in percent; *fixed* names what the environment set."""

    jellyfin_url: str | None
    jellyfin_api_key: str | None
    poll_interval: timedelta
    monitor_enabled: bool
    poll: bool
    database_url: str
    data_dir: Path
    host: str
    port: int
    webhook_token: str
    admin_token: str
    auto_link: bool
    threshold: float
    min_seconds: float
    record_partials: bool
    record_manual: bool
    silence: timedelta
    paused_timeout: timedelta
    resume_window: timedelta
    freshness: timedelta
    absence_grace: timedelta
    retention_days: int
    seerr_url: str | None
    seerr_api_key: str | None
    tmdb_api_key: str | None
    time_zone: tzinfo
    fixed: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Return no values: some are secrets, and a repr ends up in logs."""
        return f"Settings(fixed={sorted(self.fixed)})"


class Setting(msgspec.Struct, frozen=True):
    """One line of the table: *default* is written as one would set it (None: there is none)."""

    name: str
    attribute: str
    default: str | None
    read: Callable[[str], Any]
    sentence: str
    bounds: str = ""
    secret: bool = False


def _bounded(name: str, attribute: str, default: str, number: spelling.Number, sentence: str) -> Setting:
    return Setting(name, attribute, default, number, sentence, bounds=str(number))


def _secret(name: str, attribute: str, read: Callable[[str], str], sentence: str, bounds: str = "") -> Setting:
    return Setting(name, attribute, None, read, sentence, bounds, secret=True)


_MS, _S, _NUMBER = spelling.milliseconds, spelling.seconds, spelling.Number
_TOKEN_BOUNDS = f"≥ {spelling.TOKEN_LENGTH} characters"

TABLE: tuple[Setting, ...] = (
    Setting("JELLYFIN_URL", "jellyfin_url", None, spelling.web_address, "A first server; more are added in the pages."),
    _secret("JELLYFIN_API_KEY", "jellyfin_api_key", spelling.plain, "The API key for that server."),
    _bounded(
        "JELLYFIN_ACTIVITY_POLL_INTERVAL",
        "poll_interval",
        "10000",
        _MS(1000, 600_000),
        "The pace of polls while something plays and no push channel is proven.",
    ),
    Setting(
        "JELLYFIN_ACTIVITY_MONITOR_ENABLED",
        "monitor_enabled",
        "true",
        spelling.switch,
        "false turns polling and recording off: webhooks are answered «ignored».",
    ),
    Setting("PLAYLEDGER_POLL", "poll", "true", spelling.switch, "false: webhooks only."),
    Setting(
        "PLAYLEDGER_DATABASE_URL",
        "database_url",
        None,
        spelling.database_url,
        "SQLite in the data folder unless given; postgresql://… is accepted as written.",
        secret=True,
    ),
    Setting("PLAYLEDGER_DATA_DIR", "data_dir", "./data", spelling.folder, "Database, tokens, key file and spool."),
    Setting("PLAYLEDGER_HOST", "host", "127.0.0.1", spelling.plain, "The address to listen on."),
    _bounded(
        "PLAYLEDGER_PORT", "port", "8484", _NUMBER(0, 65_535, "", int), "The port to listen on; 0 takes a free one."
    ),
    _secret(
        "PLAYLEDGER_WEBHOOK_TOKEN",
        "webhook_token",
        spelling.token,
        "What the Webhook plugin presents; made at first start and kept in the data folder.",
        _TOKEN_BOUNDS,
    ),
    _secret(
        "PLAYLEDGER_ADMIN_TOKEN",
        "admin_token",
        spelling.token,
        "What administrators present; made at first start and kept in the data folder.",
        _TOKEN_BOUNDS,
    ),
    Setting(
        "PLAYLEDGER_AUTO_LINK", "auto_link", "false", spelling.switch, "Record every Jellyfin user from first sight."
    ),
    _bounded(
        "PLAYLEDGER_THRESHOLD", "threshold", "85", _NUMBER(1, 100, "%", float), "Reached this far, it is completed."
    ),
    _bounded(
        "PLAYLEDGER_MIN_SECONDS",
        "min_seconds",
        "120",
        _NUMBER(0, 3600, "s", float),
        "Watched for less, it is no watch.",
    ),
    Setting(
        "PLAYLEDGER_RECORD_PARTIALS", "record_partials", "false", spelling.switch, "Keep what was not completed too."
    ),
    Setting(
        "PLAYLEDGER_RECORD_MANUAL",
        "record_manual",
        "false",
        spelling.switch,
        "Keep what was only marked as played, told apart from what was played.",
    ),
    _bounded("PLAYLEDGER_SILENCE", "silence", "300", _S(10, 3600), "Without evidence for so long, a playback is over."),
    _bounded("PLAYLEDGER_PAUSED_TIMEOUT", "paused_timeout", "1800", _S(60, 86_400), "The same while it is paused."),
    _bounded(
        "PLAYLEDGER_RESUME_WINDOW",
        "resume_window",
        "28800",
        _S(0, 172_800),
        "Resumed within it, it is the same playback.",
    ),
    _bounded(
        "PLAYLEDGER_FRESHNESS", "freshness", "60", _S(5, 300), "How long a client's last report shows that it lives."
    ),
    _bounded(
        "PLAYLEDGER_ABSENCE_GRACE", "absence_grace", "20", _S(1, 300), "How far apart two looks agree that it is gone."
    ),
    _bounded(
        "PLAYLEDGER_RETENTION_DAYS",
        "retention_days",
        "30",
        _NUMBER(1, 3650, "days", int),
        "How long deliveries are kept.",
    ),
    Setting("SEERR_URL", "seerr_url", None, spelling.web_address, "Seerr, for links and ids."),
    _secret("SEERR_API_KEY", "seerr_api_key", spelling.plain, "The API key for Seerr."),
    _secret("TMDB_API_KEY", "tmdb_api_key", spelling.plain, "Finds a series on TMDB by its TVDB id."),
    Setting("TZ", "time_zone", None, spelling.time_zone, "The zone whose days are counted; the system's unless given."),
)

_BY_NAME = {setting.name: setting for setting in TABLE}
_TOKEN_FILES = {"PLAYLEDGER_WEBHOOK_TOKEN": "webhook-token", "PLAYLEDGER_ADMIN_TOKEN": "admin-token"}


def read_settings(environ: Mapping[str, str], kept: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *environ*, then of *kept* (what the pages changed, by name), then the defaults.

    Makes the data folder, and in it the tokens that are not given. Each name may be given as NAME_FILE instead, the
    path of a file that holds the value. Raises SettingRefused naming the setting and its bounds.
    """
    given = _given(environ)
    told = {**(kept or {}), **given}
    values = {setting.attribute: _value(setting, told) for setting in TABLE}
    data_dir = values["data_dir"]
    _make_folder(data_dir)
    values["database_url"] = values["database_url"] or f"sqlite+aiosqlite:///{data_dir / 'playledger.db'}"
    values["time_zone"] = values["time_zone"] or spelling.system_zone()
    for name, path in token_files(data_dir).items():
        attribute = _BY_NAME[name].attribute
        values[attribute] = values[attribute] or checked(name, kept_secret(path))
    return Settings(**values, fixed=frozenset(given))


def checked(name: str, text: str) -> Any:  # noqa: ANN401 - each setting has its own type
    """Return the value that *text* spells for the setting *name*. Raises SettingRefused."""
    setting = _BY_NAME.get(name)
    if setting is None:
        raise SettingRefused(_misspelt(name))
    try:
        return setting.read(text.strip())
    except ValueError as error:
        shown = "its value" if setting.secret else repr(text)
        raise SettingRefused(f"{name}: {shown} is refused: {error}.") from error


def token_files(data_dir: Path) -> dict[str, Path]:
    """Return where the tokens are kept that the environment does not give, by the setting's name."""
    return {name: data_dir / file for name, file in _TOKEN_FILES.items()}


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment sets, by name; a blank value is none, as compose files write it."""
    for name in environ:
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in _BY_NAME:
            raise SettingRefused(_misspelt(name))
    given = {}
    for name in _BY_NAME:
        text, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
        if text and path:
            raise SettingRefused(f"{name} and {name}_FILE are both set: set one of them.")
        if text or path:
            given[name] = text or _content(name, Path(path))
    return given


def _content(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingRefused(f"{name}_FILE: {path} cannot be read: {error}.") from error


def _value(setting: Setting, told: Mapping[str, str]) -> Any:  # noqa: ANN401 - each setting has its own type
    text = told.get(setting.name, setting.default)
    return None if text is None else checked(setting.name, text)


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingRefused(f"{PREFIX}DATA_DIR: the folder {data_dir} cannot be made: {error}.") from error


def _misspelt(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, n=1)
    near += [known for known in _BY_NAME if known == f"{PREFIX}{name.upper()}"]
    return f"{name} is not a setting" + (f": did you mean {near[0]}?" if near else ".")
