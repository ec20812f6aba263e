"""The front-end packages: pinned, and installed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from web import assets


def test_the_lock_file_pins_every_package_and_names_no_download_address() -> None:
    lock = json.loads(assets.LOCK.read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_every_file_that_pages_load_comes_from_a_locked_package() -> None:
    lock = json.loads(assets.LOCK.read_text("utf-8"))["packages"]

    for source in assets.FILES:
        parts = source.split("/")
        name = "/".join(parts[:2] if source.startswith("@") else parts[:1])
        assert f"node_modules/{name}" in lock


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages and files of the test's own; npm is counted instead of run."""
    monkeypatch.setattr(assets, "MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(assets, "VENDOR", tmp_path / "vendor")
    monkeypatch.setattr(assets, "STAMP", tmp_path / "vendor" / "stamp")
    for source in assets.FILES:
        file = tmp_path / "node_modules" / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("code\n//# sourceMappingURL=x.map\n", encoding="utf-8")
    return tmp_path


def test_a_second_run_does_nothing(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    monkeypatch.setattr(assets, "install_packages", lambda: runs.append(1))

    assert assets.main() == 0
    assert assets.main() == 0

    assert len(runs) == 1
    assert (elsewhere / "vendor" / "htmx" / "htmx.min.js").read_text("utf-8") == "code\n"


def test_a_lost_file_is_put_back(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "install_packages", lambda: None)
    assets.main()
    lost = elsewhere / "vendor" / "htmx" / "htmx.min.js"
    lost.unlink()

    assets.main()

    assert lost.exists()


def test_a_failure_says_what_to_do(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assets.shutil, "which", lambda _name: None)
    monkeypatch.setattr(assets, "find_spec", lambda _name: None)

    class Failed:
        returncode = 1

    monkeypatch.setattr(assets.subprocess, "run", lambda *_args, **_options: Failed())

    assert assets.main() == 1
    assert "Install it (version 20 or newer)" in capsys.readouterr().err
