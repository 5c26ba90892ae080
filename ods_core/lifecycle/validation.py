"""Whether a command's values can be right, whatever the state: the same answer for pages, API, command line, import.

Each function raises Invalid with every problem at its place; none of them changes what was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ods_core.basics.checks import SHORT_TEXT, Checks
from ods_core.basics.records import CriterionNotMet, Request
from ods_core.basics.states import SilencePolicy
from ods_core.lifecycle.commands import (
    Accept,
    Cancel,
    Confirm,
    Decline,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    RecordReceipt,
    Reissue,
    Reject,
    ReverseReceipt,
    Revise,
    Submit,
    SubmitRequest,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)

MAX_WEEKS = 104
MAX_DELIVERABLES = 200
MAX_CYCLES = 104
MAX_LINKS = 50


def check_request(given: SubmitRequest) -> None:
    """A new request: who asks, for what, within which bounds."""
    c = Checks()
    c.reference("/organization_id", given.organization_id, "ORG")
    c.reference("/workspace_id", given.workspace_id, "WS")
    c.reference("/subscription_id", given.subscription_id, "SUB")
    c.texts("/project_tags", given.project_tags, longest=SHORT_TEXT, most=50)
    for i, tag in enumerate(given.project_tags[:50]):
        c.reference(f"/project_tags/{i}", tag, "PROJ")
    c.text("/title", given.title, longest=SHORT_TEXT)
    c.text("/description", given.description)
    c.text("/desired_outcome", given.desired_outcome)
    _bounds(c, given.acceptance_criteria, given.timeline_weeks)
    if c.currency("/currency", given.currency):
        c.amount("/budget_max", given.budget_max, given.currency)
    c.done()


def _bounds(c: Checks, criteria: Sequence[str], weeks: int | None) -> None:
    c.texts("/acceptance_criteria", criteria)
    c.within("/timeline_weeks", weeks, 1, MAX_WEEKS, "weeks")


def check_revision(given: Revise, request: Request) -> None:
    """A revision: at least one change, each as good as in a new request."""
    c = Checks()
    texts = {"title": given.title, "description": given.description, "desired_outcome": given.desired_outcome}
    for name, value in texts.items():
        if value is not None:
            c.text(f"/{name}", value, longest=SHORT_TEXT if name == "title" else 20_000)
    _bounds(c, given.acceptance_criteria or (), given.timeline_weeks)
    c.amount("/budget_max", given.budget_max, request.currency)
    if given == Revise():
        c.add("", "expected at least one change: budget_max, timeline_weeks, acceptance_criteria or a text")
    c.done()


def check_proposal(given: Propose, request: Request, today: date) -> None:
    """A proposal: deliverables with criteria, cycles in order that hold each of them once, a price, terms, a date."""
    c = Checks()
    if given.title is not None:
        c.text("/title", given.title, longest=SHORT_TEXT)
    _deliverables(c, given.deliverables)
    _cycles(c, given.cycles)
    _placement(c, given)
    _price(c, given, request)
    c.within("/timeline_weeks", given.timeline_weeks, 1, MAX_WEEKS, "weeks")
    c.text("/payment_terms", given.payment_terms, longest=2_000)
    c.problems += given.terms_problems + given.quote_problems
    c.within("/review_window_days", given.review_window_days, 1, 365, "days")
    if given.silence_policy != SilencePolicy.NONE and given.review_window_days is None:
        c.add("/review_window_days", f"expected 1 to 365 days: without a window nothing is ever {_said(given)}")
    c.day("/valid_until", given.valid_until)
    if given.valid_until and given.valid_until < today:
        c.add("/valid_until", f"expected {today} or later: a proposal cannot be valid in the past only")
    c.done()


def _said(given: Propose) -> str:
    return given.silence_policy.replace("_", " ")


def _price(c: Checks, given: Propose, request: Request) -> None:
    if given.currency != request.currency:
        c.add("/currency", f"expected {request.currency}, the request's currency")
    else:
        c.amount("/fixed_price", given.fixed_price, given.currency)


def _deliverables(c: Checks, deliverables: Sequence[ProposedDeliverable]) -> None:
    if not 1 <= len(deliverables) <= MAX_DELIVERABLES:
        c.add("/deliverables", f"expected 1 to {MAX_DELIVERABLES} deliverables, found {len(deliverables)}")
    seen: set[str] = set()
    for i, d in enumerate(deliverables[:MAX_DELIVERABLES]):
        at = f"/deliverables/{i}"
        c.text(f"{at}/key", d.key, longest=64)
        c.text(f"{at}/title", d.title, longest=SHORT_TEXT)
        c.text(f"{at}/description", d.description)
        _criteria(c, f"{at}/acceptance_criteria", d.acceptance_criteria)
        if d.key in seen:
            c.add(f"{at}/key", f"expected a key of its own; {d.key!r} is taken")
        seen.add(d.key)


def _criteria(c: Checks, at: str, criteria: str | tuple[str, ...]) -> None:
    if isinstance(criteria, str):
        c.text(at, criteria, longest=2_000)
    elif criteria:
        c.texts(at, criteria)
    else:
        c.add(at, "expected at least one acceptance criterion")


def _cycles(c: Checks, cycles: Sequence[ProposedCycle]) -> None:
    if not 1 <= len(cycles) <= MAX_CYCLES:
        c.add("/cycles", f"expected 1 to {MAX_CYCLES} cycles, found {len(cycles)}")
    previous: date | None = None
    for i, cycle in enumerate(cycles[:MAX_CYCLES]):
        at = f"/cycles/{i}"
        c.text(f"{at}/name", cycle.name, longest=SHORT_TEXT)
        c.day(f"{at}/planned_start", cycle.planned_start)
        c.day(f"{at}/planned_end", cycle.planned_end)
        if cycle.planned_end < cycle.planned_start:
            c.add(f"{at}/planned_end", f"expected {cycle.planned_start} or later, the day the cycle starts")
        if previous and cycle.planned_start <= previous:
            c.add(f"{at}/planned_start", f"expected a day after {previous}, the end of the cycle before")
        previous = cycle.planned_end


def _placement(c: Checks, given: Propose) -> None:
    known = {d.key for d in given.deliverables}
    placed: Counter[str] = Counter()
    for i, cycle in enumerate(given.cycles):
        if not cycle.deliverables:
            c.add(f"/cycles/{i}/deliverables", "expected at least one deliverable: an empty cycle would never end")
        for j, key in enumerate(cycle.deliverables):
            at = f"/cycles/{i}/deliverables/{j}"
            if key not in known:
                c.add(at, f"expected the key of a deliverable, found {key!r}")
            elif placed[key]:
                c.add(at, f"expected each deliverable in one cycle; {key!r} already stands in one")
            placed[key] += 1
    for i, d in enumerate(given.deliverables):
        if not placed[d.key]:
            c.add(f"/deliverables/{i}", f"expected a cycle that delivers {d.key!r}; no cycle lists it")


def check_negotiation(given: Negotiate, request: Request) -> None:
    """A negotiation: why, and at least one of a price and a number of weeks that would fit."""
    c = Checks()
    c.text("/reason", given.reason)
    c.amount("/fixed_price", given.fixed_price, request.currency)
    c.within("/timeline_weeks", given.timeline_weeks, 1, MAX_WEEKS, "weeks")
    if given.fixed_price is None and given.timeline_weeks is None:
        c.add("", "expected what would fit: fixed_price, timeline_weeks or both")
    c.done()


def check_reason(given: Cancel | Decline | Terminate | ReverseReceipt | VoidInvoice | WriteOffInvoice) -> None:
    """A command whose one value is its reason."""
    c = Checks()
    c.text("/reason", given.reason)
    c.done()


def check_receipt(given: RecordReceipt, currency: str, today: date) -> None:
    """Money that came in: a positive amount, a day that is not to come, and a reference."""
    c = Checks()
    c.amount("/amount", given.amount, currency)
    c.day("/received_on", given.received_on)
    if given.received_on > today:
        c.add("/received_on", f"expected {today} or earlier: money that has not come yet cannot be recorded")
    c.text("/reference", given.reference, longest=SHORT_TEXT)
    c.done()


def check_confirmation(given: Confirm) -> None:
    """Who confirms."""
    c = Checks()
    c.reference("/accepted_by", given.accepted_by, "USR")
    c.done()


def check_reissue(given: Reissue, today: date) -> None:
    """Until when the new revision is valid."""
    c = Checks()
    c.day("/valid_until", given.valid_until)
    if given.valid_until and given.valid_until < today:
        c.add("/valid_until", f"expected {today} or later")
    c.done()


def check_submission(given: Submit) -> None:
    """Notes, and links to the evidence."""
    c = Checks()
    c.optional_text("/notes", given.notes)
    if len(given.evidence) > MAX_LINKS:
        c.add("/evidence", f"expected at most {MAX_LINKS} links, found {len(given.evidence)}")
    for i, link in enumerate(given.evidence[:MAX_LINKS]):
        c.optional_text(f"/evidence/{i}/title", link.title, longest=SHORT_TEXT)
        c.link(f"/evidence/{i}/url", link.url)
    c.done()


def check_review(given: Accept | Reject) -> None:
    """A decision: who decides, and for a rejection why, by criterion."""
    c = Checks()
    c.reference("/reviewer_id", given.reviewer_id, "USR")
    c.optional_text("/notes", given.notes)
    if isinstance(given, Reject):
        c.text("/rejection_reason", given.rejection_reason)
        _not_met(c, given.criteria_not_met)
    c.done()


def _not_met(c: Checks, criteria: Sequence[CriterionNotMet]) -> None:
    if len(criteria) > MAX_DELIVERABLES:
        c.add("/criteria_not_met", f"expected at most {MAX_DELIVERABLES} criteria, found {len(criteria)}")
    for i, criterion in enumerate(criteria[:MAX_DELIVERABLES]):
        c.within(f"/criteria_not_met/{i}/criterion", criterion.criterion, 1, 1_000)
        c.optional_text(f"/criteria_not_met/{i}/evidence", criterion.evidence)
    doubles = [n for n, count in Counter(x.criterion for x in criteria).items() if count > 1]
    if doubles:
        c.add("/criteria_not_met", f"expected each criterion once; criterion {doubles[0]} stands there twice")


def gaps(price: Decimal, weeks: int, request: Request) -> tuple[Decimal, int]:
    """By how much money and how many weeks a proposal exceeds its request; 0 where it fits or nothing is bound."""
    over_price = max(price - request.budget_max, Decimal(0)) if request.budget_max is not None else Decimal(0)
    over_weeks = max(weeks - request.timeline_weeks, 0) if request.timeline_weeks is not None else 0
    return over_price, over_weeks
