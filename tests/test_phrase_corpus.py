"""The cases that the phrase matcher is measured on say what they claim to say."""

from __future__ import annotations

import random
import re

import pytest

from benchmarks.phrase_corpus import (
    MIXED,
    NEAR,
    OTHER,
    SAID,
    SAID_KINDS,
    Plan,
    Script,
    ScriptPhrase,
    load_scripts,
    plan_call,
)
from benchmarks.phrase_mishear import spoken_words
from transcription.transcript import AGENT, CUSTOMER

SPLITS = [(language, split) for language in ("en", "zh") for split in ("train", "check", "test")]


def plain(text: str, language: str) -> str:
    """Return the words of `text` (its characters in Chinese), each between two blanks."""
    pattern = r"[a-z0-9']+" if language == "en" else r"[a-z0-9]+|[\u4e00-\u9fff]"
    words = " ".join(re.findall(pattern, text.lower()))
    return f" {words} "


def plans(language: str, split: str, count: int = 8) -> list[Plan]:
    scripts = load_scripts(language, split)
    return [plan_call(scripts[seed % len(scripts)], scripts, random.Random(seed)) for seed in range(count)]


@pytest.mark.parametrize(("language", "split"), SPLITS)
def test_what_counts_as_said_stands_in_the_agents_words_and_nothing_else_does(language: str, split: str) -> None:
    for plan in plans(language, split):
        said = plain(plan.spoken_by(AGENT), language)
        for name, kind in plan.kind.items():
            if kind != MIXED:  # a filler stands in its midst
                stands = [plain(wording, language) for wording in plan.phrases[name]]
                found = any(re.search(f"(?<!不){wording}", said) for wording in stands)
                assert found == (kind in SAID_KINDS), name


def test_what_only_the_customer_says_is_not_said() -> None:
    found = 0
    for plan in plans("en", "train", 40):
        for name in (name for name, kind in plan.kind.items() if kind == OTHER):
            assert any(plain(w, "en") in plain(plan.spoken_by(CUSTOMER), "en") for w in plan.phrases[name])
            found += 1

    assert found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_training_and_test_share_no_script_and_no_phrase(language: str) -> None:
    def wordings(split: str) -> set[str]:
        return {
            plain(w, language) for script in load_scripts(language, split) for p in script.phrases for w in p.wordings
        }

    assert not wordings("train") & (wordings("check") | wordings("test"))
    assert not wordings("check") & wordings("test")


def test_training_and_test_share_no_voice_and_no_noise() -> None:
    from benchmarks.phrase_speech import CONDITIONS, VOICES

    def persons(split: str) -> set[str]:
        return {":".join(voice.split(":")[:2]) for voice in VOICES[split]}

    def noises(split: str) -> set[str]:
        return {condition.partition("+")[2].partition("-")[0] for condition in CONDITIONS[split]} - {""}

    for split in ("check", "test"):
        assert not persons("train") & persons(split)
        assert not noises("train") & noises(split)


@pytest.mark.parametrize(("language", "split"), SPLITS)
def test_no_near_miss_is_one_of_the_wordings(language: str, split: str) -> None:
    for script in load_scripts(language, split):
        for phrase in script.phrases:
            wordings = [plain(wording, language) for wording in phrase.wordings]
            assert not any(wording == plain(near, language) for near in phrase.near for wording in wordings), phrase


def test_a_phrase_that_was_said_by_chance_counts_as_said() -> None:
    phrase = ScriptPhrase("desk-1", ("good morning",), ("...",), ("good evening",))
    chance = ScriptPhrase("desk-2", ("take care",), ("...",), ())
    script = Script("en", "desk", "train", (phrase, chance), {AGENT: ("Take care, sir.",), CUSTOMER: ("Hi.",)})

    made = [plan_call(script, [], random.Random(seed)) for seed in range(40)]

    assert {plan.kind["desk-2"] for plan in made if "Take care, sir." in plan.spoken_by(AGENT)} == {SAID}


def test_a_negated_phrase_is_not_said() -> None:
    phrase = ScriptPhrase("desk-1", ("支持退货",), ("...。",), ("不支持退货",))
    script = Script("zh", "desk", "train", (phrase,), {AGENT: ("好的。",), CUSTOMER: ("嗯。",)})

    made = [plan_call(script, [], random.Random(seed)) for seed in range(40)]

    assert {plan.kind["desk-1"] for plan in made if "不支持退货" in plan.spoken_by(AGENT)} == {NEAR}


def test_numbers_are_spoken_as_words() -> None:
    assert spoken_words("Within 24 hours, or 7.") == ["within", "twenty", "four", "hours", "or", "seven"]
