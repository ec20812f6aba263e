"""Flows: steps that are expected one after the other, with branches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from scoring.case import Case
from scoring.check_models import END, Flow, Step
from scoring.checks import ANSWERS, Examination, Outcomes, shown
from scoring.expressions import parse
from scoring.found import Found
from scoring.marks import Answer
from scoring.outcome import Finding, RuleOutcome
from scoring.places import NOWHERE, Place, about, exactly, stretches


def follow(case: Case, flow: Flow, outcomes: Outcomes) -> RuleOutcome:
    """Return a finding for each step on the way through the flow; not applicable without its first step."""
    walk = _Walk(case, flow, Examination(case, flow, outcomes))
    findings = tuple(walk.findings())
    failed = any(finding.verdict is Answer.NOT_MET for finding in findings)
    return RuleOutcome(flow.id, findings, flow.needs_person and failed)


@dataclass
class _Walk:
    """One way through a flow."""

    case: Case
    flow: Flow
    examination: Examination
    at: float = -math.inf  # where the last step that was found ends
    sure: bool = True  # whether that is where the flow stands: a doubtful step may have moved it on
    reached: list[str] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        """Yield the finding of every step on the way."""
        if self.flow.applies is not None:
            applies = self.examination.judged(parse(self.flow.applies))
            if applies.value is not True:
                answer = Answer.CANNOT_TELL if applies.value is None else Answer.NOT_APPLICABLE
                reason = None if applies.value is None else "does_not_apply"
                yield shown(self.case, self.flow.id, "missing", answer, applies, reason=reason)
                return
        position: int | None = 0
        while position is not None:
            step = self.flow.steps[position]
            found = self._found(step)
            if position == 0 and found.value is not True:
                yield self._not_begun(step, found)
                return
            if (finding := self._finding(step, found)) is not None:
                yield finding
            self._move(found)
            position, open_way = self._next(step, position)
            if open_way is not None:
                reason = "branch_unsure"
                yield shown(
                    self.case, self.flow.id, "missing", Answer.CANNOT_TELL, open_way, reason=reason, part=step.id
                )

    def _found(self, step: Step) -> Found:
        """Return what a step found from where the flow stands, and keep it for the branches."""
        self.examination.limits[step.id] = self._reach(step)
        self.reached.append(step.id)
        found = self.examination.found(step.id)
        if found.value is False and not self.sure:
            found = Found(None, "step_before_unsure", values=found.values, nearest=found.nearest)
            self.examination.known[step.id] = found
        return found

    def _reach(self, step: Step) -> Place | None:
        if self.at == -math.inf and step.within_s is None and step.within_turns is None:
            return None
        if step.within_turns is not None:
            mine = stretches(self.case, step.expect.speaker)
            later = [index for index, stretch in enumerate(mine) if stretch.end > self.at + 1e-6]
            if not later:
                return Place(NOWHERE, NOWHERE)
            last = later[: step.within_turns][-1]
            return exactly([(self.at, mine[last + 1].start if last + 1 < len(mine) else math.inf)])
        if step.within_s is None:
            return exactly([(self.at, math.inf)])
        begin = self.at if self.at > -math.inf else self.case.first_word
        if not self.case.timed:
            return replace(exactly([(self.at, math.inf)]), narrow=NOWHERE, reason="no_times")
        return about([(begin, begin + step.within_s)])

    def _not_begun(self, step: Step, found: Found) -> Finding:
        if found.value is None:
            return shown(self.case, self.flow.id, "missing", Answer.CANNOT_TELL, found, part=step.id)
        idle = Answer.NOT_APPLICABLE
        return shown(self.case, self.flow.id, "missing", idle, found, reason="flow_not_begun", part=step.id)

    def _finding(self, step: Step, found: Found) -> Finding | None:
        if step.optional and found.value is not True:
            return None
        return shown(self.case, self.flow.id, "missing", ANSWERS[found.value], found, part=step.id)

    def _move(self, found: Found) -> None:
        if found.certain and found.value is True:
            self.at, self.sure = found.certain[0].end, True
        elif found.value is None:
            self.sure = False

    def _next(self, step: Step, position: int) -> tuple[int | None, Found | None]:
        """Return the next step, or None at the end, and what made the way unclear."""
        for branch in step.branches:
            found = self.examination.judged(parse(branch.when))
            if found.value is True:
                return self._step(branch.go, position), None
            if found.value is None:
                return None, found
        return self._step(step.next, position), None

    def _step(self, name: str | None, position: int) -> int | None:
        if name == END:
            return None
        if name is not None:
            return self.flow.index[name]
        return position + 1 if position + 1 < len(self.flow.steps) else None
