"""The events feed, at `/v1/events`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BeforeValidator, WithJsonSchema

from ods_core.api.exchange import ExactRoute, answer
from ods_core.api.shapes import EventShape
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many
from ods_core.basics.clock import parse_time
from ods_core.basics.events import EventType
from ods_core.queries.activity import EventFilter, feed

routes = APIRouter(tags=["Events"], route_class=ExactRoute)


def _time(value: object) -> datetime:
    try:
        return parse_time(str(value))
    except ValueError:
        raise ValueError("expected a time such as 2026-04-15T10:00:00Z") from None


Time = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]


@routes.get("/events", responses=many(EventShape))
def follow_events(
    run: Running,
    caller: Asking,
    organization_id: str | None = None,
    request_id: str | None = None,
    type: Annotated[list[EventType] | None, Query(description="May be given several times")] = None,
    since: Annotated[Time | None, Query(alias="from")] = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Events, oldest first. Keep `cursor` and ask again with it: each event comes once, in the order of commits."""
    wanted = EventFilter(organization_id, request_id, type or (), since)
    with run.store.read() as connection:
        found = feed(connection, caller, wanted, limit=limit, cursor=cursor)
    shown = [event.as_json() for event in found.events]
    return answer(shown, meta={"cursor": found.cursor, "has_more": found.has_more})
