"""Invoices: one that stands a payment, numbered without a gap, never changed; a mistake is voided and issued anew."""

from __future__ import annotations

from ods_core.basics.events import EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.records import Invoice, Milestone
from ods_core.basics.states import InvoiceStatus
from ods_core.lifecycle.commands import VoidInvoice, WriteOffInvoice
from ods_core.lifecycle.mover import Change
from ods_core.lifecycle.validation import check_reason


def issue(change: Change, payment: Milestone) -> None:
    """Ask in writing for a payment that is due; names and addresses are kept as they are now."""
    moment, policy = change.moment, change.moment.policy
    organization_id = change.engagement.request.organization_id
    assert payment.due_at is not None, "a payment that is due has its date"
    invoice = Invoice(
        id=moment.next_id(Prefix.INVOICE),
        request_id=payment.request_id,
        scope_id=payment.scope_id,
        payment_id=payment.id,
        serial=moment.next_serial(organization_id),
        status=InvoiceStatus.OPEN,
        amount=payment.amount,
        paid=payment.paid,
        currency=payment.currency,
        due_on=payment.due_at.date(),
        seller=policy.parties.provider,
        buyer=policy.parties.of(organization_id),
        note=policy.invoice_note,
        issued_at=moment.now,
        issued_by=moment.actor.id,
    )
    change.create(invoice, EventType.INVOICE_ISSUED)


def void(change: Change, invoice: Invoice, given: VoidInvoice) -> None:
    """Take it back, with a reason; its number stays used."""
    check_reason(given)
    fields = {"ended_at": change.moment.now, "reason": given.reason}
    change.move(invoice, InvoiceStatus.VOID, EventType.INVOICE_VOIDED, **fields)


def write_off(change: Change, invoice: Invoice, given: WriteOffInvoice) -> None:
    """Give it up, with a reason; the payment stays due, and money that comes after all is booked as ever."""
    check_reason(given)
    fields = {"ended_at": change.moment.now, "reason": given.reason}
    change.move(invoice, InvoiceStatus.UNCOLLECTIBLE, EventType.INVOICE_UNCOLLECTIBLE, **fields)


def payment_came(change: Change, payment_id: str) -> None:
    """The payment is paid in full: so is the invoice that stands on it."""
    invoice = change.engagement.standing_invoice(payment_id)
    if invoice:
        change.move(invoice, InvoiceStatus.PAID, EventType.INVOICE_PAID, ended_at=None, reason=None)


def payment_went(change: Change, payment_id: str) -> None:
    """The payment is open again: so is the invoice that was paid by it."""
    invoice = change.engagement.standing_invoice(payment_id)
    if invoice and invoice.status == InvoiceStatus.PAID:
        change.move(invoice, InvoiceStatus.OPEN, EventType.INVOICE_REOPENED)
