"""Coaching and the case library in a real browser: from a review to an agent's yes, from a call to a masked clip."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from models import Call, Role
from tests.browser.accessibility import grave_findings
from tests.browser.conftest import PHONE, Site
from tests.test_cases import recorded

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def call(site: Site) -> Call:
    with site.app.extensions["session_factory"]() as session:
        store = site.app.extensions["recordings"]
        made = recorded(session, session.merge(site.world.agent), store)
        store.put(
            "test/peaks.json", json.dumps({"per_second": 1, "duration": 18.0, "channels": [[0.2] * 18] * 2}).encode()
        )
        made.peaks_key = "test/peaks.json"
        session.commit()
    return made


def test_from_a_review_to_the_agents_yes(site: Site, open_page: OpenPage) -> None:
    coach = open_page(site.world.users[Role.INSPECTOR], f"/coaching/new?review={site.world.review.id}&item=S1")
    expect(coach.locator("input[name=item][value$='/S1']")).to_be_checked()
    assert grave_findings(coach) == []
    coach.get_by_label("Goal").fill("Says that the call is recorded")
    coach.get_by_label("Steps, one a line").fill("Listen to the call\nSay it aloud")
    coach.get_by_role("button", name="Plan and tell the agent").click()
    expect(coach.locator(".steps-list li")).to_have_count(2)
    assert grave_findings(coach) == []

    agent = open_page(site.world.users[Role.AGENT])
    assert agent.locator(".bell-count").inner_text() == "3"
    agent.locator(".bell").click()
    assert grave_findings(agent) == []
    agent.get_by_role("link", name="A coaching talk is planned").first.click()
    expect(agent.locator("#agree")).to_be_visible()
    agent.get_by_label("Your words to it, if you like").fill("Gladly")
    agent.get_by_role("button", name="I have read it and agree").click()
    expect(agent.get_by_text("Gladly")).to_be_visible()

    coach.goto("/notifications/")
    expect(coach.get_by_text("0101 has agreed to the coaching.")).to_be_visible()


def test_a_clip_is_masked_heard_and_found(site: Site, open_page: OpenPage, call: Call) -> None:
    page = open_page(site.world.users[Role.INSPECTOR], f"/calls/{call.id}")
    page.get_by_role("link", name="Make a case").click()
    expect(page.locator(".mask-words").nth(1)).not_to_contain_text("four")
    assert grave_findings(page) == []

    page.locator(".mask-word", has_text="Lee.").click()  # a customer's name: no rule knows it
    page.get_by_label("Good example").check()
    page.get_by_label("Title").fill("A refund explained")
    page.get_by_role("button", name="Show again").click()
    expect(page.locator(".mask-word input:checked")).to_have_count(1)
    expect(page.get_by_label("Title")).to_have_value("A refund explained")
    page.get_by_label("Tags, separated by commas").fill("refund, 退款")
    page.get_by_role("button", name="Publish").click()

    expect(page.locator(".case-text").nth(1)).to_have_text("My card is ＊ and my name is ＊")
    assert grave_findings(page) == []
    page.locator("[data-case-seek]").nth(2).click()
    playing = """() => new Promise((done) => {
        const audio = document.querySelector('audio');
        const look = () => audio.currentTime > 11 ? done(audio.duration) : window.requestAnimationFrame(look);
        look();
    })"""
    assert page.evaluate(playing) == pytest.approx(18.0, abs=0.1)
    source = page.locator("audio").get_attribute("src")
    answer = page.request.get(source)  # type: ignore[arg-type]
    sound, rate = soundfile.read(io.BytesIO(answer.body()))
    words = call.transcript.content["turns"][1]["words"]  # type: ignore[union-attr]
    for word in (words[3], words[-1]):
        assert not np.asarray(sound[int((word["start"] + 0.02) * rate) : int((word["end"] - 0.02) * rate)]).any()

    reader = open_page(site.world.users[Role.AGENT], "/cases/?words=退款", viewport=PHONE)
    expect(reader.locator(".case")).to_have_count(1)
    assert grave_findings(reader) == []


def test_words_are_masked_by_keyboard(site: Site, open_page: OpenPage, call: Call) -> None:
    page = open_page(site.world.users[Role.INSPECTOR], f"/cases/new?call={call.id}&from=0&to=18")

    page.locator(".mask-word input").nth(2).focus()
    page.keyboard.press("Space")

    expect(page.locator(".mask-word input").nth(2)).to_be_checked()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_pages_fit_a_telephone(site: Site, open_page: OpenPage, call: Call, locale: str) -> None:
    page = open_page(site.world.users[Role.LEAD], viewport=PHONE, locale=locale)
    world = site.world
    for address in (
        "/notifications/", "/coaching/", "/coaching/new", f"/coaching/new?agent={world.agent.id}",
        f"/coaching/{world.coaching.id}", "/cases/", f"/cases/{world.case.id}", f"/cases/new?call={call.id}",
    ):  # fmt: skip
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
        assert grave_findings(page) == [], address
