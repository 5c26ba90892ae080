"""An invoice as PDF: what was issued, the same to the byte each time; one that was voided says so, and why."""

from __future__ import annotations

from ods_core.basics.records import Engagement, Invoice, Milestone, invoice_number
from ods_core.basics.states import InvoiceStatus
from ods_core.papers.printed import INK, LINE, MARGIN, RED, WIDTH, Printed, amount, day, figure, moment, when


def invoice_pdf(engagement: Engagement, invoice_id: str) -> bytes:
    """The invoice with this id.

    Raises:
        NotFound: the engagement has no such invoice.
    """
    invoice = engagement.invoice(invoice_id)
    number = invoice_number(engagement.request.organization_id, invoice.serial)
    pdf = Printed(f"Invoice {number}", f"Invoice {number} · issued {moment(invoice.issued_at)}", invoice.issued_at)
    _head(pdf, invoice, number)
    _references(pdf, engagement, invoice, number)
    _position(pdf, engagement, invoice)
    _terms(pdf, engagement, invoice, number)
    return pdf.bytes()


def _head(pdf: Printed, invoice: Invoice, number: str) -> None:
    pdf.line_of("Invoice", 22, bold=True)
    pdf.line_of(number, 12)
    if invoice.status == InvoiceStatus.VOID and invoice.ended_at:
        _stamp(pdf, f"VOID since {day(invoice.ended_at)}. Nothing is asked for with it. Reason: {invoice.reason}")
    pdf.gap()
    pdf.side_by_side(("From", invoice.seller), ("To", invoice.buyer))
    pdf.gap()


def _stamp(pdf: Printed, text: str) -> None:
    pdf.gap(3)
    pdf.set_draw_color(*RED)
    pdf.line(MARGIN, pdf.y, MARGIN + WIDTH, pdf.y)
    pdf.gap(1.5)
    pdf.line_of(text, 11, bold=True, colour=RED)
    pdf.gap(1.5)
    pdf.line(MARGIN, pdf.y, MARGIN + WIDTH, pdf.y)


def _references(pdf: Printed, engagement: Engagement, invoice: Invoice, number: str) -> None:
    scope, request = engagement.scope(invoice.scope_id), engagement.request
    pdf.facts(
        [
            ("Invoice number", number),
            ("Date of issue", day(invoice.issued_at)),
            ("Due date", day(invoice.due_on)),
            ("Payment reference", number),
            ("Customer", f"{request.organization_id} · {request.workspace_id}"),
            ("Scope", f"{scope.id}, confirmed {day(scope.confirmed_at)}"),
            ("Document", f"{invoice.id} for payment {invoice.payment_id}"),
        ]
    )
    pdf.gap()


def _position(pdf: Printed, engagement: Engagement, invoice: Invoice) -> None:
    """What is charged, what of it had come in, and what is asked for."""
    scope, m = engagement.scope(invoice.scope_id), engagement.milestone(invoice.payment_id)
    pdf.set_draw_color(*INK)
    pdf.line(MARGIN, pdf.y, MARGIN + WIDTH, pdf.y)
    pdf.gap(2)
    pdf.use(9.5, bold=True)
    pdf.cell(WIDTH * 0.7, LINE, "What is charged")
    pdf.cell(WIDTH * 0.3, LINE, f"Amount ({invoice.currency})", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.gap(2)
    pdf.line_of(scope.title, 10.5, bold=True)
    pdf.line_of(f"Payment {m.position} of {_milestones(engagement, m)}: {m.description}")
    pdf.line_of(f"Payable {when(m.trigger)}, which was on {day(m.triggered_at)}.")
    pdf.gap(3)
    rows = [("Amount of this payment", figure(invoice.amount, invoice.currency))]
    if invoice.paid:
        rows.append((f"Received by {day(invoice.issued_at)}", figure(-invoice.paid, invoice.currency)))
    pdf.sums([*rows, ("Amount due", amount(invoice.claimed, invoice.currency))])
    pdf.gap()


def _milestones(engagement: Engagement, m: Milestone) -> int:
    return sum(other.scope_id == m.scope_id for other in engagement.milestones)


def _terms(pdf: Printed, engagement: Engagement, invoice: Invoice, number: str) -> None:
    scope, m = engagement.scope(invoice.scope_id), engagement.milestone(invoice.payment_id)
    pdf.heading("Payment")
    if invoice.status != InvoiceStatus.VOID:
        asked = f"Please pay {amount(invoice.claimed, invoice.currency)} by {day(invoice.due_on)}"
        pdf.line_of(f"{asked} (net {m.net_days}) and quote {number}.")
    pdf.line_of(f"Terms of the scope, fixed price {amount(scope.fixed_price, scope.currency)}: {scope.payment_terms}")
    if invoice.note:
        pdf.gap(2)
        pdf.line_of(invoice.note)


__all__ = ["invoice_pdf"]
