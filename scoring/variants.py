"""What a wording with alternatives, optional parts and blanks may be: the sentences that it stands for.

    (good morning|hello) and welcome        alternatives
    thank you (very much)?                  an optional part; also a single optional letter: calls?
    my name is ____ / my name is {}         a blank: any few words
    您好（女士/先生）                          alternatives as scripts write them
    请稍等（此处应静音）                        a note for the agent, not spoken

Regular expressions with any other sign have no such list: they are found exactly or not at all.
"""

from __future__ import annotations

import re
from itertools import product

MOST = 32  # sentences of one wording
BLANK = "BLANK"  # the slot that a blank becomes
GAP = "\0"  # stands among the units of a sentence where anything may be said

_BLANKS = re.compile(r"_{2,}|\{\s*\}|＿{2,}")
_SLASHES = re.compile(r"[(（]([^()（）|/]*(?:[/／][^()（）|/／]*)+)[)）]")
_NOTE = re.compile(r"（[^（）]*）|【[^【】]*】")
_SLOT = re.compile(r"\{[A-Z][A-Z_]*\}")
_OTHER_SIGNS = re.compile(r"[\\\[\]+*^$.]|\{\d|\(\?[^:]|\?\?")


def written_plainly(entry: str) -> str:
    """Return an entry with its blanks as slots, alternatives with "|", and without notes for the agent."""
    entry = _BLANKS.sub("{" + BLANK + "}", entry)
    entry = _SLASHES.sub(lambda found: "(?:" + "|".join(re.split("[/／]", found[1])) + ")", entry)
    return _NOTE.sub("", entry)


def sentences(entry: str) -> tuple[str, ...]:
    """Return the sentences that an entry (`written_plainly`) stands for, slots left in; none when it cannot be told."""
    if _OTHER_SIGNS.search(_SLOT.sub("", entry)):
        return ()
    try:
        found, at = _alternatives(entry, 0)
    except _TooMany:
        return ()
    return tuple(dict.fromkeys(found)) if at == len(entry) else ()


class _TooMany(Exception):
    """The entry stands for more sentences than are looked for."""


def _alternatives(text: str, at: int) -> tuple[list[str], int]:
    """Read alternatives from `at` on, up to the end or a closing parenthesis; return them and where they end."""
    found: list[str] = []
    while True:
        sequence, at = _sequence(text, at)
        found.extend(sequence)
        if len(found) > MOST:
            raise _TooMany
        if at >= len(text) or text[at] != "|":
            return found, at
        at += 1


def _sequence(text: str, at: int) -> tuple[list[str], int]:
    so_far = [""]
    while at < len(text) and text[at] not in "|)":
        if text[at] == "(":
            part, at = _alternatives(text, at + (3 if text.startswith("(?:", at) else 1))
            at += 1  # the closing parenthesis; a missing one shows as an end beyond the text
        elif slot := _SLOT.match(text, at):
            part, at = [slot[0]], slot.end()
        else:
            part, at = [text[at]], at + 1
        if at < len(text) and text[at] == "?":
            part, at = [*part, ""], at + 1
        so_far = [before + one for before, one in product(so_far, part)]
        if len(so_far) > MOST:
            raise _TooMany
    return so_far, at
