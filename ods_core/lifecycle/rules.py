"""The lifecycle as data: which transitions there are, and which command may ask for them.

The mover obeys these tables, the capability questions read them, and the documentation prints them; there is no
second place that knows a transition.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ods_core.basics.events import EventType as E
from ods_core.basics.roles import Role, Side
from ods_core.basics.states import (
    CycleStatus,
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
)
from ods_core.lifecycle import commands


class Verb(StrEnum):
    """The commands, named as the API names them."""

    SUBMIT_REQUEST = "submit_request"
    PROPOSE = "propose"
    NEGOTIATE = "negotiate"
    REVISE = "revise"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    DECLINE = "decline"
    REISSUE = "reissue"
    TERMINATE = "terminate"
    START = "start"
    SUBMIT = "submit"
    ACCEPT = "accept"
    REJECT = "reject"
    LAPSE = "lapse"
    REMIND_REVIEWER = "remind_reviewer"
    REMIND_APPROVER = "remind_approver"
    RECORD_RECEIPT = "record_receipt"
    REVERSE_RECEIPT = "reverse_receipt"
    ISSUE_INVOICE = "issue_invoice"
    VOID_INVOICE = "void_invoice"
    WRITE_OFF_INVOICE = "write_off_invoice"


_VERBS: dict[type, Verb] = {
    commands.SubmitRequest: Verb.SUBMIT_REQUEST,
    commands.Propose: Verb.PROPOSE,
    commands.Negotiate: Verb.NEGOTIATE,
    commands.Revise: Verb.REVISE,
    commands.Cancel: Verb.CANCEL,
    commands.Confirm: Verb.CONFIRM,
    commands.Decline: Verb.DECLINE,
    commands.Reissue: Verb.REISSUE,
    commands.Terminate: Verb.TERMINATE,
    commands.Start: Verb.START,
    commands.Submit: Verb.SUBMIT,
    commands.Accept: Verb.ACCEPT,
    commands.Reject: Verb.REJECT,
    commands.Lapse: Verb.LAPSE,
    commands.RemindReviewer: Verb.REMIND_REVIEWER,
    commands.RemindApprover: Verb.REMIND_APPROVER,
    commands.RecordReceipt: Verb.RECORD_RECEIPT,
    commands.ReverseReceipt: Verb.REVERSE_RECEIPT,
    commands.IssueInvoice: Verb.ISSUE_INVOICE,
    commands.VoidInvoice: Verb.VOID_INVOICE,
    commands.WriteOffInvoice: Verb.WRITE_OFF_INVOICE,
}


def verb_of(command: commands.Command) -> Verb:
    """The verb under which the tables know a command."""
    return _VERBS[type(command)]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may give a command, on what, and in which states of it; `label` is the button's word.

    A command of the system's side has no roles: no person and no key can give it.
    """

    verb: Verb
    label: str
    sides: tuple[Side, ...]
    roles: frozenset[Role]
    subject: Kind
    states: tuple[StrEnum, ...]
    condition: str = ""


_R, _S, _D = RequestStatus, ScopeStatus, DeliverableStatus
_CLIENT, _PROVIDER, _SYSTEM = Side.CLIENT, Side.PROVIDER, Side.SYSTEM

RULES: dict[Verb, Rule] = {
    rule.verb: rule
    for rule in (
        Rule(Verb.SUBMIT_REQUEST, "Submit request", (_CLIENT,), frozenset({Role.REQUESTER}), Kind.REQUEST, ()),
        Rule(
            Verb.PROPOSE,
            "Present proposal",
            (_PROVIDER,),
            frozenset({Role.PROVIDER}),
            Kind.REQUEST,
            (_R.SCOPING, _R.SCOPED),
            "from `scoped` only when the pending proposal has expired",
        ),
        Rule(Verb.NEGOTIATE, "Ask to negotiate", (_PROVIDER,), frozenset({Role.PROVIDER}), Kind.REQUEST, (_R.SCOPING,)),
        Rule(
            Verb.REVISE,
            "Revise",
            (_CLIENT,),
            frozenset({Role.REQUESTER}),
            Kind.REQUEST,
            (_R.REQUIRES_NEGOTIATION,),
        ),
        Rule(
            Verb.CANCEL,
            "Cancel request",
            (_CLIENT, _PROVIDER),
            frozenset({Role.REQUESTER, Role.PROVIDER}),
            Kind.REQUEST,
            (_R.SCOPING, _R.SCOPED, _R.REQUIRES_NEGOTIATION),
            "no scope was ever confirmed",
        ),
        Rule(
            Verb.CONFIRM,
            "Confirm",
            (_CLIENT,),
            frozenset({Role.APPROVER}),
            Kind.SCOPE,
            (_S.PENDING_CONFIRMATION,),
            "not after `valid_until`",
        ),
        Rule(
            Verb.DECLINE,
            "Decline",
            (_CLIENT,),
            frozenset({Role.APPROVER}),
            Kind.SCOPE,
            (_S.PENDING_CONFIRMATION,),
        ),
        Rule(
            Verb.REISSUE,
            "Re-issue",
            (_PROVIDER,),
            frozenset({Role.PROVIDER}),
            Kind.SCOPE,
            (_S.PENDING_CONFIRMATION,),
            "after `valid_until`",
        ),
        Rule(
            Verb.TERMINATE,
            "Terminate",
            (_CLIENT, _PROVIDER),
            frozenset({Role.APPROVER, Role.PROVIDER}),
            Kind.SCOPE,
            (_S.ACTIVE,),
        ),
        Rule(
            Verb.START,
            "Start work",
            (_PROVIDER,),
            frozenset({Role.PROVIDER}),
            Kind.DELIVERABLE,
            (_D.PENDING, _D.REJECTED),
            "its cycle is `in_progress`",
        ),
        Rule(
            Verb.SUBMIT,
            "Submit",
            (_PROVIDER,),
            frozenset({Role.PROVIDER}),
            Kind.DELIVERABLE,
            (_D.PENDING, _D.IN_PROGRESS, _D.REJECTED),
            "its cycle is `in_progress`",
        ),
        Rule(
            Verb.ACCEPT,
            "Accept",
            (_CLIENT,),
            frozenset({Role.REVIEWER}),
            Kind.DELIVERABLE,
            (_D.READY_FOR_ACCEPTANCE,),
        ),
        Rule(
            Verb.REJECT,
            "Reject",
            (_CLIENT,),
            frozenset({Role.REVIEWER}),
            Kind.DELIVERABLE,
            (_D.READY_FOR_ACCEPTANCE,),
        ),
        Rule(
            Verb.LAPSE,
            "Let silence decide",
            (_SYSTEM,),
            frozenset(),
            Kind.DELIVERABLE,
            (_D.READY_FOR_ACCEPTANCE,),
            "its review window has passed, and its scope's silence policy says what that means",
        ),
        Rule(
            Verb.REMIND_REVIEWER,
            "Remind the reviewer",
            (_SYSTEM,),
            frozenset(),
            Kind.DELIVERABLE,
            (_D.READY_FOR_ACCEPTANCE,),
            "once an attempt, from its `remind_at` on",
        ),
        Rule(
            Verb.REMIND_APPROVER,
            "Remind the approver",
            (_SYSTEM,),
            frozenset(),
            Kind.SCOPE,
            (_S.PENDING_CONFIRMATION,),
            "once, from its `remind_on` to its `valid_until`",
        ),
        Rule(
            Verb.RECORD_RECEIPT,
            "Record a receipt",
            (_CLIENT, _PROVIDER),
            frozenset({Role.FINANCE}),
            Kind.PAYMENT,
            (PaymentStatus.DUE, PaymentStatus.PAID),
            "at most what is open",
        ),
        Rule(
            Verb.REVERSE_RECEIPT,
            "Reverse the receipt",
            (_CLIENT, _PROVIDER),
            frozenset({Role.FINANCE}),
            Kind.RECEIPT,
            (ReceiptStatus.RECORDED,),
        ),
        Rule(
            Verb.ISSUE_INVOICE,
            "Issue an invoice",
            (_CLIENT, _PROVIDER),
            frozenset({Role.FINANCE}),
            Kind.PAYMENT,
            (PaymentStatus.DUE,),
            "no invoice stands on it that was not voided",
        ),
        Rule(
            Verb.VOID_INVOICE,
            "Void the invoice",
            (_CLIENT, _PROVIDER),
            frozenset({Role.FINANCE}),
            Kind.INVOICE,
            (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE),
        ),
        Rule(
            Verb.WRITE_OFF_INVOICE,
            "Give it up as uncollectible",
            (_CLIENT, _PROVIDER),
            frozenset({Role.FINANCE}),
            Kind.INVOICE,
            (InvoiceStatus.OPEN,),
        ),
    )
}
"""Every command there is; `states` are those of its subject in which it may be given."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow: from which state to which, what brings it about, and the event that records it.

    `source` None is creation. `event` None: the change is part of the event of the thing it came with, as a
    proposal's cycles come with the proposal.
    """

    source: StrEnum | None
    target: StrEnum
    cause: str
    event: E | None


_C, _P, _L, _I = CycleStatus, PaymentStatus, ServiceLineStatus, InvoiceStatus
T = Transition

TRANSITIONS: dict[Kind, tuple[Transition, ...]] = {
    Kind.REQUEST: (
        T(None, _R.SCOPING, "submit_request", E.REQUEST_SUBMITTED),
        T(_R.SCOPING, _R.SCOPED, "propose", E.REQUEST_SCOPED),
        T(_R.SCOPED, _R.SCOPED, "propose or reissue, once the proposal has expired", E.REQUEST_SCOPED),
        T(_R.SCOPING, _R.REQUIRES_NEGOTIATION, "negotiate", E.REQUEST_REQUIRES_NEGOTIATION),
        T(_R.REQUIRES_NEGOTIATION, _R.SCOPING, "revise", E.REQUEST_REVISED),
        T(_R.SCOPED, _R.SCOPING, "decline", E.SCOPE_DECLINED),
        T(_R.SCOPING, _R.CANCELLED, "cancel", E.REQUEST_CANCELLED),
        T(_R.SCOPED, _R.CANCELLED, "cancel", E.REQUEST_CANCELLED),
        T(_R.REQUIRES_NEGOTIATION, _R.CANCELLED, "cancel", E.REQUEST_CANCELLED),
    ),
    Kind.SCOPE: (
        T(None, _S.PENDING_CONFIRMATION, "propose or reissue", None),
        T(_S.PENDING_CONFIRMATION, _S.ACTIVE, "confirm", E.SCOPE_CONFIRMED),
        T(_S.PENDING_CONFIRMATION, _S.CANCELLED, "decline", E.SCOPE_DECLINED),
        T(_S.PENDING_CONFIRMATION, _S.CANCELLED, "request cancelled, or proposal superseded", E.SCOPE_CANCELLED),
        T(_S.ACTIVE, _S.COMPLETED, "the last deliverable is accepted", E.SCOPE_COMPLETED),
        T(_S.ACTIVE, _S.CANCELLED, "terminate", E.SCOPE_TERMINATED),
    ),
    Kind.SERVICE_LINE: (
        T(None, _L.ACTIVE, "confirm", E.SERVICE_LINE_OPENED),
        T(_L.ACTIVE, _L.CLOSED, "the scope is completed or terminated", E.SERVICE_LINE_CLOSED),
    ),
    Kind.CYCLE: (
        T(None, _C.PLANNED, "propose or reissue", None),
        T(None, _C.IN_PROGRESS, "reject (a remediation cycle)", E.REMEDIATION_STARTED),
        T(_C.PLANNED, _C.IN_PROGRESS, "confirm (the first), or the cycle before is accepted", E.CYCLE_STARTED),
        T(_C.IN_PROGRESS, _C.COMPLETED, "all its deliverables are submitted", E.CYCLE_COMPLETED),
        T(_C.COMPLETED, _C.ACCEPTED, "all its deliverables are accepted", E.CYCLE_ACCEPTED),
        T(_C.PLANNED, _C.CANCELLED, "the scope is cancelled", E.CYCLE_CANCELLED),
        T(_C.IN_PROGRESS, _C.CANCELLED, "the scope is cancelled", E.CYCLE_CANCELLED),
        T(_C.COMPLETED, _C.CANCELLED, "the scope is cancelled", E.CYCLE_CANCELLED),
    ),
    Kind.DELIVERABLE: (
        T(None, _D.PENDING, "propose or reissue", None),
        T(_D.PENDING, _D.IN_PROGRESS, "start", E.DELIVERABLE_STARTED),
        T(_D.REJECTED, _D.IN_PROGRESS, "start (the next attempt)", E.DELIVERABLE_STARTED),
        T(_D.PENDING, _D.COMPLETED, "submit", E.DELIVERABLE_SUBMITTED),
        T(_D.IN_PROGRESS, _D.COMPLETED, "submit", E.DELIVERABLE_SUBMITTED),
        T(_D.REJECTED, _D.COMPLETED, "submit (the next attempt)", E.DELIVERABLE_SUBMITTED),
        T(_D.COMPLETED, _D.READY_FOR_ACCEPTANCE, "its cycle is completed", E.DELIVERABLE_READY),
        T(_D.READY_FOR_ACCEPTANCE, _D.ACCEPTED, "accept, or lapse with `deemed_accepted`", E.DELIVERABLE_ACCEPTED),
        T(_D.READY_FOR_ACCEPTANCE, _D.REJECTED, "reject, or lapse with `deemed_rejected`", E.DELIVERABLE_REJECTED),
        T(_D.PENDING, _D.CANCELLED, "the scope is cancelled", E.DELIVERABLE_CANCELLED),
        T(_D.IN_PROGRESS, _D.CANCELLED, "the scope is cancelled", E.DELIVERABLE_CANCELLED),
        T(_D.COMPLETED, _D.CANCELLED, "the scope is cancelled", E.DELIVERABLE_CANCELLED),
        T(_D.READY_FOR_ACCEPTANCE, _D.CANCELLED, "the scope is cancelled", E.DELIVERABLE_CANCELLED),
        T(_D.REJECTED, _D.CANCELLED, "the scope is cancelled", E.DELIVERABLE_CANCELLED),
    ),
    Kind.PAYMENT: (
        T(None, _P.SCHEDULED, "confirm", E.PAYMENT_SCHEDULED),
        T(_P.SCHEDULED, _P.DUE, "its trigger happens", E.PAYMENT_DUE),
        T(_P.DUE, _P.PAID, "receipts reach its amount", E.PAYMENT_PAID),
        T(_P.PAID, _P.DUE, "reverse_receipt", None),
        T(_P.SCHEDULED, _P.VOID, "the scope is terminated", E.PAYMENT_VOIDED),
    ),
    Kind.RECEIPT: (
        T(None, ReceiptStatus.RECORDED, "record_receipt", None),
        T(None, ReceiptStatus.REVERSAL, "reverse_receipt", None),
        T(ReceiptStatus.RECORDED, ReceiptStatus.REVERSED, "reverse_receipt", None),
    ),
    Kind.INVOICE: (
        T(None, _I.OPEN, "issue_invoice", E.INVOICE_ISSUED),
        T(_I.OPEN, _I.PAID, "its payment is paid", E.INVOICE_PAID),
        T(_I.UNCOLLECTIBLE, _I.PAID, "its payment is paid after all", E.INVOICE_PAID),
        T(_I.PAID, _I.OPEN, "reverse_receipt", E.INVOICE_REOPENED),
        T(_I.OPEN, _I.VOID, "void_invoice", E.INVOICE_VOIDED),
        T(_I.UNCOLLECTIBLE, _I.VOID, "void_invoice", E.INVOICE_VOIDED),
        T(_I.OPEN, _I.UNCOLLECTIBLE, "write_off_invoice", E.INVOICE_UNCOLLECTIBLE),
    ),
}
"""Every transition there is."""

_INDEX = {(kind, t.source, t.target, t.event) for kind, ts in TRANSITIONS.items() for t in ts}


def is_transition(kind: Kind, source: StrEnum | None, target: StrEnum, event: E | None) -> bool:
    """Whether the tables know this change."""
    return (kind, source, target, event) in _INDEX
