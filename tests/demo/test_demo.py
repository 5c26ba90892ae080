"""The demo engagements: complete, varied, the same each time, and told by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, func, select

from ods_core.basics.clock import SATURDAY, MovingClock
from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import ENDPOINT_EVENTS, EventType
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.basics.states import (
    CycleStatus,
    DeliverableStatus,
    InvoiceStatus,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
)
from ods_core.demo import load, read_stories
from ods_core.demo.stories import Story
from ods_core.forecast import MIN_FINISHED_CYCLES
from ods_core.queries import invariants
from ods_core.queries.history import history
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.queries.payments import BUCKETS, PaymentFilter, ageing, totals
from ods_core.queries.today import to_invoice
from ods_core.service import Runtime, Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.databases import memory_url
from tests.seed import seed_request

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)

STATES = [
    (t.requests, RequestStatus),
    (t.scopes, ScopeStatus),
    (t.cycles, CycleStatus),
    (t.deliverables, DeliverableStatus),
    (t.service_lines, ServiceLineStatus),
]


def filled(now: datetime) -> Runtime:
    """A store in memory with the demo engagements up to `now`."""
    clock = MovingClock(now)
    store = Store(memory_url(), clock)
    runtime = Runtime(Settings(demo=False), store, Service(store, clock), clock)
    load(runtime)
    return runtime


@pytest.fixture(scope="module")
def demo() -> Iterator[Runtime]:
    runtime = filled(NOW)
    yield runtime
    runtime.close()


@pytest.fixture
def connection(demo: Runtime) -> Iterator[Connection]:
    with demo.store.read() as connection:
        yield connection


@pytest.mark.parametrize(("table", "states"), STATES, ids=lambda value: getattr(value, "name", None))
def test_every_state_of_the_lifecycle_can_be_seen(connection: Connection, table: Table, states: type) -> None:
    assert set(connection.execute(select(table.c.status)).scalars()) == set(states)


def test_payments_stand_in_every_state_and_at_every_age(connection: Connection) -> None:
    assert set(connection.execute(select(t.payments.c.status)).scalars()) == set(PaymentStatus)
    aged = ageing(connection, LOCAL, PaymentFilter(), NOW)
    assert {bucket for row in aged for bucket in row.amounts} == set(BUCKETS)
    assert {row.currency for row in aged} == {"USD", "EUR", "JPY", "KWD"}


def test_money_came_in_whole_in_parts_late_and_once_by_mistake(connection: Connection) -> None:
    p, r = t.payments.c, t.receipts.c
    assert set(connection.execute(select(r.status)).scalars()) == set(ReceiptStatus)
    parts = select(r.payment_id).where(r.status == ReceiptStatus.RECORDED).group_by(r.payment_id)
    in_parts = parts.having(func.count() > 1).subquery()
    whole = select(func.count()).where(p.status == PaymentStatus.PAID)
    assert connection.execute(whole).scalar_one() >= 60
    assert connection.execute(whole.where(p.id.in_(select(in_parts.c.payment_id)))).scalar_one() >= 2
    assert connection.execute(select(func.count()).where(p.status == PaymentStatus.DUE, p.paid > 0)).scalar_one() >= 2
    assert connection.execute(select(r.reason).where(r.status == ReceiptStatus.REVERSAL)).scalar_one()
    delays = history(connection, LOCAL).payment_delays
    assert min(delays) <= 0
    assert max(delays) >= 14


def test_there_is_history_enough_for_figures_and_forecasts(connection: Connection) -> None:
    answer = outcomes(connection, LOCAL, OutcomeFilter(), NOW)
    for key in ("received", "open", "overdue", "days_sales_outstanding"):
        found = {m["currency"]: m for m in answer["metrics"] if m["key"] == key}
        assert set(found) == {"USD", "EUR", "JPY", "KWD"}
        assert all(m["n"] for m in found.values()), key
    known = history(connection, LOCAL)
    assert len(known.cycles) >= MIN_FINISHED_CYCLES
    whole = {total.currency: total for total in totals(connection, LOCAL, PaymentFilter(), NOW, 3)}
    received = {m["currency"]: m["value"] for m in answer["metrics"] if m["key"] == "received"}
    assert received == {currency: total.paid for currency, total in whole.items()}


def test_every_event_has_happened(connection: Connection) -> None:
    assert set(connection.execute(select(t.events.c.type)).scalars()) == set(EventType) - ENDPOINT_EVENTS


def test_invoices_stand_in_every_state_and_some_of_what_is_due_has_none(connection: Connection) -> None:
    assert set(connection.execute(select(t.invoices.c.status)).scalars()) == set(InvoiceStatus)
    assert to_invoice(connection, LOCAL, NOW).count > 0


def test_there_are_at_least_forty_four_engagements_of_six_organisations_in_four_currencies(
    connection: Connection,
) -> None:
    r = t.requests.c
    counts = select(func.count(), func.count(r.organization_id.distinct()), func.count(r.title.distinct()))
    assert connection.execute(counts).one() >= (44, 6, 44)
    assert set(connection.execute(select(r.currency)).scalars()) == {"USD", "EUR", "JPY", "KWD"}
    workspaces = select(func.count(r.workspace_id.distinct()))
    assert connection.execute(workspaces).scalar_one() >= 12


def test_the_history_spans_eighteen_months_and_ends_before_today(connection: Connection) -> None:
    first, last = connection.execute(select(func.min(t.events.c.occurred_at), func.max(t.events.c.occurred_at))).one()
    assert timedelta(days=535) <= NOW.replace(tzinfo=None) - first.replace(tzinfo=None) <= timedelta(days=550)
    assert last.replace(tzinfo=None) < NOW.replace(tzinfo=None)


def test_the_rarer_turns_of_an_engagement_are_there(connection: Connection) -> None:
    def count(statement: object) -> int:
        return connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()

    s, d, a, c = t.scopes.c, t.deliverables.c, t.attempts.c, t.cycles.c
    today = NOW.date()
    assert count(select(s.id).where(s.status == ScopeStatus.PENDING_CONFIRMATION, s.valid_until < today)) >= 1
    assert count(select(s.id).where(s.status == ScopeStatus.PENDING_CONFIRMATION, s.valid_until >= today)) >= 3
    assert count(select(s.id).where(s.revision > 1, s.status == ScopeStatus.COMPLETED)) >= 2
    assert count(select(s.id).where(s.shifted_days > 0)) >= 2
    assert count(select(d.id).where(d.escalated_at.is_not(None))) >= 2
    assert count(select(a.deliverable_id).where(a.attempt >= 4)) >= 1
    assert count(select(c.id).where(c.parent_cycle_id.is_not(None), c.status == CycleStatus.IN_PROGRESS)) >= 2
    assert count(select(c.id).where(c.status == CycleStatus.IN_PROGRESS, c.planned_end < today)) >= 1


def test_the_whole_store_is_in_order(connection: Connection) -> None:
    assert invariants.check(connection) == []


def everything(runtime: Runtime) -> list[object]:
    with runtime.store.read() as connection:
        return [tuple(row) for table in t.metadata.sorted_tables for row in connection.execute(select(table))]


def test_the_same_day_tells_the_same_stories(demo: Runtime) -> None:
    again = filled(NOW + timedelta(hours=11))
    assert sorted(map(repr, everything(again))) == sorted(map(repr, everything(demo)))
    again.close()


@pytest.mark.parametrize("days", range(1, 7))
def test_the_stories_can_be_told_on_every_day_of_the_week(days: int) -> None:
    runtime = filled(NOW + timedelta(days=days))
    with runtime.store.read() as connection:
        for table, states in STATES:
            assert set(connection.execute(select(table.c.status)).scalars()) == set(states), table.name
        last = connection.execute(select(func.max(t.events.c.occurred_at))).scalar_one()
    assert last.date() < (NOW + timedelta(days=days)).date()
    runtime.close()


@pytest.mark.parametrize("story", read_stories(NOW.date()), ids=lambda story: story.fields["title"])
def test_a_story_happens_on_working_days_in_order(story: Story) -> None:
    moments = [step.when for step in story.steps]
    assert moments == sorted(moments)
    assert all(moment.weekday() < SATURDAY for moment in moments)


def test_an_engagement_is_not_mixed_with_the_demo() -> None:
    clock = MovingClock(NOW)
    store = Store(memory_url(), clock)
    service = Service(store, clock)
    service.submit_request(LOCAL, seed_request())
    before = store.last_sequence
    with pytest.raises(NotAllowed, match="empty database only"):
        load(Runtime(Settings(demo=False), store, service, clock))
    assert store.last_sequence == before
    store.close()


def test_progress_is_told_from_nothing_to_all() -> None:
    clock = MovingClock(NOW)
    store = Store(memory_url(), clock)
    told: list[float] = []
    load(Runtime(Settings(demo=False), store, Service(store, clock), clock), lambda share, step: told.append(share))
    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == 1
    store.close()


def test_a_load_that_is_stopped_leaves_nothing_behind() -> None:
    clock = MovingClock(NOW)
    store = Store(memory_url(), clock)

    def stop(share: float, step: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(Runtime(Settings(demo=False), store, Service(store, clock), clock), stop)
    assert store.is_empty()
    store.close()


def test_a_line_that_is_no_story_is_shown(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[[engagement]]\nago = 1\ntitle = "t"\nstory = "confirm on day 4"')
    with pytest.raises(ValueError, match="confirm on day 4"):
        read_stories(date(2026, 11, 24), tmp_path)
