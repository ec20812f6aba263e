"""Every setting of the product: one class, documented in docs/settings.md.

A value comes from the environment (`HOTLINE_` and the name in capitals), else from the settings file
(`hotline.toml` in the working directory, or the file that HOTLINE_SETTINGS_FILE names), else from the default.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from qa.working_days import Calendar, WorkingDays

# Finds what common recorders write, in any order: 0728_20261118-143200_x, 2026-11-18 14-32-00 0728, AGENT_ChrisL_…
DEFAULT_FILE_NAME_PATTERN = (
    r"(?:(?=.*?(?P<started_at>(?<!\d)\d{4}-?\d{2}-?\d{2}[T_ -]?\d{2}[-:]?\d{2}[-:]?\d{2}(?!\d))))?"
    r"(?:(?=.*?(?:AGENT_(?=[A-Za-z0-9]+(?:_|$)))(?P<agent>[A-Za-z0-9]+)))?"
    r"(?:(?=.*?(?<![0-9A-Za-z-])(?<!\d{8}[_T ])(?P<agent_number>\d{3,6})(?![0-9A-Za-z])(?!-\d)))?"
)

_GROUPS = "external_id agent agent_number started_at queue direction customer_number language agent_channel"
FILE_NAME_GROUPS = frozenset(_GROUPS.split())


MIN_TOKEN_LENGTH = 32  # characters of a token that another system sends


# Plain addresses only: no names, quotes or comments, and nothing that could begin another line of a mail.
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def is_mail_address(text: str) -> bool:
    """Tell whether `text` is one plain mail address."""
    return len(text) <= 254 and _MAIL_ADDRESS.fullmatch(text) is not None


@cache
def _time_zones() -> set[str]:
    """Return the names of all time zones: looking them up takes 40 ms."""
    return available_timezones()


class SettingsError(ValueError):
    """A setting has a wrong value; the message names it and says what would be right."""


class Settings(BaseSettings):
    """The settings of one installation; see the field descriptions."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", extra="forbid", frozen=False)

    var_dir: Path = Field(Path("var"), description="Folder for the database, recordings and queue of one machine.")
    database_url: str = Field("", description="SQLAlchemy URL; default: SQLite file hotline.db in var_dir.")
    storage_url: str = Field(
        "", description="Where recordings are kept: a folder or an fsspec URL (s3://bucket/prefix); "
        "default: recordings in var_dir."
    )  # fmt: skip
    broker_url: str = Field(
        "",
        description="Celery broker (amqp://, redis://); default: a queue folder in var_dir, no server needed.",
    )
    jobs: int = Field(2, ge=1, le=256, description="Calls worked on at once by one worker.")
    engine: Literal["whisper", "faster-whisper", "sphinx", "ready"] = Field(
        "sphinx",
        description="Speech recogniser for calls that name none: whisper, faster-whisper, sphinx or ready.",
    )
    whisper_model: str = Field("small", description="Whisper model name or path of a checkpoint file or folder.")
    whisper_batch: int = Field(8, ge=1, le=256, description="Stretches of speech that whisper decodes at once.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where Whisper runs: auto, cpu or cuda.")
    language: str = Field(
        "",
        description="Language of calls that name none (BCP 47, e.g. zh-CN or en); default: detected if the engine can.",
    )
    min_call_seconds: float = Field(10.0, ge=0, description="Shorter calls are not gradable (too short), in seconds.")
    min_call_words: int = Field(
        5, ge=0, description="Calls with fewer words (characters in Chinese) are not gradable (no speech)."
    )
    max_call_hours: float = Field(4.0, gt=0, le=24, description="Longer recordings are refused, in hours.")
    max_upload_mb: int = Field(200, ge=1, le=4096, description="Largest upload in the browser, in MiB.")
    file_name_pattern: str = Field(
        DEFAULT_FILE_NAME_PATTERN,
        description="Regular expression over the file name without suffix; named groups external_id, "
        "agent (or agent_number), started_at, queue, direction, customer_number, language, "
        "agent_channel.",
    )
    organisation_names: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names of the organisation as agents say them, separated by commas; fills {BANK} in phrases.",
    )
    time_zone: str = Field(
        "Asia/Shanghai",
        description="The hotline's zone (IANA name): days, weeks and months are counted in it.",
    )
    locale: Literal["zh_CN", "en"] = Field(
        "zh_CN", description="Language of pages when the browser asks for neither: zh_CN or en."
    )
    host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the web server listens on.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names that pages are served under, separated by commas; default: any on loopback.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs sessions; environment only. Default: made at each start, allowed on loopback only.",
    )
    survey_token: SecretStr = Field(
        SecretStr(""),
        description="Lets the survey system hand in ratings (POST /api/surveys) and nothing else; environment only. "
        "Default: no such address.",
    )
    complaint_token: SecretStr = Field(
        SecretStr(""),
        description="Lets the complaint system hand in complaints (POST /api/complaints) and nothing else; "
        "environment only. Default: no such address.",
    )
    survey_satisfied_from: float = Field(
        0.75, gt=0, le=1, description="A rating counts as satisfied from this share of its scale on, 0 to 1."
    )
    dial_tests_per_week: int = Field(
        2, ge=0, le=50, description="Dial tests that each inspector owes in a week; 0: none are owed."
    )
    working_days: Calendar = Field(
        Calendar.WEEKDAYS, description="Calendar that deadlines go by: weekdays, or china with its make-up days."
    )
    holidays: Annotated[tuple[date, ...], NoDecode] = Field(
        (), description="Days off besides the calendar's (YYYY-MM-DD), separated by commas."
    )
    workdays: Annotated[tuple[date, ...], NoDecode] = Field(
        (), description="Days worked against the calendar (YYYY-MM-DD), separated by commas."
    )
    appeal_window_days: int = Field(
        3, ge=1, le=60, description="Working days after the release in which an agent may appeal."
    )
    appeal_pass_days: int = Field(
        1, ge=1, le=30, description="Working days that a supervisor has to pass an appeal on or return it."
    )
    appeal_decide_days: int = Field(3, ge=1, le=60, description="Working days in which an appeal is decided.")
    appeal_rounds: int = Field(
        2, ge=1, le=2, description="Decisions about one item that an agent may ask for; the second is the lead's."
    )
    appeal_blind: bool = Field(False, description="Whoever decides an appeal does not see the first verdict.")
    review_mode: Literal["assisted", "blind"] = Field(
        "assisted",
        description="How a review begins: assisted (automatic marks in sight) or blind (hidden until submitted).",
    )
    hide_agent: bool = Field(False, description="Inspectors do not see whose call it is until they have judged it.")
    secure_cookies: bool = Field(False, description="Send cookies over HTTPS only: true behind a TLS proxy.")
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Reverse proxies in front whose X-Forwarded headers are believed."
    )
    smtp_host: str = Field("", description="Mail server that news are sent through; default: no mails are sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="How the connection to the mail server is encrypted: none, starttls or tls."
    )
    smtp_user: str = Field("", description="User name at the mail server; default: no login.")
    smtp_password: SecretStr = Field(
        SecretStr(""), description="Password at the mail server; environment only, and never sent unencrypted."
    )
    mail_from: str = Field(
        "", validate_default=True, description="Address that mails come from; needed with HOTLINE_SMTP_HOST."
    )
    public_url: str = Field(
        "", validate_default=True, description="Address of the pages as people reach them, for links in mails."
    )
    case_days: int = Field(180, ge=1, le=3650, description="Days after which a clip leaves the case library.")
    demo: bool = Field(False, description="Mark every page as a demonstration; set by `hotline demo`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = settings_file()
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, toml_file=path)) if path else sources

    @field_validator("organisation_names", "allowed_hosts", "holidays", "workdays", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value:
            return value
        try:
            backend = make_url(value).get_backend_name()
        except ArgumentError:
            raise ValueError("is not a database URL; write for example postgresql+psycopg://user@host/name") from None
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"names {backend}; SQLite and PostgreSQL are supported")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, value: str) -> str:
        schemes = ("amqp://", "amqps://", "redis://", "rediss://")
        if value and not value.startswith(schemes):
            raise ValueError(f"must begin with one of {', '.join(schemes)}")
        return value

    @field_validator("survey_token", "complaint_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < MIN_TOKEN_LENGTH:
            raise ValueError(f"is too short to be safe: take {MIN_TOKEN_LENGTH} or more random characters")
        return value

    @field_validator("smtp_password")
    @classmethod
    def _mail_password(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value() and info.data.get("smtp_security") == "none":
            raise ValueError("would be sent unencrypted: set HOTLINE_SMTP_SECURITY to starttls or tls")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_from(cls, value: str, info: ValidationInfo) -> str:
        if (value or info.data.get("smtp_host")) and not is_mail_address(value):
            raise ValueError("is not a mail address; write for example qa@example.com")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str, info: ValidationInfo) -> str:
        if (value or info.data.get("smtp_host")) and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("is not an address; write for example https://qa.example.com")
        return value.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in _time_zones():
            raise ValueError("is not an IANA time zone; write for example Asia/Shanghai or Europe/London")
        return value

    @field_validator("file_name_pattern")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            groups = set(re.compile(value).groupindex)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        if unknown := groups - FILE_NAME_GROUPS:
            raise ValueError(f"has unknown groups {sorted(unknown)}; known are {sorted(FILE_NAME_GROUPS)}")
        return value

    def model_post_init(self, _context: Any) -> None:
        if not self.database_url:
            self.database_url = f"sqlite:///{self.var_dir / 'hotline.db'}"
        if not self.storage_url:
            self.storage_url = str(self.var_dir / "recordings")

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def calendar(self) -> WorkingDays:
        return WorkingDays(self.working_days, frozenset(self.holidays), frozenset(self.workdays))

    @property
    def celery_broker(self) -> str:
        return self.broker_url or "filesystem://"


def settings_file() -> Path | None:
    """Return the settings file in force, None when there is none.

    Raises:
        SettingsError: HOTLINE_SETTINGS_FILE names a file that is not there.
    """
    named = os.environ.get("HOTLINE_SETTINGS_FILE")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"HOTLINE_SETTINGS_FILE: there is no file {named}")
        return Path(named)
    usual = Path("hotline.toml")
    return usual if usual.is_file() else None


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one or more values are wrong or unknown; the message has a line for each.
    """
    known = {f"HOTLINE_{name}".upper() for name in Settings.model_fields} | {"HOTLINE_SETTINGS_FILE"}
    unknown = sorted(
        name for name in os.environ if name.startswith("HOTLINE_") and name not in known and name not in IGNORED
    )
    if unknown:
        raise SettingsError(
            "\n".join(f"{name}: there is no such setting; docs/settings.md lists them all" for name in unknown)
        )
    path = settings_file()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            message = problem["msg"].removeprefix("Value error, ")
            if problem["type"] == "extra_forbidden":
                message = "there is no such setting; docs/settings.md lists them all"
            lines.append(f"HOTLINE_{name.upper()}: {message}")
        raise SettingsError("\n".join(lines)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None
    secrets = [name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)]
    for name in secrets:
        if path and name in tomllib.loads(path.read_text(encoding="utf-8")):
            raise SettingsError(f"{path}: {name} belongs in the environment (HOTLINE_{name.upper()}), not in a file")
    return settings


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give another process the same settings; secrets are left out."""
    variables = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            variables[f"HOTLINE_{name.upper()}"] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return variables


# Read by the tests alone.
IGNORED = frozenset(
    {"HOTLINE_SHARED_DATA", "HOTLINE_TEST_POSTGRESQL_URL", "HOTLINE_TEST_BROKER_URL", "HOTLINE_TEST_REDIS_URL"}
)
