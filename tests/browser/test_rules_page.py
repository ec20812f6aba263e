"""The rule workbench as somebody works with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models import Role
from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
ADDRESS = "/rules/en-bank-hotline"
DIALOGUE = "agent: good morning, how can I help you?\ncustomer: hello\nagent: goodbye"


@pytest.fixture
def page(site: Site, open_page: OpenPage) -> Page:
    page: Page = open_page(site.world.users[Role.LEAD], ADDRESS)
    # Leaving with changes asks; the tests leave.
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def test_a_tried_dialogue_follows_the_form_and_the_text(page: Page) -> None:
    page.fill("#dialogue-text", DIALOGUE)
    page.get_by_role("button", name="Try on the dialogue").click()
    greeting = page.locator(".verdict-chosen .evidence", has_text="greeting")
    expect(greeting).to_contain_text("The wording was said.")
    expect(page.locator(".lit-met", has_text="good morning")).to_be_visible()

    page.get_by_label("Part: greeting").fill("top of the day")
    page.get_by_label("Part: greeting").blur()

    expect(page.locator("#rules-yaml")).to_have_value(re.compile(r"greeting: \[top of the day\]"))
    expect(page.get_by_text("Changed, not in use")).to_be_visible()
    expect(greeting).to_contain_text("was not said")


def test_an_error_leads_to_its_line(page: Page) -> None:
    text = page.locator("#rules-yaml")
    text.fill(text.input_value().replace("role: agent", "role: agnet", 1))
    page.get_by_role("list", name="Errors").get_by_role("button").first.click()

    selected = text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert "role: agnet" in selected


def test_a_reason_lights_its_words(page: Page) -> None:
    page.fill("#dialogue-text", DIALOGUE)
    page.get_by_role("button", name="Try on the dialogue").click()

    page.locator(".verdict-chosen .evidence", has_text="greeting").hover()

    expect(page.locator(".lit.strong")).to_have_text(re.compile("good morning"))


def test_a_dialogue_becomes_a_test_case(page: Page) -> None:
    page.fill("#dialogue-text", DIALOGUE)
    page.get_by_role("button", name="Try on the dialogue").click()
    page.get_by_text("Keep this dialogue as a test case").click()
    page.locator(".keep-case").get_by_label("Name").fill("short call")
    page.get_by_role("button", name="Keep", exact=True).click()

    expect(page.get_by_text("The test case “short call” is kept.")).to_be_visible()
    expect(page.locator(".case-figures")).to_contain_text("EN-OPEN")


def test_a_comparison_runs_to_its_end(page: Page) -> None:
    page.get_by_role("button", name="Compare", exact=True).click()

    expect(page.get_by_text("Nothing would change in these calls.")).to_be_visible(timeout=20_000)


def test_the_workbench_fits_a_telephone_with_everything_open(site: Site, open_page: OpenPage) -> None:
    page: Page = open_page(site.world.users[Role.LEAD], ADDRESS, viewport=PHONE)
    page.fill("#dialogue-text", DIALOGUE)
    page.get_by_role("button", name="Try on the dialogue").click()
    expect(page.locator(".verdict-chosen")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_picked_call_is_tried_and_its_words_are_taken(site: Site, page: Page) -> None:
    page.get_by_label("A call: number, or pick one of the newest").fill(str(site.world.call.id))
    page.get_by_role("button", name="Try on this call").click()
    expect(page.locator(".trial-lines")).to_contain_text("My card was charged twice.")

    page.get_by_role("button", name="Its words").click()

    expect(page.locator("#dialogue-text")).to_have_value(re.compile("customer: My card was charged twice."))
