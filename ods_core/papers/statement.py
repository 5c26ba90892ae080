"""The statement of an engagement as PDF: what became of the price, to the minor unit, as of a moment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from ods_core.basics.parties import Parties
from ods_core.basics.records import Engagement, Invoice, Milestone, Receipt, Scope, invoice_number
from ods_core.basics.resources import expected_on, overdue_days, statement
from ods_core.basics.states import PaymentStatus, look
from ods_core.papers.printed import GREY, Align, Printed, amount, day, figure, moment, when

_PARTS: Final = {"received": "Received", "open": "Open", "scheduled": "Scheduled", "void": "Void"}


def statement_pdf(engagement: Engagement, scope_id: str, parties: Parties, now: datetime, review_days: int) -> bytes:
    """The statement of one scope as of `now`; `review_days` is how long a review usually takes.

    Raises:
        NotFound: the engagement has no such scope.
    """
    scope, owner = engagement.scope(scope_id), engagement.request.organization_id
    pdf = Printed(f"Statement of {scope.id}", f"Statement of {scope.id} · as of {moment(now)}", now)
    pdf.line_of("Statement", 22, bold=True)
    pdf.line_of(scope.title, 12)
    pdf.gap()
    pdf.side_by_side(("From", parties.provider), ("To", parties.of(owner)))
    pdf.gap()
    _references(pdf, engagement, scope, now)
    _identity(pdf, engagement, scope)
    _payments(pdf, engagement, scope, now, review_days)
    _receipts(pdf, engagement, scope)
    _invoices(pdf, engagement, scope)
    return pdf.bytes()


def _references(pdf: Printed, engagement: Engagement, scope: Scope, now: datetime) -> None:
    request = engagement.request
    pdf.facts(
        [
            ("As of", moment(now)),
            ("Of", f"scope {scope.id}, all its payments, receipts and invoices"),
            ("Customer", f"{request.organization_id} · {request.workspace_id}"),
            ("Scope", f"{look(scope.status).label.lower()}, confirmed {day(scope.confirmed_at)}"),
            ("Payment terms", scope.payment_terms),
        ]
    )


def _identity(pdf: Printed, engagement: Engagement, scope: Scope) -> None:
    """The price, and the four parts that always come to it."""
    told = statement(engagement, scope)
    pdf.heading("What became of the price")
    parts = [(label, figure(told[name], scope.currency)) for name, label in _PARTS.items()]
    pdf.sums([*parts, ("Fixed price", amount(told["fixed_price"], scope.currency))])


def _payments(pdf: Printed, engagement: Engagement, scope: Scope, now: datetime, review_days: int) -> None:
    own = [m for m in engagement.milestones if m.scope_id == scope.id]
    if not own:
        pdf.heading("Payments")
        pdf.line_of("None yet: the scope is not confirmed.", colour=GREY)
        return
    code = scope.currency
    pdf.grid(
        "Payments",
        ["", "Payment", "State", "Date", f"Amount {code}", f"Received {code}", f"Open {code}"],
        [
            [
                str(m.position),
                f"{m.description} ({when(m.trigger)}) {m.id}",
                look(m.status).label,
                _date(engagement, m, now, review_days),
                *(figure(value, code) for value in (m.amount, m.paid, m.open)),
            ]
            for m in own
        ],
        widths=(3, 29, 12, 14, 14, 14, 14),
        aligned=("LEFT", "LEFT", "LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"),
    )


def _date(engagement: Engagement, m: Milestone, now: datetime, review_days: int) -> str:
    if m.status == PaymentStatus.SCHEDULED:
        return f"expected {day(expected_on(engagement, m, review_days))}"
    if m.status == PaymentStatus.VOID:
        return "will not come due"
    late = overdue_days(m, now)
    return f"due {day(m.due_at)}" + (f", {late:,} days overdue" if late else "")


_MONEY: Final[tuple[Align, ...]] = ("LEFT", "LEFT", "LEFT", "RIGHT")


def _receipts(pdf: Printed, engagement: Engagement, scope: Scope) -> None:
    places = {m.id: m.position for m in engagement.milestones}
    own = [r for r in engagement.receipts if r.scope_id == scope.id]
    if not own:
        pdf.heading("Money received")
        pdf.line_of("Nothing yet.", colour=GREY)
        return
    rows = [[day(r.received_on), str(places[r.payment_id]), _entry(r), figure(r.amount, scope.currency)] for r in own]
    total = sum((r.amount for r in own), Decimal(0))
    rows.append(["", "", "Received", figure(total, scope.currency)])
    pdf.grid(
        "Money received",
        ["Received on", "Payment", "Reference", f"Amount {scope.currency}"],
        rows,
        widths=(16, 10, 54, 20),
        aligned=_MONEY,
    )


def _entry(r: Receipt) -> str:
    return f"{r.reference} · {r.id}" + (f" takes back {r.reverses}: {r.reason}" if r.reverses else "")


def _invoices(pdf: Printed, engagement: Engagement, scope: Scope) -> None:
    own = [i for i in engagement.invoices if i.scope_id == scope.id]
    if not own:
        return
    owner = engagement.request.organization_id
    pdf.grid(
        "Invoices",
        ["Issued on", "Due on", "Number and state", f"Asked for {scope.currency}"],
        [[day(i.issued_at), day(i.due_on), _invoice(owner, i), figure(i.claimed, scope.currency)] for i in own],
        widths=(16, 16, 48, 20),
        aligned=_MONEY,
    )


def _invoice(owner: str, i: Invoice) -> str:
    return f"{invoice_number(owner, i.serial)}, {look(i.status).label.lower()}" + (f": {i.reason}" if i.reason else "")


__all__ = ["statement_pdf"]
