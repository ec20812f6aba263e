"""Recordings and transcripts in, calls and scores out: once each, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
from io import BytesIO
from pathlib import Path

import pytest
import soundfile
from sqlalchemy import func, select

from models import Agent, AuditEvent, AutoScore, Call, CallState, IngestFailure, Role
from models.session import transaction
from qa.batch import ingest_and_process
from qa.ingest import ingest, receive_upload
from qa.pipeline import process_call
from qa.sources import CallMetadata, find_sources
from tests.conftest import Hotline
from tests.factories import make_transcript, make_user
from tests.sounds import write_call

SAID = make_transcript(
    [
        ("agent", "good morning thank you for calling lakeside bank my name is dana how can i help you"),
        ("customer", "hello i would like to know the opening hours of your branch please"),
        ("agent", "of course the branch is open from nine to five is there anything else i can help you with"),
        ("customer", "no thank you that is all goodbye"),
        ("agent", "thank you for calling lakeside bank have a good day goodbye"),
    ]
)


def test_a_recording_with_its_transcript_becomes_a_scored_call(hotline: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "0728_20261118-143200.wav", SAID)

    report = hotline.ingest(tmp_path)

    (call,) = hotline.calls()
    assert report.received == [call.id]
    assert (call.state, call.state_reason) == (CallState.SCORED, None)
    assert (call.channels, call.language) == (2, "en")
    with hotline.factory() as session:
        stored = session.get_one(Call, call.id)
        assert stored.agent is not None
        assert stored.agent.number == "0728"
        assert stored.auto_score is not None
        assert stored.auto_score.marks
        assert stored.transcript is not None
        assert stored.transcript.measures is not None
    assert call.audio_key is not None
    assert call.peaks_key is not None
    with hotline.store.as_file(call.audio_key) as path:
        assert soundfile.info(path).channels == 2
    assert json.loads(hotline.store.read(call.peaks_key))["channels"]


def test_the_same_recording_twice_is_one_call(hotline: Hotline, tmp_path: Path) -> None:
    first = write_call(tmp_path / "0728_20261118-143200.wav", SAID)
    hotline.ingest(first)
    copy = tmp_path / "copy" / "other-name.wav"
    copy.parent.mkdir()
    shutil.copy(first, copy)

    report = hotline.ingest(copy)

    assert len(hotline.calls()) == 1
    assert (report.received, report.known) == ([], [hotline.calls()[0].id])
    with hotline.factory() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "calls.ingested")).all()
    assert [event.details for event in events] == [
        {"first": report.known[0], "last": report.known[0], "received": 1, "known": 0, "failed": 0}
    ]


def test_the_same_external_id_is_one_call(hotline: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "a.wav", SAID, seed=1)
    write_call(tmp_path / "b.wav", SAID, seed=5)
    manifest = tmp_path / "calls.csv"
    manifest.write_text("file,external_id\na.wav,c1\nb.wav,c1\n")

    report = hotline.ingest(manifest=manifest)

    assert len(report.received) == len(report.known) == 1


def test_two_sides_become_one_stereo_call(hotline: Hotline, tmp_path: Path) -> None:
    whole, rate = soundfile.read(write_call(tmp_path / "x.wav", SAID))
    (tmp_path / "sides").mkdir()
    soundfile.write(tmp_path / "sides" / "agent.wav", whole[:, 0], rate)
    soundfile.write(tmp_path / "sides" / "caller.wav", whole[:, 1], rate)

    ingest(hotline.factory, hotline.settings, hotline.store, find_sources([tmp_path / "sides"], hotline.settings))

    (call,) = hotline.calls()
    assert (call.channels, call.agent_channel, call.state) == (2, 0, CallState.RECEIVED)


def test_an_unreadable_file_is_recorded_and_stops_nothing(hotline: Hotline, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("this is no sound")
    (tmp_path / "b.json").write_text('{"language": "en"}')
    write_call(tmp_path / "c.wav", SAID)

    report = hotline.ingest(tmp_path)

    assert sorted(name for name, _reason in report.failures) == ["a.wav", "b.json"]
    assert all(reason for _name, reason in report.failures)
    assert [call.state for call in hotline.calls()] == [CallState.SCORED]
    with hotline.factory() as session:
        assert sorted(session.scalars(select(IngestFailure.source_name))) == ["a.wav", "b.json"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"\xff\xfe.json", "\ufffd\ufffd.json"),  # no UTF-8
        (b"a\nb\x1b[31m.json", "a\ufffdb\ufffd[31m.json"),
        (b"x" * 250 + b".json", "x" * 250 + ".json"),
        (b"0728_20261399-993200.json", "0728_20261399-993200.json"),  # no such day
    ],
)
def test_a_file_with_an_odd_name_is_a_call_like_any_other(
    hotline: Hotline, tmp_path: Path, name: bytes, shown: str
) -> None:
    (tmp_path / os.fsdecode(name)).write_text(json.dumps(SAID.to_dict()))

    report = hotline.ingest(tmp_path)

    (call,) = hotline.calls()
    assert (call.source_name, call.state) == (shown, CallState.SCORED)
    assert report.undated == [shown]


@pytest.mark.parametrize("text", ["nul \x00", "half a character \ud800"])
def test_words_that_no_database_keeps_are_a_failure_of_their_file_only(
    hotline: Hotline, tmp_path: Path, text: str
) -> None:
    content = SAID.to_dict()
    content["turns"][0] = {"speaker": "agent", "start": 0.0, "end": 1.0, "text": text}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.json").write_text(json.dumps(SAID.to_dict()))

    report = hotline.ingest(tmp_path)

    assert [(name, "no character" in reason) for name, reason in report.failures] == [("a.json", True)]
    assert [call.source_name for call in hotline.calls()] == ["b.json"]


def test_a_staff_number_is_one_agent_however_its_digits_are_typed(hotline: Hotline, tmp_path: Path) -> None:
    for number, staff in enumerate(("000", "０００", " 000 ")):
        write_call(tmp_path / f"{number}.wav", SAID, seed=number)
        (tmp_path / f"{number}.csv").write_text(f"file,agent\n{number}.wav,{staff}\n")
        sources = find_sources([], hotline.settings, tmp_path / f"{number}.csv")
        ingest(hotline.factory, hotline.settings, hotline.store, sources)

    with hotline.factory() as session:
        assert session.scalars(select(Agent.number)).all() == ["000"]
    assert len({call.agent_id for call in hotline.calls()} - {None}) == 1


def test_a_mended_file_clears_its_failure(hotline: Hotline, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    hotline.ingest(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(SAID.to_dict()))

    hotline.ingest(tmp_path)

    with hotline.factory() as session:
        assert session.scalar(select(func.count()).select_from(IngestFailure)) == 0
    assert [call.state for call in hotline.calls()] == [CallState.SCORED]


def test_after_a_crash_the_next_run_finishes_and_doubles_nothing(hotline: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "a.wav", SAID, seed=1)
    write_call(tmp_path / "b.wav", SAID, seed=5)
    sources = list(find_sources([tmp_path], hotline.settings))
    # The crash: one call is claimed and half done, the other never came in.
    ingest(hotline.factory, hotline.settings, hotline.store, sources[:1])
    with transaction(hotline.factory) as session:
        from models.base import now

        session.scalars(select(Call)).one().claimed_at = now()

    report = hotline.ingest(tmp_path)

    assert (len(report.received), len(report.known)) == (1, 1)
    assert [call.state for call in hotline.calls()] == [CallState.SCORED, CallState.SCORED]
    with hotline.factory() as session:
        assert session.scalar(select(func.count()).select_from(AutoScore)) == 2


def test_a_call_in_other_hands_is_left_alone_until_the_claim_is_stale(hotline: Hotline, tmp_path: Path) -> None:
    from datetime import timedelta

    from models.base import now

    write_call(tmp_path / "a.wav", SAID)
    ingest(hotline.factory, hotline.settings, hotline.store, find_sources([tmp_path], hotline.settings))
    (call,) = hotline.calls()

    def claimed(ago: timedelta) -> CallState | None:
        with transaction(hotline.factory) as session:
            session.get_one(Call, call.id).claimed_at = now() - ago
        return process_call(hotline.factory, hotline.settings, hotline.store, call.id)

    assert claimed(timedelta(seconds=1)) is None
    assert claimed(timedelta(minutes=6)) is CallState.SCORED


def test_a_finished_call_is_left_alone(hotline: Hotline, tmp_path: Path) -> None:
    write_call(tmp_path / "a.wav", SAID)
    hotline.ingest(tmp_path)
    with hotline.factory() as session:
        before = session.scalars(select(AutoScore.id)).all()

    process_call(hotline.factory, hotline.settings, hotline.store, hotline.calls()[0].id, take_over=True)

    with hotline.factory() as session:
        assert session.scalars(select(AutoScore.id)).all() == before


def test_an_engine_that_is_not_there_fails_the_call_with_its_reason_and_a_retry_mends_it(
    hotline: Hotline, tmp_path: Path
) -> None:
    path = write_call(tmp_path / "a.wav", SAID)
    path.with_suffix(".json").unlink()
    hotline.settings.whisper_model = str(tmp_path / "no-such-model.pt")
    sources = list(find_sources([tmp_path], hotline.settings))

    _report, outcome = ingest_and_process(hotline.factory, hotline.settings, hotline.store, sources, engine="whisper")

    (call,) = hotline.calls()
    assert call.state is CallState.FAILED
    assert "no-such-model" in (call.state_reason or "")
    assert outcome.failed == [("a.wav", call.state_reason)]

    with transaction(hotline.factory) as session:
        from qa.ingest import stored

        session.get_one(Call, call.id).transcript = stored(SAID)
    assert process_call(hotline.factory, hotline.settings, hotline.store, call.id) is CallState.SCORED


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([("agent", "hello", 1.0, 2.0)], "too_short"),
        ([("agent", "hello", 1.0, 2.0), ("agent", "hm", 58.0, 59.0)], "no_speech"),
        (
            [
                ("customer", "you have reached the mailbox of john please leave a message after the tone", 1.0, 9.0),
                ("agent", "hello please call us back", 10.0, 14.0),
            ],
            "voicemail",
        ),
    ],
)
def test_a_call_that_cannot_be_graded_says_why_and_gets_no_score(
    hotline: Hotline, tmp_path: Path, lines: list[tuple[str, str, float, float]], reason: str
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(make_transcript(lines).to_dict()))

    hotline.ingest(tmp_path)

    (call,) = hotline.calls()
    assert (call.state, call.state_reason) == (CallState.NOT_GRADABLE, reason)
    with hotline.factory() as session:
        assert session.scalar(select(func.count()).select_from(AutoScore)) == 0


def test_a_language_without_a_scorecard_says_what_to_do(hotline: Hotline, tmp_path: Path) -> None:
    lines = [("agent", "bonjour merci de votre appel comment puis je vous aider"), ("customer", "bonjour " * 20)]
    (tmp_path / "a.json").write_text(json.dumps(make_transcript(lines, language="fr").to_dict()))

    hotline.ingest(tmp_path)

    (call,) = hotline.calls()
    assert call.state is CallState.FAILED
    assert "scorecard" in (call.state_reason or "")


def test_an_upload_is_audited_and_a_foreign_file_name_opens_nothing(hotline: Hotline, tmp_path: Path) -> None:
    content = write_call(tmp_path / "a.wav", SAID).read_bytes()
    with transaction(hotline.factory) as session:
        uploader = make_user(session, Role.SUPERVISOR).id

    report = receive_upload(
        hotline.factory,
        hotline.settings,
        hotline.store,
        [("../../etc/0728_20261118-143200.wav", BytesIO(content)), ("notes.exe", BytesIO(b"MZ"))],
        CallMetadata(queue="billing"),
        uploader,
    )

    (call,) = hotline.calls()
    assert call.source_name == "0728_20261118-143200.wav"
    assert call.queue == "billing"
    assert [name for name, _reason in report.failures] == ["notes.exe"]
    with hotline.factory() as session:
        assert session.scalars(select(Agent.number)).all() == ["0728"]
        event = session.scalars(select(AuditEvent)).one()
        assert (event.action, event.user_id, event.subject_id) == ("call.uploaded", uploader, call.id)


def test_an_upload_says_all_that_its_file_name_tells_but_the_form_wins(hotline: Hotline, tmp_path: Path) -> None:
    hotline.settings.file_name_pattern = r"(?P<queue>\w+)-(?P<direction>\w+)-(?P<customer_number>\d+)"
    with transaction(hotline.factory) as session:
        uploader = make_user(session, Role.LEAD).id
    file = ("cards-outbound-13812345678.json", BytesIO(json.dumps(SAID.to_dict()).encode()))

    receive_upload(
        hotline.factory, hotline.settings, hotline.store, [file], CallMetadata(queue="billing", agent=""), uploader
    )

    (call,) = hotline.calls()
    assert (call.queue, call.direction, call.customer_number) == ("billing", "outbound", "13812345678")


def test_a_call_that_nobody_foresaw_stops_none_of_the_others(hotline: Hotline, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(json.dumps(SAID.to_dict() | {"duration": 60.0 + number}))
    sources = list(find_sources([tmp_path], hotline.settings))
    ingest(hotline.factory, hotline.settings, hotline.store, sources)
    with transaction(hotline.factory) as session:
        first = session.scalars(select(Call).order_by(Call.id)).first()
        assert first is not None
        assert first.transcript is not None
        first.transcript.content = {"turns": "a customer's words"}

    _report, outcome = ingest_and_process(hotline.factory, hotline.settings, hotline.store, sources)

    broken, good = hotline.calls()
    assert (broken.state, good.state) == (CallState.FAILED, CallState.SCORED)
    assert "internal error" in (broken.state_reason or "")
    assert "customer's words" not in (broken.state_reason or "")
    assert [name for name, _reason in outcome.failed] == ["0.json"]


@pytest.mark.slow
def test_several_processes_share_the_work(hotline: Hotline, tmp_path: Path) -> None:
    for number in range(3):
        write_call(tmp_path / f"{number}.wav", SAID, seed=3 * number + 1)
    sources = list(find_sources([tmp_path], hotline.settings))
    steps: list[int] = []

    ingest_and_process(
        hotline.factory, hotline.settings, hotline.store, sources, jobs=2, progress=lambda done, of: steps.append(done)
    )

    assert [call.state for call in hotline.calls()] == [CallState.SCORED] * 3
    assert steps == sorted(steps)
