"""From a proposal's estimate to its quote: rates and lifecycle do not know each other, and meet here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ods_core.basics.checks import SHORT_TEXT, Checks
from ods_core.basics.errors import Invalid, Problem
from ods_core.basics.quotes import EstimatedDeliverable, Quote, QuoteRequest
from ods_core.basics.records import Request
from ods_core.lifecycle import Estimate, Propose, ProposedDeliverable
from ods_core.payments import RateCard, quote


def with_quote(command: Propose, request: Request, card: RateCard) -> Propose:
    """The proposal with what its estimate comes to, or with why it comes to nothing."""
    if command.estimate is None or command.currency != request.currency:
        # Another currency than the request's is refused by the proposal's own checks.
        return command
    try:
        return replace(command, quote=quote_for(command.estimate, command.deliverables, request, card))
    except Invalid as error:
        return replace(command, quote_problems=error.problems)


def quote_for(
    estimate: Estimate, deliverables: Sequence[ProposedDeliverable], request: Request, card: RateCard
) -> Quote:
    """What the estimate of a proposal with these deliverables comes to, within the bounds of its request.

    Deliverables stand in the proposal's order, which is thereby that of their importance.

    Raises:
        Invalid: an estimate that does not suit the proposal or the rate card; places are those of the proposal.
    """
    _check_keys(estimate, deliverables)
    given = {work.key: place for place, work in enumerate(estimate.deliverables)}
    places = [given[d.key] for d in deliverables]
    asked = QuoteRequest(
        deliverables=tuple(
            EstimatedDeliverable(_title(d, position), estimate.deliverables[places[position - 1]].days)
            for position, d in enumerate(deliverables, start=1)
        ),
        currency=request.currency,
        contingency=estimate.contingency,
        complexity=estimate.complexity,
        discount=estimate.discount,
        budget_max=request.budget_max,
        timeline_weeks=request.timeline_weeks,
        team_days_per_week=estimate.team_days_per_week,
    )
    try:
        return quote(asked, card)
    except Invalid as error:
        raise Invalid(_in_proposal(error, places)) from None


def _title(deliverable: ProposedDeliverable, position: int) -> str:
    """A title for the calculation: one that the proposal's own checks refuse does not keep a price from its reader."""
    checks = Checks()
    checks.text("", deliverable.title, longest=SHORT_TEXT)
    return f"Deliverable {position}" if checks.problems else deliverable.title


def _check_keys(estimate: Estimate, deliverables: Sequence[ProposedDeliverable]) -> None:
    """Every deliverable of the proposal is estimated, once, and nothing else is."""
    checks, known, seen = Checks(), {d.key for d in deliverables}, set[str]()
    for place, work in enumerate(estimate.deliverables):
        if work.key not in known:
            checks.add(f"/quote/deliverables/{place}/key", f"expected the key of a deliverable, found {work.key!r}")
        elif work.key in seen:
            checks.add(f"/quote/deliverables/{place}/key", f"expected each deliverable once; {work.key!r} stands twice")
        seen.add(work.key)
    for key in dict.fromkeys(d.key for d in deliverables if d.key not in seen):
        checks.add("/quote/deliverables", f"expected the days of every deliverable; {key!r} has none")
    checks.done()


def _in_proposal(error: Invalid, places: list[int]) -> Iterator[Problem]:
    """The problems of a quote, each at its place in the proposal that the quote is for."""
    for problem in error.problems:
        member = re.fullmatch(r"/deliverables/(\d+)(/.*)", problem.pointer)
        pointer = f"/quote{problem.pointer}"
        if problem.pointer == "/currency":
            pointer = "/currency"
        elif member:
            pointer = f"/quote/deliverables/{places[int(member[1])]}{member[2]}"
        yield replace(problem, pointer=pointer)
