"""Verdicts: what a decision says of each criterion, and how that agrees with the decision itself."""

from __future__ import annotations

from ods_core.basics.checks import Checks
from ods_core.basics.records import CriterionNotMet, Deliverable
from ods_core.basics.states import Verdict
from ods_core.lifecycle.commands import Accept, Reject


def check_verdicts(given: Accept | Reject, deliverable: Deliverable) -> None:
    """Each verdict is on a criterion that there is, at most one on each, and none says the opposite of the decision.

    Raises:
        Invalid: some verdict cannot be right; says which.
    """
    c = Checks()
    known = len(deliverable.acceptance_criteria)
    failed = {x.criterion for x in given.criteria_not_met} if isinstance(given, Reject) else set()
    seen: set[int] = set()
    # More verdicts than criteria repeat one of them; the first that does is enough to say so.
    for i, v in enumerate(given.verdicts[: known + 1]):
        at = f"/verdicts/{i}"
        c.within(f"{at}/criterion", v.criterion, 1, known)
        c.optional_text(f"{at}/evidence", v.evidence)
        if v.criterion in seen:
            c.add(f"{at}/criterion", f"expected one verdict on each criterion; {v.criterion} has one already")
        if isinstance(given, Accept) and v.verdict == Verdict.NOT_MET:
            c.add(f"{at}/verdict", "expected met or not_tested: what is accepted meets its criteria")
        if v.criterion in failed and v.verdict != Verdict.NOT_MET:
            c.add(f"{at}/verdict", f"expected not_met, as criteria_not_met says of criterion {v.criterion}")
        seen.add(v.criterion)
    c.done()


def not_met(given: Reject) -> tuple[CriterionNotMet, ...]:
    """The criteria that a rejection names, in either of its two lists, each once and in their order."""
    named = {v.criterion: CriterionNotMet(v.criterion, v.evidence) for v in given.verdicts if _fails(v.verdict)}
    # What the contract's own field says of a criterion goes first, unless it says nothing.
    for failed in given.criteria_not_met:
        if failed.evidence or failed.criterion not in named:
            named[failed.criterion] = failed
    return tuple(named.values())


def _fails(verdict: Verdict) -> bool:
    return verdict == Verdict.NOT_MET
