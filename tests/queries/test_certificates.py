"""Certificates: what was accepted, and what exactly that released."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import NotAllowed, NotFound
from ods_core.basics.events import SYSTEM
from ods_core.basics.records import CriterionVerdict, Engagement, Evidence
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import SilencePolicy, Verdict
from ods_core.lifecycle import Accept, Confirm, Reject, Submit, Terminate
from ods_core.queries import certificates
from ods_core.service import Service
from ods_core.store import Store
from tests.seed import SUBMITTED, seed_request, two_cycle_proposal

STRANGER = Caller(SYSTEM, frozenset({Role.VIEWER}), "ORG-26-000001")


@pytest.fixture
def agreed(service: Service) -> Engagement:
    """20 % on confirmation, 30 % with cycle 1, 10 % with deliverable 3, 40 % at the end, of 15,500.00 USD."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    proposal = two_cycle_proposal(review_window_days=3, silence_policy=SilencePolicy.DEEMED_ACCEPTED)
    scope_id = service.propose(LOCAL, request_id, proposal).subject_id
    return service.confirm(LOCAL, scope_id, Confirm()).engagement


def submitted(service: Service, engagement: Engagement, *positions: int) -> list[str]:
    ids = [engagement.deliverables[n - 1].id for n in positions]
    for id in ids:
        service.submit(LOCAL, id, Submit("As agreed.", (Evidence("Load test", "https://example.com/load"),)))
    return ids


def certificate(store: Store, id: str) -> dict[str, object]:
    with store.read() as connection:
        return certificates.of_deliverable(connection, LOCAL, id)


def released(shown: dict[str, object]) -> list[D]:
    return [payment["amount"] for payment in shown["released"]]  # type: ignore[attr-defined]


def test_a_certificate_says_who_accepted_what_on_which_evidence(
    service: Service, store: Store, agreed: Engagement, clock: MovingClock
) -> None:
    one, _ = submitted(service, agreed, 1, 2)
    service.reject(LOCAL, one, Reject("Fails.", verdicts=(CriterionVerdict(1, Verdict.NOT_MET, "0.4 %"),)))
    service.submit(LOCAL, one, Submit("Mended.", (Evidence("Second run", "https://example.com/2"),)))
    clock.advance(hours=5)
    found = (CriterionVerdict(1, Verdict.MET, "0.05 % in run 2"),)
    service.accept(LOCAL, one, Accept("USR-26-000044", "Good.", found))
    shown = certificate(store, one)
    assert shown == {
        "deliverable_id": one,
        "title": "Root cause analysis and fix",
        "description": agreed.deliverables[0].description,
        "cycle_id": agreed.cycles[0].id,
        "attempt": 2,
        "submitted_at": SUBMITTED,
        "submitted_by": "local",
        "submission_notes": "Mended.",
        "evidence": [{"title": "Second run", "url": "https://example.com/2"}],
        "accepted_at": clock(),
        "accepted_by": "USR-26-000044",
        "deemed": False,
        "review_notes": "Good.",
        "criteria": [
            {
                "criterion": 1,
                "text": "Failure rate <0.1% in staging load test.",
                "verdict": "met",
                "evidence": "0.05 % in run 2",
            }
        ],
        "released": [],
        "service_line_id": agreed.service_lines[0].id,
        "request_id": agreed.request.id,
        "organization_id": agreed.request.organization_id,
        "workspace_id": agreed.request.workspace_id,
        "scope": {
            "id": agreed.scopes[0].id,
            "title": agreed.scopes[0].title,
            "revision": 1,
            "desired_outcome": agreed.request.desired_outcome,
            "fixed_price": D("15500.00"),
            "currency": "USD",
            "confirmed_at": SUBMITTED,
            "confirmed_by": "local",
        },
    }


def test_each_acceptance_lists_the_payments_it_released_and_no_others(
    service: Service, store: Store, agreed: Engagement
) -> None:
    """All within one second, where times alone could not tell one acceptance from the next."""
    one, two = submitted(service, agreed, 1, 2)
    service.accept(LOCAL, one, Accept())
    service.accept(LOCAL, two, Accept())
    (three,) = submitted(service, agreed, 3)
    service.accept(LOCAL, three, Accept())
    shown = [certificate(store, id) for id in (one, two, three)]
    assert [released(s) for s in shown] == [[], [D("4650.00")], [D("1550.00"), D("6200.00")]]
    with store.read() as connection:
        whole = certificates.of_service_line(connection, LOCAL, agreed.service_lines[0].id)
    assert [released(d) for d in whole["deliverables"]] == [released(s) for s in shown]
    assert sum(released(whole)) == whole["scope"]["fixed_price"] == D("15500.00")
    assert (whole["status"], whole["remediation_cycles"], whole["completed_at"]) == ("closed", 0, SUBMITTED)


def test_silence_is_certified_as_silence(
    service: Service, store: Store, agreed: Engagement, clock: MovingClock
) -> None:
    one, _ = submitted(service, agreed, 1, 2)
    clock.advance(days=3)
    service.lapse(one)
    shown = certificate(store, one)
    assert (shown["deemed"], shown["accepted_by"]) == (True, "system")
    assert [c["verdict"] for c in shown["criteria"]] == ["not_tested"]  # type: ignore[attr-defined]


def test_before_the_acceptance_there_is_no_certificate(service: Service, store: Store, agreed: Engagement) -> None:
    (one, _), line = submitted(service, agreed, 1, 2), agreed.service_lines[0].id
    for state in ("ready_for_acceptance", "rejected"):
        with pytest.raises(NotAllowed) as refused:
            certificate(store, one)
        assert refused.value.current_state == state
        if state != "rejected":
            service.reject(LOCAL, one, Reject("No."))
    with store.read() as connection, pytest.raises(NotAllowed) as refused:
        certificates.of_service_line(connection, LOCAL, line)
    assert (refused.value.current_state, refused.value.extra["scope_status"]) == ("active", "active")
    service.terminate(LOCAL, agreed.scopes[0].id, Terminate("Over."))
    with store.read() as connection, pytest.raises(NotAllowed) as refused:
        certificates.of_service_line(connection, LOCAL, line)
    assert (refused.value.current_state, refused.value.extra["scope_status"]) == ("closed", "cancelled")


def test_another_organisations_certificate_is_not_there(service: Service, store: Store, agreed: Engagement) -> None:
    one, _ = submitted(service, agreed, 1, 2)
    service.accept(LOCAL, one, Accept())
    with store.read() as connection:
        with pytest.raises(NotFound):
            certificates.of_deliverable(connection, STRANGER, one)
        with pytest.raises(NotFound):
            certificates.of_service_line(connection, STRANGER, agreed.service_lines[0].id)
        with pytest.raises(NotFound):
            certificates.of_deliverable(connection, LOCAL, "DLV-26-999999")
