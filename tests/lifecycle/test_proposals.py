"""From a request to a proposal that can be confirmed: what is refused at which place, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ods_core.basics.clock import working_days_before
from ods_core.basics.errors import DoesNotFit, Invalid, NotAllowed, OdsError
from ods_core.basics.records import CriterionNotMet, Evidence
from ods_core.basics.resources import amount_json, last_safe_day, request_resource
from ods_core.basics.states import CycleStatus, DeliverableStatus, RequestStatus, ScopeStatus
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    Negotiate,
    Policy,
    ProposedCycle,
    Reissue,
    Reject,
    Revise,
    Submit,
    Terminate,
)
from tests.lifecycle.play import Play, active, at, declined, expired, in_review, negotiating, proposed
from tests.seed import CYCLE_END, CYCLE_START, DEPLOY, FIX, SUITE, seed_proposal, two_cycle_proposal


def places(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {problem.pointer for problem in error.value.problems}


def cycle(*keys: str, start: date = CYCLE_START, end: date = CYCLE_END, name: str = "Cycle 1") -> ProposedCycle:
    return ProposedCycle(name, start, end, keys)


ALL = ("fix", "suite", "deploy")

PROPOSALS: list[tuple[str, dict[str, Any], str]] = [
    ("no deliverable", {"deliverables": (), "cycles": (cycle(),)}, "/deliverables"),
    ("no cycle", {"cycles": ()}, "/cycles"),
    ("a deliverable in no cycle", {"cycles": (cycle("fix", "suite"),)}, "/deliverables/2"),
    ("a deliverable twice in a cycle", {"cycles": (cycle(*ALL, "fix"),)}, "/cycles/0/deliverables/3"),
    (
        "a deliverable in two cycles",
        {"cycles": (cycle(*ALL), cycle("fix", start=date(2026, 6, 1), end=date(2026, 6, 5)))},
        "/cycles/1/deliverables/0",
    ),
    ("an unknown key", {"cycles": (cycle(*ALL, "docs"),)}, "/cycles/0/deliverables/3"),
    (
        "an empty cycle",
        {"cycles": (cycle(*ALL), cycle(start=date(2026, 6, 1), end=date(2026, 6, 5)))},
        "/cycles/1/deliverables",
    ),
    ("a key twice", {"deliverables": (FIX, replace(SUITE, key="fix"), DEPLOY)}, "/deliverables/1/key"),
    ("a blank key", {"deliverables": (replace(FIX, key=" "), SUITE, DEPLOY)}, "/deliverables/0/key"),
    ("no criterion", {"deliverables": (FIX, SUITE, replace(DEPLOY, acceptance_criteria=()))}, "/deliverables/2/"),
    ("a blank criterion", {"deliverables": (FIX, SUITE, replace(DEPLOY, acceptance_criteria=""))}, "/deliverables/2/"),
    (
        "a blank among criteria",
        {"deliverables": (FIX, SUITE, replace(DEPLOY, acceptance_criteria=("Done.", " ")))},
        "/deliverables/2/acceptance_criteria/1",
    ),
    ("a blank title", {"deliverables": (replace(FIX, title="\t"), SUITE, DEPLOY)}, "/deliverables/0/title"),
    ("a long title", {"title": "x" * 201}, "/title"),
    ("a title with a control character", {"title": "Fix\x00"}, "/title"),
    (
        "an end before its start",
        {"cycles": (cycle(*ALL, end=CYCLE_START - timedelta(days=1)),)},
        "/cycles/0/planned_end",
    ),
    (
        "overlapping cycles",
        {"cycles": (cycle("fix", "suite"), cycle("deploy", start=CYCLE_END, end=date(2026, 6, 5)))},
        "/cycles/1/planned_start",
    ),
    (
        "cycles out of order",
        {"cycles": (cycle("fix", "suite"), cycle("deploy", start=date(2026, 4, 1), end=date(2026, 4, 5)))},
        "/cycles/1/planned_start",
    ),
    ("a date of another age", {"cycles": (cycle(*ALL, end=date(2300, 1, 1)),)}, "/cycles/0/planned_end"),
    ("no price", {"fixed_price": Decimal(0)}, "/fixed_price"),
    ("a negative price", {"fixed_price": Decimal(-1)}, "/fixed_price"),
    ("a price that is no number", {"fixed_price": Decimal("NaN")}, "/fixed_price"),
    ("an endless price", {"fixed_price": Decimal("Infinity")}, "/fixed_price"),
    ("a price beyond all measure", {"fixed_price": Decimal(10) ** 12}, "/fixed_price"),
    ("half a cent", {"fixed_price": Decimal("15500.005")}, "/fixed_price"),
    ("another currency", {"currency": "EUR"}, "/currency"),
    ("no weeks", {"timeline_weeks": 0}, "/timeline_weeks"),
    ("two years and a week", {"timeline_weeks": 105}, "/timeline_weeks"),
    ("no terms", {"payment_terms": ""}, "/payment_terms"),
    ("terms that nobody can read", {"payment_terms": "half now, half later"}, "/payment_terms"),
    ("terms that do not come to the price", {"payment_terms": "50% on confirmation"}, "/payment_terms"),
    ("terms for a cycle that is not there", {"payment_terms": "100% on cycle 2 acceptance"}, "/payment_terms"),
    ("valid in the past", {"valid_until": date(2026, 4, 14)}, "/valid_until"),
    ("no review window", {"review_window_days": 0}, "/review_window_days"),
]


@pytest.mark.parametrize(("changes", "place"), [case[1:] for case in PROPOSALS], ids=[case[0] for case in PROPOSALS])
def test_a_proposal_that_cannot_be_right_is_refused_at_its_place(changes: dict[str, Any], place: str) -> None:
    play = Play()
    before = play.engagement
    with pytest.raises(Invalid) as refused:
        play.propose(seed_proposal(**changes))
    assert any(found.startswith(place) for found in places(refused)), places(refused)
    assert refused.value.status == 422
    assert play.engagement is before


def test_all_problems_of_a_proposal_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        Play().propose(seed_proposal(title=" ", deliverables=(FIX, SUITE), timeline_weeks=0, payment_terms="later"))
    assert {"/title", "/cycles/0/deliverables/2", "/timeline_weeks", "/payment_terms"} <= places(refused)


def test_a_problem_of_the_terms_has_its_place_in_the_text() -> None:
    with pytest.raises(Invalid) as refused:
        Play().propose(seed_proposal(payment_terms="50% on confirmation, 50% on Tuesday"))
    (problem,) = refused.value.problems
    assert "50% on confirmation, 50% on Tuesday"[problem.extra["start"] : problem.extra["end"]].endswith("Tuesday")


REQUESTS: list[tuple[str, dict[str, Any], str]] = [
    ("an organisation of another form", {"organization_id": "ACME"}, "/organization_id"),
    ("a workspace of another form", {"workspace_id": "ORG-26-000001"}, "/workspace_id"),
    ("a subscription of another form", {"subscription_id": "SUB-1"}, "/subscription_id"),
    ("a tag of another form", {"project_tags": ("PROJ-26-000001", "web")}, "/project_tags/1"),
    ("a blank title", {"title": " "}, "/title"),
    ("a blank description", {"description": ""}, "/description"),
    ("a blank outcome", {"desired_outcome": "\n"}, "/desired_outcome"),
    ("a blank criterion", {"acceptance_criteria": ("Done.", "")}, "/acceptance_criteria/1"),
    ("no weeks", {"timeline_weeks": 0}, "/timeline_weeks"),
    ("too many weeks", {"timeline_weeks": 105}, "/timeline_weeks"),
    ("no budget", {"budget_max": Decimal(0)}, "/budget_max"),
    ("a budget in tenths of a cent", {"budget_max": Decimal("1.001")}, "/budget_max"),
    ("a currency that is none", {"currency": "XYZ"}, "/currency"),
    ("a currency in small letters", {"currency": "usd"}, "/currency"),
    ("half a yen", {"currency": "JPY", "budget_max": Decimal("0.5")}, "/budget_max"),
]


@pytest.mark.parametrize(("changes", "place"), [case[1:] for case in REQUESTS], ids=[case[0] for case in REQUESTS])
def test_a_request_that_cannot_be_right_is_refused_at_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        Play(**changes)
    assert places(refused) == {place}


def test_a_request_may_leave_everything_optional_out() -> None:
    play = Play(subscription_id=None, project_tags=(), acceptance_criteria=(), timeline_weeks=None, budget_max=None)
    assert play.engagement.request.status == RequestStatus.SCOPING


VALUES: list[tuple[str, Callable[[], Play], Command, str]] = [
    ("negotiating without a reason", Play, Negotiate(" ", timeline_weeks=4), "/reason"),
    ("negotiating without an offer", Play, Negotiate("Too short."), ""),
    ("negotiating half a cent", Play, Negotiate("More.", Decimal("1.005")), "/fixed_price"),
    ("negotiating no weeks", Play, Negotiate("More.", timeline_weeks=0), "/timeline_weeks"),
    ("revising nothing", negotiating, Revise(), ""),
    ("revising to a blank title", negotiating, Revise(title=""), "/title"),
    ("revising to a budget of nothing", negotiating, Revise(budget_max=Decimal(0)), "/budget_max"),
    ("cancelling without a reason", Play, Cancel(""), "/reason"),
    ("declining without a reason", proposed, Decline(" \n"), "/reason"),
    ("terminating without a reason", active, Terminate(""), "/reason"),
    ("confirming as nobody", proposed, Confirm("me"), "/accepted_by"),
    ("re-issuing into the past", expired, Reissue(date(2026, 4, 16)), "/valid_until"),
    ("submitting a link that is none", active, Submit(evidence=(Evidence("Log", "log.txt"),)), "/evidence/0/url"),
    ("submitting a script as a link", active, Submit(evidence=(Evidence("", "javascript:x"),)), "/evidence/0/url"),
    ("accepting as nobody", in_review, Accept("me"), "/reviewer_id"),
    ("rejecting without a reason", in_review, Reject(" "), "/rejection_reason"),
    ("rejecting by criterion nought", in_review, Reject("No.", None, (CriterionNotMet(0, ""),)), "/criteria_not_met/0"),
    (
        "rejecting by one criterion twice",
        in_review,
        Reject("No.", None, (CriterionNotMet(1, "a"), CriterionNotMet(1, "b"))),
        "/criteria_not_met",
    ),
]


@pytest.mark.parametrize(("play", "command", "place"), [c[1:] for c in VALUES], ids=[c[0] for c in VALUES])
def test_values_that_cannot_be_right_are_refused_at_their_place(
    play: Callable[[], Play], command: Command, place: str
) -> None:
    made = play()
    before = made.engagement
    subject = {Confirm: "scope", Decline: "scope", Terminate: "scope", Reissue: "scope"}.get(type(command))
    deliverable = isinstance(command, Submit | Accept | Reject)
    id = made.deliverable(1).id if deliverable else made.scope.id if subject else made.engagement.request.id
    with pytest.raises(Invalid) as refused:
        made.do(command, id)
    assert any(found.startswith(place) for found in places(refused)), places(refused)
    assert made.engagement is before


def test_a_proposal_over_budget_and_time_says_by_how_much() -> None:
    play = Play()
    with pytest.raises(DoesNotFit) as refused:
        play.propose(seed_proposal(fixed_price=Decimal("18250.50"), timeline_weeks=5))
    assert refused.value.status == 409
    assert refused.value.code == "does_not_fit"
    assert refused.value.extra["price_gap"] == Decimal("250.50")
    assert refused.value.extra["weeks_gap"] == 2
    assert refused.value.current_state == "scoping"
    assert play.engagement.request.status == RequestStatus.SCOPING, "the provider decides whether to negotiate"


@pytest.mark.parametrize(
    ("request_fields", "proposal", "fits"),
    [
        ({}, {"fixed_price": Decimal("18000.00"), "timeline_weeks": 3}, True),
        ({}, {"fixed_price": Decimal("18000.01")}, False),
        ({}, {"timeline_weeks": 4}, False),
        ({"budget_max": None}, {"fixed_price": Decimal("999999.00")}, True),
        ({"timeline_weeks": None}, {"timeline_weeks": 104}, True),
        ({"budget_max": None}, {"timeline_weeks": 4}, False),
        ({"timeline_weeks": None}, {"fixed_price": Decimal("18000.01")}, False),
    ],
)
def test_a_bound_that_the_request_does_not_name_does_not_bind(
    request_fields: dict[str, Any], proposal: dict[str, Any], fits: bool
) -> None:
    play = Play(**request_fields)
    if fits:
        assert play.propose(seed_proposal(**proposal)).scope.status == ScopeStatus.PENDING_CONFIRMATION
        return
    with pytest.raises(DoesNotFit):
        play.propose(seed_proposal(**proposal))


def test_negotiation_says_what_would_fit_until_the_request_is_revised() -> None:
    play = Play().do(Negotiate("Load tests take longer.", Decimal("21000.00"), 5))
    asked = request_resource(play.engagement)
    assert asked["status"] == "requires_negotiation"
    assert asked["negotiation"] == {
        "reason": "Load tests take longer.",
        "fixed_price": Decimal("21000.00"),
        "timeline_weeks": 5,
    }
    play.do(Revise(budget_max=Decimal("21000.00"), timeline_weeks=5, acceptance_criteria=("As agreed.",)))
    revised = request_resource(play.engagement)
    assert (revised["status"], revised["negotiation"]) == ("scoping", None)
    assert (revised["budget_max"], revised["timeline_weeks"]) == (Decimal("21000.00"), 5)
    assert revised["acceptance_criteria"] == ["As agreed."]
    assert revised["title"] == asked["title"]
    play.propose(seed_proposal(fixed_price=Decimal("21000.00"), timeline_weeks=5))


def test_a_revision_can_lift_a_bound() -> None:
    play = negotiating().do(Revise(lift=frozenset({"budget_max", "timeline_weeks"})))
    assert (play.engagement.request.budget_max, play.engagement.request.timeline_weeks) == (None, None)


def test_a_proposal_takes_its_title_from_the_request_and_is_valid_for_as_long_as_the_policy_says() -> None:
    play = Play(Policy(proposal_days=21)).propose()
    assert play.scope.title == play.engagement.request.title
    assert play.scope.valid_until == date(2026, 5, 6)
    assert play.scope.revision == 1
    named = Play().propose(seed_proposal(title="Webhook repair", valid_until=date(2026, 4, 15)))
    assert (named.scope.title, named.scope.valid_until) == ("Webhook repair", date(2026, 4, 15))


def test_criteria_are_shown_as_they_were_given() -> None:
    listed = replace(SUITE, acceptance_criteria=("Coverage >90%.", "All tests pass."))
    play = Play().propose(seed_proposal(deliverables=(FIX, listed, DEPLOY)))
    shown = [d["acceptance_criteria"] for d in play.events[0].data["scope"]["deliverables"]]
    assert shown[:2] == ["Failure rate <0.1% in staging load test.", ["Coverage >90%.", "All tests pass."]]


def test_a_declined_proposal_stays_readable_and_the_next_one_is_the_next_revision() -> None:
    play = declined()
    assert play.engagement.request.status == RequestStatus.SCOPING
    assert play.engagement.current_scope is None
    old = play.scope
    assert (old.status, old.cancellation_reason) == (ScopeStatus.CANCELLED, "Which load?")
    assert {c.status for c in play.engagement.cycles} == {CycleStatus.CANCELLED}
    assert {d.status for d in play.engagement.deliverables} == {DeliverableStatus.CANCELLED}
    play.wait(days=1).propose(seed_proposal(fixed_price=Decimal("15000.00")))
    assert [s.revision for s in play.engagement.scopes] == [1, 2]
    assert play.engagement.scopes[0] == old
    assert play.engagement.current_scope == play.scope
    assert play.scope.fixed_price == Decimal("15000.00")
    assert len({d.id for d in play.engagement.deliverables}) == 6


def test_the_first_proposal_is_when_the_request_was_scoped() -> None:
    play = declined().wait(days=3).propose()
    assert play.engagement.request.scoped_at == at(4, 15, 10)
    assert play.scope.proposed_at == at(4, 18, 10)


def test_an_expired_proposal_is_issued_again_with_dates_that_hold() -> None:
    play = Play().propose(two_cycle_proposal()).until(at(5, 8))
    first = play.scope
    with pytest.raises(NotAllowed):
        play.confirm()
    play.do(Reissue(date(2026, 5, 22)), first.id)
    again = play.scope
    assert (again.revision, again.status, again.valid_until) == (2, ScopeStatus.PENDING_CONFIRMATION, date(2026, 5, 22))
    assert (again.fixed_price, again.payment_terms) == (first.fixed_price, first.payment_terms)
    assert again.schedule == first.schedule
    assert play.engagement.scope(first.id).status == ScopeStatus.CANCELLED
    starts = [c.planned_start for c in play.engagement.delivery_cycles(again.id)]
    lengths = [(c.planned_end - c.planned_start).days for c in play.engagement.cycles]
    assert starts[0] > play.now.date()
    assert (starts[1] - starts[0]).days == 14
    assert lengths[:2] == lengths[2:]
    assert last_safe_day(play.engagement, again) >= play.now.date(), "there is still a day on which to confirm safely"
    assert [d.acceptance_criteria for d in play.engagement.scope_deliverables(again.id)] == [
        d.acceptance_criteria for d in play.engagement.scope_deliverables(first.id)
    ]
    assert play.confirm().scope.shifted_days == 0


@pytest.mark.parametrize("day", range(14))
@pytest.mark.parametrize("lead", [0, 1, 2, 5, 7])
def test_a_reissue_leaves_the_lead_time_whatever_the_weekday(day: int, lead: int) -> None:
    play = Play(Policy(lead_time_days=lead)).propose().until(at(5, 1)).wait(days=day)
    play.do(Reissue(), play.scope.id)
    assert last_safe_day(play.engagement, play.scope) >= play.now.date()


def test_dates_that_have_not_passed_stay_as_they_were_when_a_proposal_is_issued_again() -> None:
    far = cycle(*ALL, start=date(2026, 9, 1), end=date(2026, 9, 21))
    play = Play().propose(seed_proposal(cycles=(far,))).until(at(5, 8))
    play.do(Reissue(), play.scope.id)
    assert play.cycle(1).planned_start == date(2026, 9, 1)


def test_a_proposal_that_is_still_valid_is_not_issued_again() -> None:
    play = proposed()
    with pytest.raises(NotAllowed, match="still valid until 2026-04-29"):
        play.do(Reissue(), play.scope.id)


def test_an_expired_proposal_may_give_way_to_another() -> None:
    play = expired()
    first = play.scope.id
    play.propose(seed_proposal(fixed_price=Decimal("14000.00")))
    assert play.engagement.scope(first).status == ScopeStatus.CANCELLED
    assert play.engagement.request.status == RequestStatus.SCOPED
    assert play.scope.revision == 2


def test_a_cancelled_request_takes_its_proposal_along() -> None:
    play = proposed().do(Cancel("No budget."))
    assert play.engagement.request.cancellation_reason == "No budget."
    assert play.scope.status == ScopeStatus.CANCELLED
    assert "No budget." in (play.scope.cancellation_reason or "")


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 5, 1), 2, date(2026, 4, 29)),
        (date(2026, 5, 4), 2, date(2026, 4, 30)),
        (date(2026, 5, 4), 1, date(2026, 5, 1)),
        (date(2026, 5, 3), 1, date(2026, 5, 1)),
        (date(2026, 5, 2), 0, date(2026, 5, 2)),
        (date(2026, 5, 18), 10, date(2026, 5, 4)),
        (date(2027, 1, 1), 2, date(2026, 12, 30)),
    ],
)
def test_working_days_are_monday_to_friday(day: date, count: int, expected: date) -> None:
    assert working_days_before(day, count) == expected


def test_the_last_safe_day_to_confirm_is_the_start_less_the_lead_time() -> None:
    assert last_safe_day(proposed().engagement, proposed().scope) == date(2026, 4, 29)
    unhurried = Play(Policy(lead_time_days=5)).propose()
    assert last_safe_day(unhurried.engagement, unhurried.scope) == date(2026, 4, 24)


def test_an_amount_is_shown_with_the_decimals_of_its_currency() -> None:
    assert str(amount_json(Decimal("15500.0000"), "USD")) == "15500.00"
    assert str(amount_json(Decimal("15500.0000"), "JPY")) == "15500"
    assert str(amount_json(Decimal("15500.0000"), "KWD")) == "15500.000"


def test_every_refusal_is_of_the_one_tree() -> None:
    for error in (DoesNotFit, Invalid, NotAllowed):
        assert issubclass(error, OdsError)
