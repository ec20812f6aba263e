"""Calibrations and checks of inspectors in a real browser: opened, filled in, read; both languages, telephone, axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import CalibrationSession, Review, ReviewerCheck, ReviewMark, ReviewReason, ReviewState, Role
from models.base import now
from qa.calibration import close_calibration
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def test_a_lead_opens_a_session_and_sees_it_wait(site: Site, open_page: OpenPage) -> None:
    lead = open_page(site.world.users[Role.LEAD], "/calibration/new")
    lead.get_by_label("Name of the session").fill("Closing")
    lead.locator("input[name=call]").first.check()
    for name in (site.world.users[Role.LEAD].name, site.world.users[Role.INSPECTOR].name):
        lead.get_by_role("checkbox", name=f"{name} takes part").check()
    lead.get_by_role("radio", name=f"{site.world.users[Role.LEAD].name} is the expert").check()
    lead.get_by_label("Hide whose calls they are").check()
    assert grave_findings(lead) == []
    lead.get_by_role("button", name="Open the session").click()

    expect(lead.get_by_role("heading", level=1)).to_have_text("Closing")
    expect(lead.get_by_text("0 / 1").first).to_be_visible()
    inspector = open_page(site.world.users[Role.INSPECTOR], "/calibration/")
    row = inspector.get_by_role("row").filter(has_text="Closing")
    expect(row).to_contain_text("1 call left for you")
    row.get_by_role("link").click()
    expect(inspector.get_by_role("link", name="Review next call")).to_have_attribute(
        "href", f"/reviews/new?call={_call_of(site, 'Closing')}&calibration={_id_of(site, 'Closing')}"
    )

    inspector.get_by_role("link", name="Review next call").click()
    expect(inspector.locator(".pill", has_text="Calibration")).to_be_visible()
    shown = inspector.locator("main").inner_text()
    assert not any(agent in shown for agent in ("0101", "0202"))


def _id_of(site: Site, name: str) -> int:
    with site.app.extensions["session_factory"]() as session:
        return session.scalars(select(CalibrationSession).where(CalibrationSession.name == name)).one().id


def _call_of(site: Site, name: str) -> int:
    with site.app.extensions["session_factory"]() as session:
        found = session.scalars(select(CalibrationSession).where(CalibrationSession.name == name)).one()
        return found.calls[0].call_id


@pytest.fixture
def closed(site: Site) -> str:
    """The address of the world's session with reviews of both people, closed."""
    world = site.world
    with site.app.extensions["session_factory"]() as session:
        made = session.get_one(CalibrationSession, world.calibration.id)
        if made.closed_at is None:
            for person, answer in ((Role.LEAD, "met"), (Role.INSPECTOR, "not_met")):
                session.add(
                    Review(
                        call_id=made.calls[0].call_id,
                        inspector_id=world.users[person].id,
                        scorecard_version_id=made.scorecard_version_id,
                        reason=ReviewReason.RANDOM,
                        state=ReviewState.SUBMITTED,
                        calibration_id=made.id,
                        raw=90.0 if answer == "met" else 80.0,
                        final=90.0 if answer == "met" else 80.0,
                        submitted_at=now(),
                        marks=[ReviewMark(item="S1", answer=answer), ReviewMark(item="S2", answer="met")],
                    )
                )
            session.flush()
            close_calibration(session, made)
            session.commit()
    return f"/calibration/{world.calibration.id}"


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "telephone"])
def test_results_are_read_in_both_languages(
    site: Site, open_page: OpenPage, closed: str, viewport: dict[str, int] | None
) -> None:
    page = open_page(site.world.users[Role.INSPECTOR], closed, **({"viewport": viewport} if viewport else {}))

    expect(page.get_by_role("heading", name="Totals by call")).to_be_visible()
    expect(page.get_by_text("Still apart")).to_be_visible()
    page.get_by_text("S1").last.click()
    expect(page.get_by_role("cell", name="Not met")).to_be_visible()
    assert grave_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="中文").click()
    try:
        expect(page.get_by_role("heading", name="各通总分")).to_be_visible()
    finally:
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_check_is_filled_in_by_keyboard(site: Site, open_page: OpenPage) -> None:
    world = site.world
    with site.app.extensions["session_factory"]() as session:
        check = session.get_one(ReviewerCheck, world.check.id)
        check.submitted_at = check.score = None
        session.commit()
    page = open_page(world.users[Role.LEAD], f"/reviewer-checks/{world.check.id}")
    assert grave_findings(page) == []
    group = page.locator(f"#question-{world.check.entries[0].id}-K2")
    group.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", name="2 fair")).to_be_checked()
    page.get_by_label("What the inspector should take from it").fill("Quote the words")
    page.get_by_role("button", name="Submit the check").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("The check is submitted")).to_be_visible()
    inspector = open_page(world.users[Role.INSPECTOR], f"/reviewer-checks/{world.check.id}", viewport=PHONE)
    expect(inspector.get_by_text("Quote the words")).to_be_visible()
    assert inspector.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert grave_findings(inspector) == []


@pytest.mark.parametrize("path", ["/calibration/", "/reviewer-checks/", "/inspectors/"])
def test_lists_have_no_grave_finding(site: Site, open_page: OpenPage, path: str) -> None:
    page = open_page(site.world.users[Role.LEAD], path)

    assert grave_findings(page) == []
