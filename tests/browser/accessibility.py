"""Accessibility of a page as axe-core sees it (https://github.com/dequelabs/axe-core)."""

from __future__ import annotations

from functools import cache

from playwright.sync_api import Page

from web.assets import MODULES

GRAVE = ("serious", "critical")


@cache
def axe() -> str:
    return (MODULES / "axe-core" / "axe.min.js").read_text("utf-8")


def grave_findings(page: Page) -> list[str]:
    """Return what is wrong with the page as it is now, one line a place; only serious and critical findings."""
    page.evaluate(axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
