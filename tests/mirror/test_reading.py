"""What the API tells of an engagement is enough to keep it, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.jsonio import dumps
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Kind, SilencePolicy
from ods_core.client import models as m
from ods_core.client.wire import loads
from ods_core.lifecycle import VoidInvoice
from ods_core.mirror.reading import Told, Torn, Untold, engagement_of
from ods_core.service import Service
from ods_core.store import Store
from tests.mirror.comparing import engagements, resources, told
from tests.queries.history import RandomHistory, Teller, at, ids, pay
from tests.seed import seed_estimate, seed_proposal

MODELS: dict[Kind, tuple[str, type[m.Answer]]] = {
    Kind.SCOPE: ("scopes", m.Scope),
    Kind.CYCLE: ("cycles", m.Cycle),
    Kind.DELIVERABLE: ("deliverables", m.Deliverable),
    Kind.SERVICE_LINE: ("service_lines", m.ServiceLine),
    Kind.PAYMENT: ("payments", m.Payment),
    Kind.RECEIPT: ("receipts", m.Receipt),
    Kind.INVOICE: ("invoices", m.Invoice),
}
PREFIXES = {
    "OSCOPE": Kind.SCOPE,
    "OCYCLE": Kind.CYCLE,
    "DLV": Kind.DELIVERABLE,
    "LIN": Kind.SERVICE_LINE,
    "PAY": Kind.PAYMENT,
    "RCT": Kind.RECEIPT,
    "INV": Kind.INVOICE,
}


def as_told(engagement: Engagement, service: Service) -> dict[str, Any]:
    """What a client reads of an engagement, as JSON values."""
    shown = resources(engagement, service.clock, service.review_days())
    return {id: loads(dumps(one)) for id, one in shown.items()}


def read_back(shown: dict[str, Any]) -> Engagement:
    groups: dict[str, list[Any]] = {name: [] for name, _ in MODELS.values()}
    request = next(one for id, one in shown.items() if id.startswith("OREQ"))
    for id, one in shown.items():
        if not id.startswith("OREQ"):
            name, model = MODELS[PREFIXES[id.split("-")[0]]]
            groups[name].append(model.model_validate(one))
    return engagement_of(Told(m.Request.model_validate(request), **groups))


@pytest.mark.parametrize("seed", [3, 11, 40])
def test_any_engagement_is_read_back_as_it_is(store: Store, service: Service, clock: MovingClock, seed: int) -> None:
    RandomHistory(service, clock, seed).run(8, 200)
    found = engagements(store)
    assert len(found) == 8
    for engagement in found.values():
        assert told(read_back(as_told(engagement, service))) == told(engagement)


def test_invoices_quotes_windows_and_late_confirmations_too(
    store: Store, service: Service, teller: Teller, clock: MovingClock
) -> None:
    quoted = teller.request(at(4, 15))
    proposal = seed_proposal(
        estimate=seed_estimate(), review_window_days=3, silence_policy=SilencePolicy.DEEMED_ACCEPTED
    )
    scope = service.propose(LOCAL, quoted, proposal).subject_id
    engagement = teller.confirm(at(4, 28), scope)
    payment = engagement.milestones[0].id
    invoice = service.issue_invoice(LOCAL, payment).subject_id
    service.void_invoice(LOCAL, invoice, VoidInvoice("Another address."))
    service.issue_invoice(LOCAL, payment)
    pay(service, payment, at(4, 29))
    teller.submit(at(5, 10), *ids(engagement))
    late = teller.request(at(5, 11))
    confirmed = teller.confirm(at(5, 20), teller.propose(at(5, 12), late, valid_until=at(5, 25).date()))
    assert confirmed.scopes[0].shifted_days > 0
    for one in engagements(store).values():
        assert told(read_back(as_told(one, service))) == told(one)
        if one.request.id == quoted:
            assert one.scopes[0].quote is not None
            assert len(one.invoices) == 2


def test_what_is_missing_is_named_and_not_made_up(store: Store, service: Service, teller: Teller) -> None:
    engagement = teller.running(at(4, 15))
    scope_id = engagement.scopes[0].id
    for name in ("proposed_at", "valid_until", "silence_policy", "payment_schedule", "revision"):
        shown = as_told(engagement, service)
        del shown[scope_id][name]
        with pytest.raises(Untold, match=f"{name} of {scope_id}"):
            read_back(shown)


def test_a_word_that_is_not_known_here_is_not_guessed(store: Store, service: Service, teller: Teller) -> None:
    engagement = teller.running(at(4, 15))
    shown = as_told(engagement, service)
    shown[engagement.scopes[0].id]["status"] = "paused"
    with pytest.raises(Untold, match="paused"):
        read_back(shown)


def test_parts_of_two_moments_are_told_apart(store: Store, service: Service, teller: Teller) -> None:
    """A cycle that was made between two calls names deliverables that stand in no cycle read before it."""
    engagement = teller.running(at(4, 15))
    shown = as_told(engagement, service)
    del shown[engagement.deliverables[0].id]
    with pytest.raises(Torn):
        read_back(shown)
