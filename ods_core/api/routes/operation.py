"""For those who run the server: is it well, and what does it do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ods_core import __version__
from ods_core.api import measuring
from ods_core.api.exchange import ExactRoute, LinkRoute, answer
from ods_core.api.shapes import Data, HealthShape
from ods_core.api.wiring import Asking
from ods_core.basics.errors import Forbidden, OdsError
from ods_core.basics.roles import Role
from ods_core.service import runtime

routes = APIRouter(tags=["Operation"], route_class=LinkRoute)
closed = APIRouter(tags=["Operation"], route_class=ExactRoute)

_WELL: dict[int | str, Any] = {
    200: {"model": Data[HealthShape]},
    503: {"model": Data[HealthShape], "description": "It lives, but calls and pages would fail"},
}


@routes.get("/health", responses=_WELL)
def get_health() -> Response:
    """Whether the server lives, and whether it can serve: its database answers.

    No key is needed.
    """
    ready, database = _readiness()
    told = {"live": True, "ready": ready, "database": database, "version": __version__}
    return answer(told, 200 if ready else 503, headers={"Cache-Control": "no-store"})


def _readiness() -> tuple[bool, str]:
    try:
        run = runtime()
        with run.store.read() as connection:
            connection.exec_driver_sql("SELECT 1")
    except OdsError:
        return False, "does not answer"
    if not run.filling.is_done:
        return False, "is being filled for the first time"
    return True, "answers"


_FIGURES: dict[int | str, Any] = {200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}}


@closed.get(
    "/metrics",
    responses=_FIGURES,
    response_class=Response,
)
def get_metrics(caller: Asking) -> Response:
    """Counts and times of this process for Prometheus; for the provider's keys, and administrators of all of it."""
    if caller.organization_id is not None or not caller.may(frozenset({Role.VIEWER, Role.ADMIN})):
        raise Forbidden("the server's own figures are for a key of the provider's with the role viewer or admin")
    measuring.EVENTS.set(runtime().store.last_sequence)
    return Response(generate_latest(measuring.REGISTRY), media_type=CONTENT_TYPE_LATEST)
