"""A call of many lines in a real browser: words and buttons are made of a line when it comes near or is wanted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from models import Call, Role
from tests.browser.conftest import DESKTOP, PHONE, Site
from tests.factories import make_call, make_scorecard, make_transcript

pytestmark = pytest.mark.browser

LINES = 300
RARE = 280  # the line that says something else
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def call(site: Site) -> Call:
    """A call of half an hour, words only: every 6 s one of both says something, now and then more than a line holds."""
    lines = []
    for number in range(LINES):
        text = "please bear with me for a moment " * (9 if number % 7 == 3 else 1)
        said = "the 𠮷 zebra crossing was charged" if number == RARE else text.strip()
        lines.append(("customer" if number % 2 else "agent", said, 6.0 * number, 6.0 * number + 5))
    with site.app.extensions["session_factory"]() as session:
        made = make_call(
            session,
            agent=session.merge(site.world.agent),
            transcript=make_transcript(lines),  # type: ignore[arg-type]
            duration=6.0 * LINES,
        )
        make_scorecard(session)
        session.commit()
    return made


@pytest.fixture
def open_at(site: Site, call: Call, open_page: Open) -> Open:
    def opener(address: str, **options: object) -> Page:
        page = open_page(site.world.users[Role.INSPECTOR], address.format(id=call.id), **options)
        page.wait_for_selector("[data-call][data-ready]")
        return page

    return opener


PAGES = pytest.mark.parametrize("address", ["/calls/{id}", "/reviews/new?call={id}"], ids=["call", "review"])


@PAGES
def test_only_lines_near_the_view_have_words_of_their_own_and_others_get_them_when_scrolled_to(
    open_at: Open, address: str
) -> None:
    page = open_at(address)
    line = page.locator(f"#turn-{RARE}")

    expect(page.locator("#turn-0 .w").first).to_be_visible()
    assert page.locator(".line .w").count() < 7 * LINES / 2
    assert line.locator(".w").count() == 0
    assert line.locator(".line-words").text_content() == "the 𠮷 zebra crossing was charged"
    line.scroll_into_view_if_needed()
    expect(line.locator(".w")).to_have_text(["the", "𠮷", "zebra", "crossing", "was", "charged"])
    line.get_by_text("zebra", exact=True).click()

    expect(line.locator(".w.now")).to_have_text("zebra")
    expect(page.locator(".line.current")).to_have_id(f"turn-{RARE}")
    assert line.locator(".line-words").text_content() == "the 𠮷 zebra crossing was charged"


@PAGES
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_search_finds_and_shows_a_line_that_was_never_in_view(
    open_at: Open, address: str, viewport: dict[str, int]
) -> None:
    page = open_at(address, viewport=viewport)

    page.fill("[data-find]", "Zebra cross")

    expect(page.locator("[data-found]")).to_have_text("1/1")
    expect(page.locator(".w.found")).to_have_text(["zebra", "crossing"])
    assert in_list(page, f"#turn-{RARE}")
    page.fill("[data-find]", "")
    expect(page.locator(".w.found")).to_have_count(0)
    expect(page.locator(".line.hit")).to_have_count(0)


@PAGES
def test_an_address_with_a_time_opens_the_call_there(open_at: Open, address: str) -> None:
    page = open_at(f"{address}{'&' if '?' in address else '?'}at={6 * RARE + 2}")

    expect(page.locator(".w.now")).to_have_text("zebra")
    assert in_list(page, f"#turn-{RARE}")


def test_a_line_far_down_is_corrected_by_keyboard(open_at: Open) -> None:
    page = open_at("/reviews/new?call={id}")
    assert page.locator(f"#turn-{RARE} [data-correct]").count() == 0

    page.focus(f"#turn-{RARE} .line-time")
    expect(page.locator(f"#turn-{RARE} [data-correct]")).to_have_count(1)
    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Correct the words at 28:00")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.input_value("#correction-text") == "the 𠮷 zebra crossing was charged"


def in_list(page: Page, line: str) -> bool:
    """Wait until the list has come to rest; return whether `line` is in its view."""
    seen: bool = page.evaluate(
        """(line) => new Promise((done) => {
            const list = document.querySelector('[data-lines]');
            let last = null;
            const look = () => {
                if (list.scrollTop !== last) {
                    last = list.scrollTop;
                    window.setTimeout(look, 200);
                    return;
                }
                const [one, all] = [document.querySelector(line), list].map((each) => each.getBoundingClientRect());
                done(one.top >= all.top && one.bottom <= all.bottom);
            };
            look();
        })""",
        line,
    )
    return seen
