"""Webhook endpoints: who is told of events, and what came of it."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import EmptyBody, EndpointBody, ReplayBody
from ods_core.api.exchange import answer, answer_with_secret, created_with_secret
from ods_core.api.shapes import (
    DeletedShape,
    DeliveryAttemptShape,
    EndpointShape,
    NewEndpointShape,
    ReplayShape,
    TestShape,
)
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.roles import Caller
from ods_core.basics.states import DeliveryStatus
from ods_core.basics.webhooks import Endpoint, attempt_resource, endpoint_resource
from ods_core.queries.webhooks import attempt_page, endpoint, endpoint_page
from ods_core.service import Runtime

routes = router("Webhooks")


@routes.post(
    "/webhook-endpoints",
    status_code=201,
    responses=one(NewEndpointShape, status=201, refusals=()),
)
def add_endpoint(body: EndpointBody, run: Running, caller: Asking) -> Response:
    """Have events sent to an address from now on. The answer alone shows the secret that they are signed with."""
    made, secret = run.webhooks.add(caller, body.url, body.event_types, body.organization_id)
    return created_with_secret(endpoint_resource(made, secret=secret), "webhook-endpoints", "secret")


@routes.get("/webhook-endpoints", responses=many(EndpointShape))
def list_endpoints(run: Running, caller: Asking, limit: Limit = 25, cursor: Cursor = None) -> Response:
    """Endpoints, newest first, with how each is doing."""
    with run.store.read() as connection:
        found = endpoint_page(connection, caller, limit=limit, cursor=cursor)
    shown = [endpoint_resource(e, health) for e, health in found.items]
    return answer(shown, meta={"cursor": found.cursor, "has_more": found.cursor is not None})


@routes.get("/webhook-endpoints/{id}", responses=one(EndpointShape))
def get_endpoint(id: str, run: Running, caller: Asking) -> Response:
    """An endpoint, with how it is doing."""
    with run.store.read() as connection:
        found, health = endpoint(connection, caller, id)
    return answer(endpoint_resource(found, health))


@routes.delete("/webhook-endpoints/{id}", responses=one(DeletedShape))
def delete_endpoint(id: str, run: Running, caller: Asking) -> Response:
    """Send nothing more to an address, and forget its secret."""
    run.webhooks.delete(caller, id)
    return answer({"id": id, "deleted": True})


@routes.get("/webhook-endpoints/{id}/deliveries", responses=many(DeliveryAttemptShape, (404,)))
def list_deliveries(
    id: str,
    run: Running,
    caller: Asking,
    status: DeliveryStatus | None = None,
    event_id: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Every attempt to deliver to an endpoint, newest first: the response's status and how long it took."""
    with run.store.read() as connection:
        found = attempt_page(connection, caller, id, status=status, event_id=event_id, limit=limit, cursor=cursor)
    shown = [attempt_resource(attempt) for attempt in found.items]
    return answer(shown, meta={"cursor": found.cursor, "has_more": found.cursor is not None})


@routes.post("/webhook-endpoints/{id}/replay", status_code=202, responses=one(ReplayShape, status=202))
def replay(id: str, body: ReplayBody, run: Running, caller: Asking) -> Response:
    """Send again: one event (`event_id`), or what occurred in a range of time (`from`, `to`)."""
    first, end = body.range()
    if body.event_id is not None:
        made = run.webhooks.replay_event(caller, id, body.event_id)
    else:
        assert first is not None
        made = run.webhooks.replay_range(caller, id, first, end)
    return answer({"endpoint_id": made.endpoint_id, "events": made.events}, 202)


@routes.post("/webhook-endpoints/{id}/test", status_code=202, responses=one(TestShape, status=202))
def send_test(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Send an event of type `ods.webhook_endpoint.test`, whatever types were asked for."""
    event = run.webhooks.send_test(caller, id)
    return answer({"endpoint_id": id, "event_id": event.id}, 202)


@routes.post("/webhook-endpoints/{id}/rotate-secret", responses=one(NewEndpointShape))
def rotate_secret(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Make a new secret, shown in this answer alone. Until `previous_secret_until` the old one signs as well."""
    changed, secret = run.webhooks.rotate_secret(caller, id)
    return answer_with_secret(endpoint_resource(changed, secret=secret), "secret")


@routes.post("/webhook-endpoints/{id}/enable", responses=one(EndpointShape))
def enable_endpoint(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Send again, what has waited first. 409 if it is enabled."""
    return _changed(run, caller, run.webhooks.enable(caller, id))


@routes.post("/webhook-endpoints/{id}/disable", responses=one(EndpointShape))
def disable_endpoint(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Send nothing until it is enabled again; events wait meanwhile. 409 if it is disabled."""
    return _changed(run, caller, run.webhooks.disable(caller, id))


def _changed(run: Runtime, caller: Caller, changed: Endpoint) -> Response:
    """As the command left it, which may not be committed yet; how it is doing is nothing that a command changes."""
    with run.store.read() as connection:
        _, health = endpoint(connection, caller, changed.id)
    return answer(endpoint_resource(changed, health))
