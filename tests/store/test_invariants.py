"""Each invariant finds the damage it is about, names the thing, and says nothing about a store that is in order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Connection, func, insert, select, text

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import CriterionNotMet
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import (
    Accept,
    Confirm,
    Decline,
    Negotiate,
    Propose,
    RecordReceipt,
    Reject,
    ReverseReceipt,
    Start,
    Submit,
    Terminate,
    VoidInvoice,
)
from ods_core.queries.invariants import INVARIANTS, MOST_FINDINGS, check
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.databases import memory_url
from tests.seed import SUBMITTED, seed_proposal, seed_request, two_cycle_proposal

NEGOTIATED, DECLINED, PENDING, ACTIVE, REVIEWED, COMPLETED, TERMINATED = (f"OREQ-26-{n:06d}" for n in range(1, 8))


def tell(service: Service, clock: MovingClock) -> None:
    """Seven engagements, one in each of the states named above."""
    ids = [service.submit_request(LOCAL, seed_request()).subject_id for _ in range(7)]
    assert ids == [NEGOTIATED, DECLINED, PENDING, ACTIVE, REVIEWED, COMPLETED, TERMINATED]
    service.negotiate(LOCAL, NEGOTIATED, Negotiate("More of both.", timeline_weeks=5))
    declined = service.propose(LOCAL, DECLINED, seed_proposal()).subject_id
    service.decline(LOCAL, declined, Decline("Which load?"))
    service.propose(LOCAL, PENDING, two_cycle_proposal())
    confirmed = [_confirm(service, id, two_cycle_proposal()) for id in (ACTIVE, REVIEWED, COMPLETED, TERMINATED)]
    service.start(LOCAL, confirmed[0][0], Start())
    _review(service, clock, confirmed[1])
    _finish(service, clock, confirmed[2])
    _pay(service, clock)
    service.terminate(LOCAL, service.start(LOCAL, confirmed[3][0], Start()).engagement.scopes[0].id, Terminate("Over."))


def _confirm(service: Service, request_id: str, proposal: Propose) -> list[str]:
    scope_id = service.propose(LOCAL, request_id, proposal).subject_id
    return [d.id for d in service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables]


def _review(service: Service, clock: MovingClock, ids: list[str]) -> None:
    for id in ids[:2]:
        service.submit(LOCAL, id, Submit())
    clock.advance(days=1)
    service.accept(LOCAL, ids[0], Accept())
    service.reject(LOCAL, ids[1], Reject("Coverage is 84%.", criteria_not_met=(CriterionNotMet(1, "report"),)))


def _finish(service: Service, clock: MovingClock, ids: list[str]) -> None:
    _review(service, clock, ids)
    clock.advance(days=2)
    service.submit(LOCAL, ids[1], Submit())
    service.accept(LOCAL, ids[1], Accept())
    service.submit(LOCAL, ids[2], Submit())
    service.accept(LOCAL, ids[2], Accept())


def _pay(service: Service, clock: MovingClock) -> None:
    """Two receipts of the completed engagement's first payment, of which the first was taken back."""
    with service.store.read() as connection:
        due = connection.execute(text(f"SELECT min(id) FROM payments WHERE request_id = '{COMPLETED}'")).scalar_one()
    wrong = service.record_receipt(LOCAL, due, RecordReceipt(Decimal("10.00"), clock().date(), "R1")).subject_id
    service.reverse_receipt(LOCAL, wrong, ReverseReceipt("Another payment's."))
    service.record_receipt(LOCAL, due, RecordReceipt(Decimal("20.00"), clock().date(), "R1"))
    service.void_invoice(LOCAL, service.issue_invoice(LOCAL, due).subject_id, VoidInvoice("Another address."))
    service.issue_invoice(LOCAL, due)


@pytest.fixture(scope="module")
def told() -> Iterator[Store]:
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    tell(Service(store, clock), clock)
    yield store
    store.close()


@pytest.fixture
def connection(told: Store) -> Iterator[Connection]:
    """What is damaged here is as it was afterwards."""
    with told.engine.connect() as connection:
        yield connection
        connection.rollback()


def of(request_id: str, more: str = "TRUE") -> str:
    return f"WHERE request_id = '{request_id}' AND {more}"


DAMAGES = [
    (f"UPDATE scopes SET status = 'active' {of(DECLINED)}", "a scope's times agree with its state"),
    (f"UPDATE requests SET status = 'scoping' WHERE id = '{ACTIVE}'", "a request is scoped exactly while"),
    (f"UPDATE scopes SET revision = 2 {of(PENDING)}", "revisions of a request's scopes count from 1"),
    (f"UPDATE requests SET cancelled_at = created_at WHERE id = '{ACTIVE}'", "a request's times agree with its state"),
    (f"UPDATE requests SET negotiation_reason = NULL WHERE id = '{NEGOTIATED}'", "a request's times agree"),
    (f"UPDATE service_lines SET status = 'closed' {of(ACTIVE)}", "one service line, active exactly while the scope is"),
    (f"DELETE FROM service_lines {of(ACTIVE)}", "a confirmed scope has one service line"),
    (f"UPDATE service_lines SET closed_at = opened_at {of(ACTIVE)}", "a service line has an end exactly when"),
    (f"UPDATE payments SET amount = amount + 0.01 {of(ACTIVE, 'position = 1')}", "sum to its price"),
    (f"UPDATE scopes SET confirmed_at = NULL {of(ACTIVE)}", "and others have none"),
    (f"UPDATE cycles SET status = 'completed' {of(COMPLETED, 'ordinal = 2')}", "a scope is completed exactly when"),
    (f"UPDATE cycles SET ordinal = 3 {of(PENDING, 'ordinal = 2')}", "numbered from 1, in date order, without overlap"),
    (
        f"UPDATE cycles SET planned_start = DATE '2026-05-14' {of(PENDING, 'ordinal = 2')}",
        "in date order, without overlap",
    ),
    (f"UPDATE cycles SET status = 'in_progress' {of(ACTIVE, 'ordinal = 2')}", "at most one delivery cycle of a scope"),
    (
        f"UPDATE cycles SET completed_at = started_at {of(ACTIVE, 'ordinal = 1')}",
        "a cycle's times agree with its state",
    ),
    (f"UPDATE deliverables SET status = 'pending' {of(TERMINATED, 'position = 3')}", "belong to a scope that goes on"),
    (f"UPDATE deliverables SET status = 'in_progress' {of(PENDING, 'position = 1')}", "a planned cycle's deliverables"),
    (f"UPDATE deliverables SET status = 'completed' {of(ACTIVE)}", "a delivery cycle in progress waits"),
    (f"UPDATE deliverables SET status = 'pending', attempt = 1 {of(REVIEWED, 'position = 2')}", "still waits for an"),
    (f"UPDATE deliverables SET status = 'accepted' {of(REVIEWED)}", "and still waits for an acceptance"),
    (
        f"UPDATE deliverables SET status = 'rejected' {of(COMPLETED, 'position = 2')}",
        "an accepted cycle's deliverables",
    ),
    (
        f"UPDATE cycles SET parent_cycle_id = 'OCYCLE-26-000001' {of(REVIEWED, 'parent_cycle_id IS NOT NULL')}",
        "a remediation cycle follows a delivery cycle of its scope",
    ),
    (
        f"UPDATE cycles SET status = 'completed' {of(REVIEWED, 'parent_cycle_id IS NOT NULL')}",
        "a remediation cycle in progress waits for a submission, and no other does",
    ),
    (f"UPDATE deliverables SET status = 'accepted' {of(ACTIVE, 'position = 1')}", "state is that of its last attempt"),
    (f"UPDATE deliverables SET attempt = 3 {of(COMPLETED, 'position = 2')}", "attempts count from 1 without a gap"),
    (
        f"UPDATE attempts SET decision = NULL, decided_at = NULL, rejection_reason = NULL {of(COMPLETED)}"
        " AND decision = 'rejected'",
        "every attempt but the last is rejected",
    ),
    (
        f"UPDATE attempts SET ready_at = NULL {of(COMPLETED, 'attempt = 2')}",
        "started, submitted, reviewable and decided",
    ),
    (f"UPDATE attempts SET reviewer_id = NULL {of(COMPLETED, 'attempt = 2')}", "a decision has its reviewer"),
    (
        f"UPDATE attempts SET remediation_cycle_id = NULL {of(REVIEWED)}",
        "a rejection its remediation cycle",
    ),
    (
        f"DELETE FROM events {of(COMPLETED)} AND type = 'ods.deliverable.rejected'",
        "each decision, and an escalation, is",
    ),
    (f"UPDATE attempts SET decide_by = ready_at {of(COMPLETED)}", "an attempt has its review window"),
    (f"UPDATE attempts SET deemed = TRUE {of(COMPLETED, 'attempt = 2')}", "silence decides as the scope provides"),
    (f"UPDATE attempts SET reviewer_id = 'system' {of(COMPLETED, 'attempt = 2')}", "and by the system alone"),
    (f"UPDATE attempts SET reminded_at = ready_at {of(COMPLETED, 'attempt = 2')}", "a reminder is told once"),
    (f"UPDATE scopes SET reminded_at = proposed_at {of(PENDING)}", "a reminder is told once"),
    (f"UPDATE deliverables SET escalated_at = decided_at {of(COMPLETED)}", "each decision, and an escalation, is told"),
    (
        f"UPDATE deliverables SET cycle_id = (SELECT max(id) FROM cycles) {of(REVIEWED, 'position = 3')}",
        "a deliverable and its cycle belong to one scope",
    ),
    (f"UPDATE payments SET status = 'due' {of(ACTIVE, 'position = 2')}", "a milestone is due exactly once"),
    (f"UPDATE payments SET status = 'scheduled' {of(COMPLETED, 'position = 3')}", "a milestone is due exactly once"),
    (f"UPDATE payments SET status = 'void' {of(ACTIVE, 'position = 4')}", "a milestone is void only where its scope"),
    (f"UPDATE payments SET paid = amount {of(ACTIVE, 'position = 1')}", "a milestone's times and sums agree"),
    (f"UPDATE payments SET awaited_on = NULL {of(ACTIVE, 'position = 2')}", "the planned end of what it waits for"),
    (f"UPDATE payments SET awaited_on = '2026-01-01' {of(ACTIVE, 'position = 3')}", "planned end of what it waits for"),
    (f"UPDATE payments SET position = 9 {of(ACTIVE, 'position = 4')}", "places from 1 without a gap"),
    (f"UPDATE payments SET currency = 'EUR' {of(ACTIVE, 'position = 4')}", "in their scope's currency"),
    (f"UPDATE scopes SET currency = 'EUR' {of(PENDING)}", "priced in its request's currency"),
    (f"DELETE FROM events {of(ACTIVE)} AND type = 'ods.deliverable.started'", "is no longer in its first state has an"),
    (f"DELETE FROM events {of(ACTIVE)} AND type = 'ods.payment.due'", "the last event of a thing tells the state"),
    (f"DELETE FROM events {of(DECLINED)} AND type = 'ods.scope.declined'", "the last event of a thing tells the state"),
    (f"UPDATE events SET subject_id = 'DLV-26-999999' {of(ACTIVE)}", "something of its engagement that is there"),
    (f"UPDATE events SET organization_id = 'ORG-26-000001' {of(ACTIVE)}", "something of its engagement that is there"),
    ("UPDATE events SET id = 'EVT-26-000900' WHERE sequence = 1", "an event's number is its place in the log"),
    ("UPDATE events SET id = 'EVENT-1' WHERE sequence = 1", "an identifier is PREFIX-YY-NNNNNN, with EVT"),
    (f"UPDATE payments SET paid = 21 {of(COMPLETED, 'position = 1')}", "what its receipts come to"),
    ("UPDATE receipts SET amount = amount + 1 WHERE status = 'recorded'", "what its receipts come to"),
    ("UPDATE invoices SET serial = 3 WHERE status = 'open'", "numbered from 1 without a gap"),
    ("UPDATE invoice_serials SET last_serial = 7", "numbered from 1 without a gap"),
    (
        "UPDATE invoices SET status = 'open', ended_at = NULL, reason = NULL",
        "at most one invoice of a payment was not voided",
    ),
    ("UPDATE invoices SET amount = amount + 1", "an invoice is of its payment's amount"),
    ("UPDATE invoices SET status = 'paid' WHERE status = 'open'", "paid exactly while the payment is"),
    ("UPDATE receipts SET currency = 'EUR' WHERE status = 'recorded'", "in its milestone's currency"),
    ("UPDATE receipts SET status = 'recorded' WHERE status = 'reversed'", "reversed by exactly one entry"),
    ("UPDATE receipts SET reverses = 'RCT-26-000009' WHERE status = 'reversal'", "a receipt that is there"),
    (f"UPDATE payments SET number = 900 {of(ACTIVE, 'position = 1')}", "number of a PAY never repeats"),
    ("UPDATE payments SET number = 1", "number of a PAY never repeats"),
    (f"UPDATE payments SET organization_id = 'ORG-26-000001' {of(ACTIVE)}", "has its request's owner"),
    (f"UPDATE attempts SET request_id = '{PENDING}' {of(ACTIVE)}", "everything of a scope is of its request"),
    (f"UPDATE requests SET budget_max = 18000.001 WHERE id = '{ACTIVE}'", "USD has 2 decimals"),
    (f"UPDATE requests SET currency = 'JPY', budget_max = 1.5 WHERE id = '{NEGOTIATED}'", "JPY has 0 decimals"),
    (f"UPDATE requests SET currency = 'ZZZ', budget_max = 1.5 WHERE id = '{NEGOTIATED}'", "ZZZ has 0 decimals"),
    (f"UPDATE cycles SET deliverable_ids = '[]' {of(ACTIVE, 'ordinal = 1')}", "a cycle lists the deliverables it"),
]


def test_a_store_that_only_commands_have_touched_is_in_order(connection: Connection) -> None:
    assert check(connection) == []


@pytest.mark.parametrize(("damage", "promise"), DAMAGES, ids=[damage for damage, _ in DAMAGES])
def test_damage_is_found_and_named(connection: Connection, damage: str, promise: str) -> None:
    changed = connection.execute(text(damage)).rowcount
    assert changed != 0, "the damage must hit something"
    found = check(connection)
    assert any(promise in finding for finding in found), found
    assert all(finding.split(":")[0].split("-")[0].isupper() for finding in found), "each finding begins with an id"


def test_every_invariant_has_a_damage_that_breaks_it() -> None:
    structural = {"a request has at most one live scope", "a scope has at least one cycle and one deliverable"}
    promised = [promise for _, promise in DAMAGES]
    unbroken = {i.promise for i in INVARIANTS if not any(part in i.promise for part in promised)}
    assert unbroken == structural, "those two have tests of their own"


def test_two_live_scopes_of_one_request_are_found(connection: Connection) -> None:
    columns = ", ".join(column.name for column in t.scopes.columns)
    other = columns.replace("id,", "'OSCOPE-26-000099',", 1).replace("number", "99").replace("revision", "2")
    connection.execute(text(f"INSERT INTO scopes ({columns}) SELECT {other} FROM scopes {of(ACTIVE)}"))
    found = check(connection)
    assert any(f.startswith(f"{ACTIVE}: has 2 scopes") and "at most one live scope" in f for f in found), found
    assert any(f.startswith("OSCOPE-26-000099: lacks them") for f in found), found


def test_a_store_broken_all_over_is_not_described_for_ever(connection: Connection) -> None:
    last = connection.execute(select(func.max(t.events.c.sequence))).scalar_one()
    first = connection.execute(select(t.events).where(t.events.c.sequence == 1)).mappings().one()
    connection.execute(insert(t.events), [{**first, "sequence": last + n} for n in range(1, 300)])
    found = [f for f in check(connection) if "its place in the log" in f]
    assert len(found) == MOST_FINDINGS + 1
    assert found[-1].startswith(f"only the first {MOST_FINDINGS}")
