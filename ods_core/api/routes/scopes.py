"""Scopes: read a proposal, confirm or decline it, and what became of it."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from ods_core.api.bodies import ConfirmBody, ReasonBody, ReissueBody
from ods_core.api.exchange import answer, created
from ods_core.api.routes.reading import page_of, resource_of
from ods_core.api.shapes import Confirmed, ScopeForecastShape, ScopeShape, StatementShape
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.events import EventType
from ods_core.basics.resources import payment_resource, statement
from ods_core.basics.states import Kind, ScopeStatus
from ods_core.lifecycle import Confirm
from ods_core.queries.delivery import scope_forecast, scope_forecast_resource
from ods_core.queries.lists import engagement_of
from ods_core.queries.runs import SEED
from ods_core.service import Result

routes = router("Scopes")


@routes.get("/scopes", responses=many(ScopeShape))
def list_scopes(
    run: Running,
    caller: Asking,
    status: ScopeStatus | None = None,
    request_id: str | None = None,
    organization_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Scopes, newest first."""
    filters = {"status": status, "request_id": request_id, "organization_id": organization_id}
    return page_of(run, caller, Kind.SCOPE, filters, limit, cursor)


@routes.get("/scopes/{id}", responses=one(ScopeShape))
def get_scope(id: str, run: Running, caller: Asking) -> Response:
    """The whole proposal and, once confirmed, the engagement's specification."""
    return resource_of(run, caller, Kind.SCOPE, id)


@routes.get("/scopes/{id}/forecast", responses=one(ScopeForecastShape))
def get_scope_forecast(id: str, run: Running, caller: Asking, seed: int = SEED) -> Response:
    """When an active scope is finished by simulation, and how likely that is on time.

    With fewer than 8 finished cycles nothing is simulated: `runs` is 0. Dates are null then, and of a scope that is
    not active.
    """
    with run.store.read() as connection:
        engagement_of(connection, caller, Kind.SCOPE, id)
        return answer(scope_forecast_resource(id, scope_forecast(connection, caller, id, run.clock(), seed)))


@routes.post("/scopes/{id}", responses=one(Confirmed))
def confirm_scope(id: str, body: ConfirmBody, run: Running, caller: Asking) -> Response:
    """Confirm a proposal: a service line opens, the first payment becomes due. `confirm: false` declines it."""
    command = body.command()
    if isinstance(command, Confirm):
        return answer(_confirmed(run.service.confirm(caller, id, command)))
    return answer(_declined(run.service.decline(caller, id, command)))


def _confirmed(result: Result) -> dict[str, Any]:
    scope = result.engagement.scope(result.subject_id)
    line = result.engagement.service_lines[-1]
    started = result.caused(EventType.CYCLE_STARTED)
    due = result.caused(EventType.PAYMENT_DUE)
    return {
        "scope_id": scope.id,
        "status": scope.status.value,
        "service_line_id": line.id,
        "cycle_id": started[0].subject_id,
        "payment_due": _payment_due(due[0].data) if due else None,
        "request_id": scope.request_id,
        "request_status": result.engagement.request.status.value,
    }


def _payment_due(payment: Any) -> dict[str, Any]:
    return {name: payment[name] for name in ("amount", "currency", "due_at", "description", "id")}


def _declined(result: Result) -> dict[str, Any]:
    scope = result.engagement.scope(result.subject_id)
    return {
        "scope_id": scope.id,
        "status": scope.status.value,
        "request_id": scope.request_id,
        "request_status": result.engagement.request.status.value,
        "reason": scope.cancellation_reason,
    }


@routes.post("/scopes/{id}/reissue", status_code=201, responses=one(ScopeShape, status=201))
def reissue_scope(id: str, body: ReissueBody, run: Running, caller: Asking) -> Response:
    """Present an expired proposal again as the next revision; dates that have passed move on."""
    return created(run.service.reissue(caller, id, body.command()).resource(caller), "scopes")


@routes.post("/scopes/{id}/terminate", responses=one(ScopeShape))
def terminate_scope(id: str, body: ReasonBody, run: Running, caller: Asking) -> Response:
    """End an active scope early: what was due stays due, what was not is void."""
    return answer(run.service.terminate(caller, id, body.terminate()).resource(caller))


@routes.get("/scopes/{id}/statement", responses=one(StatementShape))
def get_statement(id: str, run: Running, caller: Asking) -> Response:
    """What became of the price: received, open, scheduled and void always sum to it."""
    now, usual = run.clock(), run.service.review_days()
    with run.store.read() as connection:
        engagement = engagement_of(connection, caller, Kind.SCOPE, id)
    payments = [payment_resource(engagement, m, now, usual) for m in engagement.milestones if m.scope_id == id]
    return answer(statement(engagement, engagement.scope(id)) | {"payments": payments})
