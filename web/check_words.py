"""What checks and flows say, in sentences that people who never saw the YAML can read."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext, ngettext

from scoring.check_models import (
    Amounts,
    CallField,
    Check,
    CheckCondition,
    Effect,
    Flow,
    Limits,
    Loudness,
    Operator,
    Step,
    Where,
)  # fmt: skip
from web.i18n import N_, REASON_WORDS, format_number

SPEAKERS = {"agent": N_("the agent"), "customer": N_("the customer"), "any": N_("either side")}
SAYING = {
    "any": N_("%(speaker)s says one of these"),
    "all": N_("%(speaker)s says all of these"),
    "none": N_("%(speaker)s says none of these"),
    "similar": N_("%(speaker)s says something like one of these"),
    "regex": N_("%(speaker)s says words of this pattern"),
    "repeated": N_("%(speaker)s says the same thing again"),
    "reply": N_("%(speaker)s answers"),
    "speaks": N_("%(speaker)s speaks"),
    "interruption": N_("%(speaker)s talks over the other side for %(seconds)s s or longer"),
}
MEASURED = {
    "silence": N_("silence: %(limits)s"),
    "response_time": N_("time until %(speaker)s answers: %(limits)s"),
    "pickup_gap": N_("time until the agent's first word: %(limits)s"),
    "hangup_gap": N_("time from the last word to the end of the recording: %(limits)s"),
    "duration": N_("length of the recording: %(limits)s"),
    "speech_rate": N_("speech rate of %(speaker)s a minute: %(limits)s"),
    "turns": N_("number of turns of %(speaker)s: %(limits)s"),
}
LOUDNESS = {
    "below_dbfs": N_("%(speaker)s is quieter than %(limit)s dBFS"),
    "above_dbfs": N_("%(speaker)s is louder than %(limit)s dBFS"),
    "jump_db": N_("the loudness of %(speaker)s jumps by %(limit)s dB between turns"),
    "swing_db": N_("the loudness of %(speaker)s swings by more than %(limit)s dB"),
}
WINDOWS = {
    "start_s": N_("in the first %(n)s s"),
    "end_s": N_("in the last %(n)s s"),
    "start_turns": N_("in the first turns (%(n)s)"),
    "end_turns": N_("in the last turns (%(n)s)"),
    "start_percent": N_("in the first %(n)s %% of the call"),
    "end_percent": N_("in the last %(n)s %% of the call"),
    "between_s": N_("from second %(n)s to %(m)s"),
    "between_turns": N_("from turn %(n)s to %(m)s"),
    "between_percent": N_("from %(n)s %% to %(m)s %% of the call"),
}
ANCHORS = {
    "after": N_("after “%(name)s”"),
    "before": N_("before “%(name)s”"),
    "around": N_("around “%(name)s”"),
    "same_turn": N_("in the same turn as “%(name)s”"),
}
HITS = {
    "each": N_("each time it happens"),
    "first": N_("the first time it happens"),
    "last": N_("the last time it happens"),
}


def check_sentence(rule: Check) -> str:
    """Return what a check wants, when, and what it costs."""
    parts = []
    if rule.title:
        parts.append(rule.title)
    if rule.applies:
        parts.append(gettext("If: %(expression)s", expression=rule.applies))
    if rule.expect:
        parts.append(gettext("Expected: %(expression)s", expression=rule.expect))
    if rule.forbid:
        parts.append(gettext("Must not be: %(expression)s", expression=rule.forbid))
    if rule.unless:
        parts.append(gettext("Unless: %(expression)s", expression=rule.unless))
    if rule.effect:
        parts.append(effect_words(rule.effect))
    if rule.needs_person:
        parts.append(gettext("A person confirms it"))
    return gettext("; ").join(parts)


def effect_words(effect: Effect) -> str:
    """Return the points of a check in words."""
    points = format_number(abs(effect.points))
    if effect.points < 0:
        text = gettext("takes off %(points)s points", points=points)
    else:
        text = gettext("adds %(points)s points", points=points)
    if effect.per == "hit":
        text = gettext("%(effect)s each time", effect=text)
    if effect.at_most is not None:
        text = gettext("%(effect)s, %(most)s at most", effect=text, most=format_number(effect.at_most))
    return text


def flow_sentence(rule: Flow) -> str:
    """Return the way through a flow."""
    steps = gettext(" → ").join(_step_words(step) for step in rule.steps)
    return gettext("; ").join(filter(None, (rule.title, steps)))


def _step_words(step: Step) -> str:
    name = step.title or step.id
    if step.optional:
        name = gettext("%(step)s (optional)", step=name)
    ways = [f"{branch.when} → {branch.go}" for branch in step.branches]
    return f"{name} [{gettext('; ').join(ways)}]" if ways else name


def condition_groups(rule: Check | Flow) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every condition in words, with its wordings."""
    for name, condition in rule.everything().items():
        yield f"{name}: {condition_sentence(condition)}", tuple(condition.wordings())


def condition_sentence(condition: CheckCondition) -> str:
    """Return what a condition looks for and where."""
    sentence = operator_words(condition, condition.speaker)
    for place in _place_words(condition):
        sentence = clauses(sentence, place)
    return sentence


def clauses(first: str, then: str) -> str:
    """Return two clauses of one sentence."""
    return gettext("%(first)s, %(then)s", first=first, then=then)


def operator_words(operator: Operator, role: str) -> str:
    """Return what one operator looks for."""
    speaker = gettext(SPEAKERS[role])
    kind = operator.kind
    if kind == "n_of":
        least = int(operator.at_least or 1)
        return ngettext(
            "%(speaker)s says at least %(num)s of these",
            "%(speaker)s says at least %(num)s of these",
            least,
            speaker=speaker,
        )
    if kind in SAYING:
        seconds = format_number(operator.interruption.overlap_s) if operator.interruption else ""
        text = gettext(SAYING[kind], speaker=speaker, seconds=seconds)
        if operator.hits:
            text = clauses(text, ngettext("once in all", "%(num)s times in all", operator.hits))
        return text
    if kind in MEASURED:
        return gettext(MEASURED[kind], speaker=speaker, limits=limit_words(getattr(operator, kind)))
    return _other_words(operator, role, speaker)


def _other_words(operator: Operator, role: str, speaker: str) -> str:
    if operator.entity:
        return gettext("%(speaker)s says %(entity)s", speaker=speaker, entity=gettext(REASON_WORDS[operator.entity]))
    if operator.read_back:
        return gettext("%(speaker)s says again what “%(name)s” found", speaker=speaker, name=operator.read_back)
    if operator.near:
        count = operator.near.words
        if operator.near.apart:
            return gettext(
                "%(speaker)s says the first without the second within %(count)s words", speaker=speaker, count=count
            )
        return gettext("%(speaker)s says both within %(count)s words", speaker=speaker, count=count)
    if operator.loudness:
        return _loudness_words(operator.loudness, speaker)
    if operator.field:
        return _field_words(operator.field)
    if operator.negated:
        return gettext("not: %(what)s", what=operator_words(operator.negated, role))
    joint = gettext(" and ") if operator.all_of else gettext(" or ")
    return joint.join(operator_words(one, role) for one in operator.inner)


def _loudness_words(wanted: Loudness, speaker: str) -> str:
    for name, text in LOUDNESS.items():
        if (limit := getattr(wanted, name)) is not None:
            return gettext(text, speaker=speaker, limit=format_number(limit))
    return ""


def _field_words(wanted: CallField) -> str:
    if wanted.given is not None:
        text = N_("the field %(name)s has a value") if wanted.given else N_("the field %(name)s has no value")
        return gettext(text, name=wanted.name)
    if wanted.equals:
        return gettext("the field %(name)s is %(values)s", name=wanted.name, values=gettext(" or ").join(wanted.equals))
    if wanted.differs:
        values = gettext(" or ").join(wanted.differs)
        return gettext("the field %(name)s is not %(values)s", name=wanted.name, values=values)
    return gettext("the field %(name)s: %(limits)s", name=wanted.name, limits=limit_words(wanted))


def limit_words(limits: Limits | Amounts) -> str:
    """Return limits as "over 5 s, under 30 s"."""
    if isinstance(limits, Limits):
        low, high, over, under = limits.over_s, limits.under_s, N_("over %(n)s s"), N_("under %(n)s s")
    else:
        low, high, over, under = limits.over, limits.under, N_("over %(n)s"), N_("under %(n)s")
    pairs = ((over, low), (under, high))
    return gettext(", ").join(gettext(text, n=format_number(value)) for text, value in pairs if value is not None)


def _place_words(condition: CheckCondition) -> Iterator[str]:
    if condition.window is not None:
        yield from _window_words(condition.window)
    if condition.anchor:
        side, name = condition.anchor
        yield gettext(ANCHORS[side], name=name)
    if condition.within_s is not None:
        yield gettext("within %(seconds)s s", seconds=format_number(condition.within_s))
    if condition.within_turns is not None:
        yield ngettext("within %(num)s turn", "within %(num)s turns", condition.within_turns)
    if isinstance(condition.hit, int):
        yield gettext("hit number %(number)s", number=condition.hit)
    elif condition.hit in HITS:
        yield gettext(HITS[condition.hit])
    if condition.starts_turn:
        yield gettext("at the beginning of a turn")
    if condition.outside:
        yield gettext("anywhere but there")


def _window_words(window: Where) -> Iterator[str]:
    for name, text in WINDOWS.items():
        value = getattr(window, name)
        if value is not None:
            low, high = value if isinstance(value, tuple) else (value, value)
            yield gettext(text, n=format_number(low), m=format_number(high))
