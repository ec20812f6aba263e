"""The case library: who may make and see a clip, what is masked in it, how it is found, and how it ends."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models import Agent, AuditEvent, Call, CaseClip, Notification, Role, Team, User
from models.base import now
from models.session import transaction
from qa import tasks
from qa.cases import (
    CaseFilter,
    Cut,
    NewCase,
    delete_expired,
    find_cases,
    preview,
    publish,
    shown_text,
    tags_in,
    withdraw,
)
from qa.coaching import Plan, plan_coaching
from qa.notifications import claim_mail, notify
from qa.refusals import Refused
from qa.settings import Settings
from qa.storage import RecordingStore
from tests.factories import make_agent, make_call, make_team, make_transcript, make_user
from tests.sounds import RATE, babble
from tests.web_world import World, open_world

TODAY = date(2026, 11, 28)
LINES = [
    ("agent", "Good morning, Dana speaking, how may I help?", 0.5, 4.5),
    ("customer", "My card is four one eight two, and my name is Lee.", 5.0, 10.5),
    ("agent", "Thank you. It was charged twice, we refund it in 24 hours.", 11.0, 16.5),
]
SECONDS = 18.0


@pytest.fixture
def team(session: Session) -> Team:
    return make_team(session)


@pytest.fixture
def agent(session: Session, team: Team) -> Agent:
    return make_agent(session, "0728", name="Dana Whitfield", team=team)


@pytest.fixture
def inspector(session: Session) -> User:
    return make_user(session, Role.INSPECTOR)


@pytest.fixture
def call(session: Session, agent: Agent, store: RecordingStore) -> Call:
    return recorded(session, agent, store)


def recorded(session: Session, agent: Agent, store: RecordingStore) -> Call:
    """Return a stereo call with sound and words."""
    sound = io.BytesIO()
    sides = [babble([(0.0, SECONDS)], SECONDS, seed=seed) for seed in (1, 2)]
    soundfile.write(sound, np.stack(sides, axis=1), RATE, subtype="PCM_16", format="FLAC")
    store.put("test/call.flac", sound.getvalue())
    transcript = make_transcript(LINES)  # type: ignore[arg-type]
    return make_call(session, agent=agent, transcript=transcript, duration=SECONDS, audio_key="test/call.flac")


def case(**changed: Any) -> NewCase:
    given: dict[str, Any] = {
        "kind": "good",
        "title": "A refund explained",
        "note": "Says at once what happens",
        "tags": ["refund", "退款"],
        "audience": [Role.AGENT, Role.INSPECTOR],
        "team_id": None,
        "expires_on": TODAY + timedelta(days=30),
    }
    return NewCase(**(given | changed))


@pytest.fixture
def clip(session: Session, store: RecordingStore, call: Call, inspector: User) -> CaseClip:
    return publish(session, store, call, Cut(0.0, SECONDS), case(), by=inspector, today=TODAY)


def ids(session: Session, user: User, wanted: CaseFilter | None = None, on: date = TODAY) -> list[int]:
    return [found.id for found in session.scalars(find_cases(user, wanted or CaseFilter(), on))]


def test_numbers_and_the_agents_name_are_neither_in_words_nor_in_sound(
    clip: CaseClip, store: RecordingStore, call: Call
) -> None:
    said = [turn["text"] for turn in clip.content["turns"]]
    assert said[0] == "Good morning, ＊ speaking, how may I help?"
    assert said[1] == "My card is ＊ and my name is Lee."
    assert said[2] == "Thank you. It was charged twice, we refund it in 24 hours."
    assert "four" not in clip.text
    assert "Dana" not in json.dumps(clip.content)

    assert clip.audio_key is not None
    sound, rate = soundfile.read(io.BytesIO(store.read(clip.audio_key)))
    assert len(sound) == SECONDS * rate
    words = call.transcript.content["turns"][1]["words"]  # type: ignore[union-attr]
    for word in words[3:7]:
        assert not sound[int(word["start"] * rate) : int(word["end"] * rate)].any()
    name = words[-1]
    assert np.abs(sound[int(name["start"] * rate) : int(name["end"] * rate)]).max() > 0.05


def test_its_maker_masks_more(session: Session, store: RecordingStore, call: Call, inspector: User) -> None:
    word = call.transcript.content["turns"][1]["words"][-1]  # type: ignore[union-attr]
    cut = Cut(4.8, 17.0, ((word["start"], word["end"]), (16.6, 16.9)))

    clip = publish(session, store, call, cut, case(), by=inspector, today=TODAY)

    assert clip.content["turns"][0]["text"] == "My card is ＊ and my name is ＊"
    assert clip.audio_key is not None
    sound, rate = soundfile.read(io.BytesIO(store.read(clip.audio_key)))
    begin = word["start"] - 4.8
    assert not sound[int((begin + 0.02) * rate) : int((begin + 0.2) * rate)].any()
    assert not sound[int(11.82 * rate) : int(12.08 * rate)].any()
    assert clip.content["masked"][-1] == pytest.approx([11.8, 12.1])


def test_only_whole_words_within_the_stretch_are_shown(call: Call) -> None:
    words = call.transcript.content["turns"][0]["words"]  # type: ignore[union-attr]

    shown = preview(call, Cut(words[1]["start"] + 0.1, words[4]["end"] + 0.3))

    assert shown_text(shown.turns[0].words) == "＊ speaking, how"


def test_a_number_that_began_before_the_stretch_is_masked_too(call: Call) -> None:
    words = call.transcript.content["turns"][1]["words"]  # type: ignore[union-attr]

    shown = preview(call, Cut(words[5]["start"], 17.0))  # from "eight two" on

    assert shown_text(shown.turns[0].words).startswith("＊")
    assert shown.silenced[0][0] == pytest.approx(words[5]["start"])


def test_a_turn_without_word_times_is_silent_as_a_whole(
    session: Session, agent: Agent, store: RecordingStore, inspector: User
) -> None:
    call = recorded(session, agent, store)
    assert call.transcript is not None
    content = dict(call.transcript.content)
    content["turns"] = [{key: value for key, value in turn.items() if key != "words"} for turn in content["turns"]]
    call.transcript.content = content

    shown = preview(call, Cut(0.0, SECONDS))

    assert [turn["text"] for turn in shown.content["turns"]][1] == "My card is ＊, and my name is Lee."
    assert any(begin <= 5.0 and end >= 10.5 for begin, end in shown.silenced)


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (Cut(5.0, 5.5), "at least a second"),
        (Cut(-1.0, 5.0), "outside the call"),
        (Cut(SECONDS, SECONDS + 5), "outside the call"),
        (Cut(0.0, float("nan")), "no moments"),
    ],
)
def test_a_stretch_that_makes_no_sense_is_refused(call: Call, cut: Cut, says: str) -> None:
    with pytest.raises(Refused, match=says):
        preview(call, cut)


def test_a_clip_lasts_ten_minutes_at_most(session: Session, agent: Agent) -> None:
    long = make_call(session, agent=agent, transcript=make_transcript(LINES), duration=3600.0)  # type: ignore[arg-type]

    with pytest.raises(Refused, match="10 minutes"):
        preview(long, Cut(0.0, 601.0))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"kind": "funny"}, "kind"),
        ({"audience": []}, "audience"),
        ({"audience": [Role.ADMIN]}, "audience"),
        ({"expires_on": TODAY}, "expires_on"),
        ({"tags": ["x" * 31]}, "tags"),
        ({"tags": [str(n) for n in range(11)]}, "tags"),
        ({"team_id": 999}, "team"),
    ],
)
def test_a_case_that_is_not_complete_is_refused(
    session: Session, store: RecordingStore, call: Call, inspector: User, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        publish(session, store, call, Cut(0.0, 10.0), case(**changed), by=inspector, today=TODAY)

    assert refusal.value.field == field


def test_nobody_makes_a_case_of_a_call_that_is_not_theirs_to_see(
    session: Session, store: RecordingStore, call: Call, team: Team
) -> None:
    strangers = [
        make_user(session, Role.SUPERVISOR, team=make_team(session)),
        make_user(session, Role.AGENT, agent=call.agent),
        make_user(session, Role.ADMIN),
    ]
    for stranger in strangers:
        with pytest.raises(Refused, match="cannot make a clip"):
            publish(session, store, call, Cut(0.0, 10.0), case(), by=stranger, today=TODAY)

    supervisor = make_user(session, Role.SUPERVISOR, team=team)
    with pytest.raises(Refused, match="own team"):
        publish(session, store, call, Cut(0.0, 10.0), case(), by=supervisor, today=TODAY)
    publish(session, store, call, Cut(0.0, 10.0), case(team_id=team.id), by=supervisor, today=TODAY)


def test_its_audience_its_team_its_maker_and_leads_see_it(
    session: Session, store: RecordingStore, call: Call, team: Team, agent: Agent
) -> None:
    maker = make_user(session, Role.SUPERVISOR, team=team)
    people = {
        "maker": maker,
        "agent of the team": make_user(session, Role.AGENT, agent=agent),
        "agent of another team": make_user(session, Role.AGENT),
        "other supervisor": make_user(session, Role.SUPERVISOR, team=team),
        "inspector": make_user(session, Role.INSPECTOR),
        "lead": make_user(session, Role.LEAD),
        "admin": make_user(session, Role.ADMIN),
        "tester": make_user(session, Role.TEST_CALLER),
    }
    new = case(team_id=team.id, audience=[Role.AGENT])
    clip = publish(session, store, call, Cut(0.0, 10.0), new, by=maker, today=TODAY)

    assert [name for name, user in people.items() if ids(session, user) == [clip.id]] == [
        "maker",
        "agent of the team",
        "lead",
    ]


def test_it_ends_on_its_day_and_its_sound_is_deleted(
    session: Session, store: RecordingStore, clip: CaseClip, inspector: User
) -> None:
    last = clip.expires_on
    assert ids(session, inspector, on=last) == [clip.id]
    assert ids(session, inspector, on=last + timedelta(days=1)) == []
    assert delete_expired(session, last) == []

    keys = delete_expired(session, last + timedelta(days=1))

    assert len(keys) == 1
    assert clip.audio_key is None
    session.flush()
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.sound_deleted")).one()
    assert (event.subject_id, event.details["expired"]) == (clip.id, True)
    assert delete_expired(session, last + timedelta(days=2)) == []


def test_the_worker_deletes_the_sound_and_reminds_of_retests(
    factory: sessionmaker[Session], settings: Settings, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "workplace", lambda: tasks.Workplace(factory, settings, store))
    today = now().astimezone(settings.zone).date()
    with transaction(factory) as session:
        call = recorded(session, make_agent(session), store)
        lead = make_user(session, Role.LEAD)
        new = case(expires_on=TODAY + timedelta(days=1))
        clip = publish(session, store, call, Cut(0.0, 10.0), new, by=lead, today=TODAY)
        clip.expires_on = today - timedelta(days=1)
        key = clip.audio_key
        assert call.agent is not None
        plan = Plan(call.agent, "Asks", today - timedelta(days=9), today)
        record = plan_coaching(session, plan, by=lead, today=today).id
    assert key is not None
    assert store.exists(key)

    tasks.tidy()
    tasks.tidy()

    assert not store.exists(key)
    with factory() as session:
        told = session.scalars(select(Notification)).all()
    assert [(news.kind, news.subject_id) for news in told] == [("coaching.retest_due", record)]


@pytest.mark.service
def test_cases_and_mails_are_found_on_postgresql(
    postgresql_factory: sessionmaker[Session], store: RecordingStore
) -> None:
    with postgresql_factory() as session:
        inspector = make_user(session)
        inspector.email = "inspector@hotline.test"
        call = recorded(session, make_agent(session), store)
        clip = publish(session, store, call, Cut(0.0, SECONDS), case(), by=inspector, today=TODAY)
        told = notify(session, inspector.id, "review.released")
        session.commit()

        for wanted in (CaseFilter(tag="退款"), CaseFilter(words="REFUND 退"), CaseFilter(language="en")):
            assert ids(session, inspector, wanted) == [clip.id]
        assert ids(session, inspector, CaseFilter(tag="退")) == []
        assert ids(session, make_user(session, Role.SUPERVISOR)) == []
        assert claim_mail(session) == {inspector: [told]}
        assert claim_mail(session) == {}


def test_a_withdrawn_case_is_gone_at_once(session: Session, clip: CaseClip, inspector: User) -> None:
    with pytest.raises(Refused):
        withdraw(session, clip, by=make_user(session, Role.INSPECTOR))

    withdraw(session, clip, by=inspector)

    assert ids(session, inspector) == []
    assert len(delete_expired(session, TODAY)) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CaseFilter(words="REFUND hours"), True),
        (CaseFilter(words="退"), True),
        (CaseFilter(words="four one eight"), False),
        (CaseFilter(words="100%"), False),
        (CaseFilter(words="_"), False),
        (CaseFilter(tag="退款"), True),
        (CaseFilter(tag="退"), False),
        (CaseFilter(kind="bad"), False),
        (CaseFilter(kind="good", language="en"), True),
        (CaseFilter(language="zh"), False),
    ],
)
def test_cases_are_found(session: Session, clip: CaseClip, inspector: User, wanted: CaseFilter, found: bool) -> None:
    assert ids(session, inspector, wanted) == ([clip.id] if found else [])


def test_tags_are_those_of_cases_that_one_may_see(session: Session, clip: CaseClip, inspector: User) -> None:
    assert set(tags_in(session, inspector, TODAY)) == {"refund", "退款"}
    assert tags_in(session, make_user(session, Role.SUPERVISOR), TODAY) == []


# --- the pages ------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, _empty_database: Path) -> tuple[Flask, World]:
    return open_world(tmp_path, _empty_database)


@pytest.fixture
def site(built: tuple[Flask, World]) -> tuple[World, Call, FlaskClient]:
    """The small hotline with a recorded call, and its inspector's browser."""
    app, world = built
    with app.extensions["session_factory"]() as session:
        call = recorded(session, session.merge(world.agent), app.extensions["recordings"])
        session.commit()
    return world, call, world.client(app, Role.INSPECTOR)


def form(call: Call, **changed: str) -> dict[str, Any]:
    given = {
        "call": str(call.id), "start": "0:00", "end": "0:16", "kind": "good", "title": "A refund explained", "note": "",
        "tags": "refund，退款", "audience": "agent", "expires_on": (now().date() + timedelta(days=30)).isoformat(),
        "spans": "", "act": "publish",
    }  # fmt: skip
    return given | changed


def test_a_case_is_made_played_and_noted(built: tuple[Flask, World], site: tuple[World, Call, FlaskClient]) -> None:
    app, _ = built
    world, call, inspector = site
    page = inspector.get(f"/cases/new?call={call.id}&from=4.8&to=17").text
    assert 'value="0:04"' in page
    assert "four" not in page

    made = inspector.post("/cases/new", data=form(call))
    assert made.status_code == 302
    address = made.location
    agent = world.client(app, Role.AGENT)

    assert "My card is ＊" in agent.get(address).text
    sound = agent.get(f"{address}/audio", headers={"Range": "bytes=0-99"})
    assert (sound.status_code, sound.mimetype) == (206, "audio/flac")
    sound.close()
    with app.extensions["session_factory"]() as session:
        acts = session.scalars(select(AuditEvent.action).where(AuditEvent.subject_kind == "case")).all()
    assert {"case.published", "case.viewed", "case.played"} <= set(acts)
    assert "To the call" not in agent.get(address).text
    assert "A refund explained" in agent.get("/cases/?words=refund").text
    assert "No case fits" in agent.get("/cases/?words=mortgage").text


def test_the_preview_masks_what_was_chosen_and_keeps_the_form(site: tuple[World, Call, FlaskClient]) -> None:
    _, call, inspector = site
    word = call.transcript.content["turns"][1]["words"][-1]  # type: ignore[union-attr]
    name = f"{word['start']:.2f}-{word['end']:.2f}"

    page = inspector.post("/cases/new", data=form(call, act="preview", word=name, title="Half done")).text

    assert f'value="{name}" checked' in page
    assert 'value="Half done"' in page
    assert f"mask={name}" in page
    sound = inspector.get(f"/cases/preview/{call.id}?start=0&end=16&mask={name}")
    decoded, rate = soundfile.read(io.BytesIO(sound.data))
    assert not decoded[int((word["start"] + 0.01) * rate) : int((word["end"] - 0.01) * rate)].any()
    assert sound.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": ""}, "Give the case a title."),
        ({"start": "early"}, "Write a time as minutes and seconds"),
        ({"spans": "from 1 to 2"}, "Write each masked place"),
        ({"expires_on": "soon"}, "This is no date."),
        ({"end": "0:00"}, "at least a second"),
    ],
)
def test_what_is_wrong_with_a_case_is_said(
    site: tuple[World, Call, FlaskClient], changed: dict[str, str], says: str
) -> None:
    _, call, inspector = site

    answer = inspector.post("/cases/new", data=form(call, **changed))

    assert answer.status_code == 422
    assert says in answer.text


def test_what_is_withdrawn_or_not_for_one_is_not_there(
    built: tuple[Flask, World], site: tuple[World, Call, FlaskClient]
) -> None:
    app, _ = built
    world, call, inspector = site
    address = inspector.post("/cases/new", data=form(call, audience="inspector")).location
    agent = world.client(app, Role.AGENT)
    for page in (address, f"{address}/audio"):
        assert agent.get(page).status_code == 404

    assert inspector.post(f"{address}/withdraw").status_code == 302

    for page in (address, f"{address}/audio"):
        assert inspector.get(page).status_code == 404


def test_a_supervisor_makes_no_case_of_another_teams_call(built: tuple[Flask, World]) -> None:
    app, world = built
    supervisor = world.client(app, Role.SUPERVISOR)

    assert supervisor.get(f"/cases/new?call={world.other_call.id}").status_code == 404
    assert supervisor.get(f"/cases/preview/{world.other_call.id}").status_code == 404
    assert supervisor.post("/cases/new", data=form(world.other_call)).status_code == 404
    assert supervisor.get(f"/cases/new?call={world.call.id}").status_code == 200
