"""Why something asked for was not done, in a sentence that the web page can translate."""

from __future__ import annotations


def N_(message: str) -> str:
    """Mark `message` for translation; the catalogue is applied where it is shown."""
    return message


class Refused(ValueError):
    """A request that the rules forbid or that cannot be understood; nothing was changed.

    `message` is an English sentence with ``%(name)s`` places, `values` fills them; `field` names the
    part of a form or file that it is about.
    """

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        super().__init__(message, values)
        self.message = message
        self.field = field
        self.values = values

    def __str__(self) -> str:
        return self.message % self.values
