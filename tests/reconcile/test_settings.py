"""A setting is read as it is written, or refused by name."""

from __future__ import annotations

import re
import stat
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reconcile.errors import SettingRefused
from reconcile.settings import TABLE, Setting, Settings, checked, read_settings, token_files
from reconcile.spelling import Number, system_zone

BOUNDED = [setting for setting in TABLE if isinstance(setting.read, Number)]


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    """An environment that sets nothing but the place of the data folder."""
    return {"PLAYLEDGER_DATA_DIR": str(tmp_path / "data")}


def test_the_table_has_a_line_for_each_attribute_in_the_same_order() -> None:
    attributes = [field for field in Settings.__struct_fields__ if field != "fixed"]

    assert [setting.attribute for setting in TABLE] == attributes
    assert all(setting.sentence.endswith(".") for setting in TABLE)


def test_what_is_not_set_has_its_default(here: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(here)

    assert settings.poll_interval == timedelta(seconds=10)
    assert (settings.monitor_enabled, settings.poll, settings.auto_link, settings.record_partials) == (
        True,
        True,
        False,
        False,
    )
    assert (settings.host, settings.port) == ("127.0.0.1", 8484)
    assert (settings.threshold, settings.min_seconds, settings.retention_days) == (85.0, 120.0, 30)
    assert (settings.silence, settings.paused_timeout) == (timedelta(seconds=300), timedelta(seconds=1800))
    assert (settings.resume_window, settings.freshness) == (timedelta(hours=8), timedelta(seconds=60))
    assert settings.absence_grace == timedelta(seconds=20)
    assert (settings.jellyfin_url, settings.seerr_url, settings.tmdb_api_key) == (None, None, None)
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'data' / 'playledger.db'}"


def test_the_data_folder_is_the_owners_alone_and_stands_below_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = read_settings({})

    assert settings.data_dir == tmp_path / "data"
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("setting", BOUNDED, ids=[setting.name for setting in BOUNDED])
def test_a_number_may_be_at_its_bounds_and_not_beyond(setting: Setting) -> None:
    lowest, highest = re.findall(r"\d+", setting.bounds)

    assert setting.read(lowest) < setting.read(highest)
    for text in (str(int(lowest) - 1), str(int(highest) + 1)):
        with pytest.raises(SettingRefused, match=f"{setting.name}: '{text}' .* from {lowest} to {highest}"):
            checked(setting.name, text)


@pytest.mark.parametrize(
    ("name", "text", "need"),
    [
        ("PLAYLEDGER_SILENCE", "five minutes", "a number from 10 to 3600 s"),
        ("PLAYLEDGER_SILENCE", "nan", "a number from 10 to 3600 s"),
        ("PLAYLEDGER_PORT", "84.5", "a whole number"),
        ("PLAYLEDGER_POLL", "perhaps", "true or false"),
        ("PLAYLEDGER_WEBHOOK_TOKEN", "short", "16 characters"),
        ("PLAYLEDGER_ADMIN_TOKEN", "sixteen characters and blanks", "without blanks"),
        ("PLAYLEDGER_HOST", "two\nlines", "one line"),
        ("JELLYFIN_URL", "jellyfin:8096", "http://jellyfin:8096"),
        ("SEERR_URL", "http://seerr?apikey=1", "an address"),
        ("TZ", "Nowhere/Land", "Europe/Lisbon"),
        ("TZ", "../etc/passwd", "Europe/Lisbon"),
        ("PLAYLEDGER_DATABASE_URL", "mysql://localhost/evening", "postgresql://"),
        ("PLAYLEDGER_DATABASE_URL", "sqlite://", "a file"),
        ("PLAYLEDGER_DATABASE_URL", "sqlite:///:memory:", "a file"),
    ],
)
def test_an_impossible_value_is_refused_naming_the_setting_and_the_need(name: str, text: str, need: str) -> None:
    with pytest.raises(SettingRefused, match=f"{name}: .*{re.escape(need)}"):
        checked(name, text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("JELLYFIN_ACTIVITY_POLL_INTERVAL", "2500", timedelta(seconds=2.5)),
        ("PLAYLEDGER_THRESHOLD", "82.5", 82.5),
        ("PLAYLEDGER_RECORD_PARTIALS", "YES", True),
        ("JELLYFIN_ACTIVITY_MONITOR_ENABLED", "off", False),
        ("JELLYFIN_URL", "https://media.example/jellyfin/", "https://media.example/jellyfin"),
        ("TZ", ":Europe/Lisbon", ZoneInfo("Europe/Lisbon")),
        ("PLAYLEDGER_DATABASE_URL", "sqlite:////var/evening.db", "sqlite+aiosqlite:////var/evening.db"),
        ("PLAYLEDGER_DATABASE_URL", "postgres://viewer:a@db/evening", "postgresql+asyncpg://viewer:a@db/evening"),
        ("PLAYLEDGER_DATABASE_URL", "postgresql://db/e?sslmode=require", "postgresql+asyncpg://db/e?ssl=require"),
    ],
)
def test_a_value_is_read_as_people_write_it(name: str, text: str, value: object) -> None:
    assert checked(name, text) == value


def test_a_secret_that_is_refused_is_not_repeated(here: dict[str, str]) -> None:
    with pytest.raises(SettingRefused) as caught:
        read_settings({**here, "PLAYLEDGER_ADMIN_TOKEN": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.__cause__)


def test_a_misspelt_name_of_ours_is_refused_with_the_one_that_was_meant(here: dict[str, str]) -> None:
    with pytest.raises(SettingRefused, match=r"PLAYLEDGER_TRESHOLD .* did you mean PLAYLEDGER_THRESHOLD\?"):
        read_settings({**here, "PLAYLEDGER_TRESHOLD": "90"})


def test_a_name_like_no_other_is_refused_without_a_guess(here: dict[str, str]) -> None:
    with pytest.raises(SettingRefused, match=r"is not a setting\.$"):
        read_settings({**here, "PLAYLEDGER_XYZZY_123_QQQ_%%%": "1"})


def test_names_of_others_are_none_of_our_business(here: dict[str, str]) -> None:
    read_settings({**here, "JELLYFIN_PublishedServerUrl": "http://jellyfin", "PATH": "/bin"})


def test_every_name_may_be_given_as_a_file(here: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("a key of Jellyfin\n", "utf-8")

    settings = read_settings({**here, "JELLYFIN_API_KEY_FILE": str(secret)})

    assert settings.jellyfin_api_key == "a key of Jellyfin"
    assert "JELLYFIN_API_KEY" in settings.fixed


def test_a_file_that_is_not_there_is_refused(here: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match=r"SEERR_API_KEY_FILE: .* cannot be read"):
        read_settings({**here, "SEERR_API_KEY_FILE": str(tmp_path / "nothing")})


def test_a_value_given_twice_is_refused(here: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="both set"):
        read_settings({**here, "SEERR_API_KEY": "a", "SEERR_API_KEY_FILE": str(tmp_path)})


def test_a_blank_value_is_none_as_compose_files_write_it(here: dict[str, str]) -> None:
    settings = read_settings({**here, "SEERR_URL": "", "PLAYLEDGER_SILENCE": " "})

    assert (settings.seerr_url, settings.silence) == (None, timedelta(seconds=300))
    assert settings.fixed == {"PLAYLEDGER_DATA_DIR"}


def test_the_environment_goes_before_what_the_pages_changed_and_fixes_it(here: dict[str, str]) -> None:
    kept = {"PLAYLEDGER_THRESHOLD": "70", "PLAYLEDGER_SILENCE": "100"}

    settings = read_settings({**here, "PLAYLEDGER_THRESHOLD": "90"}, kept)

    assert (settings.threshold, settings.silence) == (90.0, timedelta(seconds=100))
    assert "PLAYLEDGER_THRESHOLD" in settings.fixed
    assert "PLAYLEDGER_SILENCE" not in settings.fixed


def test_tokens_are_made_once_in_files_of_their_owner(here: dict[str, str]) -> None:
    first, second = read_settings(here), read_settings(here)

    files = token_files(first.data_dir)
    assert (first.webhook_token, first.admin_token) == (second.webhook_token, second.admin_token)
    assert first.webhook_token != first.admin_token
    assert [stat.S_IMODE(path.stat().st_mode) for path in files.values()] == [0o600, 0o600]
    assert files["PLAYLEDGER_ADMIN_TOKEN"].read_text("utf-8").strip() == first.admin_token


def test_a_token_that_is_given_makes_no_file(here: dict[str, str]) -> None:
    settings = read_settings({**here, "PLAYLEDGER_WEBHOOK_TOKEN": "a-token-of-the-house"})

    assert settings.webhook_token == "a-token-of-the-house"
    assert not token_files(settings.data_dir)["PLAYLEDGER_WEBHOOK_TOKEN"].exists()


@pytest.mark.parametrize(("content", "reason"), [("", "is empty"), ("short", "16 characters")], ids=["empty", "short"])
def test_a_token_file_that_holds_none_is_refused(here: dict[str, str], content: str, reason: str) -> None:
    path = token_files(read_settings(here).data_dir)["PLAYLEDGER_ADMIN_TOKEN"]
    path.write_text(content, "utf-8")

    with pytest.raises(SettingRefused, match=reason):
        read_settings(here)


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingRefused, match="PLAYLEDGER_DATA_DIR"):
        read_settings({"PLAYLEDGER_DATA_DIR": str(tmp_path / "file" / "data")})


def test_settings_do_not_tell_their_secrets(here: dict[str, str]) -> None:
    settings = read_settings(here)

    assert settings.admin_token not in repr(settings)


def test_the_zone_of_the_system_is_found_or_is_utc(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    lisbon, nowhere = tmp_path / "zoneinfo" / "Europe" / "Lisbon", tmp_path / "zoneinfo" / "Nowhere"
    link = tmp_path / "localtime"

    link.symlink_to(lisbon)
    assert system_zone(link) == ZoneInfo("Europe/Lisbon")

    link.unlink()
    link.symlink_to(nowhere)
    assert system_zone(link) == UTC
    assert system_zone(tmp_path / "none") == UTC
