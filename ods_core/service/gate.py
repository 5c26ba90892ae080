"""The quality gate at work: criteria, and reasons of rejections, read beside the engagement that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from ods_core.basics.errors import Invalid, Problem
from ods_core.basics.records import Attempt, CriterionNotMet, Deliverable, Engagement
from ods_core.basics.resources import Resource
from ods_core.basics.states import Decision
from ods_core.lifecycle import Reject
from ods_core.lifecycle.reviewing import not_met
from ods_core.quality import (
    CheckedList,
    Finding,
    NotMet,
    ReasonCode,
    Rejection,
    check_criteria,
    check_reason,
)
from ods_core.quality.criteria import mean_score

FLAGGED = "rejection_flagged"
_PLACES = {
    ReasonCode.NO_CRITERION: "/criteria_not_met",
    ReasonCode.UNKNOWN_CRITERION: "/criteria_not_met",
    ReasonCode.NO_EVIDENCE: "/criteria_not_met",
}


def scope_criteria(engagement: Engagement, scope_id: str) -> dict[str, CheckedList]:
    """The criteria of a scope, checked, by the id of their deliverable."""
    deliverables = engagement.scope_deliverables(scope_id)
    return {d.id: check_criteria(d.acceptance_criteria) for d in deliverables}


def scope_score(engagement: Engagement, scope_id: str) -> int:
    """How good the criteria of a scope are: the mean over all of them, 0 to 100."""
    return mean_score(
        one.score for checked in scope_criteria(engagement, scope_id).values() for one in checked.criteria
    )


def reason_findings(engagement: Engagement, deliverable_id: str, given: Reject) -> list[Finding]:
    """What a rejection of a deliverable, not given yet, would be better without."""
    d = engagement.deliverable(deliverable_id)
    return findings_of(d, engagement.attempts_of(d.id), given.rejection_reason, not_met(given))


def findings_of(
    d: Deliverable, attempts: Sequence[Attempt], reason: str, failed: Sequence[CriterionNotMet]
) -> list[Finding]:
    """What the reason of a rejection would be better without, beside a deliverable and its attempts so far."""
    earlier = [_rejection(a) for a in attempts if a.decision == Decision.REJECTED]
    about = f"{d.title}\n{d.description}"
    return check_reason(reason, _named(failed), d.acceptance_criteria, earlier, about=about)


def _rejection(attempt: Attempt) -> Rejection:
    return Rejection(attempt.number, attempt.rejection_reason or "", _named(attempt.criteria_not_met))


def _named(failed: Sequence[CriterionNotMet]) -> list[NotMet]:
    return [NotMet(one.criterion, one.evidence) for one in failed]


def warning(finding: Finding) -> Resource:
    """A finding on a reason, as callers see it."""
    return {
        "code": finding.code.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


def placed(finding: Finding) -> Resource:
    """A finding on a criterion, as callers see it: with its place in the text, in code points."""
    return warning(finding) | {"start": finding.start, "end": finding.end}


def checked_resource(checked: CheckedList) -> Resource:
    """Checked criteria, as callers see them."""
    criteria = [
        {"text": one.text, "score": one.score, "findings": [placed(f) for f in one.findings]}
        for one in checked.criteria
    ]
    return {"score": checked.score, "criteria": criteria}


def refusal(findings: Sequence[Finding]) -> Invalid:
    """A rejection that is flagged, where flagged ones are refused."""
    problems = [
        Problem(_PLACES.get(ReasonCode(f.code), "/rejection_reason"), f"{f.message} {f.suggestion}", warning(f))
        for f in findings
    ]
    return Invalid(problems, code=FLAGGED)
