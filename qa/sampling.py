"""The weekly draw: which calls are eligible, how many each agent gets, the draw itself, and its proof.

A draw keeps its seed, the text of its rules and the eligible list with the list's hash. With these three
`verify_draw` repeats it exactly, in this database or from a file on another machine. Who reviews the drawn calls is
the matter of qa.sampling_work.
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, insert, select
from sqlalchemy.orm import Session

from models import (
    Agent,
    AutoScore,
    Call,
    Complaint,
    Draw,
    Review,
    ReviewReason,
    ReviewState,
    SampledCall,
    SamplingPlan,
    SurveyRating,
    Team,
    TestCall,
    User,
)
from models.base import now
from qa import audit
from qa.periods import Period, PeriodKind
from qa.refusals import N_, Refused
from qa.risk import Risks, current_risks
from qa.sampling_rules import PlanRules, read_rules
from scoring.allocation import Work, best_shares, moderated_spreads
from scoring.sampling import (
    METHOD,
    Chosen,
    DesignKind,
    Frame,
    FrameError,
    Outcome,
    Span,
    Unit,
    draw,
    inclusion_probabilities,
    joint_reviews,
    reserves,
)

USUAL_PLAN = "weekly"  # made with the usual rules when there is no plan yet
PROOF = "hotline-draw/1"
FINISHED = (ReviewState.SUBMITTED, ReviewState.RELEASED)
SPREAD_DAYS = 91  # reviews of so many days tell how much an agent's calls differ
CHUNK = 500  # ids in one query
_REASONS = {"complaint": ReviewReason.COMPLAINT, "low_rating": ReviewReason.TARGETED}


@dataclass(frozen=True, slots=True)
class Eligible:
    """What a plan may draw from in a stretch of time."""

    frame: Frame
    calls: Mapping[str, tuple[int, int]]  # call id and agent id by key
    left_out: Mapping[str, int]  # calls by reason (qa.sampling_rules.LEFT_OUT)
    risk_model_id: int | None  # None: the risk was read off the automatic scores


@dataclass(frozen=True, slots=True)
class Verification:
    """What the proof of a draw came to."""

    eligible: int
    drawn: int
    problems: tuple[Refused, ...]  # none: the draw is exactly what its seed, rules and list give
    late: int = 0  # eligible calls of the drawn time that came in after the draw and had no chance

    @property
    def proven(self) -> bool:
        return not self.problems


# --- plans ------------------------------------------------------------------------------------------------------


def plan_named(session: Session, name: str | None) -> SamplingPlan:
    """Return the plan of that name; without a name the only active one, made with the usual rules if there is none.

    Raises:
        Refused: there is no such plan, or none is named and there are several.
    """
    if name is not None:
        plan = session.scalar(select(SamplingPlan).where(SamplingPlan.name == name))
        if plan is None:
            raise Refused(N_("There is no plan %(name)s."), field="plan", name=name)
        return plan
    plans = session.scalars(select(SamplingPlan).where(SamplingPlan.active).order_by(SamplingPlan.name)).all()
    if len(plans) > 1:
        names = ", ".join(plan.name for plan in plans)
        raise Refused(N_("There are several plans; name one of them: %(names)s."), field="plan", names=names)
    return plans[0] if plans else store_plan(session, USUAL_PLAN, PlanRules())


def store_plan(
    session: Session,
    name: str,
    rules: PlanRules,
    *,
    active: bool = True,
    by: User | None = None,
    address: str | None = None,
) -> SamplingPlan:
    """Add a plan, or give the one of that name other rules; draws that were made keep theirs.

    Raises:
        Refused: the name is empty or too long.
    """
    name = name.strip()
    if not 0 < len(name) <= 100:
        raise Refused(N_("A plan needs a name of up to 100 characters."), field="name")
    plan = session.scalar(select(SamplingPlan).where(SamplingPlan.name == name))
    before = plan.rules if plan else None
    if plan is None:
        plan = SamplingPlan(name=name)
        session.add(plan)
    plan.rules = rules.model_dump(mode="json")
    plan.active = active
    session.flush()
    audit.record(
        session,
        "sampling_plan.stored",
        user_id=by.id if by else None,
        subject=("sampling_plan", plan.id),
        address=address,
        before=before,
        after=plan.rules,
        active=active,
    )
    return plan


def rules_of(made: SamplingPlan | Draw) -> PlanRules:
    """Return the rules of a plan as they are, or of a draw as they were."""
    return read_rules(json.loads(made.rules) if isinstance(made, Draw) else made.rules)


# --- what may be drawn --------------------------------------------------------------------------------------------


def eligible_calls(
    session: Session, rules: PlanRules, begins: datetime, ends: datetime, *, zone: ZoneInfo, risks: Risks | None = None
) -> Eligible:
    """Return the calls from `begins` up to `ends` that `rules` let a draw take, with how many each agent gets.

    A handful of queries, however many calls there are.
    """
    found = _calls_between(session, begins, ends)
    reviewed, tested = _reviewed(session, begins, ends), _tested(session)
    left_out: Counter[str] = Counter()
    kept: list[Row[Any]] = []
    for row in found:
        if not _in_scope(rules, row):
            continue
        why_not = _why_not(rules, row, reviewed, tested)
        if why_not is None and any(outage.covers(row.started_at, row.queue, zone) for outage in rules.outages):
            why_not = "outage"
        if why_not is None:
            kept.append(row)
        else:
            left_out[why_not] += 1

    risks = risks or (current_risks(session) if rules.needs_risk else None)
    risk = risks.of_calls(session, [row.id for row in kept]) if risks else {}
    strata = _strata(rules, kept, risk)
    units = tuple(Unit(row.content_hash, row.number, strata[row.id], risk.get(row.id, 0)) for row in kept)
    by_id = {row.id: row.content_hash for row in kept}
    frame = Frame(
        units,
        _sizes(session, rules, kept, begins, ends.astimezone(zone).date()),
        _suspicious(session, rules, kept, by_id),
    )
    return Eligible(
        frame,
        {row.content_hash: (row.id, row.agent_id) for row in kept},
        dict(left_out),
        risks.model_id if risks else None,
    )


def _calls_between(session: Session, begins: datetime, ends: datetime) -> Sequence[Row[Any]]:
    found: Sequence[Any] = session.execute(
        select(
            Call.id,
            Call.content_hash,
            Call.agent_id,
            Call.started_at,
            Call.queue,
            Call.direction,
            Call.language,
            Call.duration,
            Call.state,
            Agent.number,
            Agent.hired_on,
            Team.name.label("team"),
            AutoScore.fatal_suspected,
        )
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .outerjoin(Team, Team.id == Agent.team_id)
        .outerjoin(AutoScore, AutoScore.call_id == Call.id)
        .where(Call.started_at >= begins, Call.started_at < ends)
        .order_by(Call.id)
    ).all()
    return found


def _reviewed(session: Session, begins: datetime, ends: datetime) -> set[int]:
    finished = select(Review.call_id).join(Call, Review.call_id == Call.id).where(Review.ordinary)
    return set(
        session.scalars(
            finished.where(Review.state.in_(FINISHED), Call.started_at >= begins, Call.started_at < ends)
        ).all()
    )


def _tested(session: Session) -> set[int]:
    return {one for one in session.scalars(select(TestCall.call_id)) if one is not None}


def _in_scope(rules: PlanRules, row: Row[Any]) -> bool:
    return (
        (not rules.agents or row.number in rules.agents)
        and (not rules.teams or row.team in rules.teams)
        and (not rules.queues or row.queue in rules.queues)
    )


def _why_not(rules: PlanRules, row: Row[Any], reviewed: Collection[int], tested: Collection[int]) -> str | None:
    """Return why a call is not eligible, None when it is."""
    if row.agent_id is None:
        return "no_agent"
    if row.state not in rules.states:
        return "state"
    if (row.duration or 0.0) < rules.min_seconds:
        return "too_short"
    if rules.max_seconds is not None and (row.duration or 0.0) > rules.max_seconds:
        return "too_long"
    if rules.directions and row.direction not in rules.directions:
        return "direction"
    if rules.languages and (row.language or "").split("-")[0].lower() not in rules.languages:
        return "language"
    if row.id in tested:
        return "test_call"
    return "reviewed" if not rules.reviewed and row.id in reviewed else None


def _strata(rules: PlanRules, rows: Sequence[Row[Any]], risk: Mapping[int, int]) -> dict[int, str]:
    if rules.strata == "none":
        return dict.fromkeys((row.id for row in rows), "")
    if rules.strata == "risk":
        ordered = sorted(risk[row.id] for row in rows)
        third, two_thirds = (ordered[len(ordered) * i // 3] if ordered else 0 for i in (1, 2))
        return {
            row.id: "low" if risk[row.id] < third else "middle" if risk[row.id] < two_thirds else "high" for row in rows
        }
    return {row.id: str(getattr(row, rules.strata) or "") for row in rows}


def _sizes(
    session: Session, rules: PlanRules, rows: Sequence[Row[Any]], begins: datetime, last_day: date
) -> dict[str, int]:
    """Return the reviews of each agent in a week: the plan's numbers, or its budget shared where it tells most."""
    agents = {row.number: row for row in rows}
    newest = last_day - timedelta(days=rules.new_days)
    usual = {
        number: rules.per_new_agent if row.hired_on is not None and row.hired_on > newest else rules.per_agent
        for number, row in agents.items()
    }
    if rules.budget is None:
        return usual
    calls = Counter(row.number for row in rows)
    spreads = agent_spreads(session, agents, begins)
    shares = best_shares(
        [Work(number, calls[number], spreads[number], least=usual[number]) for number in sorted(agents)], rules.budget
    )
    return {number: max(1, share) for number, share in shares.items()}


def agent_spreads(session: Session, numbers: Iterable[str], before: datetime) -> dict[str, float]:
    """Return how much the review scores of each agent differ (standard deviation, points), moderated.

    It rests on the random reviews of calls in the SPREAD_DAYS days before; see
    scoring.allocation.moderated_spreads for agents with few of them.
    """
    n, mean, square = func.count(), func.avg(Review.final), func.avg(Review.final * Review.final)
    rows = session.execute(
        select(Agent.number, n, mean, square)
        .select_from(Review)
        .join(Call, Review.call_id == Call.id)
        .join(Agent, Call.agent_id == Agent.id)
        .where(
            Review.state == ReviewState.RELEASED,
            Review.reason == ReviewReason.RANDOM,
            Review.final.is_not(None),
            Review.ordinary,
            Call.started_at >= before - timedelta(days=SPREAD_DAYS),
            Call.started_at < before,
        )
        .group_by(Agent.number)
    )
    known = {
        number: (max(0.0, (squares - middle**2) * count / (count - 1)) ** 0.5 if count > 1 else 0.0, count)
        for number, count, middle, squares in rows
    }
    return moderated_spreads({number: known.get(number, (0.0, 0)) for number in numbers})


def _suspicious(
    session: Session, rules: PlanRules, rows: Sequence[Row[Any]], keys: Mapping[int, str]
) -> dict[str, str]:
    """Return why calls are picked whatever chance says; of several reasons the first in this order."""
    found: dict[str, str] = {}
    if "low_rating" in rules.picks:
        lowest = session.scalars(select(SurveyRating.call_id).where(SurveyRating.score == 0))
        found |= {keys[one]: "low_rating" for one in lowest if one is not None and one in keys}
    if "fatal_suspected" in rules.picks:
        found |= {row.content_hash: "fatal_suspected" for row in rows if row.fatal_suspected}
    if "complaint" in rules.picks:
        complained = session.scalars(select(Complaint.call_id))
        found |= {keys[one]: "complaint" for one in complained if one is not None and one in keys}
    return found


# --- the draw -----------------------------------------------------------------------------------------------------


def draw_calls(
    session: Session,
    week: Period,
    *,
    zone: ZoneInfo,
    plan: SamplingPlan,
    by: User | None = None,
    seed: str | None = None,
    at: datetime | None = None,
    address: str | None = None,
) -> Draw:
    """Draw the calls of `week` that the plan asks for and keep the proof; qa.sampling_work.draw_week assigns them too.

    A week that is not over is drawn up to this moment; drawn again later, the rest follows as a further part.

    Args:
        seed: for a draw whose seed was published before; None: made here. Further parts use the first one's.
        at: what counts as this moment; None: now.

    Raises:
        Refused: this is no week, it has not begun, it is drawn already, or no call is eligible.
    """
    rules = rules_of(plan)
    begins, ends, earlier = _time_to_draw(session, plan, week, zone, at or now())
    eligible = eligible_calls(session, rules, begins, ends, zone=zone)
    if not eligible.frame.units and earlier:
        raise Refused(
            N_("Week %(week)s is drawn up to now by plan %(plan)s, and no eligible call has come in since."),
            field="week",
            week=week.label,
            plan=plan.name,
        )
    if not eligible.frame.units:
        raise Refused(N_("No call of week %(week)s is eligible under plan %(plan)s."), week=week.label, plan=plan.name)
    if earlier:
        # What an agent gets is said once for the whole week, so that the parts add up to it.
        agreed = frame_of(earlier[0]).sizes
        sizes = {agent: agreed.get(agent, size) for agent, size in eligible.frame.sizes.items()}
        eligible = Eligible(
            Frame(eligible.frame.units, sizes, eligible.frame.suspicious),
            eligible.calls,
            eligible.left_out,
            eligible.risk_model_id,
        )
    span = _span(week, begins, ends, len(earlier) + 1, zone)
    last_day = (ends - timedelta(seconds=1)).astimezone(zone).date()
    # A week that is drawn long after it was over is not overdue at once.
    drawn_on = (at or now()).astimezone(zone).date()
    made = Draw(
        plan=plan,
        week=week.label,
        part=span.part,
        begins_at=begins,
        ends_at=ends,
        begins_share=str(span.begin),
        ends_share=str(span.end),
        due_on=rules.working_days.after(max(last_day, drawn_on - timedelta(days=1)), rules.due_days),
        seed=earlier[0].seed if earlier else seed or secrets.token_hex(16),
        method=METHOD,
        rules=rules.text(),
        eligible_hash=eligible.frame.digest(),
        eligible_count=len(eligible.frame.units),
        eligible=zlib.compress(eligible.frame.text().encode(), 9),
        left_out=dict(eligible.left_out),
        risk_model_id=eligible.risk_model_id,
        drawn_by=by,
    )
    session.add(made)
    session.flush()
    outcome = draw(eligible.frame, rules.how, made.seed, span=span, picks=rules.max_picks)
    _store(session, made, rules, outcome, eligible.calls)
    audit.record(
        session,
        "sample.drawn",
        user_id=by.id if by else None,
        subject=("draw", made.id),
        address=address,
        plan=plan.name,
        week=week.label,
        part=made.part,
        seed=made.seed,
        eligible=made.eligible_count,
        eligible_hash=made.eligible_hash,
        random=len(outcome.sample),
        targeted=len(outcome.picks),
    )
    return made


def _time_to_draw(
    session: Session, plan: SamplingPlan, week: Period, zone: ZoneInfo, at: datetime
) -> tuple[datetime, datetime, Sequence[Draw]]:
    """Return the time that a draw would cover, and the week's draws before it."""
    if week.kind is not PeriodKind.WEEK:
        raise Refused(N_("%(period)s is no week; write for example 2026-W47."), field="week", period=week.label)
    start, end = week.bounds(zone)
    if at < start:
        raise Refused(N_("Week %(week)s has not begun."), field="week", week=week.label)
    earlier = session.scalars(
        select(Draw).where(Draw.plan_id == plan.id, Draw.week == week.label).order_by(Draw.part)
    ).all()
    begins = earlier[-1].ends_at if earlier else start
    ends = min(end, at.replace(microsecond=0))
    if ends <= begins:
        raise Refused(
            N_("Week %(week)s is drawn already by plan %(plan)s: draw %(draw)s."),
            field="week",
            week=week.label,
            plan=plan.name,
            draw=earlier[-1].id if earlier else "–",
        )
    return begins, ends, earlier


def _span(week: Period, begins: datetime, ends: datetime, part: int, zone: ZoneInfo) -> Span:
    start, end = week.bounds(zone)
    second = timedelta(seconds=1)
    length = (end - start) // second
    return Span(Fraction((begins - start) // second, length), Fraction((ends - start) // second, length), part)


def _store(
    session: Session, made: Draw, rules: PlanRules, outcome: Outcome, calls: Mapping[str, tuple[int, int]]
) -> None:
    joint = joint_reviews((one.unit.key for one in outcome.sample), rules.joint_percent, made.seed)
    rows = [_random_row(made, one, rules.design.value, calls, joint) for one in outcome.sample]
    for unit, why in outcome.picks:
        call_id, agent_id = calls[unit.key]
        reason = _REASONS.get(why, ReviewReason.TARGETED)
        rows.append(_row(made, call_id, agent_id, reason, why, unit.stratum, None, False))
    if rows:
        session.execute(insert(SampledCall), rows)


def _random_row(
    made: Draw, one: Chosen, why: str, calls: Mapping[str, tuple[int, int]], joint: Collection[str]
) -> dict[str, Any]:
    call_id, agent_id = calls[one.unit.key]
    chance = float(one.probability)
    return _row(made, call_id, agent_id, ReviewReason.RANDOM, why, one.unit.stratum, chance, one.unit.key in joint)


def _row(
    made: Draw,
    call_id: int,
    agent_id: int,
    reason: ReviewReason,
    why: str,
    stratum: str,
    probability: float | None,
    joint: bool,
) -> dict[str, Any]:
    return {
        "draw_id": made.id,
        "call_id": call_id,
        "agent_id": agent_id,
        "reason": reason,
        "why": why,
        "stratum": stratum,
        "probability": probability,
        "joint": joint,
    }


# --- the proof ----------------------------------------------------------------------------------------------------


def span_of(made: Draw) -> Span:
    return Span(Fraction(made.begins_share), Fraction(made.ends_share), made.part)


def frame_of(made: Draw) -> Frame:
    """Return the eligible list that a draw kept.

    Raises:
        FrameError: what is stored is no such list.
    """
    try:
        return Frame.read(zlib.decompress(made.eligible).decode())
    except (zlib.error, UnicodeDecodeError) as error:
        raise FrameError(f"the eligible list of draw {made.id} is damaged: {error}") from None


def proof_of(session: Session, made: Draw) -> dict[str, Any]:
    """Return everything that repeats a draw, as one JSON object; it holds staff numbers and hashes, no words.

    Raises:
        FrameError: the stored list is damaged.
    """
    keys = {
        one.id: (one, key)
        for one, key in session.execute(
            select(SampledCall, Call.content_hash)
            .join(Call, SampledCall.call_id == Call.id)
            .where(SampledCall.draw_id == made.id)
            .order_by(SampledCall.id)
        )
    }
    return {
        "format": PROOF,
        "draw": made.id,
        "week": made.week,
        "part": made.part,
        "begin": made.begins_share,
        "end": made.ends_share,
        "method": made.method,
        "seed": made.seed,
        "rules": json.loads(made.rules),
        "eligible_hash": made.eligible_hash,
        "eligible": json.loads(frame_of(made).text()),
        "drawn": [
            {
                "call": key,
                "reason": one.reason.value,
                "why": one.why,
                "probability": one.probability,
                "joint": one.joint,
                "withdrawn": one.withdrawn_reason,
                "replaces": keys[one.replaces_id][1] if one.replaces_id is not None else None,
            }
            for one, key in keys.values()
        ],
    }


def verify_draw(session: Session, made: Draw, *, zone: ZoneInfo) -> Verification:
    """Repeat a draw from what it kept, and say how many calls of its time came too late to have a chance."""
    try:
        proof = proof_of(session, made)
    except FrameError as error:
        return Verification(made.eligible_count, 0, (Refused(N_("%(problem)s"), problem=str(error)),))
    found = verify_proof(proof)
    rules = read_rules(proof["rules"])
    listed = {key for key, *_ in proof["eligible"]["units"]}
    only_who = rules.model_copy(update={"design": DesignKind.SIMPLE, "strata": "none", "budget": None})
    today = eligible_calls(session, only_who, made.begins_at, made.ends_at, zone=zone)
    return Verification(found.eligible, found.drawn, found.problems, len(today.calls.keys() - listed))


def verify_proof(proof: Mapping[str, Any]) -> Verification:
    """Repeat the draw that `proof` describes; needs no database.

    Raises:
        Refused: this is no proof of a draw.
    """
    try:
        if proof["format"] != PROOF or proof["method"] != METHOD:
            raise Refused(N_("This is no proof of a draw that this version can repeat."))
        rules = read_rules(proof["rules"])
        seed = str(proof["seed"])
        span = Span(Fraction(proof["begin"]), Fraction(proof["end"]), int(proof["part"]))
        frame = Frame.read(json.dumps(proof["eligible"]))
        drawn = list(proof["drawn"])
        claimed = str(proof["eligible_hash"])
        found = _compare(frame, claimed, drawn, rules, seed, span)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(N_("This is no proof of a draw: %(problem)s"), problem=str(error)) from None
    return Verification(len(frame.units), len(drawn), tuple(found))


def _compare(
    frame: Frame, claimed: str, drawn: Sequence[Mapping[str, Any]], rules: PlanRules, seed: str, span: Span
) -> list[Refused]:
    problems: list[Refused] = []
    if frame.digest() != claimed:
        problems.append(Refused(N_("The eligible list has another hash than the one that was kept.")))
    outcome = draw(frame, rules.how, seed, span=span, picks=rules.max_picks)
    joint = joint_reviews((one.unit.key for one in outcome.sample), rules.joint_percent, seed)
    expected: dict[str, tuple[Any, ...]] = {
        one.unit.key: ("random", rules.design.value, float(one.probability), one.unit.key in joint)
        for one in outcome.sample
    }
    expected |= {
        unit.key: (_REASONS.get(why, ReviewReason.TARGETED).value, why, None, False) for unit, why in outcome.picks
    }
    first = [one for one in drawn if one["replaces"] is None]
    stored = {one["call"]: (one["reason"], one["why"], one["probability"], one["joint"]) for one in first}
    for key in sorted(expected.keys() - stored.keys()):
        problems.append(Refused(N_("Call %(call)s should have been drawn and is missing."), call=key[:12]))
    for key in sorted(stored.keys() - expected.keys()):
        problems.append(Refused(N_("Call %(call)s was not drawn by this seed."), call=key[:12]))
    for key in sorted(stored.keys() & expected.keys()):
        # Who reviews what decides which further random calls became joint (qa.sampling_work.top_up_joint).
        topped_up = rules.joint_least > 0 and expected[key][0] == "random" and stored[key] == (*expected[key][:3], True)
        if stored[key] != expected[key] and not topped_up:
            problems.append(Refused(N_("Call %(call)s has another reason or probability."), call=key[:12]))
    return problems + _compare_replacements(frame, outcome, drawn, seed)


def _compare_replacements(
    frame: Frame, outcome: Outcome, drawn: Sequence[Mapping[str, Any]], seed: str
) -> list[Refused]:
    """Each replacement must be the first reserve that was not in use."""
    problems: list[Refused] = []
    units = {unit.key: unit for unit in frame.units}
    used = {one["call"] for one in drawn if one["replaces"] is None}
    for one in drawn:
        if one["replaces"] is None:
            continue
        replaced = units.get(one["replaces"])
        free = [unit.key for unit in reserves(outcome, replaced, frame, seed)] if replaced else []
        expected = next((key for key in free if key not in used), None)
        if one["call"] != expected or one["probability"] != float(outcome.probabilities[one["call"]]):
            problems.append(Refused(N_("Call %(call)s is not the reserve whose turn it was."), call=one["call"][:12]))
        used.add(one["call"])
    return problems


# --- for others -----------------------------------------------------------------------------------------------------


def review_probabilities(session: Session, call_ids: Iterable[int]) -> dict[int, float]:
    """Return with what probability each of these calls came into the random sample; calls outside it are not named.

    Withdrawn calls are left out, the calls in their place are in. A call that several plans could draw has the
    probability that at least one of them takes it, whether they all did or not: their draws are independent.
    """
    wanted = list(call_ids)
    drawn: defaultdict[int, dict[int, float]] = defaultdict(dict)  # by call and draw
    for at in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(SampledCall.call_id, SampledCall.draw_id, SampledCall.probability).where(
                SampledCall.call_id.in_(wanted[at : at + CHUNK]),
                SampledCall.probability.is_not(None),
                SampledCall.withdrawn_at.is_(None),
            )
        )
        for call_id, draw_id, chance in rows:
            drawn[call_id][draw_id] = float(chance or 0.0)
    for call_id, draw_id, chance in _chances_elsewhere(session, drawn):
        drawn[call_id][draw_id] = chance
    return {call_id: _at_least_one(chances.values()) for call_id, chances in drawn.items()}


def _at_least_one(chances: Iterable[float]) -> float:
    found = 0.0
    for chance in chances:
        found += (1.0 - found) * chance
    return found


def _chances_elsewhere(session: Session, drawn: Mapping[int, Mapping[int, float]]) -> Iterator[tuple[int, int, float]]:
    """Yield (call, draw, probability) of draws that could have taken a call and did not; none with one plan alone."""
    draws = session.execute(select(Draw.id, Draw.plan_id, Draw.begins_at, Draw.ends_at)).tuples().all()
    if not drawn or len({plan for _, plan, _, _ in draws}) < 2:
        return
    ids = list(drawn)
    calls = [
        row
        for at in range(0, len(ids), CHUNK)
        for row in session.execute(
            select(Call.id, Call.content_hash, Call.started_at).where(Call.id.in_(ids[at : at + CHUNK]))
        ).tuples()
    ]
    for draw_id, _, begins, ends in draws:
        missed = {key: call for call, key, at in calls if begins <= at < ends and draw_id not in drawn[call]}
        if missed:
            for key, chance in _frame_chances(session.get_one(Draw, draw_id), missed.keys()).items():
                yield missed[key], draw_id, chance


def _frame_chances(made: Draw, keys: Collection[str]) -> dict[str, float]:
    """Return the probabilities that a draw gave to some calls; calls that were not eligible are not named."""
    frame = frame_of(made)
    concerned = {unit.agent for unit in frame.units if unit.key in keys}
    units: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in frame.units:
        if unit.agent in concerned:
            units[unit.agent].append(unit)
    design, span = rules_of(made).how, span_of(made)
    return {
        key: float(chance)
        for agent, own in units.items()
        for key, chance in inclusion_probabilities(own, frame.sizes[agent], design, span).items()
        if key in keys
    }


def drawn_reason(session: Session, call_id: int) -> ReviewReason | None:
    """Return for what a call was drawn, None when no plan drew it; a random draw comes before a targeted one."""
    reasons = set(
        session.scalars(
            select(SampledCall.reason).where(SampledCall.call_id == call_id, SampledCall.withdrawn_at.is_(None))
        )
    )
    return next((reason for reason in ReviewReason if reason in reasons), None)


def review_reason(session: Session, call: Call, given: ReviewReason) -> ReviewReason:
    """Return the reason of a review of `call`: what was drawn keeps its reason, and only chance makes "random".

    Where a plan has drawn the agent's calls of that time, a call beside the sample was picked by a person. As random it
    would stand beside calls with known probabilities and have none, and the agent's mean could not be weighed.
    """
    drawn = drawn_reason(session, call.id)
    if drawn is not None or given is not ReviewReason.RANDOM:
        return drawn or given
    beside = select(SampledCall.id).join(SampledCall.draw)
    beside = beside.where(
        SampledCall.agent_id == call.agent_id,
        SampledCall.reason == ReviewReason.RANDOM,
        Draw.begins_at <= call.started_at,
        Draw.ends_at > call.started_at,
    )
    return ReviewReason.TARGETED if session.scalar(beside.limit(1)) is not None else given
