"""Reading one thing or a page of a list: the same for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fastapi.responses import Response

from ods_core.api.exchange import answer
from ods_core.api.once import TAGGED, etag, is_unchanged
from ods_core.basics.resources import resource
from ods_core.basics.roles import Caller
from ods_core.basics.states import Kind
from ods_core.queries.lists import conditions, engagement_of, page, read_cursor, write_cursor
from ods_core.service import Runtime

T = TypeVar("T")


def resource_of(run: Runtime, caller: Caller, kind: Kind, id: str) -> Response:
    """One thing."""
    with run.store.read() as connection:
        engagement = engagement_of(connection, caller, kind, id)
    headers = {"ETag": etag(engagement, kind, id, caller)} if kind in TAGGED else {}
    if headers and is_unchanged(headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return answer(resource(engagement, kind, id, run.clock(), run.service.review_days(), caller), headers=headers)


def page_of(
    run: Runtime, caller: Caller, kind: Kind, filters: Mapping[str, Any], limit: int, cursor: str | None
) -> Response:
    """One page of a list, newest first."""
    now, review_days = run.clock(), run.service.review_days()
    with run.store.read() as connection:
        found = page(connection, caller, kind, conditions(kind, filters, now), limit=limit, cursor=cursor)
    shown = [resource(engagement, kind, id, now, review_days, caller) for engagement, id in found.items]
    return answer(shown, meta={"cursor": found.cursor, "has_more": found.has_more})


def first_of(
    found: Sequence[T], limit: int, number: Callable[[T], int], show: Callable[[T], Mapping[str, Any]]
) -> Response:
    """A page of a list of which one row more than `limit` was asked for, to know whether it goes on."""
    shown = found[:limit]
    more = write_cursor(number(shown[-1])) if len(found) > limit else None
    return answer([show(one) for one in shown], meta={"cursor": more, "has_more": more is not None})


def place_of(cursor: str | None) -> int | None:
    """Before which number a page begins; None: at the newest.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    return None if cursor is None else read_cursor(cursor)
