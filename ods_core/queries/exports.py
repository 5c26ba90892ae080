"""What is taken away, put together: the schedule, the receipts, the ageing, one engagement's statement.

Each paper reads its rows while it is written, so it is written within the `Store.read()` block that it was made in, and
all of it is of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from ods_core.basics.records import Engagement, Scope
from ods_core.basics.resources import amount_json, expected_on, overdue_days, statement
from ods_core.basics.roles import Caller
from ods_core.basics.states import Kind, look
from ods_core.basics.triggers import Trigger
from ods_core.papers import Amount, Column, Form, Paper, Row, Sheet
from ods_core.payments import ROUNDING, Reporting, left_out, reported_total
from ods_core.queries import invoiced, ledger, payments
from ods_core.queries.invoiced import InvoiceFilter, InvoiceRow
from ods_core.queries.ledger import ReceiptFilter, ReceiptRow
from ods_core.queries.lists import engagement_of
from ods_core.queries.metrics import METRICS
from ods_core.queries.payments import BUCKETS, Ageing, PaymentFilter, PaymentRow

_AMOUNT, _COUNT, _DATE, _MOMENT, _RATE = Form.AMOUNT, Form.COUNT, Form.DATE, Form.MOMENT, Form.RATE

SCHEDULE = (
    Column("Payment", width=16),
    Column("Scope", width=18),
    Column("Title", width=44),
    Column("Organisation", width=17),
    Column("Position", _COUNT, 9),
    Column("Description", width=44),
    Column("Trigger", width=24),
    Column("Status", width=11),
    Column("Currency", width=10),
    Column("Amount", _AMOUNT, 18),
    Column("Paid", _AMOUNT, 18),
    Column("Open", _AMOUNT, 18),
    Column("Due on", _DATE, 12),
    Column("Expected on", _DATE, 12),
    Column("Days overdue", _COUNT, 9),
    Column("Net days", _COUNT, 9),
)
RECEIPTS = (
    Column("Receipt", width=16),
    Column("Payment", width=16),
    Column("Scope", width=18),
    Column("Title", width=44),
    Column("Organisation", width=17),
    Column("Received on", _DATE, 12),
    Column("Currency", width=10),
    Column("Amount", _AMOUNT, 18),
    Column("Reference", width=30),
    Column("Status", width=11),
    Column("Takes back", width=16),
    Column("Reason", width=30),
    Column("Recorded at (UTC)", _MOMENT, 20),
    Column("Recorded by", width=18),
)
INVOICES = (
    Column("Number", width=22),
    Column("Invoice", width=16),
    Column("Payment", width=16),
    Column("Scope", width=18),
    Column("Title", width=44),
    Column("Organisation", width=17),
    Column("Issued on", _DATE, 12),
    Column("Due on", _DATE, 12),
    Column("Currency", width=10),
    Column("Amount", _AMOUNT, 18),
    Column("Paid at issue", _AMOUNT, 18),
    Column("Claimed", _AMOUNT, 18),
    Column("Status", width=14),
    Column("Reason", width=30),
)
STATEMENT = tuple(c for c in SCHEDULE if c.label not in ("Scope", "Title", "Organisation"))
_MEANT = ("open", "overdue")
_TRIGGER = "What a payment waits for: confirmation, or the acceptance of a cycle, of a deliverable or of everything."

_PARTS = ("amount", "paid", "open", "overdue", "scheduled", "void")


def schedule_paper(
    connection: Connection,
    caller: Caller,
    wanted: PaymentFilter,
    now: datetime,
    review_days: int,
    reporting: Reporting | None = None,
) -> Paper:
    """Every payment that the filter lets through, and what they come to per currency.

    Args:
        review_days: how long a review usually takes; it is part of the expected dates.
    """
    sums = payments.totals(connection, caller, wanted, now, review_days)
    rows = (_payment(row, reporting) for row in payments.every(connection, caller, wanted, now, review_days))
    told = [(t.currency, t.count, [getattr(t, name) for name in _PARTS]) for t in sums]
    return Paper(
        title="Payment schedule",
        moment=now,
        filters=payment_filters(wanted),
        sheets=[Sheet("Schedule", [*SCHEDULE, *_reported_columns(("Amount", "Open"), reporting)], rows)],
        totals=_totals("Payments", [name.capitalize() for name in _PARTS], told, reporting),
        definitions={METRICS[key].label: METRICS[key].definition for key in _MEANT} | {"Trigger": _TRIGGER},
        notes=_notes([t.currency for t in sums], reporting),
        rates=_rates(reporting),
    )


def receipts_paper(
    connection: Connection, caller: Caller, wanted: ReceiptFilter, now: datetime, reporting: Reporting | None = None
) -> Paper:
    """Every receipt and reversal that the filter lets through, and what they come to per currency."""
    sums = ledger.totals(connection, caller, wanted)
    rows = (_receipt(row, reporting) for row in ledger.every(connection, caller, wanted))
    return Paper(
        title="Receipts",
        moment=now,
        filters=receipt_filters(wanted),
        sheets=[Sheet("Receipts", [*RECEIPTS, *_reported_columns(("Amount",), reporting)], rows)],
        totals=_totals("Entries", ["Received"], [(t.currency, t.count, [t.amount]) for t in sums], reporting),
        definitions={"Amount": "Money received; negative where an entry takes an earlier one back."},
        notes=_notes([t.currency for t in sums], reporting),
        rates=_rates(reporting),
    )


def invoices_paper(
    connection: Connection, caller: Caller, wanted: InvoiceFilter, now: datetime, reporting: Reporting | None = None
) -> Paper:
    """Every invoice that the filter lets through, and what they ask for per currency."""
    sums = invoiced.totals(connection, caller, wanted)
    rows = (_invoice(row, reporting) for row in invoiced.every(connection, caller, wanted))
    told = [(t.currency, t.count, [t.claimed, t.open]) for t in sums]
    return Paper(
        title="Invoices",
        moment=now,
        filters=invoice_filters(wanted),
        sheets=[Sheet("Invoices", [*INVOICES, *_reported_columns(("Claimed",), reporting)], rows)],
        totals=_totals("Invoices", ["Claimed", "Claimed by open ones"], told, reporting),
        definitions={
            "Claimed": "What an invoice asks for: the amount less what was paid at issue; totals leave out void."
        },
        notes=_notes([t.currency for t in sums], reporting),
        rates=_rates(reporting),
    )


def ageing_paper(
    connection: Connection, caller: Caller, wanted: PaymentFilter, now: datetime, reporting: Reporting | None = None
) -> Paper:
    """What is open, by organisation, currency and days past due."""
    found = payments.ageing(connection, caller, wanted, now)
    by_currency: dict[str, list[Ageing]] = {}
    for row in found:
        by_currency.setdefault(row.currency, []).append(row)
    told = [
        (currency, sum(sum(r.counts.values()) for r in rows), [sum((r.total for r in rows), Decimal(0))])
        for currency, rows in sorted(by_currency.items())
    ]
    ages = [Column(label, _AMOUNT, 18) for label in BUCKETS.values()]
    head = [Column("Organisation", width=17), Column("Currency", width=10), *ages, Column("Total", _AMOUNT, 18)]
    head += [Column("Payments", _COUNT, 10), *_reported_columns(("Total",), reporting)]
    return Paper(
        title="Ageing of what is open",
        moment=now,
        filters={"Organisation": wanted.organization_id or "all", "Currency": wanted.currency or "all"},
        sheets=[Sheet("Ageing", head, (_aged(row, reporting) for row in found))],
        totals=_totals("Payments", ["Open"], told, reporting),
        definitions={
            METRICS["open"].label: METRICS["open"].definition,
            "Age": "Whole days past the due date; a payment is past due from the moment of its due date on.",
        },
        notes=_notes(by_currency, reporting),
        rates=_rates(reporting),
    )


def statement_paper(
    connection: Connection,
    caller: Caller,
    scope_id: str,
    now: datetime,
    review_days: int,
    reporting: Reporting | None = None,
) -> Paper:
    """What became of one engagement's price: its payments, and the receipts on a sheet of their own.

    Raises:
        NotFound: there is no such scope for the caller.
    """
    engagement = engagement_of(connection, caller, Kind.SCOPE, scope_id)
    scope = engagement.scope(scope_id)
    told, currency = statement(engagement, scope), scope.currency
    names = ("received", "open", "scheduled", "void")
    parts = {"Price": told["fixed_price"]} | {name.capitalize(): told[name] for name in names}
    rows = [_payment_of(engagement, scope, row, reporting) for row in _milestones(engagement, scope, now, review_days)]
    booked = ledger.every(connection, caller, ReceiptFilter(scope_id=scope_id))
    came_in = Sheet(
        "Receipts",
        [*RECEIPTS, *_reported_columns(("Amount",), reporting)],
        (_receipt(row, reporting) for row in booked),
    )
    return Paper(
        title="Statement",
        moment=now,
        filters={
            "Engagement": scope.title,
            "Scope": scope.id,
            "Organisation": engagement.request.organization_id,
            "Terms": scope.payment_terms,
            **{name: f"{amount:f} {currency}" for name, amount in parts.items()},
        },
        sheets=[
            Sheet("Payments", [*STATEMENT, *_reported_columns(("Amount", "Open"), reporting)], rows),
            came_in,
        ],
        totals=_totals("Payments", list(parts), [(currency, len(rows), list(parts.values()))], reporting),
        definitions={"Price": "Price = received + open + scheduled + void, to the minor unit."},
        notes=_notes([currency], reporting),
        rates=_rates(reporting),
    )


# What was filtered, in words.


def payment_filters(wanted: PaymentFilter) -> dict[str, str]:
    """A filter of payments as a paper prints it."""
    return {
        "Organisation": wanted.organization_id or "all",
        "Currency": wanted.currency or "all",
        "Status": ", ".join(look(s).label for s in wanted.statuses) or "all",
        "Overdue": {None: "all", True: "only overdue", False: "only not overdue"}[wanted.overdue],
        "Payable from": wanted.first.isoformat() if wanted.first else "the beginning",
        "Payable until": wanted.last.isoformat() if wanted.last else "the end",
        "Scope": wanted.scope_id or "all",
    }


def receipt_filters(wanted: ReceiptFilter) -> dict[str, str]:
    """A filter of receipts as a paper prints it."""
    return {
        "Organisation": wanted.organization_id or "all",
        "Currency": wanted.currency or "all",
        "Received from": wanted.first.isoformat() if wanted.first else "the beginning",
        "Received until": wanted.last.isoformat() if wanted.last else "the end",
        "Scope": wanted.scope_id or "all",
    }


def invoice_filters(wanted: InvoiceFilter) -> dict[str, str]:
    """A filter of invoices as a paper prints it."""
    return {
        "Organisation": wanted.organization_id or "all",
        "Currency": wanted.currency or "all",
        "Status": look(wanted.status).label if wanted.status else "all",
        "Issued from": wanted.first.isoformat() if wanted.first else "the beginning",
        "Issued until": wanted.last.isoformat() if wanted.last else "the end",
        "Scope": wanted.scope_id or "all",
    }


# Rows.


def _payment(row: PaymentRow, reporting: Reporting | None) -> Row:
    currency = row.currency
    return (
        row.id,
        row.scope_id,
        row.scope_title,
        row.organization_id,
        row.position,
        row.description,
        trigger_words(row.trigger),
        row.status.value,
        currency,
        Amount(row.amount, currency),
        Amount(row.paid, currency),
        Amount(row.open, currency),
        row.due_at.date() if row.due_at else None,
        row.expected_on,
        row.overdue_days,
        row.net_days,
        *_reported((row.amount, row.open), currency, reporting),
    )


def trigger_words(trigger: Trigger) -> str:
    """A trigger as programs write it, with its number: `cycle_acceptance 2`."""
    return f"{trigger.kind} {trigger.number}" if trigger.number else str(trigger.kind)


def _receipt(row: ReceiptRow, reporting: Reporting | None) -> Row:
    return (
        row.id,
        row.payment_id,
        row.scope_id,
        row.scope_title,
        row.organization_id,
        row.received_on,
        row.currency,
        Amount(row.amount, row.currency),
        row.reference,
        row.status.value,
        row.reverses,
        row.reason,
        row.recorded_at,
        row.recorded_by,
        *_reported((row.amount,), row.currency, reporting),
    )


def _invoice(row: InvoiceRow, reporting: Reporting | None) -> Row:
    claimed = row.amount - row.paid
    return (
        row.printed_number,
        row.id,
        row.payment_id,
        row.scope_id,
        row.scope_title,
        row.organization_id,
        row.issued_at.date(),
        row.due_on,
        row.currency,
        Amount(row.amount, row.currency),
        Amount(row.paid, row.currency),
        Amount(claimed, row.currency),
        row.status.value,
        row.reason,
        *_reported((claimed,), row.currency, reporting),
    )


def _aged(row: Ageing, reporting: Reporting | None) -> Row:
    ages = [Amount(row.amounts[b], row.currency) if b in row.amounts else None for b in BUCKETS]
    total = Amount(row.total, row.currency)
    reported = _reported((row.total,), row.currency, reporting)
    return (row.organization_id, row.currency, *ages, total, sum(row.counts.values()), *reported)


def _milestones(engagement: Engagement, scope: Scope, now: datetime, review_days: int) -> Iterator[Row]:
    for m in engagement.milestones:
        if m.scope_id == scope.id:
            amounts = [Amount(amount_json(a, m.currency), m.currency) for a in (m.amount, m.paid, m.open)]
            due = m.due_at.date() if m.due_at else None
            days = (due, expected_on(engagement, m, review_days), overdue_days(m, now), m.net_days)
            what = (m.id, m.position, m.description, trigger_words(m.trigger), m.status.value, m.currency)
            yield (*what, *amounts, *days)


def _payment_of(engagement: Engagement, scope: Scope, row: Row, reporting: Reporting | None) -> Row:
    places = [place for place, column in enumerate(STATEMENT) if column.label in ("Amount", "Open")]
    amounts = [cell.value for place in places if isinstance(cell := row[place], Amount)]
    return (*row, *_reported(amounts, scope.currency, reporting))


# In the reporting currency.


def _reported_columns(names: Iterable[str], reporting: Reporting | None) -> list[Column]:
    return [Column(f"{name} in {reporting.currency}", _AMOUNT, 18) for name in names] if reporting else []


def _reported(amounts: Sequence[Decimal], currency: str, reporting: Reporting | None) -> list[Amount | None]:
    if reporting is None:
        return []
    if not reporting.knows(currency):
        return [None] * len(amounts)
    return [Amount(reporting.convert(amount, currency), reporting.currency) for amount in amounts]


def _totals(
    counted: str,
    names: Sequence[str],
    told: Sequence[tuple[str, int, Sequence[Decimal]]],
    reporting: Reporting | None,
) -> Sheet:
    """A row a currency and, in a reporting currency, one row across them."""
    columns = [Column("Currency"), Column(counted, _COUNT), *(Column(name, _AMOUNT) for name in names)]
    rows: list[Row] = [(c, count, *(Amount(amount_json(a, c), c) for a in amounts)) for c, count, amounts in told]
    if reporting:
        known = [(c, count, amounts) for c, count, amounts in told if reporting.knows(c)]
        across = [
            reported_total({c: amounts[n] for c, _, amounts in known}, reporting).amount for n in range(len(names))
        ]
        count = sum(count for _, count, _ in known)
        rows.append((f"All in {reporting.currency}", count, *(Amount(a, reporting.currency) for a in across)))
    return Sheet("Totals", columns, rows)


def _rates(reporting: Reporting | None) -> Sheet | None:
    if reporting is None:
        return None
    table = reporting.table
    columns = [
        Column("Rates as of", _DATE),
        Column("Currency"),
        Column(f"Units for 1 {table.base}", _RATE, 18),
        Column(f"1 unit in {reporting.currency}", _RATE, 18),
        Column("Source", width=60),
    ]
    rows = [(table.as_of, code, table.rate(code), reporting.one(code), table.source) for code in table.currencies]
    return Sheet("Rates", columns, rows)


def _notes(found: Iterable[str] | Mapping[str, object], reporting: Reporting | None) -> list[str]:
    if reporting is None:
        return []
    table = reporting.table
    made = [
        f"Amounts in {reporting.currency} are made with the rates of {table.as_of.isoformat()} ({table.source}). "
        f"{ROUNDING} The total converts the total of each currency, so that it can differ from the sum of a column by "
        "half a minor unit a row."
    ]
    if missing := left_out(found, reporting):
        made.append(f"No rate for {', '.join(missing)}: left out of every sum in {reporting.currency}.")
    return made
