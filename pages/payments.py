"""Payments: who owes what, and when; how old it is; and what became of each engagement's price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import streamlit as st

from ods_core.basics.errors import Invalid
from ods_core.basics.records import Engagement, Milestone, Receipt
from ods_core.basics.resources import amount_json, expected_on, overdue_days, statement
from ods_core.basics.states import Kind, PaymentStatus, look
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.lifecycle import RecordReceipt, ReverseReceipt, Verb
from ods_core.payments import Reporting, reported_total
from ods_core.queries.choices import organizations
from ods_core.queries.exports import ageing_paper, receipts_paper, schedule_paper, statement_paper
from ods_core.queries.ledger import ReceiptFilter
from ods_core.queries.ledger import count as count_receipts
from ods_core.queries.metrics import METRICS
from ods_core.queries.payments import (
    BUCKETS,
    Ageing,
    PaymentFilter,
    PaymentPage,
    PaymentRow,
    Totals,
    ageing,
    currencies,
    schedule_page,
    totals,
)
from ods_core.service import runtime
from ods_core.ui import cards, cashflow, charts, decisions, invoicing, live, reviewing, tables
from ods_core.ui.downloads import Offer, offer
from ods_core.ui.finding import FIND, choose_scope
from ods_core.ui.formats import NOTHING, away, count, day, money, plain
from ods_core.ui.forms import Draft, discard, open_draft
from ods_core.ui.invoice_list import show_invoice_list
from ods_core.ui.reporting import choose_reporting, parts_table, show_rates
from ods_core.ui.session import (
    caller,
    choose,
    choose_day,
    choose_toggle,
    choose_view,
    engagement_of,
    link,
    link_to,
    now,
    offers,
    param,
    reading,
    review_days,
    set_params,
    today,
)

VIEWS = {
    "schedule": "Schedule",
    "ageing": "Ageing",
    "forecast": "Forecast",
    "invoices": "Invoices",
    "statement": "Statement",
}
TRIGGERS = {
    TriggerKind.CONFIRMATION: "when the scope is confirmed",
    TriggerKind.CYCLE_ACCEPTANCE: "when cycle {} is accepted",
    TriggerKind.DELIVERABLE_ACCEPTANCE: "when deliverable {} is accepted",
    TriggerKind.FINAL_ACCEPTANCE: "when everything is accepted",
}
UNPAID, EVERY = "unpaid", "all"
AWAITED = (PaymentStatus.DUE, PaymentStatus.SCHEDULED)
"""What finance looks at first: what is paid or void is over."""
GROUPS: Mapping[str, Sequence[PaymentStatus]] = {UNPAID: AWAITED, EVERY: ()}
DEBTORS = 20
"""So many bars a currency: more are not compared by eye."""

PATTERNS = ("", "/", "x", "\\", ".")
"""A fill for each age, so that ages are not told by colour alone."""


def waits_for(trigger: Trigger) -> str:
    """What makes a payment due, in words."""
    return TRIGGERS[trigger.kind].format(trigger.number)


# Filters.


def choose_filter(owners: Sequence[str], known: Sequence[str], with_status: bool) -> PaymentFilter:
    """The filters, from the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        currency = choose("currency", "Currency", {code: code for code in known})
        if not with_status:
            return PaymentFilter(organization_id or None, currency or None)
        status = choose("status", "Status", status_options(), everything=None)
        first, last = choose_day("from", "Payable from"), choose_day("to", "Payable until")
        overdue = choose_toggle("overdue", "Overdue only", help=METRICS["overdue"].definition)
    return PaymentFilter(
        organization_id=organization_id or None,
        currency=currency or None,
        statuses=GROUPS[status] if status in GROUPS else (PaymentStatus(status),),
        overdue=overdue or None,
        first=first,
        last=last,
        scope_id=param("scope") or None,
    )


def status_options() -> dict[str, str]:
    """What is still to be paid, unless asked otherwise; of one scope, all that belongs to it."""
    usual = {UNPAID: "Due or scheduled", EVERY: "All"}
    first = dict(reversed(usual.items())) if param("scope") else usual
    return first | {s.value: look(s).label for s in PaymentStatus}


# The schedule.


def show_schedule(owners: Sequence[str], known: Sequence[str]) -> None:
    """What is payable when, with its totals and its export."""
    wanted = choose_filter(owners, known, with_status=True)
    if wanted.scope_id:
        link("payments", f"Of {wanted.scope_id} alone; show all", icon="filter_alt_off")
    trail = tables.cursor_trail()
    page = read_page(wanted, trail[-1] if trail else None)
    if not page.rows:
        say_nothing_found(wanted)
        return
    with reading() as connection:
        sums = totals(connection, caller(), wanted, now(), review_days())
    with st.container(width=260, key="reporting"):
        reporting = choose_reporting()
    if reporting:
        show_reported(sums, reporting)
    show_totals(sums)
    offer_schedule(wanted, sums, reporting)
    for row in page.rows:
        draw_row(row)
    tables.pager(page.cursor)
    with st.expander("This page as a table", icon=":material/table:"):
        tables.grid(
            [table_row(row) for row in page.rows], alt="The payments of this page", columns=AMOUNTS, key="table"
        )


def read_page(wanted: PaymentFilter, cursor: str | None) -> PaymentPage:
    """One page; a cursor that cannot be read means the first."""
    with reading() as connection:
        try:
            return schedule_page(connection, caller(), wanted, now(), review_days(), limit=tables.ROWS, cursor=cursor)
        except Invalid:
            return schedule_page(connection, caller(), wanted, now(), review_days(), limit=tables.ROWS)


def offer_schedule(wanted: PaymentFilter, sums: Sequence[Totals], reporting: Reporting | None) -> None:
    """The payments that are filtered here, and the receipts of the same organisation, currency, period and scope."""
    who, usual = caller(), review_days()
    booked = ReceiptFilter(wanted.organization_id, wanted.currency, wanted.first, wanted.last, wanted.scope_id)
    with reading() as connection:
        entries = count_receipts(connection, who, booked)
    offer(
        Offer(
            "payments",
            "Payment schedule",
            "payment",
            sum(t.count for t in sums),
            lambda connection, moment: schedule_paper(connection, who, wanted, moment, usual, reporting),
        ),
        Offer(
            "receipts",
            "Receipts",
            "entry",
            entries,
            lambda connection, moment: receipts_paper(connection, who, booked, moment, reporting),
        ),
    )


def say_nothing_found(wanted: PaymentFilter) -> None:
    """Why there is nothing, and what to do."""
    if wanted == PaymentFilter():
        cards.empty(
            "No payment is scheduled. Payments come with a confirmed scope.", label="See the scopes", place="scopes"
        )
    elif wanted == PaymentFilter(statuses=AWAITED):
        cards.empty("Nothing is to be paid.", label="Show all payments", place="payments", status=EVERY)
    else:
        cards.empty("No payment is like this.", label="Show all payments", place="payments", status=EVERY)


def show_totals(sums: Sequence[Totals]) -> None:
    """What the filtered payments come to, per currency; two currencies are never added."""
    grid = st.grid(min_column_width=210, gap="small", key="totals")
    for total in sums:
        with grid.cell(), st.container(border=True):
            st.metric(
                f"Open, {total.currency}",
                money(total.open, total.currency),
                delta=f"{money(total.overdue, total.currency)} overdue" if total.overdue else "nothing overdue",
                delta_color="red" if total.overdue else "gray",
                delta_arrow="off",
                help=METRICS["open"].definition,
            )
            st.caption(
                plain(
                    f"Scheduled {money(total.scheduled, total.currency)} · paid {money(total.paid, total.currency)} · "
                    f"void {money(total.void, total.currency)}"
                )
            )


def show_reported(sums: Sequence[Totals], reporting: Reporting) -> None:
    """What the filtered payments come to in one currency, with every rate behind it."""
    code = reporting.currency
    names = ("open", "overdue", "scheduled", "paid", "void")
    told = {name: reported_total({t.currency: getattr(t, name) for t in sums}, reporting) for name in names}
    with st.container(border=True, key="reported"):
        st.metric(
            f"Open across currencies, in {code}",
            money(told["open"].amount, code),
            delta=f"{money(told['overdue'].amount, code)} overdue" if told["overdue"].amount else "nothing overdue",
            delta_color="red" if told["overdue"].amount else "gray",
            delta_arrow="off",
            help=METRICS["open"].definition,
        )
        rest = (f"{name.capitalize()} {money(told[name].amount, code)}" for name in names[2:])
        st.caption(plain(" · ".join(rest)))
        show_rates(reporting, {t.currency: t.open for t in sums})
        with st.expander("What each currency adds to what is open", icon=":material/table:"):
            parts_table(told["open"], key="reported_parts")


def draw_row(row: PaymentRow) -> None:
    """One payment: what, of whom, when."""
    badges = [cards.state_text(row.status)]
    if row.overdue_days:
        badges.append(cards.note(f"{count(row.overdue_days, 'day')} overdue", "red", "warning"))
    facts = [row.scope_title, when(row), row.organization_id, row.id]
    cards.row(Kind.PAYMENT, row.id, row.description, facts, badges=badges, aside=money(row.amount, row.currency))


def expected_words(expected: date) -> str:
    """When a scheduled payment is expected; a day that has passed says that the plan is late."""
    late = (today() - expected).days
    return f"expected {day(expected)}" + (f" ({count(late, 'day')} ago, not due yet)" if late > 0 else "")


def when(row: PaymentRow) -> str:
    """The date that matters in its state."""
    if row.status == PaymentStatus.SCHEDULED:
        return f"{expected_words(row.payable_on)}, {waits_for(row.trigger)}"
    if row.status == PaymentStatus.DUE:
        return f"due {day(row.due_at)} ({away(row.payable_on, today())})"
    return look(row.status).label.lower()


AMOUNTS = {name: tables.right_aligned(name) for name in ("Amount", "Paid", "Open", "Days overdue")}


def table_row(row: PaymentRow) -> dict[str, str]:
    """One payment as a row of a table."""
    return {
        "Payment": row.id,
        "Engagement": row.scope_title,
        "Organisation": row.organization_id,
        "Description": row.description,
        "Waits for": waits_for(row.trigger),
        "Status": look(row.status).label,
        "Amount": money(row.amount, row.currency),
        "Paid": money(row.paid, row.currency),
        "Open": money(row.open, row.currency),
        "Due": day(row.due_at),
        "Expected": day(row.expected_on),
        "Days overdue": f"{row.overdue_days:,}" if row.overdue_days else NOTHING,
    }


# Ageing.


def show_ageing(owners: Sequence[str], known: Sequence[str]) -> None:
    """How old the open money is: one chart a currency, since currencies are not compared."""
    wanted = choose_filter(owners, known, with_status=False)
    with reading() as connection:
        found = ageing(connection, caller(), wanted, now())
    if not found:
        cards.empty("Nothing is open: all that was due is paid.", label="See what is scheduled", place="payments")
        return
    st.caption(f"Open amounts by days past due, as of {day(today())}.")
    with st.container(width=260, key="reporting"):
        reporting = choose_reporting()
    if reporting:
        show_reported_ageing(found, reporting)
    who = caller()
    offer(
        Offer(
            "ageing",
            "Ageing",
            "row",
            len(found),
            lambda connection, moment: ageing_paper(connection, who, wanted, moment, reporting),
        )
    )
    for currency in sorted({row.currency for row in found}):
        draw_ageing(currency, gathered([row for row in found if row.currency == currency]))


def show_reported_ageing(found: Sequence[Ageing], reporting: Reporting) -> None:
    """All that is open in one currency."""
    amounts: dict[str, Decimal] = {}
    for row in found:
        amounts[row.currency] = amounts.get(row.currency, Decimal(0)) + row.total
    told = reported_total(amounts, reporting)
    with st.container(border=True, key="reported"):
        st.metric(f"Open across currencies, in {told.currency}", money(told.amount, told.currency))
        show_rates(reporting, amounts)


def gathered(rows: Sequence[Ageing]) -> Sequence[Ageing]:
    """Those of one currency who owe most, each by itself, and all others in one; the download has each of them."""
    if len(rows) <= DEBTORS:
        return rows
    largest = sorted(rows, key=lambda row: row.total, reverse=True)
    others = largest[DEBTORS - 1 :]
    amounts = {b: sum((row.amounts.get(b, Decimal(0)) for row in others), Decimal(0)) for b in BUCKETS}
    counts = {b: sum(row.counts.get(b, 0) for row in others) for b in BUCKETS}
    kept = {b: amount for b, amount in amounts.items() if counts[b]}
    return [*largest[: DEBTORS - 1], Ageing(f"{len(others):,} others", rows[0].currency, kept, counts)]


def draw_ageing(currency: str, rows: Sequence[Ageing]) -> None:
    """The ages of what is open in one currency, an organisation a bar."""
    total = sum((row.total for row in rows), Decimal(0))
    late = total - sum((row.amounts.get("not_yet_due", Decimal(0)) for row in rows), Decimal(0))
    st.header(f"{currency} · {plain(money(total, currency))} open", anchor=False)
    chart = charts.figure(
        barmode="stack",
        height=110 + 46 * len(rows),
        legend={"traceorder": "normal"},
        showlegend=True,  # one age alone still needs its name
        xaxis={"showgrid": True, "gridcolor": charts.theme_colour("border")},
        yaxis={"showgrid": False},
    )
    shades = ["green", "yellow", "orange", "violet", "red"]
    for (bucket, label), shade, pattern in zip(BUCKETS.items(), shades, PATTERNS, strict=True):
        amounts = [row.amounts.get(bucket, Decimal(0)) for row in rows]
        if not any(amounts):
            continue
        chart.add_bar(
            orientation="h",
            name=label,
            y=[row.organization_id for row in rows],
            x=[float(amount) for amount in amounts],  # pixels; the amounts themselves are told in the hover and table
            marker={
                "color": charts.theme_colour(shade),
                "pattern": {"shape": pattern, "fillmode": "overlay", "size": 7},
            },
            hovertext=[
                f"{row.organization_id}<br>{label}: {money(a, currency)}" for row, a in zip(rows, amounts, strict=True)
            ],
            hoverinfo="text",
        )
    charts.show(
        chart,
        alt=f"Open amounts in {currency} by organisation and age: {money(total, currency)} in all, "
        f"{money(late, currency)} past due.",
        rows=[ageing_row(row) for row in rows],
        columns={name: tables.right_aligned(name) for name in [*BUCKETS.values(), "Total"]},
        key=f"ageing_{currency}",
    )


def ageing_row(row: Ageing) -> dict[str, str]:
    """One organisation's ages as a row of a table; how many payments in brackets."""
    told = {
        label: f"{money(row.amounts[b], row.currency)} ({row.counts[b]})" if b in row.amounts else NOTHING
        for b, label in BUCKETS.items()
    }
    return {"Organisation": row.organization_id, **told, "Total": money(row.total, row.currency)}


# One engagement.


def show_statement() -> None:
    """Price = received + open + scheduled + void, for one engagement."""
    scope_id = choose_scope("Engagement", everything=None)
    if scope_id:
        draw_statement(scope_id)
    elif not param(FIND):
        cards.empty("There is no statement yet: no scope was confirmed.", label="See the scopes", place="scopes")


def draw_statement(scope_id: str) -> None:
    """The statement of one scope, and the payments it is made of."""
    engagement = engagement_of(Kind.SCOPE, scope_id)
    scope = engagement.scope(scope_id)
    told = statement(engagement, scope)
    link_to(Kind.SCOPE, scope.id, scope.title)
    amounts = {name: money(told[name], scope.currency) for name in ("received", "open", "scheduled", "void")}
    st.markdown(
        f"Price **{plain(money(told['fixed_price'], scope.currency))}** = "
        + " + ".join(f"{name} **{plain(amount)}**" for name, amount in amounts.items())
    )
    st.caption(f"Terms: {plain(scope.payment_terms)} · as of {day(today())}")
    own, who = [m for m in engagement.milestones if m.scope_id == scope.id], caller()
    usual = review_days()
    offer(
        Offer(
            "statement",
            "Statement",
            "payment",
            len(own),
            lambda connection, moment: statement_paper(connection, who, scope.id, moment, usual),
        )
    )
    invoicing.offer_statement(scope.id)
    for m in own:
        draw_milestone(m, expected_on(engagement, m, usual))


def draw_milestone(m: Milestone, expected: date | None) -> None:
    """One payment of a statement."""
    late = overdue_days(m, now())
    badges = [cards.state_text(m.status)]
    if late:
        badges.append(cards.note(f"{count(late, 'day')} overdue", "red", "warning"))
    date_told = f"{expected_words(expected)}, {waits_for(m.trigger)}" if expected else f"due {day(m.due_at)}"
    facts = [f"payment {m.position}", date_told if m.status != PaymentStatus.VOID else "will not come due", m.id]
    cards.row(Kind.PAYMENT, m.id, m.description, facts, badges=badges, aside=money(m.amount, m.currency))


def show_payment(id: str) -> None:
    """One payment, and the statement it is part of."""
    engagement = engagement_of(Kind.PAYMENT, id)
    m = engagement.milestone(id)
    link("payments", "All payments", icon="arrow_back")
    cards.heading("payments", money(m.amount, m.currency))
    late = overdue_days(m, now())
    badges = [cards.state_text(m.status)]
    if late:
        badges.append(cards.note(f"{count(late, 'day')} overdue", "red", "warning"))
    st.markdown(" ".join(badges))
    reviewing.tell_circling(engagement, m.scope_id)
    st.text(m.description)
    cards.facts(
        {
            "Becomes due": waits_for(m.trigger),
            "Released": day(m.triggered_at),
            "Due": day(m.due_at),
            "Expected": day(expected_on(engagement, m, review_days())),
            "Net days": str(m.net_days),
            "Paid": money(m.paid, m.currency),
            "Open": money(m.open, m.currency),
            "Organisation": engagement.request.organization_id,
            "Id": m.id,
        }
    )
    show_receipts(engagement, m)
    invoicing.show_invoices(engagement, m)
    st.header("Statement of the engagement", anchor=False)
    draw_statement(m.scope_id)


# Money received.


def show_receipts(engagement: Engagement, m: Milestone) -> None:
    """What came in for a payment, what was taken back, and the form that records the next."""
    booked = engagement.receipts_of(m.id)
    payable = m.open > 0 and offers(engagement, Verb.RECORD_RECEIPT, m.id)
    if not booked and not payable:
        return
    st.header("Money received", anchor=False)
    if not booked:
        st.caption("Nothing yet.")
    for entry in booked:
        draw_receipt(engagement, entry)
    # One form at a time: the address names one draft.
    if payable and not param("reverse") and not invoicing.is_ending_one(engagement, m):
        offer_receipt(m)


def draw_receipt(engagement: Engagement, r: Receipt) -> None:
    """One entry; a receipt that stands can be taken back by finance."""
    with st.container(border=True, key=f"receipt-{r.id}", gap="xsmall"):
        st.markdown(f"**{plain(money(r.amount, r.currency))}** {cards.state_text(r.status)} {plain(r.reference)}")
        why = f" · takes back {r.reverses}: {r.reason}" if r.reverses else ""
        st.caption(plain(f"{day(r.received_on)} · recorded by {r.recorded_by} · {r.id}{why}"))
        if not offers(engagement, Verb.REVERSE_RECEIPT, r.id):
            return
        if param("reverse") == r.id:
            offer_reversal(r)
        else:
            link("payments", "Reverse", icon="undo", payment=r.payment_id, reverse=r.id)


def offer_receipt(m: Milestone) -> None:
    """Amount, day and reference; the amount is asked about before it is booked."""
    draft = open_draft(
        f"receipt {m.id}",
        lambda: {"/amount": str(amount_json(m.open, m.currency)), "/received_on": today(), "/reference": ""},
    )
    with st.container(border=True, key="receipt_form"):
        st.markdown("**Record a receipt**")
        amount_column, day_column, reference_column = st.columns([1, 1, 2])
        with amount_column:
            amount = draft.amount("/amount", f"Amount ({m.currency})")
        with day_column:
            received_on = draft.day("/received_on", "Received on")
        with reference_column:
            reference = draft.text("/reference", "Reference", placeholder="What the bank statement calls it")
        told = money(amount, m.currency) if amount is not None and amount.is_finite() else "this amount"
        if decisions.ask_once(
            f"receipt_{m.id}",
            "Record the receipt",
            f"Book {told} as received on {day(received_on)}, “{reference}”? {money(m.open, m.currency)} is open.",
            f"Yes, book {told}",
            icon="add_card",
            disabled=amount is None or received_on is None or not reference.strip(),
        ):
            book(m, draft, RecordReceipt(amount or Decimal("NaN"), received_on or today(), reference.strip()))


def book(m: Milestone, draft: Draft, command: RecordReceipt) -> None:
    """Record it."""
    decisions.carry_out(
        lambda: runtime().service.record_receipt(caller(), m.id, command),
        headline="The receipt is recorded",
        about=m.id,
        draft=draft,
        then=lambda _: discard(draft),
    )


def offer_reversal(r: Receipt) -> None:
    """Why a receipt is taken back, then the button."""
    told = money(r.amount, r.currency)
    decisions.give_with_reason(
        f"reverse_{r.id}",
        open_draft(f"reverse {r.id}"),
        lambda reason: runtime().service.reverse_receipt(caller(), r.id, ReverseReceipt(reason)),
        why="Why it is taken back",
        example="Booked on the wrong payment",
        label="Reverse the receipt",
        question=f"Take back {told}? It will be open again; both entries stay in the books.",
        yes=f"Yes, take back {told}",
        icon="undo",
        headline="The receipt is taken back",
        about=r.payment_id,
        leave=lambda: set_params(reverse=None),
    )


live.watch()
if param("payment"):
    show_payment(param("payment"))
elif param("invoice"):
    show_payment(engagement_of(Kind.INVOICE, param("invoice")).invoice(param("invoice")).payment_id)
else:
    cards.heading("payments")
    view = choose_view("view", "What to see", VIEWS)
    with reading() as connection:
        owners, known = organizations(connection, caller()), currencies(connection, caller())
    if view == "statement":
        show_statement()
    elif view == "ageing":
        show_ageing(owners, known)
    elif view == "invoices":
        show_invoice_list(owners, known)
    elif view == "forecast":
        cashflow.show_cash(owners, known)
    else:
        show_schedule(owners, known)
