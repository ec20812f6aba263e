"""Refusals of the rules, said in the page's language."""

from __future__ import annotations

from flask_babel import gettext

from qa.refusals import Refused


def refusal_text(refusal: Refused) -> str:
    """Return the translated sentence of `refusal`, with a refusal inside it translated too."""
    values = {name: refusal_text(one) if isinstance(one, Refused) else one for name, one in refusal.values.items()}
    return gettext(refusal.message, **values) if values else gettext(refusal.message)
