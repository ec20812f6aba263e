"""The page of one call in a real browser: a call of two synthetic voices is played, read and searched."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page

from models import Call, Role
from qa.storage import RecordingStore
from scoring.marks import Evidence, evidence_to_dict
from tests.browser.conftest import DESKTOP, PHONE, Site
from tests.factories import make_auto_score, make_call, make_scorecard, make_transcript
from tests.sounds import RATE, babble
from transcription.measures import AudioMeasures, Overlap, Silence

pytestmark = pytest.mark.browser

SECONDS = 24.0
LINES = [
    ("agent", "Thank you for calling how may I help", 1.0, 4.0),
    ("customer", "My card was charged twice last week", 5.0, 8.0),
    ("agent", "Let me look into that for you", 9.0, 11.0),
    ("agent", "The second charge has been refunded", 18.0, 22.0),
]


@pytest.fixture(scope="module")
def call(site: Site) -> Call:
    """A stereo call at 8 kHz, agent left, with words, a long silence, an overlap and two marks with evidence."""
    store: RecordingStore = site.app.extensions["recordings"]
    sides = [
        babble([(start, end) for who, _, start, end in LINES if who == side], SECONDS, seed=seed)
        for seed, side in enumerate(("agent", "customer"), start=1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.flac"
        soundfile.write(path, np.stack(sides, axis=1), RATE, subtype="PCM_16")
        store.put("test/listen.flac", path)
    bucket = RATE // 20
    outline = [[round(float(top), 3) for top in np.abs(side.reshape(-1, bucket)).max(axis=1)] for side in sides]
    store.put("test/peaks.json", json.dumps({"per_second": 20, "duration": SECONDS, "channels": outline}).encode())
    measures = AudioMeasures(
        duration=SECONDS,
        channels=2,
        silences=(Silence(11.0, 18.0, "agent"),),
        overlaps=(Overlap(7.5, 8.0, "agent", 2, True),),
    )
    said = Evidence("EN-OPEN", "en/1", "met", "said", {}, "agent", 0, 1.0, 2.5, "thank you for calling")
    late = Evidence("EN-NEXT", "en/1", "not_met", "not said", {}, "agent", 3, 18.0, 22.0, "has been refunded")
    with site.app.extensions["session_factory"]() as session:
        made = make_call(
            session,
            agent=session.merge(site.world.agent),
            transcript=make_transcript(LINES),  # type: ignore[arg-type]
            duration=SECONDS,
            audio_key="test/listen.flac",
            peaks_key="test/peaks.json",
            agent_channel=0,
            customer_number="13800138000",
            queue="cards and current accounts",
        )
        made.transcript.measures = measures.to_dict()  # type: ignore[union-attr]
        marks = [("S1", "met", 4.0, 4.0), ("S2", "not_met", 0.0, 3.0)]
        score = make_auto_score(session, made, make_scorecard(session), marks=marks)
        score.marks[0].evidence, score.marks[1].evidence = [evidence_to_dict(said)], [evidence_to_dict(late)]
        session.commit()
    return made


@pytest.fixture
def open_call(site: Site, call: Call, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def opener(query: str = "", **options: object) -> Page:
        page = open_page(site.world.users[Role.INSPECTOR], f"/calls/{call.id}{query}", **options)
        page.wait_for_selector("[data-call][data-ready]")
        return page

    return opener


def reach(page: Page, from_second: float, to_second: float) -> None:
    """Wait until the recording stands or plays between two moments. (The page forbids what wait_for_function does.)"""
    page.evaluate(
        """([from, to]) => new Promise((done, fail) => {
            const audio = document.querySelector('audio');
            const look = () => {
                if (audio.currentTime >= from && audio.currentTime <= to) done();
                else window.requestAnimationFrame(look);
            };
            window.setTimeout(() => fail(new Error(`the recording stands at ${audio.currentTime}`)), 8000);
            look();
        })""",
        [from_second, to_second],
    )


def word(text: str) -> str:
    """Return the selector of the words that read `text`."""
    return f".w:text-is('{text}')"


def test_the_waveform_is_drawn_for_both_sides_before_any_sound_is_fetched(open_call: Callable[..., Page]) -> None:
    page = open_call()

    drawn = page.evaluate("""() => {
        const wave = document.querySelector('[data-wave] > div').shadowRoot;
        const inked = (canvas) => {
            const { width, height } = canvas;
            return canvas.getContext('2d').getImageData(0, 0, width, height).data.some((value) => value);
        };
        return [...wave.querySelectorAll('.canvases canvas')].map(inked);
    }""")

    assert len(drawn) == 2
    assert all(drawn)
    assert page.evaluate("performance.getEntriesByType('resource').every((e) => !e.name.endsWith('/audio'))")
    assert page.locator(".wave-spans .silence").count() == 1
    assert page.locator(".wave-spans .overlap").count() == 1
    assert page.locator(".moment").count() == 2


def test_a_click_on_a_word_goes_there_and_lights_it(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.click(word("charged"))

    reach(page, 6.2, 6.4)
    assert "now" in (page.get_attribute(word("charged"), "class") or "").split()
    assert page.locator(".line.current").inner_text().find("charged") >= 0
    assert page.inner_text("[data-now]") == "0:06"


def test_it_plays_and_the_words_follow(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.click("[data-play]")

    reach(page, 1.2, 4.0)
    page.wait_for_selector(".w.now")
    assert page.get_attribute("[data-play]", "aria-label") == "Pause"
    page.keyboard.press("Escape")
    page.click("[data-play]")
    assert page.evaluate("document.querySelector('audio').paused")


def test_evidence_jumps_to_its_moment_in_sound_and_words(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.click("#item-S2 .seek")

    reach(page, 18.0, 20.0)
    page.wait_for_selector("#turn-3.current")


def test_keys_play_skip_and_change_speed(open_call: Callable[..., Page]) -> None:
    page = open_call()
    press = page.keyboard.press

    press("ArrowRight")
    reach(page, 3, 3)
    press("Shift+ArrowRight")
    reach(page, 13, 13)
    press("ArrowLeft")
    reach(page, 10, 10)
    press("]")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    press("g")
    reach(page, 18, 18)
    press("Space")
    page.wait_for_selector(".player.playing")
    press("/")
    assert page.evaluate("document.activeElement.matches('[data-find]')")
    page.keyboard.type("g ]")  # typing is not playing
    assert page.input_value("[data-find]") == "g ]"
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25


def test_one_side_can_be_heard_alone(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.select_option("[data-listen]", "1")
    page.click("[data-play]")

    reach(page, 0.3, 2.0)


def test_silence_can_be_skipped(open_call: Callable[..., Page]) -> None:
    page = open_call("?at=11.8")

    page.check("[data-skip]")
    page.click("[data-play]")

    reach(page, 17.5, 20.0)


def test_words_can_be_searched_and_a_search_in_the_list_carries_over(open_call: Callable[..., Page]) -> None:
    page = open_call("?words=charge")

    assert page.inner_text("[data-found]") == "1/2"
    assert page.locator(".w.found").all_inner_texts() == ["charged", "charge"]
    page.fill("[data-find]", "look into")
    assert page.locator(".w.found").all_inner_texts() == ["look", "into"]
    page.fill("[data-find]", "nothing like it")
    assert page.inner_text("[data-found]") == "0/0"
    assert page.locator(".w.found").count() == 0


@pytest.mark.parametrize(
    ("role", "language", "code"), [(Role.INSPECTOR, "English", "en"), (Role.LEAD, "中文", "zh-CN")]
)
def test_nothing_is_wider_than_the_screen(
    site: Site, call: Call, open_page: Callable[..., Page], role: Role, language: str, code: str
) -> None:
    page = open_page(site.world.users[role], "/calls/")
    if page.get_attribute("html", "lang") != code:
        page.get_by_role("button", name=language, exact=True).click()
    for address in ("/calls/", "/calls/?words=card&state=scored", "/calls/upload", f"/calls/{call.id}"):
        page.goto(address)
        assert page.get_attribute("html", "lang") == code
        if address.endswith(str(call.id)):
            page.wait_for_selector("[data-call][data-ready]")
        for viewport in (PHONE, DESKTOP):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, (address, viewport)


def test_the_transcript_can_be_read_without_scripts(site: Site, call: Call, open_page: Callable[..., Page]) -> None:
    logged_in = open_page(site.world.users[Role.INSPECTOR], "/calls/")
    cookies = logged_in.context.cookies()
    browser = logged_in.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, base_url=site.address)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()

    page.goto(f"/calls/{call.id}")

    assert page.get_by_text("My card was charged twice last week").is_visible()
    assert page.locator("audio[controls]").is_visible()
    assert not page.locator(".player-controls").is_visible()
    context.close()
