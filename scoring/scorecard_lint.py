"""What to mend on a scorecard before it is used: errors that keep it from activation, and warnings.

A card may be half written: what can be read of it is looked at, and what cannot be read is said as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from scoring.call_score import answers_by_rule
from scoring.criteria_file import Place, problems_in
from scoring.item_types import BY_VALUE, NumberRange, possible_answers
from scoring.marks import Answer
from scoring.phrase_set import PhraseSet
from scoring.reasons import N_
from scoring.scorecard import AS_WRITTEN, CardError, Item, Scorecard, rule_errors

Severity = Literal["error", "warning"]

MOST_ROUNDS = 200  # of leaving out what cannot be read
LEAST_COUNTED = 50.0  # of 100: a score that stands on less than half of the card says little about the call
NOTHING = 1e-9  # the weight of what has none yet: too small to count
_ITEM = {"id": "?", "name": "?", "weight": NOTHING, "check": "manual", "decide": "human"}
_SECTION = {"id": "?", "name": "?", "weight": NOTHING, "items": [_ITEM]}
# What stands in the place of a field that cannot be read, by the list that its entry stands in.
STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "": {"id": "new", "version": 1, "language": "en", "method": "answer", "sections": [_SECTION]},
    "sections": _SECTION,
    "items": _ITEM,
    "fatal": {"id": "?", "name": "?", "effect": "zero", "check": "manual"},
    "bonus": {"id": "?", "name": "?", "points": NOTHING},
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it is, and a sentence with %(name)s places that is translated where it is shown."""

    severity: Severity
    place: Place  # keys and indexes that lead into the card, () for the whole
    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


def lint(content: Scorecard | Mapping[str, Any], phrases: PhraseSet | None) -> list[Problem]:
    """Return what is wrong with a card, errors first; `phrases` None where it has no rules to go by."""
    written = content.model_dump(mode="json") if isinstance(content, Scorecard) else content
    card, found = as_written(written)
    if card is not None:
        found += [_of(error) for error in _contradictions(card)]
        found += _rules(card, phrases)
        for look in (_unreachable, _large_deductions, _not_applicable, _undecided, _unclassed, _ranges, _unguided):
            found += look(card)
    unique = {(problem.place, str(problem)): problem for problem in found}
    return sorted(unique.values(), key=lambda problem: problem.severity)


def as_written(content: Mapping[str, Any]) -> tuple[Scorecard | None, list[Problem]]:
    """Return a card with all of `content` that can be read, contradictions and all, and what cannot be read.

    None where hardly anything can.
    """
    known = _copy(content)
    found: list[Problem] = []
    for _ in range(MOST_ROUNDS):
        try:
            return Scorecard.model_validate(known, context=AS_WRITTEN), found
        except ValidationError as error:
            for place, problem in problems_in(error):
                found.append(_unreadable(place, problem))
                if not _leave_out(known, place):
                    return None, found
    return None, found


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(child) for name, child in value.items()}
    return [_copy(child) for child in value] if isinstance(value, list | tuple) else value


def _leave_out(content: dict[str, Any], place: Place) -> bool:
    """Take away the field of an entry that `place` leads into, or put what stands in for it; return whether anything
    changed."""
    entry, kind = content, ""
    field_name = str(place[0]) if place else ""
    for name, at in zip(place[::2], place[1::2], strict=False):
        entries = entry.get(str(name))
        if name not in STAND_INS or not isinstance(entries, list) or not isinstance(at, int):
            break
        if at >= len(entries) or not isinstance(entries[at], dict):
            break
        entry, kind = entries[at], str(name)
        place = place[2:]
        field_name = str(place[0]) if place else ""
    stand_in = STAND_INS[kind].get(field_name)
    if stand_in is not None and entry.get(field_name) != stand_in:
        entry[field_name] = _copy(stand_in)
        return True
    return entry.pop(field_name, None) is not None


_LIMITS = {
    "greater_than": ("gt", N_("must be more than %(limit)s")),
    "greater_than_equal": ("ge", N_("must be %(limit)s or more")),
    "less_than": ("lt", N_("must be less than %(limit)s")),
    "less_than_equal": ("le", N_("must be %(limit)s or less")),
    "string_too_long": ("max_length", N_("is longer than %(limit)s characters")),
}
_SENTENCES = {
    "missing": N_("is missing: add it"),
    "extra_forbidden": N_("unknown field: remove it or correct its spelling"),
    "too_short": N_("is empty: add at least one"),
    "string_too_short": N_("is empty: write something"),
    "string_type": N_("is no text: put it in quotes"),
    "string_pattern_mismatch": N_("may hold letters, digits, hyphens, dots and underscores only"),
    **dict.fromkeys(("float_type", "float_parsing", "int_type", "int_parsing", "int_from_float"), N_("is no number")),
}


def _unreadable(place: Place, problem: Mapping[str, Any]) -> Problem:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _SENTENCES:
        return Problem("error", place, _SENTENCES[kind])
    if kind in _LIMITS:
        name, message = _LIMITS[kind]
        return Problem("error", place, message, {"limit": context[name]})
    if kind == "literal_error":
        values = {"found": repr(problem["input"])[:80], "known": context["expected"]}
        return Problem("error", place, N_("%(found)s is not one of %(known)s"), values)
    return Problem("error", place, "%(reason)s", {"reason": str(context.get("error", problem["msg"]))})


def _of(error: CardError) -> Problem:
    return Problem("error", error.place, error.message, error.values)


def _contradictions(card: Scorecard) -> Iterator[CardError]:
    yield from card.errors()
    for s, section in enumerate(card.sections):
        for error in section.errors():
            yield error.within("sections", s)
    for place, item in card.placed():
        for error in item.errors():
            yield error.within(*place)


def _rules(card: Scorecard, phrases: PhraseSet | None) -> Iterator[Problem]:
    if phrases is not None:
        yield from (_of(error) for error in rule_errors(card, phrases))
        return
    for place, item in card.placed():
        if item.rules:
            yield Problem(
                "error",
                (*place, "rules"),
                N_("names rules, but the card has no phrase set: choose one, or take them off"),
            )


def _unreachable(card: Scorecard) -> Iterator[Problem]:
    """Conditional items that are never asked, because what they depend on is not; and conditions that always hold."""
    possible: dict[str, set[str]] = {}
    for place, item in card.placed():
        answers = set(possible_answers(item, card.type_of(item)))
        if item.only_if is not None and item.only_if.item in possible:
            asked, wanted = possible[item.only_if.item], set(item.only_if.answers)
            here, values = (*place, "only_if"), {"item": item.id, "asked": item.only_if.item}
            if not asked & wanted:
                answers = {Answer.NOT_APPLICABLE.value}
                yield Problem(
                    "error", here, N_("%(item)s is never asked: %(asked)s never has one of these answers"), values
                )
            elif asked <= wanted:
                yield Problem("warning", here, N_("%(item)s is always asked: any answer to %(asked)s will do"), values)
        possible[item.id] = answers


def _large_deductions(card: Scorecard) -> Iterator[Problem]:
    for place, item in card.placed():
        for name, points in item.deduct.items():
            if points > item.weight - card.floors.item and item.weight > NOTHING:
                yield Problem(
                    "warning",
                    (*place, "deduct", name),
                    N_("%(name)s takes off %(points)s, but the item loses %(most)s at most"),
                    {"name": name, "points": f"{points:g}", "most": f"{item.weight - card.floors.item:g}"},
                )


def _not_applicable(card: Scorecard) -> Iterator[Problem]:
    """Whether "not applicable" can empty the card: to a score that says nothing, or to none at all."""
    weighed = [item for _, item in card.items() if item.weight > NOTHING]
    kept = [item for item in weighed if not item.may_not_apply]
    least = sum(item.weight for item in kept)
    thin = _thinnest(kept, [item for item in weighed if item.may_not_apply], card.min_answered)
    if thin and sum(item.weight for item in thin) < LEAST_COUNTED:
        yield Problem(
            "error",
            ("min_answered",),
            N_(
                "a review may answer only %(items)s, %(weight)s of 100, call the rest not applicable and score 100: "
                "write %(least)s or more, or let fewer items be not applicable"
            ),
            {
                "items": ", ".join(item.id for item in thin),
                "weight": f"{sum(item.weight for item in thin):g}",
                "least": f"{LEAST_COUNTED:g}",
            },
        )
    if least < card.min_answered and len(kept) < len(weighed):
        yield Problem(
            "warning",
            ("min_answered",),
            N_(
                "if all that may be not applicable is so, %(weight)s of 100 is left (%(items)s): below %(least)s a "
                "review has no score"
            ),
            {
                "weight": f"{least:g}",
                "items": ", ".join(item.id for item in kept) or "–",
                "least": f"{card.min_answered:g}",
            },
        )


def _thinnest(kept: list[Item], spared: list[Item], at_least: float) -> list[Item]:
    """Return the items of least weight that a scored review can answer: all of `kept`, and of `spared` what it takes
    to reach `at_least` and be more than nothing; none where that is LEAST_COUNTED or more."""
    weight = sum(item.weight for item in kept)
    if max(weight, at_least) >= LEAST_COUNTED:
        return []
    reached: dict[int, list[Item]] = {_cents(weight): kept}
    for item in spared:
        for sum_before, chosen in list(reached.items()):
            total = sum_before + _cents(item.weight)
            if total < _cents(LEAST_COUNTED):
                reached.setdefault(total, [*chosen, item])
    enough = [total for total in reached if total > 0 and total >= _cents(at_least)]
    return reached[min(enough)] if enough else []


def _cents(weight: float) -> int:
    return round(100 * weight)


def _undecided(card: Scorecard) -> Iterator[Problem]:
    """Items that the machine is to decide, but that nothing it finds can decide."""
    for place, item in card.placed():
        if item.decide != "human" and not answers_by_rule(item):
            yield Problem(
                "warning",
                (*place, "rules"),
                N_("no rule is linked, so a person answers %(item)s: link one, or write decide: human"),
                {"item": item.id},
            )
    for f, fatal in enumerate(card.fatal):
        if fatal.decide == "confirm" and fatal.check != "manual" and not fatal.rules:
            yield Problem(
                "warning",
                ("fatal", f, "rules"),
                N_("no rule is linked, so nothing ever points to %(item)s: link one, or write decide: human"),
                {"item": fatal.id},
            )


def _unclassed(card: Scorecard) -> Iterator[Problem]:
    for f, fatal in enumerate(card.fatal):
        if fatal.error_class == "none":
            yield Problem(
                "error",
                ("fatal", f, "class"),
                N_("whom does %(item)s hurt? Choose customer, business or compliance"),
                {"item": fatal.id},
            )


def _ranges(card: Scorecard) -> Iterator[Problem]:
    """Ranges of numbers that are never reached, and whole numbers that none of them holds."""
    for place, item in card.placed():
        for at, one in enumerate(item.ranges):
            if any(_covers(earlier, one) for earlier in item.ranges[:at]):
                yield Problem(
                    "warning", (*place, "ranges", at), N_("is never reached: an earlier range holds all of it")
                )
        if item.ranges and (gap := _gap(item.ranges)) is not None:
            yield Problem(
                "warning", (*place, "ranges"), N_("no range holds %(number)s: such an answer is refused"),
                {"number": f"{gap:g}"},
            )  # fmt: skip


def _covers(one: NumberRange, other: NumberRange) -> bool:
    below = one.low is None or (other.low is not None and one.low <= other.low)
    above = one.high is None or (other.high is not None and one.high >= other.high)
    return below and above


def _gap(ranges: tuple[NumberRange, ...]) -> float | None:
    """Return a number between the ranges that none holds; between 2 and 3 there is none for whole numbers."""
    ordered = sorted(ranges, key=lambda one: float("-inf") if one.low is None else one.low)
    top = ordered[0].high
    for one in ordered[1:]:
        if top is None:
            return None
        if one.low is not None and one.low > top + 1:
            return top + 1
        top = None if one.high is None else max(top, one.high)
    return None


def _unguided(card: Scorecard) -> Iterator[Problem]:
    """Inspectors disagree where nobody has said what an answer means."""
    for s, section in enumerate(card.sections):
        bare = [item for item in section.items if _needs_guidance(card, item)]
        if bare:
            yield Problem(
                "warning",
                ("sections", s),
                N_("no guidance says when to answer what: %(items)s"),
                {"items": ", ".join(item.id for item in bare)},
            )


def _needs_guidance(card: Scorecard, item: Item) -> bool:
    by_people = item.decide != "auto" and item.weight > NOTHING
    explained = item.guidance or (card.type_of(item) in BY_VALUE and (item.labels or item.note))
    return by_people and not explained
