"""The demonstration: its scripts, its recordings, its generated calls, and the load of it all."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models import (
    Agent,
    AuditEvent,
    Call,
    CallState,
    Complaint,
    NonVoiceReview,
    Review,
    ReviewState,
    Role,
    SurveyRating,
    Team,
    TestAssignment,
    TestCall,
    User,
)
from qa.demonstration import LOGINS, ORGANISATION_NAMES, PASSWORD
from qa.demonstration.dialogues import LANGUAGES, repertoire
from qa.demonstration.judging import Truth, answers, remark
from qa.demonstration.load import load_demonstration
from qa.demonstration.people import demo_agents, team_names
from qa.demonstration.plan import PlannedCall, plan_calls
from qa.demonstration.recording_scripts import RECORDINGS, hold_events, recording_scripts, spoken_lines, voices
from qa.people import verify_password
from qa.reviews import Entry, problems_of
from qa.settings import Settings
from qa.storage import RecordingStore
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from transcription.transcript import Transcript

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MOST_AUDIO = 8 * 2**20  # bytes: what the repository can carry


@pytest.fixture(scope="module")
def calls() -> tuple[PlannedCall, ...]:
    return plan_calls(NOW, ZONE)


def test_the_recordings_match_their_scripts() -> None:
    import soundfile

    for script in recording_scripts():
        header = soundfile.info(script.audio)
        lines = spoken_lines(script)

        assert (header.samplerate, header.channels, header.format) == (8_000, script.channels, "FLAC")
        assert [(line.who, line.say) for line in lines] == [(line.who, line.say) for line in script.lines]
        assert max(line.end for line in lines) < header.duration < max(line.end for line in lines) + 2


def test_the_recordings_are_small_and_there_is_none_without_a_script() -> None:
    files = set(RECORDINGS.glob("*.flac"))

    assert files == {script.audio for script in recording_scripts()}
    assert sum(path.stat().st_size for path in files) < MOST_AUDIO


def test_the_scripts_name_only_agents_and_voices_that_there_are() -> None:
    numbers = {agent.number for agent in demo_agents()}

    for script in recording_scripts():
        assert script.agent in numbers
        assert script.customer_voice in voices()


def test_a_recording_has_two_different_voices() -> None:
    voice_of = {agent.number: agent.voice for agent in demo_agents()}

    assert not [script.id for script in recording_scripts() if voice_of[script.agent] == script.customer_voice]


def test_a_hold_is_reported_where_the_silence_is() -> None:
    with_holds = {script.id: hold_events(script) for script in recording_scripts() if hold_events(script)}

    assert set(with_holds) == {"en-07", "en-08"}
    begin, end = with_holds["en-07"]
    assert (begin["kind"], end["kind"]) == ("hold_start", "hold_end")
    assert 20 < end["start"] - begin["start"] < 26


def test_there_are_two_teams_of_five_and_a_login_for_each_role() -> None:
    teams = Counter(agent.team for agent in demo_agents())

    assert teams == {"en": 5, "zh": 5}
    assert {role for _, role in LOGINS} == {role.value for role in Role}


@pytest.mark.parametrize("now", ["2026-03-01T08:00", "2026-12-31T23:00"])
def test_the_calls_lie_in_the_eight_weeks_before_now(now: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZONE)

    calls = plan_calls(moment, ZONE)

    assert 500 < len(calls) < 700
    assert all(0 <= (moment - call.started_at).days <= 62 for call in calls)
    assert all(call.started_at < moment for call in calls)


def test_the_same_moment_gives_the_same_calls() -> None:
    assert plan_calls(NOW, ZONE, scale=0.1) == plan_calls(NOW, ZONE, scale=0.1)


def test_some_agents_of_each_team_have_a_hundred_calls_in_the_last_full_month(calls: tuple[PlannedCall, ...]) -> None:
    october = Counter(call.agent for call in calls if call.started_at.month == 10)

    assert {agent.team for agent, count in october.items() if count > 100} == {"en", "zh"}
    assert len(october) == 10
    assert min(october.values()) >= 15


def test_generated_transcripts_are_valid_and_say_that_they_are_synthetic(calls: tuple[PlannedCall, ...]) -> None:
    for call in calls[::5]:
        transcript = call.written.transcript

        assert Transcript.from_dict(transcript.to_dict()) == transcript
        assert transcript.engine == "synthetic"
        assert all(word.confidence is not None for turn in transcript.turns for word in turn.words)


def test_careless_agents_leave_out_more_of_the_script(calls: tuple[PlannedCall, ...]) -> None:
    share: dict[str, list[float]] = {}
    for call in calls:
        steps = len(call.performance.taken) + len(call.performance.missed)
        share.setdefault(call.agent.number, []).append(len(call.performance.missed) / steps)
    mean = {number: sum(shares) / len(shares) for number, shares in share.items()}

    assert mean["0711"] < 0.1 < 0.25 < mean["0715"]
    assert mean["2101"] < 0.1 < 0.25 < mean["2105"]


def test_chinese_calls_are_misheard_as_recognisers_do(calls: tuple[PlannedCall, ...]) -> None:
    chinese = [call.written.transcript for call in calls if call.agent.team == "zh"]
    text = "".join(turn.text for transcript in chinese for turn in transcript.turns)

    assert re.search("公号|功号|弓号", text)
    assert text.count("工号") > text.count("公号")


@pytest.mark.parametrize("team", LANGUAGES)
def test_no_place_in_a_dialogue_is_left_unfilled(team: str, calls: tuple[PlannedCall, ...]) -> None:
    own = [call for call in calls if call.agent.team == team]

    assert {call.dialogue.id for call in own} == {dialogue.id for dialogue in repertoire(team).dialogues}
    assert not [line.text for call in own for line in call.performance.lines if re.search("[{}]", line.text)]


@pytest.mark.parametrize(("team", "name"), [("en", "en-bank"), ("zh", "zh-mobile")])
def test_an_inspector_can_submit_what_the_demonstration_answers(
    team: str, name: str, calls: tuple[PlannedCall, ...]
) -> None:
    from random import Random

    from models import ReviewReason

    card = load_scorecard(shipped(f"scorecard-{name}"))
    for call in calls[::3]:
        if call.agent.team != team:
            continue
        truth = Truth.of_plan(call)
        given = answers(card, truth, (), Random(1))
        comment = remark(card.id, truth, Random(1))
        decided = {fatal.id: given[fatal.id] for fatal in card.fatal if fatal.id in given}
        problems = problems_of(card, Entry(given, ReviewReason.RANDOM, comment), given)

        assert set(problems) == {fatal.id for fatal in card.fatal} - set(decided)
        assert comment


@pytest.fixture
def in_one_process(settings: Settings) -> Settings:
    return settings.model_copy(update={"jobs": 1})


@pytest.mark.slow
def test_the_demonstration_fills_every_page(
    factory: sessionmaker[Session], in_one_process: Settings, store: RecordingStore
) -> None:
    shares: list[float] = []

    load_demonstration(
        factory,
        in_one_process,
        store,
        progress=lambda _stage, share: shares.append(share),
        now=NOW,
        recordings={"en-03", "en-13"},
        scale=0.12,
    )

    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with factory() as session:
        calls = session.scalars(select(Call)).all()
        assert len(calls) > 40
        assert all(call.synthetic for call in calls)
        assert Counter(call.state for call in calls)[CallState.NOT_GRADABLE] == 1
        assert {call.state for call in calls} == {CallState.SCORED, CallState.NOT_GRADABLE}
        recorded = session.scalars(select(Call).where(Call.external_id == "demo-en-03")).one()
        assert recorded.transcript is not None
        assert recorded.transcript.engine == "sphinx/en-us"
        assert recorded.reviews[0].final == 0 < (recorded.reviews[0].raw or 0)
        assert session.scalar(select(func.count(Team.id))) == len(team_names())
        assert session.scalar(select(func.count(Agent.id))) == len(demo_agents())
        assert {review.state for review in session.scalars(select(Review))} == set(ReviewState)
        assert {test.status for test in session.scalars(select(TestCall))} >= {"matched"}
        ratings = session.scalars(select(SurveyRating)).all()
        assert {rating.satisfied for rating in ratings} == {True, False, None}
        assert all(rating.call is not None for rating in ratings)
        assert any(complaint.counts for complaint in session.scalars(select(Complaint)))
        assert len(session.scalars(select(NonVoiceReview)).all()) == 4
        assert len(session.scalars(select(TestAssignment)).all()) == 5
        logins = session.scalars(select(User)).all()
        assert {user.login for user in logins} == {login for login, _ in LOGINS}
        assert verify_password(logins[0].password_hash, PASSWORD)


@pytest.mark.slow
def test_a_load_that_was_cut_off_goes_on_where_it_stopped_and_is_done_once(
    factory: sessionmaker[Session], in_one_process: Settings, store: RecordingStore
) -> None:
    class CutOffError(Exception):
        pass

    def cut(stage: str, _share: float) -> None:
        if stage == "Reviews and test calls":
            raise CutOffError

    def rows() -> list[int | None]:
        tables = (Call, Review, TestCall, User, AuditEvent)
        with factory() as session:
            return [session.scalar(select(func.count(table.id))) for table in tables]

    with pytest.raises(CutOffError):
        load_demonstration(factory, in_one_process, store, progress=cut, now=NOW, recordings=(), scale=0.12)
    resumed = load_demonstration(factory, in_one_process, store, recordings=(), scale=0.12)
    after = rows()
    again = load_demonstration(factory, in_one_process, store)

    assert after[0] == len(plan_calls(NOW, ZONE, scale=0.12))
    assert resumed.reviews > 10
    assert again.already_there
    assert not again.seconds
    assert rows() == after


@pytest.mark.slow
@pytest.mark.parametrize(("recording", "bound"), [("en-14", 0.3), ("en-10", 0.3)])
def test_the_recordings_are_understood(recording: str, bound: float) -> None:
    import jiwer

    from transcription.audio import read_audio
    from transcription.engines import make_engine
    from transcription.hear import hear

    script = next(script for script in recording_scripts() if script.id == recording)
    heard = hear(read_audio(script.audio), make_engine("sphinx"), language="en", agent_channel=0)

    for speaker in ("agent", "customer"):
        said = " ".join(turn.text for _, turn in heard.transcript.said_by(speaker))
        assert jiwer.wer(_plain(script.words_of(speaker)), _plain(said)) < bound


@pytest.mark.slow
def test_speaking_a_script_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    from qa.demonstration.make_recordings import write
    from tests.conftest import require_program

    require_program("flite")
    script = next(script for script in recording_scripts() if script.id == "en-13")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write(script, folder)

    first, second = ((folder / "en-13.flac").read_bytes() for folder in folders)
    assert first == second


def test_the_organisations_are_those_that_the_agents_greet_with() -> None:
    openings = " ".join(wording for script in recording_scripts() for wording in [script.words_of("agent")])

    assert "Lakeside Bank" in ORGANISATION_NAMES
    assert "Lakeside Bank" in openings


def _plain(text: str) -> str:
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " "))
