"""The call pages: what each role sees of a call, and that it plays, reads and says how far it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models import AuditEvent, Call, CallState, Review, ReviewMark, ReviewReason, ReviewState, Role, User
from qa.settings import Settings
from qa.storage import RecordingStore
from scoring.marks import Evidence, evidence_to_dict
from tests.factories import (
    make_agent,
    make_auto_score,
    make_call,
    make_scorecard,
    make_team,
    make_transcript,
    make_user,
)
from tests.web_client import logged_in, make_app
from transcription.measures import ONE_CHANNEL, AudioMeasures, Overlap, SideMeasures, Silence
from transcription.transcript import Transcript
from web import calls as call_views
from web.call_filters import chips, read_filter, read_page, read_sort

TALK = make_transcript(
    [("agent", "Thank you for calling, this call is recorded."), ("customer", "My card was charged <b>twice</b>.")]
)
SOUND = bytes(range(256)) * 40


@pytest.fixture
def app(settings: Settings, session: Session) -> Flask:
    return make_app(settings)


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session)


def client_of(app: Flask, session: Session, user: User) -> FlaskClient:
    session.commit()
    return logged_in(app, user)


def make_scored_call(session: Session, **fields: Any) -> Call:
    """Return a call with sound, words, a mark with evidence and a fatal suspicion."""
    call = make_call(session, transcript=TALK, started_at=datetime(2026, 11, 18, 6, 32, tzinfo=UTC), **fields)
    score = make_auto_score(
        session,
        call,
        make_scorecard(session),
        raw=82.0,
        marks=[("S1", "met", 4.0, 4.0), ("C1", "not_met", 0.0, 6.0)],
        fatal_suspected=True,
    )
    said = Evidence(
        "EN-REC", "en-bank/1", "met", "in these words", {}, "agent", 0, 0.5, 2.9, "this call is recorded", "recorded"
    )
    score.marks[0].evidence = [evidence_to_dict(said)]
    score.marks[1].needs_person = True
    suspicion = Evidence("EN-IDV", "en-bank/1", "not_met", "nobody was asked", {}, "agent", 1, 3.0, 5.0, "charged")
    score.summary = {
        "sections": [{"section": "S", "name": "S", "points": 4.0, "possible": 4.0}],
        "fatals": [{"item": "X1", "suspected": "not_met", "effect": "zero", "evidence": [evidence_to_dict(suspicion)]}],
    }
    session.flush()
    return call


def release(session: Session, call: Call, inspector: User, answers: dict[str, str], final: float = 90.0) -> Review:
    assert call.auto_score is not None
    review = Review(
        call=call,
        inspector=inspector,
        scorecard=call.auto_score.scorecard,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED,
        raw=final,
        final=final,
        submitted_at=call.started_at,
        released_at=call.started_at,
        marks=[ReviewMark(item=item, answer=answer, points=1.0) for item, answer in answers.items()],
    )
    session.add(review)
    session.flush()
    return review


def with_sound(session: Session, store: RecordingStore, call: Call) -> Call:
    store.put("ab/listen.flac", SOUND)
    store.put("ab/peaks.json", json.dumps({"per_second": 20, "duration": 1.0, "channels": [[0.1], [0.2]]}).encode())
    call.audio_key, call.peaks_key = "ab/listen.flac", "ab/peaks.json"
    session.flush()
    return call


def acts(session: Session) -> list[str]:
    session.expire_all()
    found = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id))
    return [action for action in found if not action.startswith("login.")]


# --- the list --------------------------------------------------------------------------------------------------


def test_an_empty_list_says_how_to_take_calls_in(app: Flask, session: Session, inspector: User) -> None:
    page = client_of(app, session, inspector).get("/calls/").text

    assert "There are no calls yet" in page
    assert "hotline ingest" in page
    assert "/calls/upload" in page


def test_a_filter_that_finds_nothing_offers_to_be_reset(app: Flask, session: Session, inspector: User) -> None:
    make_call(session)

    page = client_of(app, session, inspector).get("/calls/?queue=nowhere").text

    assert "No call matches" in page
    assert "Reset filters" in page


def test_the_list_shows_time_in_the_hotlines_zone_scores_and_suspicions(
    app: Flask, session: Session, inspector: User
) -> None:
    call = make_scored_call(session, agent=make_agent(session, "0728", name="Wang Fang"), queue="billing")
    release(session, call, inspector, {}, final=91.0)

    page = client_of(app, session, inspector).get("/calls/").text

    for shown in ("2026-11-18 14:32", "0728", "Wang Fang", "billing", "82", "91", "Fatal?", f"/calls/{call.id}"):
        assert shown in page


def test_an_agents_list_shows_released_calls_without_the_machines_marks(
    app: Flask, session: Session, inspector: User
) -> None:
    agent = make_agent(session)
    call = make_scored_call(session, agent=agent)
    release(session, call, inspector, {}, final=91.0)
    hidden = make_scored_call(session, agent=agent)

    page = client_of(app, session, make_user(session, Role.AGENT, agent=agent)).get("/calls/").text

    assert f'"/calls/{call.id}"' in page
    assert f'"/calls/{hidden.id}"' not in page
    assert re.search(r">\s*91\s*<", page)
    assert not re.search(r">\s*82\s*<", page)
    assert "Fatal?" not in page


def test_a_search_hit_is_shown_in_its_line_and_never_as_markup(app: Flask, session: Session, inspector: User) -> None:
    make_call(session, transcript=TALK)

    page = client_of(app, session, inspector).get("/calls/?words=CHARGED").text

    assert "My card was <mark>charged</mark> &lt;b&gt;twice" in page


def test_active_filters_are_chips_that_can_be_taken_away(app: Flask, session: Session) -> None:
    given = {"words": "refund", "state": "scored", "page": "3", "endpoint": "x", "_external": "1", "queue": "a&b"}

    with app.test_request_context(headers={"Accept-Language": "en"}):
        shown = chips(session, read_filter(session, given), given)

    assert [chip.text for chip in shown] == ["Said: “refund”", "Queue: a&b", "State: Scored"]
    assert shown[1].without == "/calls/?words=refund&state=scored"


@pytest.mark.parametrize(
    "address",
    ["?agent=nobody", "?team=x", "?from=2026-13-40", "?to=9999-12-31", "?score_min=nan", "?page=99999999999999999999",
     "?page=-1", "?state=odd", "?sort=odd", "?reviewed=maybe", "?endpoint=x&words=a", "?words=%25_%5C", "?team=9e99"],
)  # fmt: skip
def test_addresses_that_make_no_sense_are_answered(app: Flask, session: Session, inspector: User, address: str) -> None:
    make_call(session)

    assert client_of(app, session, inspector).get("/calls/" + address).status_code == 200


def test_values_that_make_no_sense_ask_nothing(session: Session) -> None:
    wanted = read_filter(session, {"from": "soon", "score_min": "inf", "state": "odd", "team": "1.5"})

    assert (wanted.day_from, wanted.score_min, wanted.state, wanted.team_id) == (None, None, None, None)
    assert read_sort({"sort": "odd"}) == "newest"
    assert read_page({"page": "-4"}) == 1


def test_pages_keep_the_filters(app: Flask, session: Session, inspector: User) -> None:
    agent = make_agent(session)
    for _ in range(51):
        make_call(session, agent=agent, queue="cards")
    client = client_of(app, session, inspector)

    first, second = client.get("/calls/?queue=cards").text, client.get("/calls/?queue=cards&page=2").text

    assert "Page 1 of 2" in first
    assert 'rel="next" href="/calls/?queue=cards&amp;page=2"' in first
    assert second.count('class="row-link"') == 1


# --- one call --------------------------------------------------------------------------------------------------


def test_the_call_page_shows_words_marks_evidence_and_suspicion(app: Flask, session: Session, inspector: User) -> None:
    call = make_scored_call(session, agent=make_agent(session, "0728"))
    release(session, call, make_user(session), {"S1": "not_met"})

    page = client_of(app, session, inspector).get(f"/calls/{call.id}").text

    assert re.search(r'data-words="0:5:0\.50:\d\.\d\d 1:3:[^"]+">Thank you', page)
    assert "charged" in page
    assert "&lt;b&gt;" in page
    assert "in these words" in page
    assert "this call is recorded" in page
    assert 'data-seek="0.50"' in page
    assert "needs a person" in page
    assert "Suspected by the machine, not confirmed" in page
    assert "60 of 100 points answered, 10 could not be told" in page
    assert "90" in page


@pytest.mark.parametrize(("answered", "provisional"), [(17.0, True), (60.0, False)])
def test_a_score_of_few_answers_is_marked_provisional_on_the_page_and_has_its_share_in_the_list(
    app: Flask, session: Session, inspector: User, answered: float, provisional: bool
) -> None:
    call = make_scored_call(session)
    assert call.auto_score is not None
    call.auto_score.answered_weight = answered
    client = client_of(app, session, inspector)

    page, index = client.get(f"/calls/{call.id}").text, client.get("/calls/").text

    assert ("provisional</span>" in page) is provisional
    assert f'title="{answered:.0f} of 100 points answered"' in index
    assert f"{answered:.0f} %" in index


def test_what_does_not_apply_or_was_answered_waits_for_nobody(app: Flask, session: Session, inspector: User) -> None:
    call = make_scored_call(session)
    assert call.auto_score is not None
    client = client_of(app, session, inspector)
    assert "needs a person" in client.get(f"/calls/{call.id}").text

    call.auto_score.marks[1].answer, call.auto_score.marks[1].points = "not_applicable", None
    session.commit()

    assert "needs a person" not in client.get(f"/calls/{call.id}").text


def test_a_suspicion_that_a_person_has_cleared_is_called_cleared(app: Flask, session: Session, inspector: User) -> None:
    call = make_scored_call(session)
    release(session, call, make_user(session), {"X1": "met"})

    page = client_of(app, session, inspector).get(f"/calls/{call.id}").text

    assert "cleared by a person" in page
    assert "not confirmed" not in page


def test_the_call_page_has_no_inline_script_or_style(
    app: Flask, session: Session, store: RecordingStore, inspector: User
) -> None:
    call = with_sound(session, store, make_scored_call(session))
    client = client_of(app, session, inspector)

    for address in (f"/calls/{call.id}", "/calls/", "/calls/upload"):
        page = client.get(address).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), address


def test_a_word_that_was_hardly_heard_is_marked(app: Flask, session: Session, inspector: User) -> None:
    call = make_call(session, transcript=make_transcript([("agent", "mumble")], confidence=0.31))

    page = client_of(app, session, inspector).get(f"/calls/{call.id}").text

    assert re.search(r'data-words="0:6:[\d.]+:[\d.]+:31">mumble', page)
    assert 'data-doubt="The recogniser is $1 % sure of this word"' in page


def test_an_agent_sees_the_released_review_and_only_evidence_that_bears_it_out(
    app: Flask, session: Session, inspector: User
) -> None:
    agent = make_agent(session)
    call = make_scored_call(session, agent=agent)
    client = client_of(app, session, make_user(session, Role.AGENT, agent=agent))
    assert client.get(f"/calls/{call.id}").status_code == 404

    review = release(session, call, inspector, {"S1": "met"})
    session.commit()
    agreed = client.get(f"/calls/{call.id}").text
    review.marks[0].answer = "not_met"
    session.commit()
    disagreed = client.get(f"/calls/{call.id}").text

    for page in (agreed, disagreed):
        assert "Suspected by the machine" not in page
        assert "automatic" not in page
        assert not re.search(r">\s*82\s*<", page)
        assert "Thank" in page
    assert "in these words" in agreed
    assert "in these words" not in disagreed


def test_a_review_that_is_not_released_stays_hidden_from_the_agent(
    app: Flask, session: Session, inspector: User
) -> None:
    agent = make_agent(session)
    call = make_scored_call(session, agent=agent)
    release(session, call, inspector, {"S1": "met"})
    other = release(session, call, make_user(session), {"C1": "not_met"}, final=13.0)
    other.state = ReviewState.SUBMITTED
    other.comment = "not for the agent yet"

    page = client_of(app, session, make_user(session, Role.AGENT, agent=agent)).get(f"/calls/{call.id}").text

    assert "not for the agent yet" not in page


@pytest.mark.parametrize("part", ["", "/audio", "/peaks", "/transcript", "/status"])
def test_no_part_of_a_call_is_there_for_those_who_may_not_see_it(
    app: Flask, session: Session, store: RecordingStore, part: str
) -> None:
    call = with_sound(session, store, make_scored_call(session))
    supervisor = make_user(session, Role.SUPERVISOR, team=make_team(session))
    own_agent = make_user(session, Role.AGENT, agent=call.agent)
    address = f"/calls/{call.id}{part}"

    for user in (supervisor, own_agent):
        assert client_of(app, session, user).get(address).status_code == 404
    for role in (Role.TEST_CALLER, Role.ADMIN):
        assert client_of(app, session, make_user(session, role)).get(address).status_code == 403
    assert acts(session) == []


def test_measures_and_why_some_are_missing_are_shown(app: Flask, session: Session, inspector: User) -> None:
    side = SideMeasures(30.0, 0.7, 152.0, "words/min", 76, -21.0, 9.0, 0.0)
    measures = AudioMeasures(
        duration=60.0,
        channels=2,
        sides={"agent": side},
        silences=(Silence(20.0, 29.0, "agent"), Silence(40.0, 41.0, "customer")),
        overlaps=(Overlap(10.0, 11.5, "agent", 4, True),),
        not_measurable={"end_gap": ONE_CHANNEL},
        quality="fair",
    )
    call = make_call(session, transcript=TALK)
    call.transcript.measures = measures.to_dict()  # type: ignore[union-attr]

    page = client_of(app, session, inspector).get(f"/calls/{call.id}").text

    for shown in ("152", "70 %", 'data-seek="20.00"', 'data-seek="10.00"', "fair"):
        assert shown in page
    assert 'data-seek="40.00"' not in page  # too short to matter
    assert "not measurable: both sides share one channel" in page


def test_the_call_page_takes_the_same_queries_however_many_marks_there_are(
    app: Flask, session: Session, inspector: User
) -> None:
    few, many = make_scored_call(session), make_scored_call(session)
    for _ in range(4):
        release(session, many, make_user(session), {"S1": "met", "C1": "met"})
    release(session, few, make_user(session), {"S1": "met"})
    client = client_of(app, session, inspector)
    statements: list[str] = []
    engine = app.extensions["session_factory"].kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    counts = []
    for call in (few, many):
        statements.clear()
        client.get(f"/calls/{call.id}")
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_looking_at_a_call_leaves_a_trace(app: Flask, session: Session, inspector: User) -> None:
    call = make_scored_call(session)
    client_of(app, session, inspector).get(f"/calls/{call.id}")

    session.expire_all()
    trace = session.scalars(select(AuditEvent).where(AuditEvent.action == "call.viewed")).one()

    assert (trace.user_id, trace.subject_kind, trace.subject_id) == (inspector.id, "call", call.id)


# --- sound and words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "memory://recordings"], ids=["local folder", "far store"])
def test_a_player_gets_the_range_it_asks_for(settings: Settings, session: Session, url: str) -> None:
    settings.storage_url = url or settings.storage_url
    app = make_app(settings)
    call = with_sound(session, app.extensions["recordings"], make_scored_call(session))
    client = client_of(app, session, make_user(session))

    def ask(**headers: str) -> TestResponse:
        return client.get(f"/calls/{call.id}/audio", headers=headers, buffered=True)

    whole, part, beyond = ask(), ask(Range="bytes=1000-1999"), ask(Range="bytes=99999999-")

    assert (whole.status_code, whole.data) == (200, SOUND)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert (part.status_code, part.data) == (206, SOUND[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(SOUND)}"
    assert part.mimetype in ("audio/flac", "audio/x-flac")
    assert "private" in part.headers["Cache-Control"]
    assert "public" not in part.headers["Cache-Control"]
    assert beyond.status_code == 416


def test_a_play_leaves_one_trace_however_many_ranges_it_takes(
    app: Flask, session: Session, store: RecordingStore, inspector: User
) -> None:
    call = with_sound(session, store, make_scored_call(session))
    client = client_of(app, session, inspector)

    for asked in ("bytes=0-", "bytes=4096-", "bytes=8000-9000"):
        client.get(f"/calls/{call.id}/audio", headers={"Range": asked}).close()

    assert acts(session) == ["recording.played"]


def test_a_call_without_a_recording_has_no_player_and_no_sound(app: Flask, session: Session, inspector: User) -> None:
    call = make_scored_call(session)
    client = client_of(app, session, inspector)

    assert "data-player" not in client.get(f"/calls/{call.id}").text
    assert client.get(f"/calls/{call.id}/audio").status_code == 404
    assert client.get(f"/calls/{call.id}/peaks").status_code == 404


def test_the_outline_of_the_waveform_is_sent_no_finer_than_a_screen_shows_it(
    app: Flask, session: Session, store: RecordingStore, inspector: User
) -> None:
    call = with_sound(session, store, make_scored_call(session))
    client = client_of(app, session, inspector)
    address = f"/calls/{call.id}/peaks"

    assert client.get(address).json == {"per_second": 20, "duration": 1.0, "channels": [[0.1], [0.2]]}
    long = {"per_second": 20, "duration": 500.0, "channels": [[0.0, 0.5] * 5_000, [0.25] * 10_000]}
    store.put("ab/peaks.json", json.dumps(long).encode())
    assert client.get(address).json == {"per_second": 4, "duration": 500.0, "channels": [[0.5] * 2_000, [0.25] * 2_000]}


def test_the_transcript_can_be_carried_away_and_that_leaves_a_trace(
    app: Flask, session: Session, inspector: User
) -> None:
    call = make_scored_call(session)

    answer = client_of(app, session, inspector).get(f"/calls/{call.id}/transcript")

    assert Transcript.from_dict(answer.json) == TALK  # type: ignore[arg-type]
    assert answer.headers["Content-Disposition"] == f"attachment; filename=call-{call.id}.json"
    assert acts(session) == ["transcript.exported"]


# --- state -----------------------------------------------------------------------------------------------------


def test_a_call_under_way_is_asked_about_until_it_is_done(app: Flask, session: Session, inspector: User) -> None:
    call = make_call(session, state=CallState.RECEIVED, progress=0.42)
    client = client_of(app, session, inspector)

    page, fragment = client.get(f"/calls/{call.id}").text, client.get(f"/calls/{call.id}/status")
    call.state = CallState.SCORED
    session.commit()
    done = client.get(f"/calls/{call.id}/status")
    row = client.get(f"/calls/{call.id}/status?view=row")

    assert 'hx-trigger="every 2s"' in page
    assert "42 %" in fragment.text
    assert "HX-Refresh" not in fragment.headers
    assert done.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in done.text + row.text
    assert "HX-Refresh" not in row.headers


def test_a_failed_call_says_why_and_can_be_tried_again(
    app: Flask, session: Session, inspector: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(call_views, "enqueue", queued.append)
    call = make_call(
        session, state=CallState.FAILED, state_reason="no model", claimed_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    client = client_of(app, session, inspector)
    assert "Reason: no model" in client.get(f"/calls/{call.id}").text

    answer = client.post(f"/calls/{call.id}/retry")
    session.expire_all()

    assert answer.status_code == 302
    assert (call.state, call.state_reason, call.claimed_at) == (CallState.RECEIVED, None, None)
    assert queued == [call.id]
    client.post(f"/calls/{call.id}/retry")
    assert queued == [call.id]  # it is under way: a second press changes nothing
    assert "call.retried" in acts(session)


def test_a_failed_call_with_words_is_scored_again_not_heard_again(
    app: Flask, session: Session, inspector: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_views, "enqueue", lambda _call_id: None)
    call = make_call(session, state=CallState.FAILED, state_reason="no scorecard", transcript=TALK)

    client_of(app, session, inspector).post(f"/calls/{call.id}/retry")
    session.expire_all()

    assert call.state is CallState.TRANSCRIBED


def test_another_teams_supervisor_cannot_retry(app: Flask, session: Session) -> None:
    call = make_call(session, state=CallState.FAILED)
    supervisor = make_user(session, Role.SUPERVISOR, team=make_team(session))

    assert client_of(app, session, supervisor).post(f"/calls/{call.id}/retry").status_code == 404


def test_a_call_that_is_not_gradable_says_why(app: Flask, session: Session, inspector: User) -> None:
    call = make_call(session, state=CallState.NOT_GRADABLE, state_reason="voicemail")

    page = client_of(app, session, inspector).get(f"/calls/{call.id}").text

    assert "Not gradable: Voicemail" in page
    assert "neither for nor against" in page
