"""The invoices of a payment: issued, taken away as PDF, voided and issued anew, given up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from ods_core.basics.records import Engagement, Invoice, Milestone, invoice_number
from ods_core.basics.roles import EXPORTERS, Caller
from ods_core.basics.states import InvoiceStatus, Kind
from ods_core.lifecycle import Verb, VoidInvoice, WriteOffInvoice
from ods_core.papers import invoice_pdf, statement_pdf
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime, runtime
from ods_core.ui import cards, decisions
from ods_core.ui.downloads import offer_file
from ods_core.ui.formats import day, money, plain
from ods_core.ui.forms import open_draft
from ods_core.ui.session import caller, link, offers, param, set_params, today

PDF = "application/pdf"
VOID, GIVE_UP = "void", "give_up"
_VERBS = {VOID: Verb.VOID_INVOICE, GIVE_UP: Verb.WRITE_OFF_INVOICE}


def show_invoices(engagement: Engagement, m: Milestone) -> None:
    """What was issued for a payment, and what can be done about it today."""
    issued = engagement.invoices_of(m.id)
    issuable = offers(engagement, Verb.ISSUE_INVOICE, m.id)
    if not issued and not issuable:
        return
    st.header("Invoices", anchor=False)
    if not issued:
        st.caption("None was issued.")
    for invoice in issued:
        draw_invoice(engagement, invoice)
    if issuable:
        offer_issue(engagement, m, again=bool(issued))
    else:
        decisions.tell_if_overtaken(f"invoice_{m.id}", m.id)


def is_ending_one(engagement: Engagement, m: Milestone) -> bool:
    """Whether the form that ends an invoice of this payment is open; the address names one draft at a time."""
    return any(_ends(engagement, invoice) for invoice in engagement.invoices_of(m.id))


def _ends(engagement: Engagement, invoice: Invoice) -> str | None:
    """Which form is open on an invoice."""
    opened = (
        name for name, verb in _VERBS.items() if param(name) == invoice.id and offers(engagement, verb, invoice.id)
    )
    return next(opened, None)


def draw_invoice(engagement: Engagement, invoice: Invoice) -> None:
    """One invoice: its amount, state and number, its PDF, and how it can end."""
    number = invoice_number(engagement.request.organization_id, invoice.serial)
    with st.container(border=True, key=f"invoice-{invoice.id}", gap="xsmall"):
        told = plain(money(invoice.claimed, invoice.currency))
        st.markdown(f"**{told}** {cards.state_text(invoice.status)} {plain(number)}")
        why = f" · {_ENDED[invoice.status]} {day(invoice.ended_at)}: {invoice.reason}" if invoice.ended_at else ""
        dates = f"to {invoice.buyer.name} · issued {day(invoice.issued_at)} · due {day(invoice.due_on)}"
        st.caption(plain(f"{dates} · {invoice.id}{why}"))
        ending = _ends(engagement, invoice)
        with st.container(horizontal=True, vertical_alignment="center"):
            _offer_pdf(invoice, number)
            if ending is None:
                _offer_endings(engagement, invoice)
            else:
                link("payments", "Leave it as it is", icon="undo", payment=invoice.payment_id)
        if ending == VOID:
            offer_void(invoice, number)
        elif ending == GIVE_UP:
            offer_write_off(invoice, number)


_ENDED = {InvoiceStatus.VOID: "voided", InvoiceStatus.UNCOLLECTIBLE: "given up"}


def _offer_pdf(invoice: Invoice, number: str) -> None:
    # An invoice that is voided meanwhile is another paper.
    version = "void" if invoice.status == InvoiceStatus.VOID else "issued"
    make = partial(_invoice_bytes, runtime(), caller(), invoice.id)
    _offer_print(f"pdf_{invoice.id}", version, "PDF", f"{number}.pdf", make)


def _offer_print(key: str, version: str, label: str, file_name: str, make: Callable[[], bytes]) -> None:
    offer_file(key, version, label, file_name, PDF, make, icon=":material/picture_as_pdf:")


def _invoice_bytes(run: Runtime, who: Caller, id: str) -> bytes:
    """Read when it is asked for: an invoice voided meanwhile says so."""
    with run.store.read() as connection:
        engagement = engagement_of(connection, who, Kind.INVOICE, id)
    return invoice_pdf(engagement, id)


def _offer_endings(engagement: Engagement, invoice: Invoice) -> None:
    if offers(engagement, Verb.VOID_INVOICE, invoice.id):
        link("payments", "Void", icon="block", payment=invoice.payment_id, void=invoice.id)
    if offers(engagement, Verb.WRITE_OFF_INVOICE, invoice.id):
        link("payments", "Uncollectible", icon="money_off", payment=invoice.payment_id, give_up=invoice.id)


def offer_issue(engagement: Engagement, m: Milestone, *, again: bool) -> None:
    """The amount, the day and the buyer first; asked once."""
    owner = engagement.request.organization_id
    buyer = runtime().service.policy.parties.of(owner)
    told = money(m.open, m.currency)
    paid = f", the {money(m.paid, m.currency)} received already taken off" if m.paid else ""
    if decisions.ask_once(
        f"invoice_{m.id}",
        "Issue it anew" if again else "Issue an invoice",
        f"Issue an invoice of {told}{paid}, due {day(m.due_at)}, to {buyer.name}? Once issued it does not change.",
        f"Yes, issue it for {told}",
        icon="receipt_long",
    ):
        decisions.carry_out(
            lambda: runtime().service.issue_invoice(caller(), m.id), headline="The invoice is issued", about=m.id
        )
    if buyer.name == owner:
        st.caption(plain(f"No name and address of {owner} is known here, so the invoice goes by its reference."))


def offer_void(invoice: Invoice, number: str) -> None:
    """Why a wrong invoice is taken back, then the button."""
    decisions.give_with_reason(
        f"void_{invoice.id}",
        open_draft(f"void {invoice.id}"),
        lambda reason: runtime().service.void_invoice(caller(), invoice.id, VoidInvoice(reason)),
        why="Why it is voided",
        example="The address was another one",
        label="Void the invoice",
        question=f"Void {number} of {money(invoice.claimed, invoice.currency)}? Its number stays used; the payment can "
        "then be invoiced anew.",
        yes=f"Yes, void {number}",
        icon="block",
        headline="The invoice is void",
        about=invoice.id,
        leave=_leave,
    )


def offer_write_off(invoice: Invoice, number: str) -> None:
    """Why an invoice is given up, then the button."""
    told = money(invoice.claimed, invoice.currency)
    decisions.give_with_reason(
        f"give_up_{invoice.id}",
        open_draft(f"give up {invoice.id}"),
        lambda reason: runtime().service.write_off_invoice(caller(), invoice.id, WriteOffInvoice(reason)),
        why="Why it is given up",
        example="The customer is insolvent",
        label="Mark as uncollectible",
        question=f"Give up {number} of {told}? The payment stays due; money that comes after all is booked as ever.",
        yes=f"Yes, give up {told}",
        icon="money_off",
        headline="The invoice is uncollectible",
        about=invoice.id,
        leave=_leave,
    )


def _leave() -> None:
    """Back to the payment."""
    set_params(**dict.fromkeys(_VERBS))


def offer_statement(scope_id: str) -> None:
    """The statement of an engagement as PDF, for those whose role takes lists of money away."""
    if not caller().may(EXPORTERS):
        return
    run = runtime()
    _offer_print(
        f"statement_pdf_{scope_id}",
        f"{run.store.last_sequence} {today()}",
        "Download as PDF",
        f"statement-{scope_id}-{today().isoformat()}.pdf",
        partial(_statement_bytes, run, caller(), scope_id),
    )


def _statement_bytes(run: Runtime, who: Caller, scope_id: str) -> bytes:
    with run.store.read() as connection:
        engagement = engagement_of(connection, who, Kind.SCOPE, scope_id)
    return statement_pdf(engagement, scope_id, run.service.policy.parties, run.clock(), run.service.review_days())
