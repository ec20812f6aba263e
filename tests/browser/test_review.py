"""The review page in a real browser: by keyboard from the queue to release, two windows, no connection, blind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AutoScore, Call, Review, ReviewAssignment, ReviewState, Role, SampledCall, User
from qa.criteria import card_of, store_scorecard
from qa.storage import RecordingStore
from scoring.marks import Evidence, evidence_to_dict
from scoring.scorecard import Scorecard
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import DESKTOP, PHONE, Site
from tests.factories import make_auto_score, make_call, make_scorecard, make_transcript, make_user
from tests.sounds import RATE, babble
from tests.test_review_saving import MIXED
from transcription.measures import AudioMeasures, Overlap, Silence

pytestmark = pytest.mark.browser

SECONDS = 24.0
LINES = [
    ("agent", "Thank you for calling how may I help", 1.0, 4.0),
    ("customer", "My card was charged twice last week", 5.0, 8.0),
    ("agent", "Let me look into that for you", 9.0, 11.0),
    ("agent", "The second charge has been refunded", 18.0, 22.0),
]
OpenReview = Callable[..., Page]


@pytest.fixture
def inspector(site: Site) -> User:
    """An inspector of the test's own, with a queue of the test's own."""
    with site.app.extensions["session_factory"]() as session:
        user = make_user(session, Role.INSPECTOR)
        session.commit()
    return user


@pytest.fixture
def call(site: Site, inspector: User) -> Call:
    """A stereo call with words, marks and evidence, drawn for the inspector to review."""
    store: RecordingStore = site.app.extensions["recordings"]
    if not store.exists("test/review.flac"):
        keep_sound(store)
    with site.app.extensions["session_factory"]() as session:
        made = make_call(
            session,
            agent=session.merge(site.world.agent),
            transcript=make_transcript(LINES),  # type: ignore[arg-type]
            duration=SECONDS,
            audio_key="test/review.flac",
            peaks_key="test/peaks.json",
            agent_channel=0,
            queue="cards",
        )
        made.transcript.measures = AudioMeasures(  # type: ignore[union-attr]
            duration=SECONDS,
            channels=2,
            silences=(Silence(11.0, 18.0, "agent"),),
            overlaps=(Overlap(7.5, 8.0, "agent", 2, True),),
        ).to_dict()
        card = make_scorecard(session)
        score = make_auto_score(
            session, made, card, marks=[(item.id, "met", item.weight, item.weight) for _, item in card_of(card).items()]
        )
        said = Evidence("EN-OPEN", "en/1", "met", "said", {}, "agent", 0, 1.0, 2.5, "thank you for calling")
        missed = Evidence(
            "EN-NEXT", "en/1", "not_met", "not_said", {"words": 20}, "agent", 3, 18.0, 22.0,
            "the second charge has been refunded", "the second charge will be refunded tomorrow", 0.2,
        )  # fmt: skip
        score.marks[0].evidence = [evidence_to_dict(said)]
        score.marks[1].evidence, score.marks[1].answer, score.marks[1].points = [evidence_to_dict(missed)], "not_met", 0
        draw_for(session, made, inspector, site.world.sampled)
        session.commit()
    return made


def keep_sound(store: RecordingStore) -> None:
    sides = [
        babble([(start, end) for who, _, start, end in LINES if who == side], SECONDS, seed=seed)
        for seed, side in enumerate(("agent", "customer"), start=1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.flac"
        soundfile.write(path, np.stack(sides, axis=1), RATE, subtype="PCM_16")
        store.put("test/review.flac", path)
    bucket = RATE // 20
    outline = [[round(float(top), 3) for top in np.abs(side.reshape(-1, bucket)).max(axis=1)] for side in sides]
    store.put("test/peaks.json", json.dumps({"per_second": 20, "duration": SECONDS, "channels": outline}).encode())


def draw_for(session: Session, call: Call, inspector: User, like: SampledCall) -> None:
    like = session.merge(like)
    sampled = SampledCall(
        draw_id=like.draw_id, call=call, agent_id=call.agent_id, reason=like.reason, why=like.why,
        stratum=like.stratum, probability=like.probability,
    )  # fmt: skip
    due = like.draw.due_on
    sampled.assignments.append(ReviewAssignment(inspector_id=inspector.id, due_on=due, first_due_on=due))
    session.add(sampled)


@pytest.fixture
def open_review(site: Site, call: Call, inspector: User, open_page: Callable[..., Page]) -> OpenReview:
    def opener(**options: object) -> Page:
        page = open_page(inspector, f"/reviews/new?call={call.id}", **options)
        page.wait_for_selector("[data-review][data-ready]")
        return page

    return opener


def stored(site: Site, call: Call, inspector: User) -> Review | None:
    with site.app.extensions["session_factory"]() as session:
        review = session.scalar(select(Review).where(Review.call_id == call.id, Review.inspector_id == inspector.id))
        if review is not None:
            review.marks  # noqa: B018 -- loaded while the session is open
        return review


def saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_contain_text("Saved")


def test_a_call_is_reviewed_by_keyboard_from_the_queue_to_release(
    site: Site, call: Call, inspector: User, open_page: Callable[..., Page]
) -> None:
    page = open_page(inspector, "/sampling/queue")
    page.get_by_role("link", name="Start next").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-review][data-ready]")
    press = page.keyboard.press

    expect(page.locator(".q.here")).to_have_id("item-S1")
    press("a")  # accept, and on to the next
    expect(page.locator(".q.here")).to_have_id("item-S2")
    press("1")  # met, though the machine says not: it asks why
    expect(page.locator("#override-S2")).to_be_focused()
    page.keyboard.type("said at 0:18")
    press("Escape")
    expect(page.locator("#item-S2")).to_be_focused()
    expect(page.locator("#item-S2 [data-changed]")).to_be_visible()
    press("j")
    for _ in range(page.locator("[data-kind=item]").count() - 2):
        press("a")
    expect(page.locator("[data-missing]")).to_have_text("all answered")
    expect(page.locator("[data-final]")).to_have_text("100.0")
    page.get_by_label("Release", exact=True).select_option("now")
    press("Control+Enter")

    expect(page.get_by_text("Submitted and released: 100.0.")).to_be_visible()
    review = stored(site, call, inspector)
    assert review is not None
    assert review.state is ReviewState.RELEASED
    marks = {mark.item: mark for mark in review.marks}
    assert (marks["S2"].answer, marks["S2"].auto_answer, marks["S2"].override_reason) == (
        "met",
        "not_met",
        "said at 0:18",
    )


def test_the_keys_play_and_the_help_names_them(open_review: OpenReview) -> None:
    page = open_review()
    press = page.keyboard.press

    press("]")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    press("e")
    page.wait_for_selector(".player.playing")
    press(" ")
    page.wait_for_selector(".player:not(.playing)")
    press("l")
    expect(page.locator("[data-loop]")).to_have_attribute("aria-pressed", "true")
    press("Shift+ArrowRight")
    press("l")
    expect(page.locator("[data-loop-words]")).to_contain_text("–")
    press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    press("Escape")
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_each_side_has_its_own_loudness(open_review: OpenReview) -> None:
    page = open_review()

    page.get_by_role("button", name="Mute Customer").click()
    page.get_by_label("Volume of Agent").fill("0.5")
    page.click("[data-play]")

    expect(page.get_by_role("button", name="Mute Customer")).to_have_attribute("aria-pressed", "true")
    page.wait_for_selector(".player.playing")


def test_a_near_miss_is_shown_word_by_word(open_review: OpenReview) -> None:
    page = open_review()
    page.keyboard.press("j")

    proof = page.locator("#item-S2 .nearest")
    expect(proof.locator(".step-missing")).to_have_text(["tomorrow"])
    expect(proof.locator(".step-said").first).to_have_text("the")


def test_comments_and_corrections_change_the_page_without_a_reload(
    site: Site, call: Call, inspector: User, open_review: OpenReview
) -> None:
    page = open_review()
    page.evaluate("window.stays = true")
    page.fill("#comment", "typed and kept")

    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.type("a good start")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".remark-line")).to_contain_text("a good start")
    expect(page.locator(".moment-comment")).to_have_count(1)

    page.get_by_role("button", name="Correct the words at 0:05").click()
    page.fill("#correction-text", "My cart was charged twice last week")
    with page.expect_response(lambda answer: "/reviews/correct" in answer.url, timeout=60_000) as corrected:
        page.get_by_role("button", name="Correct", exact=True).click()
    assert corrected.value.status == 200, corrected.value.text()
    expect(page.locator("#turn-1 .line-words")).to_have_text("My cart was charged twice last week")
    page.locator("#turn-1 summary").click()
    expect(page.locator("#turn-1 del")).to_have_text("card ")
    assert page.evaluate("window.stays")
    assert page.input_value("#comment") == "typed and kept"
    expect(page.locator(".q.here")).to_have_id("item-S1")


def test_the_option_that_rules_chose_is_accepted_by_key(
    site: Site, inspector: User, open_page: Callable[..., Page]
) -> None:
    with site.app.extensions["session_factory"]() as session:
        version = store_scorecard(session, Scorecard.model_validate(MIXED), None)
        spoken = make_call(
            session,
            agent=session.merge(site.world.agent),
            transcript=make_transcript(LINES),  # type: ignore[arg-type]
        )
        make_auto_score(session, spoken, version, marks=[("C", "partly", 4.0, 20.0), ("S", "partly", 10.0, 20.0)])
        session.commit()
    page = open_page(inspector, f"/reviews/new?call={spoken.id}")
    page.wait_for_selector("[data-review][data-ready]")

    page.locator("#item-S").focus()
    page.keyboard.press("3")
    page.locator("#item-S").focus()
    page.keyboard.press("a")  # nothing to accept: what was answered stays
    page.locator("#item-C").focus()
    page.keyboard.press("a")
    saved(page)

    expect(page.locator("#item-C [data-option=coldly]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#item-S [data-step='3']")).to_have_attribute("aria-pressed", "true")
    page.locator("#item-C [data-option=warmly]").click()
    expect(page.locator("#item-C [data-override]")).to_be_visible()


def test_two_windows_cannot_overwrite_each_other(
    site: Site, call: Call, inspector: User, open_review: OpenReview, open_page: Callable[..., Page]
) -> None:
    first = open_review()
    second = first.context.new_page()
    second.goto(first.url)
    second.wait_for_selector("[data-review][data-ready]")

    open_page.expected.append("409 (CONFLICT)")  # type: ignore[attr-defined]
    first.keyboard.press("1")
    saved(first)
    second.locator("#item-S3 [data-answer=partly]").click()
    conflict = second.get_by_role("alert").filter(has_text="in another window")
    expect(conflict).to_be_visible()
    second.get_by_role("button", name="put my changes on top").click()
    second.wait_for_selector("[data-review][data-ready]")
    saved(second)

    expect(second.locator("#item-S1 [data-answer=met]")).to_have_attribute("aria-pressed", "true")
    expect(second.locator("#item-S3 [data-answer=partly]")).to_have_attribute("aria-pressed", "true")
    review = stored(site, call, inspector)
    assert review is not None
    assert {mark.item: mark.answer for mark in review.marks} == {"S1": "met", "S3": "partly"}


def test_two_inspectors_review_one_call_without_meeting(
    site: Site, call: Call, inspector: User, open_review: OpenReview, open_page: Callable[..., Page]
) -> None:
    with site.app.extensions["session_factory"]() as session:
        other = make_user(session, Role.INSPECTOR)
        session.commit()
    first = open_review()
    second = open_page(other, f"/reviews/new?call={call.id}")
    second.wait_for_selector("[data-review][data-ready]")

    first.keyboard.press("1")
    second.keyboard.press("3")
    saved(first)

    one, two = stored(site, call, inspector), stored(site, call, other)
    assert one is not None
    assert one.marks[0].answer == "met"
    expect(second.locator("#override-S1")).to_be_focused()
    saved(second)
    two = stored(site, call, other)
    assert two is not None
    assert two.marks[0].answer == "not_met"


def test_a_lost_connection_loses_nothing(
    site: Site, call: Call, inspector: User, open_review: OpenReview, open_page: Callable[..., Page]
) -> None:
    open_page.expected.append("ERR_INTERNET_DISCONNECTED")  # type: ignore[attr-defined]
    page = open_review()
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.fill("#comment", "written without a connection")

    expect(page.locator("[data-saved]")).to_contain_text("2 changes are waiting")
    assert stored(site, call, inspector) is None
    page.context.set_offline(False)
    saved(page)

    review = stored(site, call, inspector)
    assert review is not None
    assert review.comment == "written without a connection"
    assert [mark.item for mark in review.marks] == ["S1"]
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('hotline.review.'))") == []


def test_what_a_closed_page_left_is_sent_when_it_is_opened_again(
    site: Site, call: Call, inspector: User, open_review: OpenReview, open_page: Callable[..., Page]
) -> None:
    open_page.expected.append("ERR_INTERNET_DISCONNECTED")  # type: ignore[attr-defined]
    page = open_review()
    page.context.set_offline(True)
    page.fill("#comment-S1", "half a thought")
    expect(page.locator("[data-saved]")).to_contain_text("waiting")
    context, address = page.context, page.url
    page.close(run_before_unload=False)

    context.set_offline(False)
    again = context.new_page()
    again.goto(address)
    again.wait_for_selector("[data-review][data-ready]")
    saved(again)

    assert again.input_value("#comment-S1") == "half a thought"
    review = stored(site, call, inspector)
    assert review is not None
    assert [mark.comment for mark in review.marks] == ["half a thought"]


def test_a_session_that_ended_loses_nothing(
    site: Site, call: Call, inspector: User, open_review: OpenReview, open_page: Callable[..., Page]
) -> None:
    open_page.expected.append("400 (BAD REQUEST)")  # type: ignore[attr-defined]
    page = open_review()
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("1")

    expect(page.get_by_role("alert").filter(has_text="Your session has ended")).to_be_visible()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.keyboard.press("s")
    saved(page)

    assert stored(site, call, inspector) is not None


def test_nothing_of_the_machine_is_in_a_blind_page(
    site: Site, call: Call, inspector: User, open_review: OpenReview
) -> None:
    settings = site.app.extensions["settings"]
    settings.review_mode, settings.hide_agent = "blind", True
    try:
        page = open_review()
        answers: list[str] = []
        page.on("response", lambda answer: answers.append(answer.text()) if "/reviews/save" in answer.url else None)
        page.keyboard.press("1")
        saved(page)
        html = page.content()
    finally:
        settings.review_mode, settings.hide_agent = "assisted", False

    for words in ("EN-OPEN", "The wording was said.", "data-accept", "data-auto-total", "Agent 0101", "0101"):
        assert words not in html, words
    assert answers
    assert all('"auto"' not in one for one in answers)
    with site.app.extensions["session_factory"]() as session:
        assert session.scalar(select(AutoScore.raw).where(AutoScore.call_id == call.id)) is not None


@pytest.mark.parametrize(("locale", "language"), [("en", "English"), ("zh-CN", "中文")])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_fits_and_is_accessible(
    open_review: OpenReview, open_page: Callable[..., Page], locale: str, language: str, viewport: dict[str, int]
) -> None:
    open_page.expected.append("Applying inline style")  # type: ignore[attr-defined]  # axe-core tries to, not we
    page = open_review(viewport=viewport)
    if page.get_attribute("html", "lang") != locale:
        page.get_by_role("button", name=language, exact=True).click()
        page.wait_for_selector(f"html[lang={locale}] [data-review][data-ready]")
    expect(page.locator("html")).to_have_attribute("lang", locale)

    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond <= 0
    assert grave_findings(page) == []
    page.keyboard.press("?")
    assert grave_findings(page) == []
