"""All invoices, filtered: what was asked for, of whom, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ods_core.basics.records import Engagement, invoice_number
from ods_core.basics.states import InvoiceStatus, Kind, look
from ods_core.queries.exports import invoices_paper
from ods_core.queries.invoiced import InvoiceFilter, conditions, totals
from ods_core.ui import cards, tables
from ods_core.ui.downloads import Offer, offer
from ods_core.ui.formats import count, day, money, plain
from ods_core.ui.session import caller, choose, choose_day, param, reading


def show_invoice_list(owners: Sequence[str], known: Sequence[str]) -> None:
    """The invoices that the address filters, newest first, with what they ask for and their export."""
    wanted = choose_invoices(owners, known)
    with reading() as connection:
        sums = totals(connection, caller(), wanted)
    for total in sums:
        st.markdown(
            plain(
                f"{count(total.count, 'invoice')} in {total.currency}: {money(total.claimed, total.currency)} claimed, "
                f"{money(total.open, total.currency)} of it by open ones"
            )
        )
    if sums:
        who = caller()
        offer(
            Offer(
                "invoices",
                "Invoices",
                "invoice",
                sum(total.count for total in sums),
                lambda connection, moment: invoices_paper(connection, who, wanted, moment),
            )
        )
    tables.paged(Kind.INVOICE, conditions(wanted), draw_invoice_row, empty=lambda: say_no_invoice(wanted))


def choose_invoices(owners: Sequence[str], known: Sequence[str]) -> InvoiceFilter:
    """The filters, from the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        currency = choose("currency", "Currency", {code: code for code in known})
        status = choose("invoice_status", "Status", {s.value: look(s).label for s in InvoiceStatus})
        first, last = choose_day("issued_from", "Issued from"), choose_day("issued_until", "Issued until")
    return InvoiceFilter(
        organization_id or None,
        currency or None,
        InvoiceStatus(status) if status else None,
        first,
        last,
        param("scope") or None,
    )


def draw_invoice_row(engagement: Engagement, id: str) -> None:
    """One invoice; it opens the payment that it asks for."""
    i = engagement.invoice(id)
    number = invoice_number(engagement.request.organization_id, i.serial)
    facts = [engagement.scope(i.scope_id).title, f"to {i.buyer.name}", f"issued {day(i.issued_at)}"]
    facts += [f"due {day(i.due_on)}", i.id]
    cards.row(
        Kind.PAYMENT,
        i.payment_id,
        number,
        [*facts, *([i.reason] if i.reason else [])],
        badges=[cards.state_text(i.status)],
        aside=money(i.claimed, i.currency),
        within=f"invoice-{i.id}-",
    )


def say_no_invoice(wanted: InvoiceFilter) -> None:
    """Why there is none, and what to do."""
    if wanted == InvoiceFilter():
        cards.empty(
            "No invoice was issued yet. One is issued on the page of a payment that is due.",
            label="See what is due",
            place="payments",
        )
    else:
        cards.empty("No invoice is like this.", label="Show all payments", place="payments")
