"""Cycles, deliverables and service lines: follow the delivery, and decide on what it delivers."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from ods_core.api.bodies import DecisionBody, EmptyBody, SubmitBody
from ods_core.api.exchange import answer
from ods_core.api.routes.reading import page_of, resource_of
from ods_core.api.shapes import (
    CertificateShape,
    CycleShape,
    Decided,
    DeliverableShape,
    ServiceLineCertificateShape,
    ServiceLineShape,
)
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.events import EventType
from ods_core.basics.settings import ReviewPolicy
from ods_core.basics.states import CycleKind, CycleStatus, DeliverableStatus, Kind, ServiceLineStatus
from ods_core.lifecycle import Accept, Start
from ods_core.queries import certificates
from ods_core.service import Result
from ods_core.service.gate import warning

routes = router("Delivery")


@routes.get("/cycles", responses=many(CycleShape))
def list_cycles(
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    status: CycleStatus | None = None,
    kind: CycleKind | None = None,
    organization_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Delivery and remediation cycles, newest first."""
    filters = {"scope_id": scope_id, "status": status, "kind": kind, "organization_id": organization_id}
    return page_of(run, caller, Kind.CYCLE, filters, limit, cursor)


@routes.get("/cycles/{id}", responses=one(CycleShape))
def get_cycle(id: str, run: Running, caller: Asking) -> Response:
    """A cycle with the present state of its deliverables."""
    return resource_of(run, caller, Kind.CYCLE, id)


@routes.get("/deliverables", responses=many(DeliverableShape))
def list_deliverables(
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    status: DeliverableStatus | None = None,
    organization_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Deliverables, newest first; `status=ready_for_acceptance` are those that wait for a decision."""
    filters = {"scope_id": scope_id, "status": status, "organization_id": organization_id}
    return page_of(run, caller, Kind.DELIVERABLE, filters, limit, cursor)


@routes.get("/deliverables/{id}", responses=one(DeliverableShape))
def get_deliverable(id: str, run: Running, caller: Asking) -> Response:
    """A deliverable with its criteria and the history of its attempts."""
    return resource_of(run, caller, Kind.DELIVERABLE, id)


@routes.post("/deliverables/{id}/start", responses=one(DeliverableShape))
def start_deliverable(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Begin work on a deliverable of a cycle in progress."""
    return answer(run.service.start(caller, id, Start()).resource())


@routes.post("/deliverables/{id}/submit", responses=one(DeliverableShape))
def submit_deliverable(id: str, run: Running, caller: Asking, body: SubmitBody | None = None) -> Response:
    """Hand in a deliverable. The last one of its cycle completes the cycle, and all of them become reviewable."""
    return answer(run.service.submit(caller, id, (body or SubmitBody()).command()).resource())


@routes.post("/deliverables/{id}/accept", responses=one(Decided))
def decide_deliverable(id: str, body: DecisionBody, run: Running, caller: Asking) -> Response:
    """Accept or reject a deliverable that is ready for acceptance; the decision is final for this attempt.

    A rejection that nobody could act on is answered with `warnings`, or refused where `ODS_REVIEW_POLICY=enforce`.
    """
    command = body.command()
    if isinstance(command, Accept):
        return answer(_decided(run.service.accept(caller, id, command)))
    enforce = run.settings.review_policy == ReviewPolicy.ENFORCE
    return answer(_decided(run.service.reject(caller, id, command, enforce=enforce)))


def _decided(result: Result) -> dict[str, Any]:
    engagement = result.engagement
    deliverable = engagement.deliverable(result.subject_id)
    attempt = engagement.attempts_of(deliverable.id)[-1]
    started = result.caused(EventType.CYCLE_STARTED)
    line = engagement.service_line
    return result.resource() | {
        "remediation_cycle_id": attempt.remediation_cycle_id,
        "next_cycle_id": started[0].subject_id if started else None,
        "payments_due": [event.data for event in result.caused(EventType.PAYMENT_DUE)],
        "scope_status": engagement.scope(deliverable.scope_id).status.value,
        "service_line_status": line.status.value if line else None,
        "warnings": [warning(finding) for finding in result.warnings],
    }


@routes.get("/deliverables/{id}/certificate", responses=one(CertificateShape, refusals=(404, 409)))
def get_certificate(id: str, run: Running, caller: Asking) -> Response:
    """Who accepted a deliverable, when, by which criteria and evidence, and what that released; 409 before that."""
    with run.store.read() as connection:
        return answer(certificates.of_deliverable(connection, caller, id))


@routes.get("/service-lines", responses=many(ServiceLineShape))
def list_service_lines(
    run: Running,
    caller: Asking,
    status: ServiceLineStatus | None = None,
    scope_id: str | None = None,
    organization_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Service lines, newest first."""
    filters = {"status": status, "scope_id": scope_id, "organization_id": organization_id}
    return page_of(run, caller, Kind.SERVICE_LINE, filters, limit, cursor)


@routes.get("/service-lines/{id}", responses=one(ServiceLineShape))
def get_service_line(id: str, run: Running, caller: Asking) -> Response:
    """A service line: `active` until the last acceptance or a termination closes it."""
    return resource_of(run, caller, Kind.SERVICE_LINE, id)


@routes.get("/service-lines/{id}/certificate", responses=one(ServiceLineCertificateShape, refusals=(404, 409)))
def get_service_line_certificate(id: str, run: Running, caller: Asking) -> Response:
    """The acceptance of a whole scope, deliverable by deliverable; 409 before the last one."""
    with run.store.read() as connection:
        return answer(certificates.of_service_line(connection, caller, id))
