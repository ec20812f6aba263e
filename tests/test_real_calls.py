"""Real calls and dialogues, where they are at hand: they come in, are scored, and nobody is charged unfairly."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from sqlalchemy import select

from models import AutoScore, Call, CallState
from scoring.call_score import score_call
from scoring.facts import CallFacts
from scoring.marks import Answer
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from tests.conftest import Hotline
from transcription.formats import read_transcripts


@pytest.mark.parametrize(
    ("folder", "card", "dialogues"),
    [("text-en/harper-valley", "en-bank", 5), ("text-zh/mobilecs-10086", "zh-mobile", 5)],
)
def test_real_transcripts_are_checked_with_the_shipped_phrases(
    shared_data: Path, folder: str, card: str, dialogues: int
) -> None:
    scorecard, phrases = load_scorecard(shipped(f"scorecard-{card}")), load_phrase_set(shipped(f"phrases-{card}"))
    facts = CallFacts(organisation_names=("Harper Valley National Bank", "Harper Valley"))
    found = [one for path in sorted((shared_data / folder).glob("*.json")) for one in read_transcripts(path)]

    scores = [score_call(transcript, scorecard, phrases, facts=facts) for _name, transcript in found]

    assert len(scores) == dialogues
    for score in scores:
        assert score.raw is None or 0 <= score.raw <= 100
        assert all(mark.evidence for mark in score.marks if mark.answer in (Answer.MET, Answer.NOT_MET))


def test_a_bank_name_that_the_recogniser_misheard_is_not_held_against_the_agent(shared_data: Path) -> None:
    """The agent says "harper valley national bank"; the recogniser wrote "tom for valley national bank"."""
    path = shared_data / "text-en" / "harper-valley" / "0126ffdce48049a9.json"
    ((_name, transcript),) = read_transcripts(path)

    score = score_call(
        transcript,
        load_scorecard(shipped("scorecard-en-bank")),
        load_phrase_set(shipped("phrases-en-bank")),
        facts=CallFacts(organisation_names=("harper valley national bank",)),
    )

    assert "tom for valley" in transcript.turns[1].text or "tom for valley" in " ".join(
        t.text for t in transcript.turns
    )
    opening = next(mark for mark in score.marks if mark.item == "S2")
    assert opening.answer is not Answer.NOT_MET
    bank = [evidence for evidence in opening.evidence if evidence.part == "bank"]
    assert {evidence.verdict for evidence in bank} <= {"met", "cannot_tell"}


def test_real_dialogues_come_in_as_calls(shared_data: Path, hotline: Hotline) -> None:
    hotline.ingest(shared_data / "text-zh" / "mobilecs-10086", shared_data / "text-en" / "harper-valley")

    assert len(hotline.calls()) == 10
    assert {call.state for call in hotline.calls()} <= {CallState.SCORED, CallState.NOT_GRADABLE}
    assert {call.language for call in hotline.calls()} == {"zh", "en"}


@pytest.mark.slow
def test_real_recordings_run_through_to_scores_with_the_offline_engine(
    shared_data: Path, hotline: Hotline, tmp_path: Path
) -> None:
    """The stereo pair and the mono file, cut to their first 20 seconds to keep the run short."""
    recordings = shared_data / "audio-en-calls"
    for path in [*recordings.glob("aws-lca/Auto_Repairs*.wav"), *recordings.glob("aws-pca/*.wav")]:
        with soundfile.SoundFile(path) as whole:
            soundfile.write(tmp_path / path.name, whole.read(20 * whole.samplerate), whole.samplerate, whole.subtype)

    hotline.ingest(tmp_path)

    pair, mono = sorted(hotline.calls(), key=lambda call: -(call.channels or 0))
    assert (pair.state, pair.channels, pair.agent_channel) == (CallState.SCORED, 2, 0)
    assert (mono.state, mono.channels) == (CallState.SCORED, 1)
    with hotline.factory() as session:
        assert session.get_one(Call, mono.id).agent.number == "ChrisL"  # type: ignore[union-attr]
        marks = {
            score.call_id: {mark.item: mark.answer for mark in score.marks}
            for score in session.scalars(select(AutoScore))
        }
    assert marks[mono.id]["C1"] == Answer.CANNOT_TELL  # who interrupts whom is not to be heard on one channel
    assert marks[pair.id]["C1"] in (Answer.MET, Answer.PARTLY, Answer.NOT_MET)
