"""The sampling pages in a real browser: usable without a mouse and by a screen reader, on both screens."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models import Role
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import DESKTOP, PHONE, Site

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
PAGES = ("/sampling/", "/sampling/planner/", "/sampling/plans", "/sampling/queue")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "telephone"])
def test_no_page_of_the_sample_shuts_anybody_out(site: Site, open_page: OpenPage, viewport: dict[str, int]) -> None:
    page = open_page(site.world.users[Role.LEAD], viewport=viewport)

    found = {}
    for address in PAGES:
        page.goto(address)
        found[address] = grave_findings(page)

    assert found == {address: [] for address in PAGES}


def test_the_planner_answers_from_the_keyboard(site: Site, open_page: OpenPage) -> None:
    page = open_page(site.world.users[Role.SUPERVISOR], viewport=PHONE)
    page.goto("/sampling/planner/")
    before = page.locator(".needed strong").inner_text()

    page.get_by_label("The other score").fill("87")
    page.get_by_label("The other score").press("Enter")

    expect(page).to_have_url(re.compile("high=87"))
    assert int(page.locator(".needed strong").inner_text()) > int(before)
