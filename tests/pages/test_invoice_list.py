"""The invoices among the payments: filtered from the address, with what they ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.lifecycle import Confirm, VoidInvoice
from ods_core.service import Runtime, Service, using
from ods_core.store import Store
from tests.databases import memory_url
from tests.pages.test_reading import opened, words
from tests.seed import seed_proposal, seed_request


@pytest.fixture
def payment(store: Store, service: Service, clock: MovingClock) -> Iterator[str]:
    """A due payment of 7,750.00 USD."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = service.propose(LOCAL, request_id, seed_proposal()).subject_id
    due = service.confirm(LOCAL, scope_id, Confirm()).engagement.milestones[0].id
    with using(Runtime(Settings(database_url=memory_url(), demo=False), store, service, clock)):
        yield due


def test_without_invoices_the_list_says_where_one_is_issued(payment: str) -> None:
    app = opened("payments", view="invoices")
    assert not app.exception
    assert "No invoice was issued yet" in words(app)


def test_invoices_are_listed_with_their_states_and_sums(payment: str, service: Service) -> None:
    first = service.issue_invoice(LOCAL, payment).subject_id
    service.void_invoice(LOCAL, first, VoidInvoice("Another address."))
    service.issue_invoice(LOCAL, payment)
    said = words(opened("payments", view="invoices"))
    for text in ("INV-26-000001", "INV-26-000002", "Another address.", "2 invoices in USD"):
        assert text in said
    only_void = words(opened("payments", view="invoices", invoice_status="void"))
    assert "INV-26-000001" in only_void
    assert "INV-26-000002" not in only_void
    assert "No invoice is like this" in words(opened("payments", view="invoices", invoice_status="paid"))
