"""What a rule found in one call."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.marks import Answer, Evidence

NOT_IN_EFFECT = "not_in_effect"  # the reason of a rule that is not looked at on the day of the call


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule looked for. `kind` names the fault that it would be if it is NOT_MET."""

    rule: str
    kind: str
    verdict: Answer  # MET, NOT_MET, CANNOT_TELL or NOT_APPLICABLE
    evidence: Evidence
    part: str | None = None


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The findings of one rule; at least one."""

    rule: str
    findings: tuple[Finding, ...]
    needs_person: bool = False

    @property
    def verdict(self) -> Answer:
        """The rule as a whole: not met if anything is, then cannot tell, then met, else not applicable."""
        verdicts = {finding.verdict for finding in self.findings}
        for answer in (Answer.NOT_MET, Answer.CANNOT_TELL, Answer.MET):
            if answer in verdicts:
                return answer
        return Answer.NOT_APPLICABLE

    @property
    def in_effect(self) -> bool:
        """Whether the rule was in effect on the day of the call."""
        return all(finding.evidence.reason != NOT_IN_EFFECT for finding in self.findings)

    @property
    def moment(self) -> float | None:
        """When the rule was first met, in seconds; None when it was not or the time is unknown."""
        times = [
            finding.evidence.start
            for finding in self.findings
            if finding.verdict is Answer.MET and finding.evidence.start is not None
        ]
        return min(times, default=None)
