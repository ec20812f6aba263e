"""Two languages: the catalogue is complete and sound, and times and numbers are written for their reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

import web
from models import CallState, ReviewReason, ReviewState, Role
from qa.settings import Settings
from scoring.marks import Answer, Evidence
from scoring.reasons import REASONS
from tests.web_client import make_app
from web import catalogue, i18n

TEMPLATES = Path(web.__file__).parent / "templates"
CHINESE = catalogue.TRANSLATIONS / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = make_app(settings)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield app


def test_the_catalogue_holds_exactly_the_messages_of_the_source() -> None:
    source = {message.id for message in catalogue.extract() if message.id}
    known = {message.id for message in catalogue.read(CHINESE) if message.id}

    assert source - known == set(), "run: python -m web.i18n update"
    assert known - source == set(), "run: python -m web.i18n update"


def test_every_message_is_translated() -> None:
    texts = {message.id: message.string for message in catalogue.read(CHINESE) if message.id}

    missing = [name for name, text in texts.items() if not (text if isinstance(text, str) else text and all(text))]
    assert missing == []


def test_translations_keep_the_places_of_values() -> None:
    wrong = [(message.id, str(error)) for message, errors in catalogue.read(CHINESE).check() for error in errors]
    assert wrong == []


def test_translations_are_chinese_with_chinese_punctuation() -> None:
    for message in catalogue.read(CHINESE):
        text = message.string if isinstance(message.string, str) else "".join(message.string or ())
        bare = re.sub(r"%\(\w+\)[sd]|分:秒", "", text)
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]|[,;!?][\u4e00-\u9fff]", bare), message.id


# What a reader sees of a template: not expressions, not tags, not what is typed into a computer.
EXPRESSIONS = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
TAGS = re.compile(r"<(code|kbd|script)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.DOTALL)
SPOKEN_ATTRIBUTES = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-confirm)="([^"{]*)"')


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.stem)
def test_no_template_shows_words_that_are_not_translated(template: Path) -> None:
    text = template.read_text("utf-8")

    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"&\w+;", " ", TAGS.sub(" ", EXPRESSIONS.sub(" ", text))))
    spoken = [found for found in SPOKEN_ATTRIBUTES.findall(text) if re.search(r"[^\W\d_]{2,}", found)]

    assert [word for word in words if word not in UNITS] == []
    assert spoken == []


UNITS = frozenset({"px", "MiB", "dB", "dBFS", "CSV", "PNG", "SHA", "kappa", "alpha", "AC"})


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Role, i18n.ROLES),
        (CallState, i18n.CALL_STATES),
        (Answer, i18n.ANSWERS),
        (ReviewState, i18n.REVIEW_STATES),
        (ReviewReason, i18n.REVIEW_REASONS),
    ],
)
def test_everything_that_is_stored_has_a_name(kind: type, names: dict[str, str]) -> None:
    assert set(names) == set(kind)  # type: ignore[call-overload]


ACT = re.compile(r'(?:record|seen)\(\s*(?:session,\s*)?"([a-z_]+\.[a-z_]+)"')


def test_every_act_of_the_audit_trail_has_a_name() -> None:
    acts: set[str] = set()
    for source in catalogue.SOURCES:
        for file in (catalogue.ROOT / source).glob("**/*.py"):
            if "node_modules" not in file.parts:
                acts |= set(ACT.findall(file.read_text("utf-8")))

    assert len(acts) > 15
    assert acts - i18n.ACTS.keys() == set()


def test_every_reason_makes_a_sentence_in_both_languages(app: Flask) -> None:
    for name, sentence in REASONS.items():
        values = dict.fromkeys(re.findall(r"%\((\w+)\)", sentence), 3.0)
        evidence = Evidence(None, None, "met", name, values)

        assert "%(" not in i18n.reason_text(evidence)
    with force_locale("zh_CN"):
        for name, sentence in REASONS.items():
            values = dict.fromkeys(re.findall(r"%\((\w+)\)", sentence), 3.0)
            assert re.search("[\u4e00-\u9fff]", i18n.reason_text(Evidence(None, None, "met", name, values))), name


def test_times_are_written_in_the_hotlines_zone(app: Flask) -> None:
    moment = datetime(2026, 11, 18, 23, 5, tzinfo=UTC)

    assert i18n.format_when(moment) == "2026-11-19 07:05"
    assert i18n.format_day(moment) == "2026-11-19"
    assert i18n.format_when(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (2.9, "0:02"), (61, "1:01"), (3600, "1:00:00"), (None, "–")]
)
def test_lengths_are_written_as_a_player_does(seconds: float | None, text: str) -> None:
    assert i18n.format_clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234.5, None, "1,234.5"), (86.25, 1, "86.2"), (7, 1, "7.0"), (7.6, 0, "8"), (None, 1, "–")],
)
def test_numbers_are_written_with_as_many_decimals_as_asked(
    app: Flask, value: float | None, digits: int | None, text: str
) -> None:
    assert i18n.format_number(value, digits) == text


def test_values_in_a_reason_are_readable(app: Flask) -> None:
    assert i18n.readable(["hello", "good morning"]) == "hello, good morning"
    assert i18n.readable("customer") == "Customer"
    assert i18n.readable(2.345678) == "2.35"
    assert i18n.readable(None) == "–"
