"""Plots of scores leave the page as pictures, from every page that has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from models import Role
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("address", ["/agents/", "/agents/?view=parts", "/agents/items", "/agents/{agent}"])
def test_a_plot_becomes_a_png_file(open_page: Callable[..., Page], site: Site, tmp_path: Path, address: str) -> None:
    page = open_page(site.world.users[Role.LEAD], address.format(agent=site.world.agent.id))

    with page.expect_download() as download:
        page.click("[data-png]")
    download.value.save_as(tmp_path / "plot.png")

    assert download.value.suggested_filename.endswith(".png")
    content = (tmp_path / "plot.png").read_bytes()
    assert content.startswith(SIGNATURE)
    assert int.from_bytes(content[16:20]) == 2400  # pixels wide: 1200 at double density
