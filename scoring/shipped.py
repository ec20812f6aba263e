"""The scorecards, phrase sets and forms that come with the program."""

from __future__ import annotations

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
SHIPPED = ("zh-mobile", "en-bank")  # scorecards that come with a phrase set


def shipped(name: str) -> Path:
    """Return the file of a shipped template, for example ``shipped("scorecard-zh-mobile")``.

    Raises:
        LookupError: no template has this name; the message lists those there are.
    """
    names = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
    if name not in names:
        raise LookupError(f"no template {name!r}; there are {', '.join(names)}")
    return TEMPLATES / f"{name}.yaml"
