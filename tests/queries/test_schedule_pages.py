"""Whatever is filtered and however it is paged, the schedule says what plain Python says of the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.ids import number_of
from ods_core.basics.records import Engagement, Milestone
from ods_core.basics.resources import expected_on, overdue_days
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import PaymentStatus
from ods_core.queries.payments import PaymentFilter, PaymentRow, Totals, count, every, schedule_page, totals
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store.rows import load
from tests.databases import memory_url
from tests.queries.history import RandomHistory

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
ORGANIZATIONS = (*RandomHistory.ORGANIZATIONS, "ORG-26-000009")
CURRENCIES = (*RandomHistory.PRICES, "EUR")


def callers() -> Iterator[Caller]:
    """The provider, and people of an organisation, of a workspace, and of an organisation with nothing."""
    yield LOCAL
    for organization_id, workspace_id in (
        ("ORG-26-000001", None),
        ("ORG-26-000002", "WS-26-000001"),
        ("ORG-26-000009", None),
    ):
        actor = Actor(ActorKind.USER, "USR-26-000009")
        yield Caller(actor, frozenset({Role.FINANCE}), organization_id, workspace_id)


@dataclass
class Records:
    """A history as records, and a connection to the store that has it."""

    connection: Connection
    milestones: Sequence[tuple[Engagement, Milestone]]

    @property
    def days(self) -> Sequence[date]:
        """Days on which something may be payable, whatever a review takes."""
        found = {m.due_at.date() if m.due_at else expected(e, m, 0) for e, m in self.milestones}
        return sorted(day + timedelta(days=n) for day in found for n in (-1, 0, 5))


@pytest.fixture(scope="module")
def records() -> Iterator[Records]:
    """A random history in which every state of a payment occurs."""
    clock = MovingClock(START)
    store = Store(memory_url(), clock)
    history = RandomHistory(Service(store, clock), clock, seed=5)
    history.run(engagements=14, steps=200)
    with store.read() as connection:
        engagements = load(connection, history.requests).values()
        made = Records(connection, [(e, m) for e in engagements for m in e.milestones])
        assert {m.status for _, m in made.milestones} == set(PaymentStatus)
        yield made
    store.close()


def expected(e: Engagement, m: Milestone, review_days: int) -> date:
    """The day by the plan, in whatever state the milestone is: cycle 1, deliverable 3 or the end."""
    ends = [c.planned_end for c in e.delivery_cycles(m.scope_id)]
    return ends[0 if m.trigger.number == 1 else -1] + timedelta(days=review_days + m.net_days)


def payable_on(e: Engagement, m: Milestone, review_days: int) -> date:
    return m.due_at.date() if m.due_at else expected(e, m, review_days)


def is_wanted(e: Engagement, m: Milestone, wanted: PaymentFilter, now: datetime, review_days: int) -> bool:
    late = m.status == PaymentStatus.DUE and m.due_at is not None and m.due_at < now
    day = payable_on(e, m, review_days)
    return (
        wanted.organization_id in (None, e.request.organization_id)
        and wanted.currency in (None, m.currency)
        and wanted.scope_id in (None, m.scope_id)
        and (not wanted.statuses or m.status in wanted.statuses)
        and wanted.overdue in (None, late and m.amount > m.paid)
        and (wanted.first is None or day >= wanted.first)
        and (wanted.last is None or day <= wanted.last)
    )


def added_up(currency: str, ms: Sequence[Milestone], now: datetime) -> Totals:
    def rest(status: PaymentStatus) -> Decimal:
        return sum((m.amount - m.paid for m in ms if m.status == status), Decimal(0))

    late = [m for m in ms if m.status == PaymentStatus.DUE and m.due_at is not None and m.due_at < now]
    return Totals(
        currency,
        len(ms),
        sum((m.amount for m in ms), Decimal(0)),
        sum((m.paid for m in ms), Decimal(0)),
        rest(PaymentStatus.DUE),
        sum((m.amount - m.paid for m in late), Decimal(0)),
        rest(PaymentStatus.SCHEDULED),
        rest(PaymentStatus.VOID),
    )


@st.composite
def filters(draw: st.DrawFn, records: Records) -> PaymentFilter:
    """Any combination of filters, those that find nothing included."""
    days = st.none() | st.sampled_from(records.days)
    return PaymentFilter(
        organization_id=draw(st.none() | st.sampled_from(ORGANIZATIONS)),
        currency=draw(st.none() | st.sampled_from(CURRENCIES)),
        statuses=tuple(draw(st.sets(st.sampled_from(PaymentStatus)))),
        overdue=draw(st.none() | st.booleans()),
        first=draw(days),
        last=draw(days),
        scope_id=draw(st.none() | st.sampled_from([m.scope_id for _, m in records.milestones])),
    )


def paged(
    records: Records, caller: Caller, wanted: PaymentFilter, now: datetime, review: int, limit: int
) -> list[PaymentRow]:
    rows: list[PaymentRow] = []
    cursor = None
    while True:
        page = schedule_page(records.connection, caller, wanted, now, review, limit=limit, cursor=cursor)
        assert 0 < len(page.rows) <= limit or not rows
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_rows_pages_and_totals_are_those_of_the_records(records: Records, data: st.DataObject) -> None:
    caller = data.draw(st.sampled_from([*callers()]))
    wanted = data.draw(filters(records))
    now = START + timedelta(days=data.draw(st.integers(0, 400)))
    review, limit = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 30))
    due = [
        (payable_on(e, m, review), number_of(m.id), e, m)
        for e, m in records.milestones
        if caller.sees(e.request.organization_id, e.request.workspace_id) and is_wanted(e, m, wanted, now, review)
    ]
    due.sort(key=lambda found: found[:2])

    rows = paged(records, caller, wanted, now, review, limit)
    assert [row.id for row in rows] == [m.id for *_, m in due]
    for row, (day, _, e, m) in zip(rows, due, strict=True):
        assert (row.payable_on, row.expected_on) == (day, expected_on(e, m, review))
        assert (row.amount, row.paid, row.open, row.overdue_days) == (m.amount, m.paid, m.open, overdue_days(m, now))
        assert (row.scope_title, row.organization_id) == (e.scope(m.scope_id).title, e.request.organization_id)
    whole = sorted(rows, key=lambda row: row.number)
    assert [*every(records.connection, caller, wanted, now, review)] == whole
    assert count(records.connection, caller, wanted, now, review) == len(whole)

    by_currency: dict[str, list[Milestone]] = defaultdict(list)
    for *_, m in due:
        by_currency[m.currency].append(m)
    assert totals(records.connection, caller, wanted, now, review) == [
        added_up(currency, ms, now) for currency, ms in sorted(by_currency.items())
    ]
