"""Refusals of the rules, said in the page's language."""

from __future__ import annotations

from flask_babel import gettext

from qa.refusals import Refused


def refusal_text(refusal: Refused) -> str:
    """Return the translated sentence of `refusal`."""
    return gettext(refusal.message, **refusal.values) if refusal.values else gettext(refusal.message)
