"""A small hotline for tests of pages: two teams, a user of each role, and one object of each kind."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from models import (
    Agent,
    Appeal,
    AppealState,
    AppealStep,
    AuditEvent,
    CalibrationSession,
    Call,
    CallComment,
    CallState,
    CaseClip,
    CoachingRecord,
    Complaint,
    IngestFailure,
    NonVoiceChannel,
    NonVoiceReview,
    Notification,
    Praise,
    Reexamination,
    Review,
    ReviewerCheck,
    ReviewReason,
    ReviewState,
    Role,
    SampledCall,
    ScorecardDraft,
    ScorecardVersion,
    Team,
    TestAssignment,
    TestCall,
    User,
)
from models.base import now
from models.session import open_engine, session_factory
from qa.calibration import NewCalibration, create_calibration
from qa.coaching import Plan, plan_coaching
from qa.notifications import notify
from qa.periods import Period, PeriodKind
from qa.reviewer_checks import CheckEntry, draw_checks, reviewer_sheet, submit_check
from qa.sampling import store_plan
from qa.sampling_rules import PlanRules
from qa.sampling_work import draw_week
from qa.scorecard_drafts import begin_from_version
from qa.settings import Settings
from qa.test_plans import make_plan
from qa.test_scenarios import store_scenarios
from scoring.scenario import load_scenarios
from scoring.shipped import shipped
from scoring.test_plan import PlanRules as TestRules
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
from web.access import roles_of

DIALOGUE = [
    ("agent", "Good morning, my name is Dana, how can I help?"),
    ("customer", "My card was charged twice."),
    ("agent", "I am sorry about that. Goodbye."),
]


@dataclass
class World:
    """Ids of what there is; `ours` is what the agent and the supervisor of the first team may see."""

    users: dict[Role, User]
    team: Team
    other_team: Team
    agent: Agent
    other_agent: Agent
    card: ScorecardVersion
    call: Call  # the agent's, with a released review
    unreleased_call: Call  # the agent's, with a review that is submitted only
    other_call: Call  # of an agent of the other team, with a released review
    review: Review
    other_review: Review
    sheet: TestCall
    other_sheet: TestCall
    sampled: SampledCall  # of the agent
    other_sampled: SampledCall  # of the agent of the other team
    planned: TestAssignment  # of the test caller
    complaint: Complaint  # about the agent
    other_complaint: Complaint
    praise: Praise  # of the agent
    written: NonVoiceReview  # released, of the agent's work
    calibration: CalibrationSession  # of the inspector and the lead, still open
    appeal: Appeal  # of the agent, upheld, with a call to look at again
    reexamination: Reexamination
    notification: Notification  # of the agent
    draft: ScorecardDraft  # of the next version of the scorecard
    check: ReviewerCheck  # of the inspector by the lead, submitted
    coaching: CoachingRecord  # of the agent, by the inspector
    case: CaseClip  # of the agent's call, for everybody
    comment: CallComment  # of the inspector, in the review
    clients: dict[Role, FlaskClient] = field(default_factory=dict)

    def client(self, app: Flask, role: Role) -> FlaskClient:
        """Return a browser in which the user of `role` is logged in."""
        if role not in self.clients:
            self.clients[role] = logged_in(app, self.users[role])
        return self.clients[role]

    def address(self, app: Flask, rule: Rule) -> str:
        """Return an address of `rule` for an object that exists."""
        known: dict[str, Any] = {
            "call_id": self.call.id,
            "agent_id": self.agent.id,
            "review_id": self.review.id,
            "comment_id": self.comment.id,
            "test_call_id": self.sheet.id,
            "assignment_id": self.planned.id,
            "test_plan_id": self.planned.plan_id,
            "scenario_id": self.planned.scenario_id,
            "complaint_id": self.complaint.id,
            "praise_id": self.praise.id,
            "nonvoice_id": self.written.id,
            "calibration_id": self.calibration.id,
            "appeal_id": self.appeal.id,
            "reexamination_id": self.reexamination.id,
            "check_id": self.check.id,
            "version_id": self.card.id,
            "user_id": self.users[Role.TEST_CALLER].id,
            "notification_id": self.notification.id,
            "coaching_id": self.coaching.id,
            "case_id": self.case.id,
            "code": "en",
            "key": self.card.phrase_set.key if self.card.phrase_set else "",
            "filename": "app.css",
            "version": "any",
            "draw_id": self.sampled.draw_id,
            "draft_id": self.draft.id,
            "sampled_id": self.sampled.id,
        }
        unknown = rule.arguments - known.keys()
        assert not unknown, f"{rule.rule}: tests/web_world.py makes nothing for {', '.join(sorted(unknown))}"
        with app.test_request_context():
            values = {name: known[name] for name in rule.arguments}
            address = app.url_map.bind("localhost").build(rule.endpoint, values, method=method_of(rule))
        query = {
            "cases.new": f"?call={self.call.id}",
            "reviews.new": f"?call={self.call.id}",
            "reviews.template": f"?card={self.card.id}",
        }
        return address + query.get(rule.endpoint, "")


def open_world(folder: Path, empty_database: Path, *, csrf: bool = False, **settings: Any) -> tuple[Flask, World]:
    """Return an application on a database in `folder`, and the hotline in it."""
    database, world = _made_once(empty_database)
    shutil.copy(database, folder / "hotline.db")
    app = make_app(Settings(var_dir=folder, **settings), csrf=csrf)
    return app, pickle.loads(world)


@cache
def _made_once(empty_database: Path) -> tuple[Path, bytes]:
    """Return a database with the hotline in it and the pickled World, for each test to have its own of both."""
    database = empty_database.with_name("world.db")
    shutil.copy(empty_database, database)
    engine = open_engine(f"sqlite:///{database}")
    with session_factory(engine)() as session:
        world = make_world(session)
    engine.dispose()  # what is in the write-ahead log goes into the file
    return database, pickle.dumps(world)


def make_world(session: Session) -> World:
    """Fill `session`'s database and commit."""
    team, other_team = make_team(session, "North"), make_team(session, "South")
    agent, other_agent = make_agent(session, "0101", team=team), make_agent(session, "0202", team=other_team)
    users = {
        role: make_user(
            session,
            role,
            role.value,
            agent=agent if role is Role.AGENT else None,
            team=team if role is Role.SUPERVISOR else None,
        )
        for role in Role
    }
    another_tester = make_user(session, Role.TEST_CALLER, "another-tester")
    card = make_scorecard(session)
    calls = [scored_call(session, who, card) for who in (agent, agent, other_agent)]
    calls[2].auto_score.fatal_suspected = True  # type: ignore[union-attr]
    make_call(session, agent=agent, state=CallState.FAILED, state_reason="the file ends in the middle")
    inspector = users[Role.INSPECTOR]
    reviews = [
        finished_review(session, calls[0], inspector, card),
        finished_review(session, calls[1], inspector, card, released=False),
        finished_review(session, calls[2], inspector, card),
    ]
    sheets = [sheet_of(session, tester, agent) for tester in (users[Role.TEST_CALLER], another_tester)]
    complaints = [complaint_of(session, who) for who in (agent, other_agent)]
    written = written_review(session, agent, inspector)
    appeal = upheld_appeal(session, reviews[0], users[Role.AGENT], inspector)
    looked_at = Reexamination(appeal=appeal, call=calls[2], review=reviews[2], item="S1")
    session.add(looked_at)
    drawn = [drawn_call(session, who, card, inspector) for who in (agent, other_agent)]
    draft = begin_from_version(session, users[Role.LEAD], card)
    session.add(IngestFailure(source_name="notes.txt", reason="not a recording"))
    session.add(AuditEvent(action="call.viewed", user=inspector, subject_kind="call", subject_id=calls[0].id))
    told = notify(session, users[Role.AGENT].id, "review.released", subject=("review", reviews[0].id))
    assert told is not None
    coached = coaching_of(session, agent, inspector, card)
    case = case_of(session, calls[0], inspector)
    session.commit()
    return World(
        users=users,
        team=team,
        other_team=other_team,
        agent=agent,
        other_agent=other_agent,
        card=card,
        call=calls[0],
        unreleased_call=calls[1],
        other_call=calls[2],
        review=reviews[0],
        other_review=reviews[2],
        sheet=sheets[0],
        other_sheet=sheets[1],
        sampled=drawn[0],
        other_sampled=drawn[1],
        planned=planned_call(session, users[Role.TEST_CALLER], users[Role.LEAD]),
        complaint=complaints[0],
        other_complaint=complaints[1],
        praise=praise_of(session, agent),
        written=written,
        check=finished_check(session, users[Role.LEAD]),
        calibration=open_calibration(session, calls[2], card, [inspector, users[Role.LEAD]]),
        appeal=appeal,
        reexamination=looked_at,
        notification=told,
        draft=draft,
        coaching=coached,
        case=case,
        comment=comment_on(session, reviews[0]),
    )


def scored_call(session: Session, agent: Agent, card: ScorecardVersion) -> Call:
    call = make_call(
        session, agent=agent, transcript=make_transcript(DIALOGUE), started_at=now() - timedelta(hours=3), queue="cards"
    )
    make_auto_score(session, call, card, marks=[("S1", "not_met", 0.0, 4.0), ("S2", "met", 3.0, 3.0)])
    return call


def finished_review(
    session: Session, call: Call, inspector: User, card: ScorecardVersion, *, released: bool = True
) -> Review:
    review = Review(
        call=call,
        inspector=inspector,
        scorecard=card,
        reason=ReviewReason.RANDOM,
        state=ReviewState.RELEASED if released else ReviewState.SUBMITTED,
        raw=91.0,
        final=91.0,
        submitted_at=now(),
        released_at=now() if released else None,
    )
    session.add(review)
    session.flush()
    return review


def comment_on(session: Session, review: Review) -> CallComment:
    comment = CallComment(call_id=review.call_id, review=review, author=review.inspector, text="well said", turn=0)
    session.add(comment)
    session.commit()
    return comment


def drawn_call(session: Session, agent: Agent, card: ScorecardVersion, inspector: User) -> SampledCall:
    """Return a call that a plan of its own drew for `inspector`."""
    call = scored_call(session, agent, card)
    plan = store_plan(session, f"of {agent.number}", PlanRules(agents=(agent.number,)))
    zone = ZoneInfo("Asia/Shanghai")
    week = Period.containing(call.started_at, zone, PeriodKind.WEEK)
    made = draw_week(session, week, zone=zone, plan=plan, at=week.bounds(zone)[1])  # whole: no chance of none
    session.refresh(made)
    return made.calls[0]


def sheet_of(session: Session, tester: User, agent: Agent) -> TestCall:
    sheet = TestCall(
        source="MS",
        tester=tester,
        sheet="mystery-call/1",
        dialled_at=now() - timedelta(days=1),
        staff_number=agent.number,
        agent=agent,
        status="matched",
        scenario="S-7",
        answers={},
        norms=90.0,
        knowledge=80.0,
        total=86.0,
    )
    session.add(sheet)
    session.flush()
    return sheet


def planned_call(session: Session, tester: User, lead: User) -> TestAssignment:
    store_scenarios(session, load_scenarios(shipped("test-scenarios")), by=lead)
    plan = make_plan(
        session, Period.parse("2026-11"), "MS", TestRules(1), numbers=["13900000000"], by=lead,
        zone=ZoneInfo("Asia/Shanghai"), tester_ids=[tester.id],
    )  # fmt: skip
    session.commit()
    return plan.assignments[0]


def complaint_of(session: Session, agent: Agent) -> Complaint:
    complaint = Complaint(external_id=f"K-{agent.number}", received_at=now(), happened_at=now(), agent=agent)
    session.add(complaint)
    session.flush()
    return complaint


def praise_of(session: Session, agent: Agent) -> Praise:
    praise = Praise(external_id=f"P-{agent.number}", received_at=now(), happened_at=now(), agent=agent)
    session.add(praise)
    session.commit()
    return praise


def written_review(session: Session, agent: Agent, inspector: User) -> NonVoiceReview:
    review = NonVoiceReview(
        channel=NonVoiceChannel.TICKET,
        reference="T-1",
        handled_at=now() - timedelta(days=1),
        agent=agent,
        inspector=inspector,
        reason=ReviewReason.RANDOM,
        sheet="non-voice/1",
        answers={},
        score=90.0,
        released_at=now(),
    )
    session.add(review)
    session.flush()
    return review


def open_calibration(session: Session, call: Call, card: ScorecardVersion, people: list[User]) -> CalibrationSession:
    ids = [user.id for user in people]
    new = NewCalibration("Greeting", card.id, [call.id], ids, people[-1].id, now() + timedelta(days=3))
    made = create_calibration(session, new, by=people[-1])
    session.commit()
    return made


def upheld_appeal(session: Session, review: Review, agent: User, inspector: User) -> Appeal:
    """Return a decided appeal about S1, decided by the inspector of the world, whose own review it is not to be."""
    mark = {"answer": "not_met", "deductions": [], "points": 0.0, "comment": None, "raw": 87.0, "final": 87.0}
    appeal = Appeal(
        review=review,
        item="S1",
        state=AppealState.UPHELD,
        raised_by=agent,
        reason="It was announced.",
        due_at=now() + timedelta(days=1),
        decided_by=inspector,
        decided_at=now(),
        decision="It was.",
        cause="rule",
        before=mark | {"rules": [["EN-REC", "en-bank-hotline/1"]]},
        after=mark | {"answer": "met", "points": 4.0, "raw": 91.0, "final": 91.0},
        final_before=87.0,
        final_after=91.0,
        steps=[AppealStep(act="raised", by=agent), AppealStep(act="upheld", by=inspector)],
    )
    session.add(appeal)
    session.flush()
    return appeal


def finished_check(session: Session, lead: User) -> ReviewerCheck:
    zone = ZoneInfo("Asia/Shanghai")
    month = Period.containing(now(), zone, PeriodKind.MONTH)
    check = draw_checks(session, month, by=lead, zone=zone, count=1, seed="world").made[0]
    answers = {item.id: "yes" if item.answer == "yes_no" else "3" for item in reviewer_sheet().items}
    entry = CheckEntry(answers, {one.id: answers for one in check.entries})
    submit_check(session, check, entry, by=lead)
    session.commit()
    return check


def coaching_of(session: Session, agent: Agent, coach: User, card: ScorecardVersion) -> CoachingRecord:
    today = now().date()
    plan = Plan(
        agent=agent,
        goal="Greets every customer",
        steps=("Listen to a call together",),
        items=((card.key, "S1"),),
        held_on=today - timedelta(days=2),
        retest_on=today + timedelta(days=28),
    )
    return plan_coaching(session, plan, by=coach, today=today)


def case_of(session: Session, call: Call, maker: User) -> CaseClip:
    case = CaseClip(
        call=call,
        starts=0.0,
        ends=5.0,
        kind="good",
        title="A warm welcome",
        tags=["greeting"],
        language="en",
        text="A warm welcome",
        content={"turns": [{"speaker": "agent", "start": 0.5, "end": 4.0, "text": "Good morning"}], "duration": 5.0},
        audience=[role.value for role in (Role.AGENT, Role.SUPERVISOR, Role.INSPECTOR)],
        expires_on=now().date() + timedelta(days=30),
        created_by=maker,
    )
    session.add(case)
    session.flush()
    return case


def method_of(rule: Rule) -> str:
    return "POST" if "POST" in (rule.methods or ()) else "GET"


def rules(app: Flask) -> Iterator[Rule]:
    """Yield every route of the application."""
    yield from sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, method_of(rule)))


def pages_of(app: Flask, world: World, role: Role) -> list[str]:
    """Return an address of everything that `role` may get, static files aside."""
    with app.app_context():
        return [
            world.address(app, rule)
            for rule in rules(app)
            if method_of(rule) == "GET" and role in (roles_of(rule.endpoint) or ()) and rule.endpoint != "static"
        ]


def body(client: FlaskClient, address: str) -> str:
    """Return what stands at `address`, which may lead elsewhere or be hidden but not fail."""
    with client.get(address) as answer:
        assert answer.status_code in (200, 302, 404), f"{address}: {answer.status_code}"
        return answer.get_data().decode(errors="replace")
