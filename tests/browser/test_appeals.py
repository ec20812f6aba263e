"""An appeal from end to end in a real browser: raised, passed on, decided by another inspector, seen by the agent."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from models import AutoMark, AutoScore, Call, Review, ReviewReason, Role, User
from models.base import now
from qa.criteria import card_of
from qa.reviews import release_review, submit_review
from qa.storage import RecordingStore
from scoring.call_score import GivenAnswer
from scoring.marks import Answer, Evidence, evidence_to_dict
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import PHONE, Site
from tests.factories import make_agent, make_call, make_scorecard, make_team, make_transcript, make_user
from tests.sounds import RATE, babble

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

SECONDS = 20.0
LINES = [
    ("agent", "Thank you for calling how may I help", 1.0, 4.0),
    ("customer", "My card was charged twice last week", 5.0, 8.0),
    ("agent", "This call is being recorded let me look into that", 9.0, 12.0),
    ("agent", "The second charge has been refunded", 14.0, 18.0),
]
NOT_SAID = Evidence("EN-REC", "en-bank-hotline/1", "not_met", "not_said", {"words": 40}, "agent", 0, 1.0, 4.0)


@dataclass
class Office:
    agent: User
    supervisor: User
    inspector: User
    review: Review
    other_review: Review  # of another agent, whom the same rule hit


@pytest.fixture(scope="module")
def office(site: Site) -> Office:
    """A team with a supervisor, a released review that costs two items, and a second call that the same rule hit."""
    store: RecordingStore = site.app.extensions["recordings"]
    keep_recording(store)
    with site.app.extensions["session_factory"]() as session:
        team = make_team(session, "Appeals")
        agent = make_agent(session, "0728", name="Dana Reed-Whittington of the Evening Shift", team=team)
        supervisor = make_user(session, Role.SUPERVISOR, "sue", team=team)
        agent_user = make_user(session, Role.AGENT, "dana", agent=agent)
        scorer = session.merge(site.world.users[Role.INSPECTOR])
        inspector = make_user(session, Role.INSPECTOR, "ivan")
        reviews = []
        for who, audio in ((agent, "test/appeal.flac"), (make_agent(session, "0800", team=team), None)):
            call = make_call(
                session,
                agent=who,
                transcript=make_transcript(LINES),  # type: ignore[arg-type]
                duration=SECONDS,
                audio_key=audio,
                peaks_key="test/appeal-peaks.json" if audio else None,
                agent_channel=0,
                started_at=now() - timedelta(days=1),
            )
            heard_nothing(call)
            session.flush()
            reviews.append(reviewed(call, scorer))
        session.commit()
        return Office(agent_user, supervisor, inspector, *reviews)


def keep_recording(store: RecordingStore) -> None:
    sides = [
        babble([(start, end) for who, _, start, end in LINES if who == side], SECONDS, seed=seed)
        for seed, side in enumerate(("agent", "customer"), start=1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.flac"
        soundfile.write(path, np.stack(sides, axis=1), RATE, subtype="PCM_16")
        store.put("test/appeal.flac", path)
    outline = [[round(float(top), 3) for top in np.abs(side.reshape(-1, RATE // 20)).max(axis=1)] for side in sides]
    peaks = {"per_second": 20, "duration": SECONDS, "channels": outline}
    store.put("test/appeal-peaks.json", json.dumps(peaks).encode())


def heard_nothing(call: Call) -> None:
    """Let the machine say that S1 was not met, by the rule EN-REC."""
    from sqlalchemy.orm import object_session

    session = object_session(call)
    assert session is not None
    mark = AutoMark(position=0, item="S1", answer="not_met", points=0.0, possible=4.0, needs_person=False)
    mark.evidence = [evidence_to_dict(NOT_SAID)]
    call.auto_score = AutoScore(
        scorecard=make_scorecard(session), raw=90.0, auto_items=90.0, answered_weight=60.0, cannot_tell_weight=0.0,
        summary={"sections": [], "fatals": []}, marks=[mark],
    )  # fmt: skip


def reviewed(call: Call, inspector: User) -> Review:
    from sqlalchemy.orm import object_session

    session = object_session(call)
    assert session is not None
    assert call.auto_score is not None
    answers = {item.id: GivenAnswer(Answer.MET) for _, item in card_of(call.auto_score.scorecard).items()}
    answers |= {
        "S1": GivenAnswer(Answer.NOT_MET, (), "no word of the recording"),
        "R2": GivenAnswer(Answer.PARTLY, (), "no date was named"),
    }
    review = submit_review(session, call, inspector, answers, reason=ReviewReason.RANDOM, moments={"S1": 1.0})
    return release_review(session, review, inspector)


def plays(page: Page, from_second: float) -> None:
    """Wait until the recording stands or plays behind a moment. (The page forbids what wait_for_function does.)"""
    page.evaluate(
        """(from) => new Promise((done, fail) => {
            const audio = document.querySelector('audio');
            const look = () => (audio.currentTime >= from ? done() : window.requestAnimationFrame(look));
            window.setTimeout(() => fail(new Error(`the recording stands at ${audio.currentTime}`)), 8000);
            look();
        })""",
        from_second,
    )


def test_an_appeal_from_the_agent_to_another_inspector_and_back(
    site: Site, office: Office, open_page: OpenPage
) -> None:
    open_page.expected.append(AXE_TRIES)  # type: ignore[attr-defined]
    agent = open_page(office.agent)
    agent.get_by_role("link", name="Read and acknowledge").click()
    agent.wait_for_selector("[data-review][data-ready]")
    expect(agent.locator("#item-S1")).to_contain_text("Would score 96.0 if it were met (+4.0)")
    expect(agent.locator("#item-S1")).to_contain_text("no word of the recording")
    agent.locator("#item-S1 .moment").first.click()
    plays(agent, 0.7)
    assert grave_findings(agent) == []

    row = agent.locator("#item-S1")
    row.locator("summary").click()
    row.get_by_label("Why is this mark wrong?").fill("I announced it after the customer spoke.")
    row.get_by_label("Moment (optional)").fill("0:09")
    row.get_by_role("button", name="Send the appeal").click()
    expect(agent.locator("h1")).to_contain_text("Appeal about S1")
    expect(agent.locator(".appeal-right")).to_contain_text("With the supervisor")
    address = agent.url

    supervisor = open_page(office.supervisor)
    section = supervisor.get_by_role("region", name="Appeals to pass on")
    section.get_by_role("link", name="S1 Caller told the call is recorded").click()
    expect(supervisor.locator(".review-words .here")).to_contain_text("This call is being recorded")
    supervisor.get_by_role("button", name="Pass on to an inspector").click()
    expect(supervisor.locator(".alert-success")).to_contain_text("Passed on")

    inspector = open_page(office.inspector)
    inspector.get_by_role("link", name="S1 Caller told the call is recorded").click()
    inspector.wait_for_selector("[data-review][data-ready]")
    expect(inspector.get_by_label("If upheld: what was wrong with the mark?")).to_be_hidden()
    inspector.get_by_role("radio", name="Uphold: Met").check()
    inspector.get_by_label("If upheld: what was wrong with the mark?").select_option("evidence_missed")
    inspector.get_by_label("Reason, for the agent").fill("It is said at 0:09.")
    assert grave_findings(inspector) == []
    inspector.get_by_role("button", name="Decide").click()
    expect(inspector.locator(".appeal-result")).to_contain_text("final score 92.0 → 96.0")

    agent.goto(address)
    expect(agent.locator(".appeal-result")).to_contain_text("It is said at 0:09.")
    agent.goto(f"/reviews/{office.review.id}")
    expect(agent.locator(".figure-value").first).to_have_text("96.0")
    expect(agent.locator("#item-S1")).to_contain_text("Was Not met, changed on")
    expect(agent.locator("#item-S1").get_by_role("link", name="by appeal")).to_be_visible()
    agent.get_by_label("Comment for your inspector (optional)").fill("Thank you.")
    agent.get_by_role("button", name="I have read it").click()
    expect(agent.locator("#acknowledge")).to_contain_text("Thank you.")

    inspector.get_by_role("link", name=re.compile("The same rule hit 1 other call")).click()
    expect(inspector.locator(".again-list")).to_contain_text("released review 92.0")
    inspector.get_by_role("button", name="The mark is wrong").click()
    expect(inspector.locator(".alert-success")).to_contain_text("Put right")
    expect(inspector.locator(".again-list")).to_contain_text("released review 96.0")


def test_the_scorer_decides_nothing_and_another_agent_sees_nothing(
    site: Site, office: Office, open_page: OpenPage
) -> None:
    other = open_page(site.world.users[Role.AGENT], "/appeals/")
    expect(other.locator("body")).not_to_contain_text("Dana Reed")

    scorer = open_page(site.world.users[Role.INSPECTOR], "/")
    expect(scorer.get_by_role("region", name="Appeals waiting for me")).to_have_count(0)


AXE_TRIES = "Applying inline style"  # axe-core does, not we: the page's policy stops it


@pytest.mark.parametrize(("locale", "language"), [("en", "English"), ("zh-CN", "中文")])
def test_the_pages_fit_a_telephone_in_both_languages_and_axe_finds_nothing_grave(
    site: Site, office: Office, open_page: OpenPage, locale: str, language: str
) -> None:
    open_page.expected.append(AXE_TRIES)  # type: ignore[attr-defined]
    appeal = site.world.appeal.id
    seen_by = {
        Role.LEAD: ["/appeals/", f"/appeals/{appeal}", "/appeals/again", f"/appeals/{appeal}/again",
                    "/appeals/statistics", f"/reviews/{office.review.id}"],
        Role.AGENT: [f"/reviews/{site.world.review.id}", "/appeals/", f"/appeals/{appeal}", "/"],
    }  # fmt: skip
    for role, addresses in seen_by.items():
        page = open_page(site.world.users[role], viewport=PHONE)
        if page.get_attribute("html", "lang") != locale:
            page.get_by_role("button", name=language, exact=True).click()
        for address in addresses:
            page.goto(address)
            expect(page.locator("html")).to_have_attribute("lang", locale)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
            assert grave_findings(page) == [], address
        if locale != "en":  # The choice is kept with the user, whom other tests need.
            page.get_by_role("button", name="English", exact=True).click()
            expect(page.locator("html")).to_have_attribute("lang", "en")
