"""The scorecard editor as somebody works with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models import Role, ScorecardDraft
from qa.criteria import card_of
from scoring.scorecard_text import card_content
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def draft_address(site: Site, rest: str = "") -> str:
    return f"/scorecards/drafts/{site.world.draft.id}{rest}"


@pytest.fixture(autouse=True)
def _fresh_draft(site: Site) -> None:
    """Begin each test with a draft that says what the version in use says."""
    with site.app.extensions["session_factory"]() as session:
        draft = session.get_one(ScorecardDraft, site.world.draft.id)
        draft.definition, draft.revision = card_content(card_of(draft.based_on)), draft.revision + 1
        session.commit()


@pytest.fixture
def lead_page(site: Site, open_page: OpenPage) -> Callable[..., Page]:
    def opener(path: str, **options: object) -> Page:
        page: Page = open_page(site.world.users[Role.LEAD], path, **options)
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    return opener


def typed(page: Page, label: str, text: str) -> None:
    """Type into the field that has the cursor, once it is the one that is meant, and leave it."""
    expect(page.get_by_label(label, exact=True).first).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def press(page: Page, name: str) -> None:
    """Reach a button by its name and press it by key."""
    button = page.get_by_role("button", name=name).first
    button.focus()
    page.keyboard.press("Enter")


def test_a_small_scorecard_is_built_by_keyboard_mended_and_put_into_use(lead_page: Callable[..., Page]) -> None:
    page = lead_page("/scorecards/")
    page.get_by_label("Title").focus()
    page.keyboard.type("Front desk")
    page.keyboard.press("Tab")
    page.keyboard.type("front-desk")
    page.get_by_label("Language of the calls").select_option("en")
    page.get_by_label("Method", exact=True).select_option("answer")
    press(page, "Begin")

    # The first item: 60 points, asked of people.
    page.locator("#go-sections-0-items-0").focus()
    page.keyboard.press("Enter")
    typed(page, "Question", "Greeting")
    page.get_by_label("Weight", exact=True).focus()
    page.keyboard.type("60")
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_contain_text("40 missing to 100")
    expect(page.locator("#effective")).to_contain_text("Counts 100.0 of 100")

    # A second one, a choice.
    press(page, "Add an item")
    typed(page, "Question", "Tone")
    page.get_by_label("Weight", exact=True).focus()
    page.keyboard.type("30")
    page.get_by_label("Type of answer").select_option("choice")
    expect(page.get_by_label("Earns %").first).to_have_value("100")
    page.get_by_label("Option", exact=True).first.fill("warm")
    page.get_by_label("Option", exact=True).nth(1).fill("cold")
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_contain_text("Total 90: 10 missing to 100")

    # The section wants a name, and the weights are to add up: both are said, and mended.
    expect(page.locator("#problems")).to_contain_text("add up to 90, not 100")
    page.locator("#go-sections-0").focus()
    page.keyboard.press("Enter")
    typed(page, "Title", "Service")
    page.get_by_label("Weight of A2").fill("40")
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_contain_text("Total 100")
    expect(page.locator("#problems .pill-bad")).to_have_count(0)

    page.get_by_role("link", name="Activate…").focus()
    page.keyboard.press("Enter")
    page.get_by_label("What changes, and why").fill("The first card of the front desk")
    press(page, "Activate")

    expect(page.get_by_text("Front desk, version 1, is in use.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Front desk")


def test_an_item_is_moved_doubled_and_removed_by_keyboard(site: Site, lead_page: Callable[..., Page]) -> None:
    page = lead_page(draft_address(site, "?at=sections.0.items.0"))
    first = page.locator("#line-sections-0-items-0")
    expect(first).to_contain_text("S1")

    press(page, "Down")
    expect(first).to_contain_text("S2")
    expect(page.locator("#act-down")).to_be_focused()
    press(page, "Up")
    expect(first).to_contain_text("S1")
    press(page, "Duplicate")
    expect(page.locator("#saved")).to_contain_text("4 over 100")
    press(page, "Remove")

    expect(page.locator("#saved")).to_contain_text("Total 100")


def test_what_two_write_at_once_is_not_lost(site: Site, lead_page: Callable[..., Page]) -> None:
    first, second = (lead_page(draft_address(site, "?at=sections.1.items.0")) for _ in range(2))
    first.get_by_label("Question").fill("Information is correct")
    first.get_by_label("Question").blur()
    expect(first.locator("#line-sections-1-items-0")).to_contain_text("Information is correct")

    second.get_by_label("Question").fill("Answers are right")
    second.get_by_label("Question").blur()

    expect(second.locator("#saved")).to_contain_text("has changed this draft meanwhile")
    expect(second.get_by_label("Question")).to_have_value("Answers are right")


def test_enter_in_a_field_saves_and_adds_nothing(site: Site, lead_page: Callable[..., Page]) -> None:
    page = lead_page(draft_address(site, "?at=sections.1.items.1"))
    items = page.locator(".outline-link").count()

    page.get_by_label("Question").fill("The need is met")
    page.keyboard.press("Enter")

    expect(page.locator("#line-sections-1-items-1")).to_contain_text("The need is met")
    assert page.locator(".outline-link").count() == items


def test_every_type_of_answer_has_its_fields(site: Site, lead_page: Callable[..., Page]) -> None:
    page = lead_page(draft_address(site, "?at=sections.2.items.2"))
    for kind, shown in (
        ("scale", "From (earns nothing)"),
        ("number", "Unit"),
        ("deduction", "Fault"),
        ("yes_no", "Asked only after an answer to"),
        ("choice", "Option"),
    ):
        page.get_by_label("Type of answer").select_option(kind)
        expect(page.get_by_label(shown, exact=True).first).to_be_attached()
        assert grave_findings(page) == []


PAGES = ("/scorecards/", "", "?at=sections.0", "?at=sections.3.items.3", "?at=fatal.0", "/text", "/changes", "/preview")


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_editor_is_accessible_and_fits_a_telephone(site: Site, lead_page: Callable[..., Page], locale: str) -> None:
    site.world.users[Role.LEAD].locale = None
    page = lead_page("/scorecards/", viewport=PHONE, locale=locale)
    for rest in PAGES:
        page.goto(rest if rest.startswith("/scorecards") else draft_address(site, rest))

        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], rest
        assert grave_findings(page) == [], rest


def test_a_call_is_scored_by_the_draft(site: Site, lead_page: Callable[..., Page]) -> None:
    page = lead_page(draft_address(site, "/preview"))
    page.get_by_label("A call: number, or pick one of the newest").fill(str(site.world.call.id))
    press(page, "Score it by the draft")

    expect(page.get_by_role("heading", name=re.compile("By the machine"))).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("By the answers of"))).to_be_visible()
    assert grave_findings(page) == []
