"""The score of one call: by the machine from transcript and sound, or by a person from their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scoring.conditions import Condition
from scoring.effects import effects_of, has_effects
from scoring.facts import CallFacts
from scoring.item_types import BY_RULES, BY_VALUE, Option, UnfitValue, Value, answer_of, expected, names_of, share_of
from scoring.marks import ANSWERED, Answer, CallScore, Evidence, FatalFinding, Mark
from scoring.outcome import Finding, RuleOutcome
from scoring.phrase_set import Conditional, PhraseSet
from scoring.rules import check_rules
from scoring.scorecard import FatalItem, Item, Scorecard
from scoring.weights import Judged, total_up
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript

Outcomes = Mapping[str, RuleOutcome]


class AnswerError(ValueError):
    """An answer that does not fit the scorecard; the message names the item and what would fit."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """A person's answer to one item.

    `deductions` names entries of the item's `deduct`, one as often as it applies. For a fatal item NOT_MET confirms it
    and MET clears it; for a bonus item MET gives it. For a choice, a scale, a number and a text `value` decides, and
    `answer` only says whether the item applies.
    """

    answer: Answer
    deductions: tuple[str, ...] = ()
    comment: str | None = None
    value: Value = None
    causes: tuple[str, ...] = ()  # of the item's, under an answer that is partly or not met


def score_call(
    transcript: Transcript,
    card: Scorecard,
    phrases: PhraseSet | None,
    *,
    measures: AudioMeasures | None = None,
    facts: CallFacts | None = None,
) -> CallScore:
    """Score a call as far as rules can: unanswered items leave the denominator, fatal items are candidates only.

    `raw` counts suggestions (items with ``decide: confirm``) as well; `auto_items_score` counts only what the
    machine decides alone.
    """
    facts = facts or CallFacts()
    outcomes = check_rules(transcript, phrases, measures=measures, facts=facts) if phrases else {}
    return score_outcomes(card, phrases, outcomes, facts)


def score_outcomes(card: Scorecard, phrases: PhraseSet | None, outcomes: Outcomes, facts: CallFacts) -> CallScore:
    """Score a call by what the rules of `phrases` found in it, see `score_call`."""
    judged: dict[str, Judged] = {}
    for _, item in card.items():
        found = _judge(card, item, outcomes, facts, phrases)
        judged[item.id] = _under_condition(item, judged, found)
    fatals = [_suspect(fatal, outcomes, phrases) for fatal in card.fatal]
    bonus = [Mark(item.id, Answer.CANNOT_TELL, None, 0.0, (_for_person(),), needs_person=True) for item in card.bonus]
    return total_up(card, judged, fatals, bonus=bonus, by_person=False)


def score_answers(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> CallScore:
    """Score a call by a person's answers; an item without an answer is left open.

    A conditional item does not apply unless its condition holds, whatever was answered to it.

    Raises:
        AnswerError: an item or deduction is not on the card, answer and deductions contradict each other, or a value
            is no answer to its item.
    """
    bonus_items = {item.id: item for item in card.bonus}
    fatal_items = {item.id: item for item in card.fatal}
    known = {item.id for _, item in card.items()} | set(bonus_items) | set(fatal_items)
    if unknown := sorted(set(answers) - known):
        raise AnswerError(f"{unknown[0]}: no such item on {card.key}; it has {', '.join(sorted(known))}")
    judged = _judged_by(card, answers)
    fatals = [_decided(fatal, answers.get(fatal.id)) for fatal in card.fatal]
    bonus = [
        Mark(item.id, given.answer, item.points if given.answer is Answer.MET else 0.0, 0.0, comment=given.comment)
        for item in card.bonus
        if (given := answers.get(item.id)) is not None
    ]
    return total_up(card, judged, fatals, bonus=bonus, by_person=True)


def conditions(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> dict[str, bool | None]:
    """Return for each conditional item whether it is asked: None while what it depends on is not answered.

    Raises:
        AnswerError: an answer does not fit the card.
    """
    judged = _judged_by(card, answers)
    return {item.id: _holds(item, judged[item.only_if.item]) for _, item in card.items() if item.only_if is not None}


def unfit(card: Scorecard, item_id: str, given: GivenAnswer) -> AnswerError | None:
    """Return why an answer does not fit the card, None when it does."""
    try:
        score_answers(card, {item_id: given})
        for _, item in card.items():
            if item.id == item_id:
                _given(card, item, given)
    except AnswerError as error:
        return error
    return None


def answers_by_rule(item: Item) -> bool:
    """Return whether the item names anything that rules could answer it by."""
    return item.check != "manual" and bool(item.rules)


def auto_items_score(card: Scorecard, score: CallScore) -> float | None:
    """Return the share of points, 0 to 100, over items that the machine decides alone; None if it answered none."""
    weights = {item.id: item.weight for _, item in card.items() if item.decide == "auto"}
    earned = total = 0.0
    for mark in score.marks:
        if mark.item in weights and mark.points is not None and mark.possible > 0 and not mark.needs_person:
            total += weights[mark.item]
            earned += weights[mark.item] * max(0.0, mark.points / mark.possible)
    return round(100 * earned / total, 4) if total else None


# By the machine.


def _judge(card: Scorecard, item: Item, outcomes: Outcomes, facts: CallFacts, phrases: PhraseSet | None) -> Judged:
    if item.decide == "human" or not answers_by_rule(item):
        return _open(item, Answer.CANNOT_TELL, [_for_person()], needs_person=True)
    if unknown := _unknown_rule(item, outcomes):
        return _open(item, Answer.CANNOT_TELL, [unknown], needs_person=True)
    findings = [finding for rule in item.rules for finding in outcomes[rule].findings]
    evidence = [finding.evidence for finding in findings]
    needs_person = item.decide == "confirm" or any(outcomes[rule].needs_person for rule in item.rules)
    if item.na_unless and not _any_trigger(item.na_unless, outcomes):
        reason = Evidence(None, None, Answer.NOT_APPLICABLE.value, "no_trigger", {"rules": ", ".join(item.na_unless)})
        return _open(item, Answer.NOT_APPLICABLE, [reason], needs_person=needs_person)
    kind = card.type_of(item)
    if kind not in BY_RULES and not item.when:
        return _open(item, Answer.CANNOT_TELL, [_for_person(), *evidence], needs_person=True)
    if phrases is not None and has_effects(item.rules, phrases) and not item.when and kind != "yes_no":
        judged = _by_effects(card, item, outcomes, phrases)
    elif kind == "deduction":
        judged = _by_deductions(card, item, findings)
    elif kind == "choice":
        judged = _by_options(item, findings)
    else:
        judged = _by_answers(card, item, findings)
    failed = judged.mark.answer in (Answer.NOT_MET, Answer.PARTLY, Answer.CANNOT_TELL)
    if failed and item.na_if and facts.flag(item.na_if):
        reason = Evidence(None, None, Answer.NOT_APPLICABLE.value, "fact_says_na", {"fact": item.na_if})
        return _open(item, Answer.NOT_APPLICABLE, [reason, *evidence], needs_person=needs_person)
    return _with(judged, evidence, needs_person)


def _with(judged: Judged, evidence: Sequence[Evidence], needs_person: bool) -> Judged:
    mark = judged.mark
    needs_person = needs_person or mark.needs_person
    return Judged(replace(mark, evidence=(*mark.evidence, *evidence), needs_person=needs_person), judged.share)


def _open(item: Item, answer: Answer, evidence: Iterable[Evidence], *, needs_person: bool = False) -> Judged:
    return Judged(Mark(item.id, answer, None, 0.0, tuple(evidence), needs_person=needs_person))


def _for_person() -> Evidence:
    return Evidence(None, None, Answer.CANNOT_TELL.value, "for_person")


def _unknown_rule(item: Item, outcomes: Outcomes) -> Evidence | None:
    for rule in item.rules:
        if rule not in outcomes:
            return Evidence(rule, None, Answer.CANNOT_TELL.value, "rule_unknown", {"rule": rule})
    return None


def _any_trigger(rules: Sequence[str], outcomes: Outcomes) -> bool:
    known = [outcomes[rule] for rule in rules if rule in outcomes]
    return len(known) < len(list(rules)) or any(one.in_effect and one.verdict is not Answer.NOT_MET for one in known)


def _by_answers(card: Scorecard, item: Item, findings: Sequence[Finding]) -> Judged:
    """All met is met, none met is not met, some is partly (not met, where the answer is yes or no); doubt matters
    only where it could change the answer. `when` can name what is worse than that."""
    verdicts = [finding.verdict for finding in findings if finding.verdict is not Answer.NOT_APPLICABLE]
    if not verdicts:
        return _open(item, Answer.NOT_APPLICABLE, ())
    met, failed = verdicts.count(Answer.MET), verdicts.count(Answer.NOT_MET)
    if failed and card.type_of(item) == "yes_no":
        answer = Answer.NOT_MET
    elif met and failed:
        answer = Answer.PARTLY
    elif Answer.CANNOT_TELL in verdicts:
        answer = Answer.CANNOT_TELL
    else:
        answer = Answer.NOT_MET if failed else Answer.MET
    for name in ("not_met", "partly"):
        if name in item.when and Condition.parse(item.when[name]).times(findings)[0]:
            answer = Answer(name)
            break
    return Judged(Mark(item.id, answer, None, 0.0), _share(card, answer))


def _by_options(item: Item, findings: Sequence[Finding]) -> Judged:
    """A choice: the worst option whose condition surely holds; doubt about a worse one leaves the item open. Where no
    condition holds it is the only option without one; among several a person chooses."""
    if {finding.verdict for finding in findings} <= {Answer.NOT_APPLICABLE}:
        return _open(item, Answer.NOT_APPLICABLE, ())
    for option in sorted(item.options, key=lambda option: option.share):
        if option.name in item.when:
            sure, possible = Condition.parse(item.when[option.name]).times(findings)
            if sure:
                return _chosen(item, option)
            if possible:
                return _open(item, Answer.CANNOT_TELL, ())
    rest = [option for option in item.options if option.name not in item.when]
    if len(rest) == 1:
        return _chosen(item, rest[0])
    return _open(item, Answer.CANNOT_TELL, [_for_person()], needs_person=True)


def _chosen(item: Item, option: Option) -> Judged:
    mark = Mark(item.id, answer_of(option.share), None, 0.0, value=option.name)
    return Judged(mark, option.share)


def _under_condition(item: Item, earlier: Mapping[str, Judged], found: Judged) -> Judged:
    """Return the machine's judgement of an item that may depend on an earlier one."""
    if item.only_if is None:
        return found
    asked = earlier[item.only_if.item]
    holds = _holds(item, asked)
    needs_person = found.mark.needs_person or asked.mark.needs_person
    if holds:
        return Judged(replace(found.mark, needs_person=needs_person), found.share)
    answer, why = (Answer.CANNOT_TELL, "only_if_open") if holds is None else (Answer.NOT_APPLICABLE, "only_if_unmet")
    reason = Evidence(None, None, answer.value, why, {"item": item.only_if.item})
    return _open(item, answer, [reason, *found.mark.evidence], needs_person=needs_person)


def _holds(item: Item, asked: Judged) -> bool | None:
    """Return whether a conditional item applies by the answer to the item that it names; None: not answered yet."""
    assert item.only_if is not None
    if asked.mark.answer is Answer.CANNOT_TELL:
        return None
    return not {asked.mark.answer.value, *names_of(asked.mark.value)}.isdisjoint(item.only_if.answers)


def _share(card: Scorecard, answer: Answer) -> float | None:
    return float(getattr(card.scale, answer.value)) if answer in ANSWERED else None


def _by_deductions(card: Scorecard, item: Item, findings: Sequence[Finding]) -> Judged:
    """Deductions: what surely applies is taken off; doubt that could take off more leaves the item open."""
    verdicts = {finding.verdict for finding in findings}
    if verdicts <= {Answer.NOT_APPLICABLE}:
        return _open(item, Answer.NOT_APPLICABLE, ())
    if not item.when:
        return _without_conditions(item, verdicts)
    sure, possible = _deductions(item, findings)
    least, most = _deducted(item, sure), _deducted(item, possible)
    low, high = (max(card.floors.item, item.weight - amount) for amount in (most, least))
    if high - low > 1e-9:
        return _open(item, Answer.CANNOT_TELL, ())
    taken = tuple((name, item.deduct[name]) for name in _applied(item, sure))
    answer = Answer.MET if not taken else Answer.NOT_MET if high <= 0 else Answer.PARTLY
    return Judged(Mark(item.id, answer, None, 0.0, deductions=taken), high / item.weight)


def _by_effects(card: Scorecard, item: Item, outcomes: Outcomes, phrases: PhraseSet) -> Judged:
    """Whatever the method: the points of the item's checks, between the item's floor and its weight."""
    effects = [effect for rule in item.rules for effect in effects_of(phrases.by_id[rule], outcomes[rule])]
    if not effects:
        return _open(item, Answer.NOT_APPLICABLE, ())
    low, high = (
        min(item.weight, max(card.floors.item, item.weight + points))
        for points in (sum(effect.least for effect in effects), sum(effect.most for effect in effects))
    )
    if high - low > 1e-9:
        return _open(item, Answer.CANNOT_TELL, ())
    taken = tuple((effect.name, -effect.most) for effect in effects if effect.most < 0)
    answer = Answer.MET if high >= item.weight else Answer.NOT_MET if high <= 0 else Answer.PARTLY
    deductions = taken if card.type_of(item) == "deduction" else ()
    return Judged(Mark(item.id, answer, None, 0.0, deductions=deductions), high / item.weight)


def _without_conditions(item: Item, verdicts: set[Answer]) -> Judged:
    """Without `when` the machine cannot choose a deduction: all met is met, the rest is for a person."""
    if verdicts <= {Answer.MET, Answer.NOT_APPLICABLE}:
        return Judged(Mark(item.id, Answer.MET, None, 0.0), 1.0)
    choose = Evidence(None, None, Answer.CANNOT_TELL.value, "deduction_for_person")
    return _open(item, Answer.CANNOT_TELL, [choose], needs_person=True)


def _deductions(item: Item, findings: Sequence[Finding]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how often each deduction applies: surely, and at most."""
    sure, possible = {}, {}
    for name, text in item.when.items():
        sure[name], possible[name] = Condition.parse(text).times(findings)
    return sure, possible


def _applied(item: Item, times: Mapping[str, int]) -> list[str]:
    names = [name for name, count in times.items() for _ in range(count)]
    if item.deductions == "largest" and names:
        return [max(names, key=lambda name: item.deduct[name])]
    return names


def _deducted(item: Item, times: Mapping[str, int]) -> float:
    return sum(item.deduct[name] for name in _applied(item, times))


# Fatal items.


def _suspect(fatal: FatalItem, outcomes: Outcomes, phrases: PhraseSet | None) -> FatalFinding:
    """Return whether the rules point to a fatal fault. Only a person can confirm it."""
    found = [outcome for rule in fatal.rules if (outcome := outcomes.get(rule))]
    if fatal.decide == "human" or fatal.check == "manual" or not found:
        return FatalFinding(fatal.id, Answer.CANNOT_TELL, fatal.effect, None, (_for_person(),))
    suspicions = [_suspicion(outcome, outcomes, phrases) for outcome in found]
    evidence = tuple(finding.evidence for outcome in found for finding in outcome.findings)
    for answer in (Answer.NOT_MET, Answer.CANNOT_TELL):
        if answer in suspicions:
            return FatalFinding(fatal.id, answer, fatal.effect, None, evidence)
    return FatalFinding(fatal.id, Answer.MET, fatal.effect, None, evidence)


def _suspicion(outcome: RuleOutcome, outcomes: Outcomes, phrases: PhraseSet | None) -> Answer:
    """Return NOT_MET for a forbidden hit, or when nothing of what is required was said; less is a doubt only."""
    verdicts = {finding.verdict for finding in outcome.findings} - {Answer.NOT_APPLICABLE}
    rule = phrases.by_id[outcome.rule] if phrases else None
    if not verdicts or verdicts == {Answer.MET}:
        return Answer.MET
    if not isinstance(rule, Conditional):
        return outcome.verdict
    if rule.missing_is == "fatal_candidate_if_refused":
        return _refused(rule, outcome, outcomes)
    said = [f.verdict for f in outcome.findings if f.kind == "missing" and f.verdict is not Answer.NOT_APPLICABLE]
    return Answer.NOT_MET if set(said) == {Answer.NOT_MET} else Answer.CANNOT_TELL


def _refused(rule: Conditional, outcome: RuleOutcome, outcomes: Outcomes) -> Answer:
    """Return NOT_MET only when the agent also said words that refuse (the rules under `refused_by`)."""
    refusals = {finding.verdict for name in rule.refused_by for finding in outcomes[name].findings}
    if Answer.NOT_MET in refusals and outcome.verdict is Answer.NOT_MET:
        return Answer.NOT_MET
    return Answer.CANNOT_TELL


def _decided(fatal: FatalItem, given: GivenAnswer | None) -> FatalFinding:
    confirmed = {Answer.NOT_MET: True, Answer.MET: False}
    if given is None or given.answer is Answer.CANNOT_TELL:
        return FatalFinding(fatal.id, Answer.CANNOT_TELL, fatal.effect, None)
    if given.answer is Answer.NOT_APPLICABLE:
        return FatalFinding(fatal.id, Answer.MET, fatal.effect, False)
    if given.answer not in confirmed:
        raise AnswerError(f"{fatal.id}: a fatal item is answered met (nothing found) or not_met (confirmed)")
    return FatalFinding(fatal.id, given.answer, fatal.effect, confirmed[given.answer])


# By a person.


def _judged_by(card: Scorecard, answers: Mapping[str, GivenAnswer]) -> dict[str, Judged]:
    """Return a person's answer to every item, in the card's order, which is the order of conditions as well."""
    judged: dict[str, Judged] = {}
    for _, item in card.items():
        holds = _holds(item, judged[item.only_if.item]) if item.only_if else True
        if holds:
            judged[item.id] = _given(card, item, answers.get(item.id))
        else:
            judged[item.id] = _open(item, Answer.CANNOT_TELL if holds is None else Answer.NOT_APPLICABLE, ())
    return judged


def _given(card: Scorecard, item: Item, given: GivenAnswer | None) -> Judged:
    if given is None:
        return _open(item, Answer.CANNOT_TELL, ())
    kind = card.type_of(item)
    if kind in BY_VALUE:
        judged = _given_value(item, given)
    elif given.value is not None:
        raise AnswerError(f"{item.id}: is answered met or not met: leave out the value {given.value!r}")
    elif given.deductions:
        judged = _given_deductions(card, item, given)
    else:
        judged = _given_answer(card, item, given)
    _refuse_wrong_causes(item, given.causes, judged.mark.answer)
    return Judged(replace(judged.mark, comment=given.comment, causes=given.causes), judged.share)


def _given_answer(card: Scorecard, item: Item, given: GivenAnswer) -> Judged:
    answer = given.answer
    if answer not in ANSWERED:
        return _open(item, answer, ())
    kind = card.type_of(item)
    if kind == "deduction" and answer is Answer.PARTLY:
        raise AnswerError(f"{item.id}: partly needs a deduction: name one of {', '.join(item.deduct)}")
    if kind == "yes_no" and answer is Answer.PARTLY:
        raise AnswerError(f"{item.id}: is answered yes or no: choose met or not_met")
    share = _share(card, answer) if kind != "deduction" else 1.0 if answer is Answer.MET else 0.0
    return Judged(Mark(item.id, answer, None, 0.0), share)


def _given_value(item: Item, given: GivenAnswer) -> Judged:
    """A choice, a scale, a number or a text: the value decides; without one the item is open or does not apply."""
    if given.deductions:
        raise AnswerError(f"{item.id}: has no deductions: leave them out")
    if given.value is None:
        if given.answer in ANSWERED:
            raise AnswerError(f"{item.id}: {given.answer.value} needs a value: {expected(item)}")
        return _open(item, given.answer, ())
    if given.answer is Answer.NOT_APPLICABLE:
        raise AnswerError(f"{item.id}: answered not_applicable, but has a value: leave one of them out")
    try:
        share = share_of(item, given.value)
    except UnfitValue as error:
        raise AnswerError(f"{item.id}: {error}") from error
    # A text says something and judges nothing: it leaves the denominator, as it weighs nothing.
    answer = Answer.NOT_APPLICABLE if share is None else answer_of(share)
    return Judged(Mark(item.id, answer, None, 0.0, value=given.value), share)


def _refuse_wrong_causes(item: Item, causes: Sequence[str], answer: Answer) -> None:
    if not causes:
        return
    if answer not in (Answer.PARTLY, Answer.NOT_MET):
        raise AnswerError(f"{item.id}: answered {answer.value}, but has root causes: leave one of them out")
    if unknown := [cause for cause in causes if cause not in item.causes]:
        known = ", ".join(item.causes) or "none"
        raise AnswerError(f"{item.id}: no root cause {unknown[0]!r}: choose from {known}")


def _given_deductions(card: Scorecard, item: Item, given: GivenAnswer) -> Judged:
    if card.type_of(item) != "deduction":
        raise AnswerError(f"{item.id}: has no deductions: answer met, partly or not_met")
    if given.answer not in (Answer.PARTLY, Answer.NOT_MET):
        raise AnswerError(f"{item.id}: answered {given.answer.value}, but has deductions: leave one of them out")
    if unknown := [name for name in given.deductions if name not in item.deduct]:
        raise AnswerError(f"{item.id}: no deduction {unknown[0]!r}: choose from {', '.join(item.deduct)}")
    taken = tuple((name, item.deduct[name]) for name in given.deductions)
    points = max(card.floors.item, item.weight - sum(amount for _, amount in taken))
    answer = Answer.NOT_MET if points <= 0 else Answer.PARTLY
    return Judged(Mark(item.id, answer, None, 0.0, deductions=taken), points / item.weight)
