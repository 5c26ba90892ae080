"""Verdicts: a decision says what was found of each criterion, and none of it says the opposite of the decision."""

from __future__ import annotations

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.events import EventType
from ods_core.basics.records import CriterionNotMet, CriterionVerdict
from ods_core.basics.states import DeliverableStatus, Verdict
from ods_core.lifecycle import Accept, Confirm, Reject, Submit
from tests.lifecycle.play import Play
from tests.seed import FIX, seed_proposal

MET, NOT_MET, NOT_TESTED = Verdict.MET, Verdict.NOT_MET, Verdict.NOT_TESTED
V, N = CriterionVerdict, CriterionNotMet


def three_criteria() -> Play:
    """One deliverable with three criteria, ready for acceptance."""
    cycle = seed_proposal().cycles[0]
    deliverable = FIX.__class__("fix", FIX.title, FIX.description, ("Fast.", "Safe.", "Documented."))
    whole = cycle.__class__("Cycle 1", cycle.planned_start, cycle.planned_end, ("fix",))
    play = Play().propose(seed_proposal(deliverables=(deliverable,), cycles=(whole,)))
    return play.do(Confirm(), play.scope.id).do(Submit(), play.deliverable(1).id)


def decided(play: Play, command: Accept | Reject) -> dict[int, tuple[str, str]]:
    """The verdict and its evidence by criterion, as the event of the decision tells them."""
    play.do(command, play.deliverable(1).id)
    told = next(e for e in play.events if e.type in (EventType.DELIVERABLE_ACCEPTED, EventType.DELIVERABLE_REJECTED))
    return {v["criterion"]: (v["verdict"], v["evidence"]) for v in told.data["attempts"][-1]["verdicts"]}


def test_an_acceptance_keeps_what_was_found_and_the_rest_was_not_tested() -> None:
    found = (V(3, MET, "docs/"), V(1, MET, "p95 is 80 ms"))
    assert decided(three_criteria(), Accept(verdicts=found)) == {
        1: ("met", "p95 is 80 ms"),
        2: ("not_tested", ""),
        3: ("met", "docs/"),
    }


def test_before_a_decision_there_are_no_verdicts() -> None:
    assert three_criteria().events[-1].data["attempts"][0]["verdicts"] == []


def test_criteria_not_met_are_verdicts_and_verdicts_of_not_met_are_criteria_not_met() -> None:
    play = three_criteria()
    command = Reject("Two fail.", criteria_not_met=(N(2, "scan"),), verdicts=(V(1, MET), V(3, NOT_MET, "empty page")))
    assert decided(play, command) == {1: ("met", ""), 2: ("not_met", "scan"), 3: ("not_met", "empty page")}
    assert {(c.criterion, c.evidence) for c in play.engagement.attempts[0].criteria_not_met} == {
        (2, "scan"),
        (3, "empty page"),
    }


def test_a_criterion_named_in_both_lists_counts_once_with_the_evidence_that_there_is() -> None:
    play = three_criteria()
    command = Reject("Fails.", criteria_not_met=(N(2, ""),), verdicts=(V(2, NOT_MET, "scan"),))
    decided(play, command)
    assert play.engagement.attempts[0].criteria_not_met == (N(2, "scan"),)
    both = Reject("Fails.", criteria_not_met=(N(2, "first"),), verdicts=(V(2, NOT_MET, "second"),))
    play.do(Submit(), play.deliverable(1).id).do(both, play.deliverable(1).id)
    assert play.engagement.attempts[1].criteria_not_met == (N(2, "first"),)
    assert play.told[-1] == EventType.DELIVERABLE_ESCALATED, "failed twice, and counted once an attempt"


WRONG = [
    ("a verdict of not met on what is accepted", Accept(verdicts=(V(1, MET), V(2, NOT_MET))), "/verdicts/1/verdict"),
    ("a criterion that there is not", Accept(verdicts=(V(4, MET),)), "/verdicts/0/criterion"),
    ("criterion none", Reject("No.", verdicts=(V(0, NOT_MET),)), "/verdicts/0/criterion"),
    ("two verdicts on one", Accept(verdicts=(V(1, MET), V(1, NOT_TESTED))), "/verdicts/1/criterion"),
    ("met and not met", Reject("No.", None, (N(2, ""),), None, (V(2, MET),)), "/verdicts/0/verdict"),
    ("a blank evidence", Accept(verdicts=(V(1, MET, "\0"),)), "/verdicts/0/evidence"),
    ("more verdicts than criteria", Accept(verdicts=(V(1, MET),) * 5), "/verdicts/1/criterion"),
]


@pytest.mark.parametrize(("why", "command", "pointer"), WRONG, ids=[case[0] for case in WRONG])
def test_verdicts_that_cannot_be_right_are_refused_at_their_place(why: str, command: Accept, pointer: str) -> None:
    play = three_criteria()
    with pytest.raises(Invalid) as refused:
        play.do(command, play.deliverable(1).id)
    assert pointer in [p.pointer for p in refused.value.problems], why
    assert play.deliverable(1).status == DeliverableStatus.READY_FOR_ACCEPTANCE
