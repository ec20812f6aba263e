"""Pictures of pages as people see them: `python -m tests.browser.shots --login lead --password … FOLDER URL…`

Each address is taken at desktop and telephone width, in both languages, whole page.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import DESKTOP, FLAGS, PHONE

LANGUAGES = {"zh": "中文", "en": "English"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("addresses", nargs="+", metavar="URL")
    parser.add_argument("--login", help="log in first")
    parser.add_argument("--password", default="")
    parser.add_argument("--languages", default="zh,en", help="which of the two, and in which order")
    parser.add_argument("--view", action="store_true", help="only what the window shows, not the whole page")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for width, viewport in (("wide", DESKTOP), ("phone", PHONE)):
            page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
            page.on("console", lambda message: print(message.text) if message.type == "error" else None)
            if given.login:
                log_in(page, given.addresses[0], given.login, given.password)
            for language in given.languages.split(","):
                for address in given.addresses:
                    page.goto(address)
                    speak(page, language)
                    name = re.sub(r"\W+", "-", urlsplit(address).path).strip("-") or "start"
                    who = f"{given.login}-" if given.login else ""
                    path = given.folder / f"{who}{name}-{width}-{language}.png"
                    page.screenshot(path=path, full_page=not given.view)
                    print(path)
        browser.close()


def log_in(page: Page, address: str, login: str, password: str) -> None:
    parts = urlsplit(address)
    page.goto(f"{parts.scheme}://{parts.netloc}/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main button[type=submit]")


def speak(page: Page, language: str) -> None:
    switch = page.get_by_role("button", name=LANGUAGES[language], exact=True)
    if switch.count():
        switch.click()


if __name__ == "__main__":
    main()
