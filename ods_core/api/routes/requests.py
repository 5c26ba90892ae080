"""Requests: ask for an outcome, and bring it to a proposal."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import NegotiateBody, ProposalBody, ReasonBody, RequestBody, ReviseBody
from ods_core.api.exchange import answer, created
from ods_core.api.routes.reading import page_of, resource_of
from ods_core.api.shapes import RequestShape, ScopeShape
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.states import Kind, RequestStatus

routes = router("Requests")


@routes.post("/requests", status_code=201, responses=one(RequestShape, status=201, refusals=()))
def submit_request(body: RequestBody, run: Running, caller: Asking) -> Response:
    """Ask for an outcome. The request is `scoping` until the provider presents a proposal."""
    return created(run.service.submit_request(caller, body.command()).resource(), "requests")


@routes.get("/requests", responses=many(RequestShape))
def list_requests(
    run: Running,
    caller: Asking,
    status: RequestStatus | None = None,
    organization_id: str | None = None,
    workspace_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Requests, newest first."""
    filters = {"status": status, "organization_id": organization_id, "workspace_id": workspace_id}
    return page_of(run, caller, Kind.REQUEST, filters, limit, cursor)


@routes.get("/requests/{id}", responses=one(RequestShape))
def get_request(id: str, run: Running, caller: Asking) -> Response:
    """A request with its status and, once scoped, its scope."""
    return resource_of(run, caller, Kind.REQUEST, id)


@routes.post("/requests/{id}/scope", status_code=201, responses=one(ScopeShape, status=201))
def propose_scope(id: str, body: ProposalBody, run: Running, caller: Asking) -> Response:
    """Present a scope proposal. The request becomes `scoped`; 409 `does_not_fit` over its budget or timeline."""
    return created(run.service.propose(caller, id, body.command()).resource(caller), "scopes")


@routes.post("/requests/{id}/negotiate", responses=one(RequestShape))
def negotiate_request(id: str, body: NegotiateBody, run: Running, caller: Asking) -> Response:
    """Say that the request does not fit its bounds, and what would. It becomes `requires_negotiation`."""
    return answer(run.service.negotiate(caller, id, body.command()).resource())


@routes.post("/requests/{id}/revise", responses=one(RequestShape))
def revise_request(id: str, body: ReviseBody, run: Running, caller: Asking) -> Response:
    """Change a request that requires negotiation. It is `scoping` again."""
    return answer(run.service.revise(caller, id, body.command()).resource())


@routes.post("/requests/{id}/cancel", responses=one(RequestShape))
def cancel_request(id: str, body: ReasonBody, run: Running, caller: Asking) -> Response:
    """Cancel a request of which no scope was ever confirmed."""
    return answer(run.service.cancel(caller, id, body.cancel()).resource())
