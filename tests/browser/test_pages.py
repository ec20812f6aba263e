"""Every page in a real browser: nothing from another host, no error, nothing wider than a telephone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models import Role
from tests.browser.conftest import DESKTOP, PHONE, Site, log_in
from tests.web_world import method_of, rules
from web.access import roles_of

pytestmark = pytest.mark.browser

NOT_PAGES = frozenset(
    {
        *("calls.audio", "calls.peaks", "calls.transcript", "calls.status"),
        *("agents.trend", "agents.export", "agents.plot", "reviews.template", "test_calls.template", "static"),
        *("notifications.open_one", "cases.audio", "cases.preview_audio"),
        *("rules.download_cases", "sampling.foresee", "sampling.proof"),
        *("scorecards.draft_file", "scorecards.version_file"),
        *(
            "praises.template",
            "surveys.template",
            "complaints.template",
            "nonvoice.template",
            "test_calls.truth_csv",
            "test_plans.example",
        ),
    }
)
TESTERS_OWN = {"test_calls.planned"}  # the call is planned for the test caller
READERS = (Role.LEAD, Role.ADMIN, Role.TEST_CALLER, Role.AGENT)
OpenPage = Callable[..., Page]


def pages_of(site: Site, role: Role) -> list[str]:
    with site.app.app_context():
        wanted = [
            rule
            for rule in rules(site.app)
            if method_of(rule) == "GET"
            and rule.endpoint not in NOT_PAGES
            and role in (roles_of(rule.endpoint) or ())
            and (rule.endpoint not in TESTERS_OWN or role is Role.TEST_CALLER)
        ]
    return [site.world.address(site.app, rule) for rule in wanted]


@pytest.mark.parametrize("role", READERS)
def test_no_page_is_wider_than_a_telephone(site: Site, open_page: OpenPage, role: Role) -> None:
    page = open_page(site.world.users[role], viewport=PHONE)
    for address in pages_of(site, role):
        page.goto(address)

        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{address} is {width} px wide"


@pytest.mark.parametrize("role", READERS)
def test_every_page_opens_without_an_error_in_chinese(site: Site, open_page: OpenPage, role: Role) -> None:
    page = open_page(site.world.users[role])
    page.get_by_role("button", name="中文").click()
    try:
        for address in pages_of(site, role):
            answer = page.goto(address)

            assert answer is not None
            assert answer.ok, address
            assert page.locator("html").get_attribute("lang") == "zh-CN", address
            expect(page.locator("h1")).to_be_visible()
    finally:  # The choice is kept with the user, whom other tests need.
        page.goto("/")
        page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_logging_in_and_out_by_keyboard(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    expect(page).to_have_url(f"{site.address}/login")
    expect(page.locator("#login")).to_be_focused()

    page.keyboard.type(site.world.users[Role.LEAD].login)
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{site.address}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{site.address}/login")


def test_the_navigation_opens_on_a_telephone(site: Site, open_page: OpenPage) -> None:
    page = open_page(site.world.users[Role.LEAD], viewport=PHONE)
    link = page.get_by_role("navigation").get_by_role("link", name="Criteria")
    expect(link).to_be_hidden()

    page.get_by_role("button", name="Menu").click()
    # While the menu unfolds its links are still on the move: a click may meet none of them.
    expect(page.locator("#navigation")).to_have_class(re.compile(r"\bshow\b"))
    link.click()

    expect(page).to_have_url(f"{site.address}/criteria/")


def test_the_pages_of_an_area_are_tabs(site: Site, open_page: OpenPage) -> None:
    page = open_page(site.world.users[Role.LEAD])
    page.get_by_role("navigation", name="Main navigation").get_by_role("link", name="Reviews").click()
    page.get_by_role("navigation", name="Pages of this area").get_by_role("link", name="Weekly sample").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Weekly sample")
    expect(page.locator(".area-tabs [aria-current=page]")).to_have_text("Weekly sample")
    expect(page.locator(".navbar .nav-item.active")).to_have_text("Reviews")


def test_the_navigation_stays_on_one_line(site: Site, open_page: OpenPage) -> None:
    for locale in ("en", "zh-CN"):
        for width in (1440, 1200, 1000):
            page = open_page(viewport={"width": width, "height": 800}, locale=locale)
            log_in(page, site.world.users[Role.LEAD])

            bar = page.locator("header.navbar").bounding_box()
            assert bar is not None
            assert bar["height"] <= 64, f"{locale}, {width} px"
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", ["/agents/", "/calls/{call}"])
def test_a_script_runs_once(site: Site, open_page: OpenPage, path: str) -> None:
    page = open_page(site.world.users[Role.LEAD])
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url) if ".js" in request.url else None)
    page.goto(path.format(call=site.world.call.id))
    page.wait_for_load_state("networkidle")

    assert len(asked) == len({address.split("?")[0] for address in asked})


def test_a_new_user_gets_a_password_that_works(site: Site, open_page: OpenPage) -> None:
    admin = open_page(site.world.users[Role.ADMIN], "/admin/users", viewport=DESKTOP)
    admin.get_by_role("button", name="New user").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Login").fill("new.inspector")
    dialog.get_by_label("Role", exact=True).select_option("inspector")
    dialog.get_by_role("button", name="Create with a new password").click()
    password = admin.locator("#new-password").inner_text()

    page = open_page()
    page.fill("#login", "new.inspector")
    page.fill("#password", password)
    page.click("main button[type=submit]")

    expect(page.get_by_role("heading", level=1)).to_have_text("What needs me today")
