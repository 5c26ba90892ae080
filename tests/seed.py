"""The documented example as commands: a request for a reliable payment webhook, and the proposal made for it.

Every builder takes fields to replace, so that a test states only what it is about.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import Caller, Role
from ods_core.lifecycle import Estimate, EstimatedWork, Propose, ProposedCycle, ProposedDeliverable, SubmitRequest

SUBMITTED = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)
CYCLE_START, CYCLE_END = date(2026, 5, 1), date(2026, 5, 21)
ORGANIZATION, WORKSPACE = "ORG-26-090500", "WS-26-000021"
PERSON = "USR-26-000044"

CLIENT = Caller(
    Actor(ActorKind.USER, PERSON),
    frozenset({Role.REQUESTER, Role.APPROVER, Role.REVIEWER, Role.VIEWER}),
    organization_id=ORGANIZATION,
)
"""A delivery lead of the example's organisation."""

PROVIDER = Caller(Actor(ActorKind.USER, "USR-26-000007"), frozenset({Role.PROVIDER, Role.VIEWER}))
"""Somebody of the provider's, who sees every organisation."""

TITLE = "Payment webhook reliability - end-to-end fix and test coverage"


def seed_request(**changes: Any) -> SubmitRequest:
    """The example's request, with some fields replaced."""
    request = SubmitRequest(
        organization_id=ORGANIZATION,
        workspace_id=WORKSPACE,
        subscription_id="SUB-26-001122",
        project_tags=("PROJ-26-004281",),
        title=TITLE,
        description="Our payment webhook handler has a 2% failure rate under load. We need the root cause identified, "
        "fixed, load tested, and shipped to production with full test coverage.",
        desired_outcome="Production webhook failure rate below 0.1% under 2x normal load, with test suite proving "
        "reliability.",
        acceptance_criteria=(
            "Webhook handler passes load test at 2x peak throughput with <0.1% failure rate",
            "Unit test coverage of the handler reaches >90%",
            "Change is deployed to production and monitored for 48 hours",
        ),
        timeline_weeks=3,
        budget_max=Decimal("18000.00"),
        currency="USD",
    )
    return replace(request, **changes)


FIX = ProposedDeliverable(
    "fix",
    "Root cause analysis and fix",
    "Identify and resolve the root cause of the webhook failure rate.",
    "Failure rate <0.1% in staging load test.",
)
SUITE = ProposedDeliverable(
    "suite",
    "Test suite",
    "Unit tests covering the webhook handler at >90% coverage.",
    "Coverage report showing >90% with all tests passing.",
)
DEPLOY = ProposedDeliverable(
    "deploy",
    "Production deployment and monitoring",
    "Deployment to production with 48-hour monitoring window.",
    "48-hour monitoring report showing <0.1% failure rate in production.",
)


def seed_proposal(**changes: Any) -> Propose:
    """The example's proposal (one cycle, three deliverables, 15,500 USD), with some fields replaced."""
    proposal = Propose(
        deliverables=(FIX, SUITE, DEPLOY),
        cycles=(ProposedCycle("Cycle 1", CYCLE_START, CYCLE_END, ("fix", "suite", "deploy")),),
        fixed_price=Decimal("15500.00"),
        currency="USD",
        timeline_weeks=3,
        payment_terms="50% on confirmation, 50% on final acceptance",
    )
    return replace(proposal, **changes)


def seed_estimate(**changes: Any) -> Estimate:
    """The days from which the example's 15,500 USD come, with some fields replaced; not in the proposal's order."""
    estimate = Estimate(
        deliverables=(
            EstimatedWork("suite", {"engineer": Decimal(2), "tester": Decimal("5.5")}),
            EstimatedWork("fix", {"lead_engineer": Decimal(3), "engineer": Decimal(6)}),
            EstimatedWork("deploy", {"engineer": Decimal("2.5"), "delivery_manager": Decimal(1)}),
        ),
        team_days_per_week=Decimal("7.5"),
    )
    return replace(estimate, **changes)


def two_cycle_proposal(**changes: Any) -> Propose:
    """The example in two cycles: fix and suite first, then the deployment, with a payment after each."""
    given = {
        "cycles": (
            ProposedCycle("Cycle 1", CYCLE_START, date(2026, 5, 14), ("fix", "suite")),
            ProposedCycle("Cycle 2", date(2026, 5, 15), CYCLE_END, ("deploy",)),
        ),
        "payment_terms": "20% on confirmation, 30% on cycle 1 acceptance, 10% on acceptance of deliverable 3, "
        "40% on final acceptance",
    }
    return seed_proposal(**given | changes)
