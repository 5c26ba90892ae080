"""Money that comes in: recorded in parts, never more than is open, and taken back by an entry of its own."""

from __future__ import annotations

from decimal import Decimal

from ods_core.basics.errors import AmountExceedsOpen, DuplicateReceipt
from ods_core.basics.events import EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.records import Engagement, Milestone, Receipt
from ods_core.basics.resources import amount_json, receipt_resource
from ods_core.basics.states import Kind, PaymentStatus, ReceiptStatus
from ods_core.lifecycle import invoices
from ods_core.lifecycle.commands import RecordReceipt, ReverseReceipt
from ods_core.lifecycle.mover import Change
from ods_core.lifecycle.validation import check_reason, check_receipt


def record_receipt(change: Change, payment: Milestone, given: RecordReceipt) -> None:
    """Record money received; the payment is `paid` once its receipts reach its amount."""
    moment = change.moment
    check_receipt(given, payment.currency, moment.today)
    refuse_duplicate(change.engagement, payment, given.reference)
    refuse_excess(payment, given.amount)
    receipt = Receipt(
        id=moment.next_id(Prefix.RECEIPT),
        request_id=payment.request_id,
        scope_id=payment.scope_id,
        payment_id=payment.id,
        status=ReceiptStatus.RECORDED,
        amount=given.amount,
        currency=payment.currency,
        received_on=given.received_on,
        reference=given.reference,
        recorded_at=moment.now,
        recorded_by=moment.actor.id,
    )
    change.create(receipt, None)
    credited = change.amend(payment, paid=payment.paid + given.amount)
    _tell(change, credited, receipt)
    if credited.paid == credited.amount:
        change.move(credited, PaymentStatus.PAID, EventType.PAYMENT_PAID, paid_at=moment.now)
        invoices.payment_came(change, credited.id)


def refuse_duplicate(engagement: Engagement, payment: Milestone, reference: str) -> None:
    """Raise DuplicateReceipt for a reference that stands on this payment and was not taken back."""
    wanted = _normal(reference)
    for receipt in engagement.receipts_of(payment.id):
        if receipt.status == ReceiptStatus.RECORDED and _normal(receipt.reference) == wanted:
            raise DuplicateReceipt(
                f"payment {payment.id} has receipt {receipt.id} with the reference {receipt.reference!r} already; "
                "if that one is wrong, reverse it first",
                current_state=payment.status.value,
                receipt_id=receipt.id,
            )


def _normal(reference: str) -> str:
    """References as a bank statement means them: case and spacing do not make another one."""
    return " ".join(reference.split()).casefold()


def refuse_excess(payment: Milestone, amount: Decimal) -> None:
    """Raise AmountExceedsOpen for more than is open."""
    if amount > payment.open:
        left = amount_json(payment.open, payment.currency)
        raise AmountExceedsOpen(
            f"{left} {payment.currency} are open on payment {payment.id}; a receipt cannot be of more",
            current_state=payment.status.value,
            open=left,
            currency=payment.currency,
        )


def reverse_receipt(change: Change, receipt: Receipt, given: ReverseReceipt) -> None:
    """Take a receipt back by an entry of the negated amount; what it paid is open again, due as it was."""
    check_reason(given)
    moment = change.moment
    change.move(receipt, ReceiptStatus.REVERSED, None)
    reversal = Receipt(
        id=moment.next_id(Prefix.RECEIPT),
        request_id=receipt.request_id,
        scope_id=receipt.scope_id,
        payment_id=receipt.payment_id,
        status=ReceiptStatus.REVERSAL,
        amount=-receipt.amount,
        currency=receipt.currency,
        received_on=moment.today,
        reference=receipt.reference,
        recorded_at=moment.now,
        recorded_by=moment.actor.id,
        reverses=receipt.id,
        reason=given.reason,
    )
    change.create(reversal, None)
    payment = change.engagement.milestone(receipt.payment_id)
    left = payment.paid - receipt.amount
    if payment.status == PaymentStatus.PAID:
        payment = change.move(payment, PaymentStatus.DUE, None, paid=left, paid_at=None)
    else:
        payment = change.amend(payment, paid=left)
    _tell(change, payment, reversal)
    invoices.payment_went(change, payment.id)


def _tell(change: Change, payment: Milestone, receipt: Receipt) -> None:
    shown = receipt_resource(change.engagement, receipt)
    change.tell(Kind.PAYMENT, payment.id, EventType.PAYMENT_RECEIVED, receipt=shown)
