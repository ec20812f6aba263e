"""`hotline transcribe` and `hotline check`: hearing and judging without a database."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import click

from qa.recognition import engine_for
from qa.settings import Settings
from scoring.call_score import score_call
from scoring.facts import CallFacts
from scoring.marks import CallScore
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import CriteriaError, load_scorecard
from scoring.shipped import SHIPPED, shipped
from scoring.text import is_chinese
from scoring.wordings import openings
from transcription.engine import TranscriptionError
from transcription.transcript import TranscriptError


class CheckError(ValueError):
    """A transcript cannot be checked; the message says why."""


def transcribe_files(
    files: Sequence[Path],
    output: Path | None,
    settings: Settings,
    *,
    engine: str | None,
    language: str | None,
    agent_channel: int | None,
    prompt: str | None,
) -> list[tuple[Path, str]]:
    """Write the transcript of each file; return the files that failed with their reasons.

    One file goes to `output` (standard output when None), several into the folder `output`.
    """
    from transcription.audio import read_audio
    from transcription.hear import hear

    recogniser = engine_for(settings, engine)
    said_first = _shipped_openings(language)
    failures = []
    for file in files:
        try:
            recording = read_audio(file, max_seconds=settings.max_call_hours * 3600)
            heard = hear(
                recording,
                recogniser,
                language=language,
                prompt=prompt,
                agent_channel=agent_channel,
                openings=said_first,
            )
        except (TranscriptionError, TranscriptError, OSError) as error:
            failures.append((file, str(error)))
            continue
        content = heard.transcript.to_dict() | {"measures": heard.measures.to_dict()}
        text = json.dumps(content, ensure_ascii=False, indent=1)
        if output is None:
            click.echo(text)
        elif len(files) == 1:
            output.write_text(text + "\n", encoding="utf-8")
        else:
            output.mkdir(parents=True, exist_ok=True)
            (output / f"{file.stem}.json").write_text(text + "\n", encoding="utf-8")
        taken = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in heard.seconds.items())
        click.echo(f"{file}: {recording.duration:.1f} s of sound; {taken}", err=True)
    return failures


def _shipped_openings(language: str | None) -> list[str]:
    """Return the openings of the shipped phrase sets, of `language` where it is known: who says one is the agent."""
    sets = [load_phrase_set(shipped(f"phrases-{name}")) for name in SHIPPED]
    wanted = [one for one in sets if language is None or is_chinese(one.language) == is_chinese(language)]
    return [wording for one in wanted for wording in openings(one)]


def check_file(
    path: Path,
    scorecard: str,
    phrases: str | None,
    as_json: bool,
    organisation_names: Sequence[str],
    locale: str = "en",
) -> str:
    """Return the marks of a transcript file with their evidence, as a table for a terminal or as JSON.

    Raises:
        CheckError: the transcript, the scorecard or the phrase set cannot be read.
    """
    from transcription.formats import read_transcripts
    from transcription.measures import AudioMeasures

    try:
        card_path = criteria_path(scorecard, "scorecard")
        card = load_scorecard(card_path)
        set_path = criteria_path(phrases, "phrases") if phrases else _beside(card_path)
        spoken = load_phrase_set(set_path) if set_path else None
        found = read_transcripts(path)
    except (CriteriaError, TranscriptError, OSError) as error:
        raise CheckError(str(error)) from None
    measures = None
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(content, dict) and "measures" in content:
            measures = AudioMeasures.from_dict(content["measures"])
    facts = CallFacts(organisation_names=tuple(organisation_names))
    scored = [(name, score_call(one, card, spoken, measures=measures, facts=facts)) for name, one in found]
    if as_json:
        return json.dumps([_as_dict(name, score) for name, score in scored], ensure_ascii=False, indent=1) + "\n"
    from rich.console import Console

    from web.terminal import render_score

    out = StringIO()
    width = None if sys.stdout.isatty() else 100
    console = Console(file=out, width=width, force_terminal=sys.stdout.isatty())
    for name, score in scored:
        if len(scored) > 1:
            console.rule(name)
        render_score(console, score, card, locale)
    return out.getvalue()


def _as_dict(name: str, score: CallScore) -> dict[str, object]:
    return {"transcript": name, **asdict(score)}


def criteria_path(name: str, kind: str) -> Path:
    """Return the file that `name` means: a path, or a shipped one by its short name.

    Raises:
        CheckError: it is neither.
    """
    path = Path(name)
    if path.suffix or path.exists():
        return path
    try:
        return shipped(f"{kind}-{name}")
    except LookupError as error:
        raise CheckError(f"there is no file {name}, and {error}") from None


def _beside(card: Path) -> Path | None:
    """Return the phrase set that lies beside a scorecard under the matching name."""
    guess = card.with_name(re.sub("scorecard", "phrases", card.name))
    return guess if guess != card and guess.is_file() else None
