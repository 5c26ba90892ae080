"""A calendar, read back by the library: whole days, stable names, rising sequences, and texts as people wrote them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import update

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.records import CriterionNotMet
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Confirm,
    Decline,
    RecordReceipt,
    Reject,
    ReverseReceipt,
    Submit,
    Terminate,
)
from ods_core.papers.calendar import calendar_file
from ods_core.queries import calendar as calendars
from ods_core.queries.calendar import entries
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.seed import CYCLE_END, ORGANIZATION, SUBMITTED, WORKSPACE, seed_proposal, seed_request, two_cycle_proposal

TRICKY = "Kosten, Nutzen; \\n und “Ziele”: 日本語 🎉 C:\\temp BEGIN:VEVENT"
TODAY = SUBMITTED.date()


def of(organization_id: str | None, workspace_id: str | None = None) -> Caller:
    """Whoever comes by a link."""
    return Caller(Actor(ActorKind.SYSTEM, "link"), frozenset({Role.VIEWER}), organization_id, workspace_id)


def read(store: Store, caller: Caller = LOCAL, today: date = TODAY) -> list[Any]:
    """The events of a caller's calendar, as a program of theirs reads them."""
    with store.read() as connection:
        made = calendar_file("Ours", "About", entries(connection, caller, today))
    return [*Calendar.from_ical(made).walk("VEVENT")]


def told(events: list[Any]) -> list[tuple[str, date, str, int]]:
    """Summary, day, status and sequence of each."""
    return [(str(e["summary"]), e["dtstart"].dt, str(e["status"]), int(e["sequence"])) for e in events]


@pytest.fixture
def scope_id(service: Service) -> str:
    """A proposal that waits for its confirmation."""
    request = service.submit_request(LOCAL, seed_request()).subject_id
    return service.propose(LOCAL, request, seed_proposal(title="Webhooks")).subject_id


def test_a_cycle_stands_on_the_day_it_ends_from_proposal_to_acceptance(
    service: Service, store: Store, clock: MovingClock, scope_id: str
) -> None:
    seen = [read(store)]
    assert told(seen[0]) == [("Cycle 1 ends: Webhooks", CYCLE_END, "TENTATIVE", 0)]
    clock.advance(hours=1)
    deliverables = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
    seen.append(read(store))
    for one in deliverables:
        clock.advance(hours=1)
        service.submit(LOCAL, one.id, Submit())
    seen.append(read(store))
    for one in deliverables:
        clock.advance(hours=1)
        service.accept(LOCAL, one.id, Accept())
    seen.append(read(store))
    cycle = [next(e for e in events if "ends" in e["summary"]) for events in seen]
    assert [str(e["status"]) for e in cycle] == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CONFIRMED"]
    assert len({str(e["uid"]) for e in cycle}) == 1
    sequences = [int(e["sequence"]) for e in cycle]
    assert sequences == sorted(set(sequences)), "each change raises it"
    changed = [e["last-modified"].dt for e in cycle]
    assert changed == sorted(set(changed))
    assert all(e["dtstamp"].dt == e["last-modified"].dt for e in cycle)


def test_a_payment_stands_on_its_due_date_with_its_amount(service: Service, store: Store, scope_id: str) -> None:
    due = service.confirm(LOCAL, scope_id, Confirm()).engagement.milestones[0]
    assert due.due_at is not None
    (payment,) = (e for e in read(store) if str(e["uid"]).startswith("PAY"))
    assert told([payment])[0][:3] == ("Payment due: $7,750.00, Webhooks", due.due_at.date(), "CONFIRMED")
    assert due.id in str(payment["description"])
    assert payment["dtend"].dt - payment["dtstart"].dt == timedelta(days=1)
    assert not isinstance(payment["dtstart"].dt, datetime), "a day has no time zone to be wrong about"


def test_a_reversed_receipt_raises_the_sequence_too(service: Service, store: Store, scope_id: str) -> None:
    """Paid, then not paid after all: three states of one entry, each with a higher number."""
    due = service.confirm(LOCAL, scope_id, Confirm()).engagement.milestones[0]

    def payment() -> Any:
        return next(e for e in told(read(store)) if "Webhooks" in e[0] and "ends" not in e[0])

    first = payment()
    receipt = service.record_receipt(LOCAL, due.id, RecordReceipt(due.amount, TODAY, "W1")).subject_id
    second = payment()
    service.reverse_receipt(LOCAL, receipt, ReverseReceipt("Another's."))
    third = payment()
    assert [one[0].split(":")[0] for one in (first, second, third)] == ["Payment due", "Paid", "Payment due"]
    assert first[3] < second[3] < third[3]


def test_what_ends_early_is_cancelled_and_what_was_declined_is_not_there(service: Service, store: Store) -> None:
    one, two = (
        service.propose(LOCAL, service.submit_request(LOCAL, seed_request()).subject_id, two_cycle_proposal())
        for _ in range(2)
    )
    service.decline(LOCAL, one.subject_id, Decline("More tests, please."))
    assert {status for _, _, status, _ in told(read(store))} == {"TENTATIVE"}
    assert len(read(store)) == 2
    service.confirm(LOCAL, two.subject_id, Confirm())
    service.terminate(LOCAL, two.subject_id, Terminate("Priorities changed."))
    assert {status for summary, _, status, _ in told(read(store)) if "ends" in summary} == {"CANCELLED"}


def test_a_withdrawn_proposal_is_not_there(service: Service, store: Store) -> None:
    request = service.submit_request(LOCAL, seed_request()).subject_id
    service.propose(LOCAL, request, seed_proposal())
    service.cancel(LOCAL, request, Cancel("Not needed."))
    assert read(store) == []


def test_remediation_cycles_stand_beside_theirs(service: Service, store: Store, scope_id: str) -> None:
    fix, *rest = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
    for one in (fix, *rest):
        service.submit(LOCAL, one.id, Submit())
    service.reject(LOCAL, fix.id, Reject("No.", criteria_not_met=(CriterionNotMet(1, "log"),)))
    ends = [summary for summary, *_ in told(read(store)) if "ends" in summary]
    assert len(ends) == 2
    assert any("emediation" in summary for summary in ends)


def test_texts_of_people_stay_texts(service: Service, store: Store) -> None:
    """Commas, semicolons, backslashes, quotes, other scripts: escaped, folded, and the same when read."""
    request = service.submit_request(LOCAL, seed_request()).subject_id
    service.propose(LOCAL, request, seed_proposal(title=TRICKY))
    (event,) = read(store)
    assert str(event["summary"]) == f"Cycle 1 ends: {TRICKY}"
    broken = "First line\r\nEND:VCALENDAR\nthird"
    with store.write() as unit:
        unit.connection.execute(update(t.scopes).values(title=broken))
    with store.read() as connection:
        made = calendar_file("Ours, and yours;\nBEGIN:VEVENT", "Two\nlines", entries(connection, LOCAL, TODAY))
    parsed = Calendar.from_ical(made)
    (event,) = parsed.walk("VEVENT")
    assert str(event["summary"]).replace("\r\n", "\n") == "Cycle 1 ends: First line\nEND:VCALENDAR\nthird"
    for key in (b"NAME", b"X-WR-CALNAME"):
        assert key + b":Ours\\, and yours\\;\\nBEGIN:VEVENT\r\n" in made, "which the library does not read back"
    assert made.count(b"\r\nBEGIN:VEVENT\r\n") == 1
    assert made.count(b"END:VCALENDAR\r\n") == 1
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))


def test_each_sees_its_own(service: Service, store: Store) -> None:
    for organization, workspace in (
        (ORGANIZATION, WORKSPACE),
        (ORGANIZATION, "WS-26-000099"),
        ("ORG-26-000002", WORKSPACE),
    ):
        asked = seed_request(organization_id=organization, workspace_id=workspace)
        request = service.submit_request(LOCAL, asked).subject_id
        scope = service.propose(LOCAL, request, seed_proposal()).subject_id
        service.confirm(LOCAL, scope, Confirm())
    assert len(read(store)) == 6
    assert len(read(store, of(ORGANIZATION))) == 4
    assert len(read(store, of(ORGANIZATION, WORKSPACE))) == 2
    theirs = read(store, of("ORG-26-000002"))
    assert len(theirs) == 2
    assert all(ORGANIZATION not in str(event["description"]) for event in theirs)
    assert read(store, of("ORG-26-000003")) == []


def test_a_calendar_has_a_window(service: Service, store: Store, scope_id: str) -> None:
    """Its first and its last day belong to it."""
    for today, shown in (
        (CYCLE_END + calendars.BEHIND, 1),
        (CYCLE_END + calendars.BEHIND + timedelta(days=1), 0),
        (CYCLE_END - calendars.AHEAD, 1),
        (CYCLE_END - calendars.AHEAD - timedelta(days=1), 0),
    ):
        assert len(read(store, today=today)) == shown


def test_a_calendar_has_a_bound(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendars, "MOST", 3)
    for _ in range(5):
        request = service.submit_request(LOCAL, seed_request()).subject_id
        service.propose(LOCAL, request, seed_proposal())
    assert len(read(store)) == 3


def test_it_is_the_same_to_the_byte_while_nothing_changes(service: Service, store: Store, scope_id: str) -> None:
    service.confirm(LOCAL, scope_id, Confirm())
    with store.read() as connection:
        made = {calendar_file("Ours", "About", entries(connection, LOCAL, TODAY)) for _ in range(3)}
    assert len(made) == 1


def test_amounts_have_the_decimals_of_their_currency(service: Service, store: Store) -> None:
    request = service.submit_request(LOCAL, seed_request(currency="JPY", budget_max=None)).subject_id
    scope = service.propose(LOCAL, request, seed_proposal(currency="JPY", fixed_price=Decimal(1_200_001))).subject_id
    service.confirm(LOCAL, scope, Confirm())
    assert any("600,001" in summary or "600,000" in summary for summary, *_ in told(read(store)))
