"""Invoices: for what is due, one that stands at a time, numbered without a gap, unchanged once issued."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, StoreError
from ods_core.basics.events import EventType
from ods_core.basics.parties import Parties, Party, read_parties
from ods_core.basics.records import Engagement, invoice_number
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import (
    Confirm,
    Policy,
    RecordReceipt,
    ReverseReceipt,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)
from ods_core.service import Service
from tests.seed import CLIENT, ORGANIZATION, seed_proposal, seed_request

OTHER = "ORG-26-000002"


def bought(service: Service, organization_id: str = ORGANIZATION) -> Engagement:
    """The example, confirmed: 7,750.00 due, 7,750.00 scheduled."""
    request = service.submit_request(LOCAL, seed_request(organization_id=organization_id)).subject_id
    return service.confirm(LOCAL, service.propose(LOCAL, request, seed_proposal()).subject_id, Confirm()).engagement


def due_of(engagement: Engagement) -> str:
    return engagement.milestones[0].id


def receive(service: Service, clock: MovingClock, payment_id: str, amount: str, reference: str = "R1") -> str:
    return service.record_receipt(LOCAL, payment_id, RecordReceipt(D(amount), clock().date(), reference)).subject_id


def test_an_invoice_asks_for_what_is_open_on_a_due_payment(service: Service, clock: MovingClock) -> None:
    due = due_of(bought(service))
    receive(service, clock, due, "750.00")
    issued = service.issue_invoice(LOCAL, due)
    assert [e.type for e in issued.events] == [EventType.INVOICE_ISSUED]
    shown = issued.resource()
    assert (shown["amount"], shown["paid"], shown["claimed"]) == (D("7750.00"), D("750.00"), D("7000.00"))
    assert shown["number"] == f"{ORGANIZATION}-0001"
    assert shown["due_on"] == issued.engagement.milestones[0].due_at.date()  # type: ignore[union-attr]
    assert issued.events[0].data == shown


def test_numbers_count_within_an_organisation_without_a_gap(service: Service) -> None:
    first, second, other = bought(service), bought(service), bought(service, OTHER)
    numbers = []
    for engagement in (first, other, second):
        result = service.issue_invoice(LOCAL, due_of(engagement))
        numbers.append(result.resource()["number"])
        with pytest.raises(NotAllowed):
            service.issue_invoice(LOCAL, due_of(engagement))
    service.void_invoice(LOCAL, result.subject_id, VoidInvoice("Another address."))
    numbers.append(service.issue_invoice(LOCAL, due_of(second)).resource()["number"])
    assert numbers == [
        invoice_number(id, n) for id, n in ((ORGANIZATION, 1), (OTHER, 1), (ORGANIZATION, 2), (ORGANIZATION, 3))
    ]


def test_a_number_goes_back_with_the_transaction_that_took_it(service: Service) -> None:
    due = due_of(bought(service))
    with pytest.raises(NotAllowed), service.store.write():
        _issue_twice(service, due)
    assert service.issue_invoice(LOCAL, due).resource()["number"].endswith("-0001")


def _issue_twice(service: Service, payment_id: str) -> None:
    assert service.issue_invoice(LOCAL, payment_id).resource()["number"].endswith("-0001")
    service.issue_invoice(LOCAL, payment_id)


def test_a_second_invoice_needs_the_first_one_voided(service: Service) -> None:
    due = due_of(bought(service))
    first = service.issue_invoice(LOCAL, due)
    with pytest.raises(NotAllowed) as refused:
        service.issue_invoice(LOCAL, due)
    assert refused.value.extra["invoice_id"] == first.subject_id
    voided = service.void_invoice(LOCAL, first.subject_id, VoidInvoice("Another address."))
    assert [e.type for e in voided.events] == [EventType.INVOICE_VOIDED]
    again = service.issue_invoice(LOCAL, due).engagement
    assert [(i.serial, i.status) for i in again.invoices] == [(1, "void"), (2, "open")]


def test_it_is_paid_with_its_payment_and_open_again_with_it(service: Service, clock: MovingClock) -> None:
    due = due_of(bought(service))
    service.issue_invoice(LOCAL, due)
    part = service.record_receipt(LOCAL, due, RecordReceipt(D("1.00"), clock().date(), "R1"))
    assert part.engagement.invoices[0].status == "open"
    rest = service.record_receipt(LOCAL, due, RecordReceipt(D("7749.00"), clock().date(), "R2"))
    assert [e.type for e in rest.events][-1] == EventType.INVOICE_PAID
    with pytest.raises(NotAllowed):
        service.void_invoice(LOCAL, rest.engagement.invoices[0].id, VoidInvoice("Too late."))
    back = service.reverse_receipt(LOCAL, rest.subject_id, ReverseReceipt("Another payment's."))
    assert back.engagement.invoices[0].status == "open"
    assert [e.type for e in back.events] == [EventType.PAYMENT_RECEIVED, EventType.INVOICE_REOPENED]


def test_what_was_given_up_can_still_be_paid_or_voided(service: Service, clock: MovingClock) -> None:
    due = due_of(bought(service))
    lost = service.write_off_invoice(LOCAL, service.issue_invoice(LOCAL, due).subject_id, WriteOffInvoice("Insolvent."))
    assert (lost.resource()["status"], lost.resource()["reason"]) == ("uncollectible", "Insolvent.")
    assert lost.engagement.milestones[0].status == "due"
    receive(service, clock, due, "7750.00")
    with service.store.read() as connection:
        from ods_core.store.rows import load

        (kept,) = load(connection, [lost.engagement.request.id]).values()
    assert (kept.invoices[0].status, kept.invoices[0].ended_at, kept.invoices[0].reason) == ("paid", None, None)


def test_only_what_is_due_can_be_invoiced_also_after_a_termination(service: Service) -> None:
    engagement = bought(service)
    with pytest.raises(NotAllowed) as refused:
        service.issue_invoice(LOCAL, engagement.milestones[1].id)
    assert refused.value.current_state == "scheduled"
    service.terminate(LOCAL, engagement.scopes[0].id, Terminate("No longer needed."))
    assert service.issue_invoice(LOCAL, due_of(engagement)).resource()["status"] == "open"


def test_a_reason_is_needed_and_the_role(service: Service) -> None:
    invoice = service.issue_invoice(LOCAL, due_of(bought(service))).subject_id
    for give in (
        lambda: service.void_invoice(LOCAL, invoice, VoidInvoice(" ")),
        lambda: service.write_off_invoice(LOCAL, invoice, WriteOffInvoice("")),
    ):
        with pytest.raises(Invalid) as refused:
            give()
        assert refused.value.problems[0].pointer == "/reason"
    with pytest.raises(Forbidden):
        service.void_invoice(CLIENT, invoice, VoidInvoice("No."))


def test_names_stay_as_they_were_on_the_day_of_issue(service: Service) -> None:
    was = Parties(Party("Northwind GmbH", ("Hauptstraße 1",), "DE1"), {ORGANIZATION: Party("Ōsaka 株式会社")})
    service.policy = Policy(parties=was, invoice_note="VAT is not included.")
    engagement = bought(service)
    issued = service.issue_invoice(LOCAL, due_of(engagement)).engagement
    service.policy = replace(service.policy, parties=Parties(Party("Renamed")), invoice_note="Other.")
    voided = service.write_off_invoice(LOCAL, issued.invoices[0].id, WriteOffInvoice("Insolvent.")).engagement
    kept = voided.invoices[0]
    assert (kept.seller, kept.buyer, kept.note) == (was.provider, Party("Ōsaka 株式会社"), "VAT is not included.")


def test_parties_are_read_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "parties.toml"
    assert read_parties(path).of(ORGANIZATION) == Party(ORGANIZATION)
    path.write_text(
        '[provider]\nname = "Northwind"\naddress = ["A", "B"]\n[organizations.ORG-26-090500]\nname = "Contoso"\n',
        encoding="utf-8",
    )
    found = read_parties(path)
    assert (found.provider, found.of(ORGANIZATION)) == (Party("Northwind", ("A", "B")), Party("Contoso"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[provider", "cannot be read"),
        ("[provider]\naddress = []", "provider.name"),
        ('[provider]\nname = "A"\nphone = "1"', "provider.phone"),
        ('[organizations.ORG-26-000001]\nname = ""', "organizations.ORG-26-000001.name"),
    ],
)
def test_a_parties_file_that_cannot_be_used_is_named_with_the_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "parties.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        read_parties(path)
    assert str(path) in refused.value.detail
    assert place in refused.value.detail
