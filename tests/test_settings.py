from pathlib import Path

import pytest

from qa.settings import Settings, SettingsError, as_environment, load_settings


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()

    missing = [name for name in Settings.model_fields if f"`HOTLINE_{name.upper()}`" not in page]

    assert missing == []


def test_a_folder_under_var_serves_when_nothing_is_set() -> None:
    settings = load_settings()

    assert settings.database_url == "sqlite:///var/hotline.db"
    assert settings.storage_url == "var/recordings"
    assert settings.broker_url == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HOTLINE_ENGINE", "siri", "'sphinx'"),
        ("HOTLINE_DATABASE_URL", "mysql://root@localhost/x", "SQLite and PostgreSQL"),
        ("HOTLINE_DATABASE_URL", "not a url", "is not a database URL"),
        ("HOTLINE_BROKER_URL", "http://localhost", "amqp://"),
        ("HOTLINE_TIME_ZONE", "Mars/Olympus", "IANA"),
        ("HOTLINE_TIME_ZONE", "Asia", "IANA"),
        ("HOTLINE_TIME_ZONE", "../Asia/Shanghai", "IANA"),
        ("HOTLINE_FILE_NAME_PATTERN", "(", "regular expression"),
        ("HOTLINE_FILE_NAME_PATTERN", "(?P<shoe>.)", "shoe"),
        ("HOTLINE_PORT", "0", "greater than or equal to 1"),
        ("HOTLINE_DATABSE_URL", "sqlite://", "no such setting"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=name) as error:
        load_settings()

    assert says in str(error.value)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('time_zone = "Europe/London"\norganisation_names = ["Lakeside Bank"]\njobs = 7\n')
    monkeypatch.setenv("HOTLINE_SETTINGS_FILE", str(file))
    monkeypatch.setenv("HOTLINE_JOBS", "3")

    settings = load_settings()

    assert settings.time_zone == "Europe/London"
    assert settings.organisation_names == ("Lakeside Bank",)
    assert settings.jobs == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [("time_zone = ", "is not TOML"), ('colour = "red"', "COLOUR"), ('secret_key = "x"', "belongs in the environment")],
)
def test_a_wrong_settings_file_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    monkeypatch.setenv("HOTLINE_SETTINGS_FILE", str(file))

    with pytest.raises(SettingsError, match=says):
        load_settings()


def test_another_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings(var_dir=tmp_path, demo=True, organisation_names=("Lakeside Bank", "湖畔银行"), jobs=5)

    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    assert load_settings().model_dump() == settings.model_dump()


def test_the_secret_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SECRET_KEY", "hush")

    settings = load_settings()

    assert "hush" not in repr(settings)
    assert "HOTLINE_SECRET_KEY" not in as_environment(settings)
