"""Negotiating and revising: what would fit is taken in one step, and a revision says what it changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Kind, SilencePolicy
from ods_core.lifecycle import Confirm, Decline, Negotiate, Propose, ProposedCycle, ProposedDeliverable
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime, Service
from ods_core.ui.revisions import differences
from tests.pages.test_deciding import field, words
from tests.pages.test_reviewing import opened
from tests.seed import DEPLOY, FIX, SUITE, seed_proposal, seed_request

FIRST = seed_proposal(
    deliverables=(replace(FIX, acceptance_criteria=("Fast.", "Safe.")), SUITE, DEPLOY), timeline_weeks=2
)


def revised(service: Service, second: Propose) -> Engagement:
    """Two revisions of one proposal."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    first = service.propose(LOCAL, request_id, FIRST).subject_id
    service.decline(LOCAL, first, Decline("How fast?"))
    return service.propose(LOCAL, request_id, second).engagement


def told(service: Service, **changes: object) -> list[tuple[str, str, str]]:
    engagement = revised(service, replace(FIRST, **changes))  # type: ignore[arg-type]
    return [(d.aspect, d.before, d.after) for d in differences(engagement, *engagement.scopes)]


WHOLE = FIRST.cycles[0]
LATER = ProposedCycle(WHOLE.name, WHOLE.planned_start, WHOLE.planned_end + timedelta(days=3), WHOLE.deliverables)
EXTRA = ProposedDeliverable("guide", "Guide", "How to run it.", "Four pages.")

CHANGES: list[tuple[str, dict[str, object], list[tuple[str, str, str]]]] = [
    ("nothing", {}, []),
    ("its validity alone", {"valid_until": date(2026, 4, 28)}, []),
    ("a higher price", {"fixed_price": Decimal("16200.00")}, [("Price", "$15,500.00", "$16,200.00 (+$700.00)")]),
    ("a lower price", {"fixed_price": Decimal("15000.00")}, [("Price", "$15,500.00", "$15,000.00 (−$500.00)")]),
    ("more weeks", {"timeline_weeks": 3}, [("Timeline", "2 weeks", "3 weeks")]),
    ("a later end", {"cycles": (LATER,)}, [("Cycle 1", "1 – 21 May 2026", "1 – 24 May 2026 (ends 3 days later)")]),
    (
        "one criterion",
        {"deliverables": (replace(FIX, acceptance_criteria=("Fast: p95 below 90 ms.", "Safe.")), SUITE, DEPLOY)},
        [("Root cause analysis and fix: criterion", "Fast.", "Fast: p95 below 90 ms.")],
    ),
    (
        "a criterion more",
        {"deliverables": (replace(FIX, acceptance_criteria=("Fast.", "Safe.", "Cheap.")), SUITE, DEPLOY)},
        [("Root cause analysis and fix: criterion", "–", "Cheap.")],
    ),
    (
        "a criterion less",
        {"deliverables": (replace(FIX, acceptance_criteria=("Safe.",)), SUITE, DEPLOY)},
        [("Root cause analysis and fix: criterion", "Fast.", "–")],
    ),
    (
        "a deliverable more",
        {
            "deliverables": (*FIRST.deliverables, EXTRA),
            "cycles": (replace(WHOLE, deliverables=(*WHOLE.deliverables, "guide")),),
        },
        [("Deliverable", "–", "Guide, accepted when: Four pages.")],
    ),
    (
        "the terms",
        {"payment_terms": "100% on final acceptance"},
        [("Payment terms", FIRST.payment_terms, "100% on final acceptance")],
    ),
    (
        "the review",
        {"review_window_days": 10, "silence_policy": SilencePolicy.DEEMED_ACCEPTED},
        [("Review", "no window, reminders only", "10 days, then deemed accepted")],
    ),
]


@pytest.mark.parametrize(("what", "changes", "expected"), CHANGES, ids=[case[0] for case in CHANGES])
def test_a_revision_says_what_it_changed_and_nothing_else(
    service: Service, what: str, changes: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    assert told(service, **changes) == expected


def test_a_cycle_more_and_a_move_into_it_are_told(service: Service) -> None:
    parts = (
        replace(WHOLE, planned_end=date(2026, 5, 14), deliverables=("fix", "suite")),
        ProposedCycle("Cycle 2", date(2026, 5, 15), date(2026, 5, 21), ("deploy",)),
    )
    assert told(service, cycles=parts) == [
        ("Cycle 1", "1 – 21 May 2026", "1 – 14 May 2026 (ends 7 days earlier)"),
        ("Cycle 2", "–", "15 – 21 May 2026"),
        ("Production deployment and monitoring: delivered in", "cycle 1", "cycle 2"),
    ]


def test_the_page_of_a_revision_shows_what_it_changed_and_why_the_other_ended(running: Runtime) -> None:
    revised(running.service, replace(FIRST, fixed_price=Decimal("16200.00")))
    app = opened("scopes", scope="OSCOPE-26-000002")
    assert "Revision 1 ended because: How fast?" in words(app)
    (changed, everything) = app.table[:2]
    assert changed.value.to_numpy().tolist() == [["Price", "\\$15,500\\.00", "\\$16,200\\.00 \\(\\+\\$700\\.00\\)"]]
    assert len(everything.value) > 5
    assert "How fast?" in words(opened("scopes", scope="OSCOPE-26-000001")), "the old one stays readable"


def test_what_would_fit_is_taken_in_one_step(running: Runtime) -> None:
    request_id = running.service.submit_request(LOCAL, seed_request()).subject_id
    running.service.negotiate(LOCAL, request_id, Negotiate("Load tests.", Decimal("19500.00"), 5))
    app = opened("intake", request=request_id, view="revise")
    assert "What would fit: $19,500.00 and 5 weeks, $1,500.00 over the budget and 2 weeks longer than asked for." in (
        words(app)
    )
    app.button(key="take_what_fits").click().run()
    assert field(app, "Budget, at most (USD)").value == "19500.00"  # type: ignore[attr-defined]
    with running.store.read() as connection:
        unsent = engagement_of(connection, LOCAL, Kind.REQUEST, request_id).request
    assert unsent.budget_max == Decimal("18000.00"), "nothing is sent by it"
    next(b for b in app.button if b.label == "Send the revision").click().run()
    with running.store.read() as connection:
        request = engagement_of(connection, LOCAL, Kind.REQUEST, request_id).request
    assert (request.status, request.budget_max, request.timeline_weeks) == ("scoping", Decimal("19500.00"), 5)


def test_the_next_proposal_begins_with_why_the_last_one_was_declined(running: Runtime) -> None:
    request_id = running.service.submit_request(LOCAL, seed_request()).subject_id
    first = running.service.propose(LOCAL, request_id, FIRST).subject_id
    running.service.decline(LOCAL, first, Decline("How fast?"))
    app = opened("intake", "provider", request=request_id, view="propose")
    assert "Revision 1 ended because: How fast?" in words(app)


def test_a_proposal_about_to_expire_is_marked_on_today_and_scopes(running: Runtime, clock: MovingClock) -> None:
    request_id = running.service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = running.service.propose(LOCAL, request_id, FIRST).subject_id
    views = (("today", {}), ("scopes", {}), ("scopes", {"scope": scope_id}))
    assert not any("expires " in words(opened(page, **params)) for page, params in views)
    clock.advance(days=13)
    assert all("expires tomorrow" in words(opened(page, **params)) for page, params in views)
    running.service.remind_approver(scope_id)
    assert "sent 28 Apr 2026" in words(opened("scopes", scope=scope_id))
    running.service.confirm(LOCAL, scope_id, Confirm())
    assert not any("expires " in words(opened(page, **params)) for page, params in views)
