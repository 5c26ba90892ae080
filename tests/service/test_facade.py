"""The documented example from its request to the last acceptance, through the service and a database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, NotFound
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import Kind, PaymentStatus, RequestStatus, ScopeStatus
from ods_core.lifecycle import Accept, Cancel, Confirm, Submit
from ods_core.queries.lists import engagement_of
from ods_core.service import Service
from ods_core.store import Store
from tests.seed import CLIENT, PROVIDER, seed_proposal, seed_request


def test_the_documented_example_runs_from_its_request_to_the_closed_service_line(
    service: Service, store: Store, clock: MovingClock
) -> None:
    request_id = service.submit_request(CLIENT, seed_request()).subject_id
    scope_id = service.propose(PROVIDER, request_id, seed_proposal()).subject_id
    confirmed = service.confirm(CLIENT, scope_id, Confirm()).engagement
    assert [(m.amount, m.due_at) for m in confirmed.milestones] == [
        (Decimal("7750.00"), datetime(2026, 4, 22, tzinfo=UTC)),
        (Decimal("7750.00"), None),
    ]
    clock.move_to(datetime(2026, 5, 14, 16, 0, tzinfo=UTC))
    for d in confirmed.deliverables:
        service.submit(PROVIDER, d.id, Submit())
    for d in confirmed.deliverables:
        ended = service.accept(CLIENT, d.id, Accept()).engagement
    assert ended.scopes[-1].status == ScopeStatus.COMPLETED
    assert ended.milestones[-1].status == PaymentStatus.DUE
    assert ended.milestones[-1].due_at == datetime(2026, 5, 21, tzinfo=UTC)
    with store.read() as connection:
        assert engagement_of(connection, CLIENT, Kind.REQUEST, request_id) == ended


def test_a_caller_without_the_role_is_refused_and_nothing_is_written(service: Service, store: Store) -> None:
    request_id = service.submit_request(CLIENT, seed_request()).subject_id
    before = store.last_sequence
    with pytest.raises(Forbidden, match="needs the role provider"):
        service.propose(CLIENT, request_id, seed_proposal())
    assert store.last_sequence == before


def test_another_organisations_request_is_as_good_as_not_there(service: Service) -> None:
    request_id = service.submit_request(CLIENT, seed_request()).subject_id
    stranger = Caller(CLIENT.actor, frozenset(Role), organization_id="ORG-26-000001")
    with pytest.raises(NotFound, match=request_id):
        service.cancel(stranger, request_id, Cancel("Not ours."))


def test_nobody_submits_a_request_for_another_organisation(service: Service) -> None:
    stranger = Caller(CLIENT.actor, frozenset(Role), organization_id="ORG-26-000001")
    with pytest.raises(Forbidden, match="acts for ORG-26-000001"):
        service.submit_request(stranger, seed_request())


def test_commands_given_together_are_kept_together_or_not_at_all(service: Service, store: Store) -> None:
    class Stopped(Exception):
        pass

    def stop_halfway() -> None:
        with service.store.write():
            request_id = service.submit_request(LOCAL, seed_request()).subject_id
            service.propose(LOCAL, request_id, seed_proposal())
            raise Stopped

    with pytest.raises(Stopped):
        stop_halfway()
    assert store.is_empty()
    assert store.last_sequence == 0
    with service.store.write():
        kept = service.submit_request(LOCAL, seed_request()).subject_id
        service.propose(LOCAL, kept, seed_proposal())
    with store.read() as connection:
        assert engagement_of(connection, LOCAL, Kind.REQUEST, kept).request.status == RequestStatus.SCOPED
