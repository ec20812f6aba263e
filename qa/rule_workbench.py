"""Change the rules knowingly: test cases that stay with a phrase set, what a changed set would do to stored calls, and
its activation as the next version.

A comparison scores calls by both sets in memory; no score is written. It is worked off in stretches of a second or
so, each kept in its row, so that no request is long and a page that was closed goes on where it was.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload, sessionmaker

from models import Call, CallState, PhraseSetVersion, RuleComparison, ScorecardVersion, StoredRuleCase
from models.base import now
from models.session import transaction
from qa.criteria import active_scorecard, card_of, phrases_of, store_scorecard
from qa.pipeline import facts_of, organisation_names
from qa.refusals import N_, Refused
from qa.settings import Settings
from scoring.phrase_set import PhraseSet
from scoring.rule_cases import MAX_CASES, CaseReport, RuleCase, read_case, run_cases
from scoring.rule_change import CallChange, Tally, compare_call
from scoring.scorecard import CriteriaError, Scorecard, check_rules
from transcription.measures import AudioMeasures
from transcription.transcript import Transcript

MAX_CALLS = 2000  # of one comparison on the page
AT_ONCE = 20  # calls read from the database together
STRETCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RulesInUse:
    """A phrase set that calls are scored by now, with the scorecards that use it."""

    phrases: PhraseSet
    cards: tuple[ScorecardVersion, ...]

    @property
    def next_version(self) -> int:
        """The version after the present one; the stored number decides when it is activated."""
        return self.phrases.version + 1


def sets_in_use(session: Session) -> list[RulesInUse]:
    """Return every phrase set that an active scorecard uses, by its id."""
    cards = session.scalars(
        select(ScorecardVersion)
        .where(ScorecardVersion.active, ScorecardVersion.phrase_set_version_id.is_not(None))
        .options(joinedload(ScorecardVersion.phrase_set))
        .order_by(ScorecardVersion.id)
    ).all()
    found: dict[str, list[ScorecardVersion]] = {}
    for card in cards:
        assert card.phrase_set is not None
        found.setdefault(card.phrase_set.key, []).append(card)
    return [RulesInUse(_newest(found[key]), tuple(found[key])) for key in sorted(found)]


def set_in_use(session: Session, key: str) -> RulesInUse | None:
    """Return the phrase set `key` as it is in use; None when no active scorecard uses it."""
    return next((one for one in sets_in_use(session) if one.phrases.id == key), None)


def _newest(cards: Sequence[ScorecardVersion]) -> PhraseSet:
    newest = max(cards, key=lambda card: card.phrase_set.version if card.phrase_set else 0)
    phrases = phrases_of(newest)
    assert phrases is not None
    return phrases


def refuse_another_set(changed: PhraseSet, present: PhraseSet) -> None:
    """Refuse a changed set that is not a version of `present`.

    Raises:
        Refused: its id or language is another one.
    """
    if changed.id != present.id:
        raise Refused(
            N_("The id is %(found)s, but these are the rules of %(id)s: write the id as it was."),
            field="id", found=changed.id, id=present.id,
        )  # fmt: skip
    if changed.language != present.language:
        raise Refused(
            N_("The language is %(found)s, but these rules are in %(language)s: write the language as it was."),
            field="language", found=changed.language, language=present.language,
        )  # fmt: skip


# Test cases.


def stored_cases(session: Session, phrases: PhraseSet, settings: Settings) -> list[RuleCase]:
    """Return the test cases that are kept with `phrases`, by name."""
    names = organisation_names(settings, phrases.language)
    rows = session.scalars(_cases_of(phrases.id))
    return [read_case(row.content, phrases, organisation_names=names) for row in rows]


def run_stored_cases(session: Session, phrases: PhraseSet, settings: Settings) -> CaseReport:
    """Return what `phrases`, a version of a set, answer to the set's test cases."""
    return run_cases(phrases, stored_cases(session, phrases, settings))


def case_lines(session: Session, key: str) -> str:
    """Return the test cases of the set `key` as a file of one JSON object a line."""
    return "".join(json.dumps(row.content, ensure_ascii=False) + "\n" for row in session.scalars(_cases_of(key)))


def count_cases(session: Session, key: str) -> int:
    return session.scalar(select(func.count()).where(StoredRuleCase.phrase_set_key == key)) or 0


def _cases_of(key: str) -> Any:
    return select(StoredRuleCase).where(StoredRuleCase.phrase_set_key == key).order_by(StoredRuleCase.name)


def keep_cases(
    session: Session, key: str, cases: Sequence[Mapping[str, Any]], *, user_id: int | None = None
) -> tuple[int, int]:
    """Keep test cases with the set `key`, in the caller's transaction; one of a known id takes its place.

    Args:
        cases: as scoring.rule_cases.read_case_data returns them.

    Returns:
        How many are new, and how many took the place of another.

    Raises:
        Refused: the set would have more than MAX_CASES.
    """
    known = {row.name: row for row in session.scalars(_cases_of(key))}
    names = {str(case["id"]).strip(): case for case in cases}
    if len(known.keys() | names.keys()) > MAX_CASES:
        raise Refused(N_("A phrase set has at most %(most)s test cases: delete some first."), most=MAX_CASES)
    changed = 0
    for name, content in names.items():
        if name not in known:
            session.add(StoredRuleCase(phrase_set_key=key, name=name, content=dict(content), user_id=user_id))
        elif known[name].content != content:
            known[name].content, known[name].user_id = dict(content), user_id
            changed += 1
    session.flush()
    return len(names.keys() - known.keys()), changed


def delete_case(session: Session, key: str, name: str) -> bool:
    """Delete one test case of the set `key`; return whether there was one."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(StoredRuleCase).where(StoredRuleCase.phrase_set_key == key, StoredRuleCase.name == name)
    )
    return bool(result.rowcount)


# Activation.


def activate(session: Session, changed: PhraseSet) -> list[ScorecardVersion]:
    """Store `changed` as the next version of its set, with the next version of each scorecard that uses it.

    New calls are scored by them from then on; what was scored keeps its version. The version number that `changed`
    bears does not matter.

    Raises:
        Refused: no active scorecard uses the set, nothing changed, or a rule is gone that a scorecard names.
    """
    present = set_in_use(session, changed.id)
    if present is None:
        raise Refused(N_("No scorecard in use has the rules %(id)s: import one first."), id=changed.id)
    refuse_another_set(changed, present.phrases)
    highest = session.scalar(select(func.max(PhraseSetVersion.version)).where(PhraseSetVersion.key == changed.id)) or 0
    if as_version(changed, present.phrases.version) == present.phrases:
        raise Refused(N_("Nothing was changed: version %(version)s stays in use."), version=present.phrases.version)
    numbered = as_version(changed, highest + 1)
    cards = [(stored, _next_card(session, stored)) for stored in present.cards]
    for _stored, card in cards:
        try:
            check_rules(card, numbered)
        except CriteriaError as error:
            raise Refused(
                N_("A scorecard names a rule that is gone. Keep it, or change the scorecard first: %(problems)s"),
                problems=str(error),
            ) from error
    return [store_scorecard(session, card, numbered, name=stored.name) for stored, card in cards]


def as_version(phrases: PhraseSet, version: int) -> PhraseSet:
    """Return `phrases` with another version number."""
    return PhraseSet.model_validate(phrases.model_dump(mode="json") | {"version": version})


def _next_card(session: Session, stored: ScorecardVersion) -> Scorecard:
    highest = session.scalar(select(func.max(ScorecardVersion.version)).where(ScorecardVersion.key == stored.key)) or 0
    return Scorecard.model_validate(card_of(stored).model_dump(mode="json") | {"version": highest + 1})


# What would change.


@dataclass(frozen=True, slots=True)
class Scope:
    """The calls that a comparison goes over: the newest, or some drawn at random, of a period or of all time."""

    limit: int = 200
    since: date | None = None  # both days included, in the hotline's zone
    until: date | None = None
    random: bool = False
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        days = {name: day.isoformat() for name in ("since", "until") if (day := getattr(self, name))}
        return {"limit": self.limit, "random": self.random, "seed": self.seed, **days}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scope:
        days = {name: date.fromisoformat(data[name]) for name in ("since", "until") if data.get(name)}
        return cls(data["limit"], random=data["random"], seed=data["seed"], **days)


@dataclass(frozen=True, slots=True)
class ChangedCall:
    """A call that would have another score or other answers."""

    call: int
    agent: int | None
    before: float | None
    after: float | None
    items: list[list[str | None]] = dataclass_field(default_factory=list)  # [item, answer before, answer after]
    rules: list[list[str | None]] = dataclass_field(default_factory=list)

    @property
    def difference(self) -> float:
        """Points gained or lost; 0 where one of the scores is missing."""
        return 0.0 if self.before is None or self.after is None else self.after - self.before


@dataclass(slots=True)
class Comparison:
    """What a changed set does to the calls that were looked at so far."""

    tally: Tally
    changes: list[ChangedCall]

    def add(self, call: Call, change: CallChange) -> None:
        """Count one call."""
        self.tally.add(change, "" if call.agent_id is None else str(call.agent_id))
        if change.moved:
            items, rules = (
                [[shift.name, shift.before, shift.after] for shift in shifts] for shifts in (change.items, change.rules)
            )
            self.changes.append(ChangedCall(call.id, call.agent_id, change.before, change.after, items, rules))


def comparable_calls(session: Session, key: str, scope: Scope, zone: ZoneInfo) -> list[int]:
    """Return the calls of `scope` that are scored by the set `key`, in the order of work."""
    spoken = session.scalars(select(Call.language).distinct()).all()
    languages = [language for language in spoken if _uses(active_scorecard(session, language), key)]
    wanted: list[ColumnElement[bool]] = [
        Call.state == CallState.SCORED,
        Call.language.in_(languages),
        Call.transcript.has(),
    ]
    if scope.since:
        wanted.append(Call.started_at >= _midnight(scope.since, zone))
    if scope.until:
        wanted.append(Call.started_at < _midnight(scope.until + timedelta(days=1), zone))
    newest_first = select(Call.id).where(*wanted).order_by(Call.started_at.desc(), Call.id.desc())
    if not scope.random:
        return list(session.scalars(newest_first.limit(scope.limit)))
    found = sorted(session.scalars(newest_first))
    drawn = random.Random(scope.seed)  # noqa: S311 - anybody may draw the same sample again
    return drawn.sample(found, min(scope.limit, len(found)))


def _uses(card: ScorecardVersion | None, key: str) -> bool:
    return card is not None and card.phrase_set is not None and card.phrase_set.key == key


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock_time(), zone)


def compare(
    factory: sessionmaker[Session],
    settings: Settings,
    changed: PhraseSet,
    scope: Scope,
    *,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> Comparison:
    """Go over the calls of `scope` at once and return what `changed` would do to them; nothing is written.

    Raises:
        Refused: no active scorecard uses the set, or it is another one.
    """
    with factory() as session:
        present = set_in_use(session, changed.id)
        if present is None:
            raise Refused(N_("No scorecard in use has the rules %(id)s: import one first."), id=changed.id)
        refuse_another_set(changed, present.phrases)
        calls = comparable_calls(session, changed.id, scope, settings.zone)
        found = Comparison(Tally(), [])
        for done, (call, change) in enumerate(_changes(session, settings, calls, changed), start=1):
            if call is not None and change is not None:
                found.add(call, change)
            progress(done, len(calls))
    return found


def _changes(
    session: Session, settings: Settings, call_ids: Sequence[int], changed: PhraseSet
) -> Iterator[tuple[Call | None, CallChange | None]]:
    """Yield for each id its call and the change; None for a call that is gone or no longer scored by the set."""
    cards: dict[str | None, ScorecardVersion | None] = {}
    for first in range(0, len(call_ids), AT_ONCE):
        wanted = call_ids[first : first + AT_ONCE]
        rows = session.scalars(select(Call).where(Call.id.in_(wanted)).options(selectinload(Call.transcript)))
        found = {call.id: call for call in rows}
        for call_id in wanted:
            call = found.get(call_id)
            if call is not None and call.language not in cards:
                cards[call.language] = active_scorecard(session, call.language)
            card = cards[call.language] if call else None
            if call is None or card is None or call.transcript is None or not _uses(card, changed.id):
                yield None, None
                continue
            yield call, _change(call, card, changed, settings)
        session.expunge_all()  # transcripts are large: no more than a handful at a time
        cards.clear()


def _change(call: Call, version: ScorecardVersion, changed: PhraseSet, settings: Settings) -> CallChange:
    stored, present = call.transcript, phrases_of(version)
    assert stored is not None
    assert present is not None
    return compare_call(
        Transcript.from_dict(stored.content),
        card_of(version),
        present,
        changed,
        measures=AudioMeasures.from_dict(stored.measures) if stored.measures else None,
        facts=facts_of(call, settings),
    )


def start_comparison(
    session: Session, user_id: int, changed: PhraseSet, scope: Scope, zone: ZoneInfo
) -> RuleComparison:
    """Begin a comparison of `changed` for a person, in the place of the one that they had.

    Raises:
        Refused: no call is scored by this set in `scope`.
    """
    calls = comparable_calls(session, changed.id, scope, zone)
    if not calls:
        raise Refused(N_("No scored call of this language lies in this period."))
    session.execute(delete(RuleComparison).where(RuleComparison.user_id == user_id))
    row = RuleComparison(
        user_id=user_id,
        phrase_set_key=changed.id,
        definition=changed.model_dump(mode="json"),
        scope=scope.to_dict(),
        call_ids=calls,
        tally=Tally().to_dict(),
    )
    session.add(row)
    session.flush()
    return row


def comparison_of(session: Session, user_id: int, key: str) -> RuleComparison | None:
    """Return the comparison of the set `key` that a person began last."""
    return session.scalar(
        select(RuleComparison).where(RuleComparison.user_id == user_id, RuleComparison.phrase_set_key == key)
    )


def found_so_far(row: RuleComparison) -> Comparison:
    """Return what a comparison has found."""
    return Comparison(Tally.from_dict(row.tally), [ChangedCall(**change) for change in row.changes])


def advance(
    factory: sessionmaker[Session], settings: Settings, comparison_id: int, *, seconds: float = STRETCH_SECONDS
) -> None:
    """Work on a comparison for about `seconds`, at least one call, and keep how far it came.

    Where two do so at once, as in two windows of one person, the stretch of the second is dropped.
    """
    began = time.monotonic()
    with factory() as session:
        row = session.get(RuleComparison, comparison_id)
        if row is None or row.finished_at is not None:
            return
        done, total, found = row.done, len(row.call_ids), found_so_far(row)
        changed = _changed_set(json.dumps(row.definition, sort_keys=True))
        left = list(row.call_ids[done:])
        reached = done
        for call, change in _changes(session, settings, left, changed):
            reached += 1
            if call is not None and change is not None:
                found.add(call, change)
            if time.monotonic() - began >= seconds:
                break
    with transaction(factory) as session:
        session.execute(
            update(RuleComparison)
            .where(RuleComparison.id == comparison_id, RuleComparison.done == done)
            .values(
                done=reached,
                tally=found.tally.to_dict(),
                changes=[asdict(change) for change in found.changes],
                finished_at=now() if reached == total else None,
            )
        )


@lru_cache(maxsize=8)
def _changed_set(definition: str) -> PhraseSet:
    """Return the set that a comparison keeps; read once for all of its stretches."""
    return PhraseSet.model_validate(json.loads(definition))
