"""API keys, and what happened at the door; for administrators."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import KeyBody
from ods_core.api.exchange import answer, created_with_secret
from ods_core.api.shapes import KeyShape, NewKeyShape, SecurityEventShape
from ods_core.api.wiring import COMMAND, Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.ids import number_of
from ods_core.basics.keys import SecurityKind
from ods_core.queries.lists import read_cursor, write_cursor

routes = router("Trust")


@routes.post("/keys", status_code=201, responses=one(NewKeyShape, status=201, refusals=COMMAND))
def make_key(body: KeyBody, run: Running, caller: Asking) -> Response:
    """Make an API key. The answer is the only place where the whole of it is ever shown.

    From the first key on, this API answers nobody without one.
    """
    key, text = run.access.make_key(caller, body.wanted())
    return created_with_secret(key.as_json(run.clock()) | {"key": text}, "keys", "key")


@routes.get("/keys", responses=many(KeyShape, refusals=(403,)))
def list_keys(run: Running, caller: Asking, limit: Limit = 25, cursor: Cursor = None) -> Response:
    """The keys of the caller's organisation, or all of them; newest first, ended ones too."""
    found = run.access.keys(caller, limit=limit + 1, before=None if cursor is None else read_cursor(cursor))
    shown = found[:limit]
    more = write_cursor(number_of(shown[-1].id)) if len(found) > limit else None
    now = run.clock()
    return answer([key.as_json(now) for key in shown], meta={"cursor": more, "has_more": more is not None})


@routes.get("/keys/{id}", responses=one(KeyShape, refusals=(403, 404)))
def get_key(id: str, run: Running, caller: Asking) -> Response:
    """One key."""
    return answer(run.access.key(caller, id).as_json(run.clock()))


@routes.delete("/keys/{id}", responses=one(KeyShape, refusals=(403, 404)))
def revoke_key(id: str, run: Running, caller: Asking) -> Response:
    """End a key, at once and for good; it stays listed. Ending it again changes nothing."""
    return answer(run.access.revoke_key(caller, id).as_json(run.clock()))


@routes.get("/security-events", responses=many(SecurityEventShape, refusals=(403,)))
def list_security_events(
    run: Running, caller: Asking, kind: SecurityKind | None = None, limit: Limit = 25, cursor: Cursor = None
) -> Response:
    """Who came in, what was denied, which keys were made and ended, which exports were taken; newest first."""
    found = run.access.security_events(
        caller,
        kinds=(kind,) if kind else (),
        limit=limit + 1,
        before=None if cursor is None else read_cursor(cursor),
    )
    shown = found[:limit]
    more = write_cursor(shown[-1].number) if len(found) > limit else None
    return answer([event.as_json() for event in shown], meta={"cursor": more, "has_more": more is not None})
