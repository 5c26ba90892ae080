"""API keys, and what happened at the door; for administrators."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import KeyBody
from ods_core.api.exchange import answer, created_with_secret
from ods_core.api.routes.reading import first_of, place_of
from ods_core.api.shapes import KeyShape, NewKeyShape, SecurityEventShape
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.keys import SecurityEvent, SecurityKind

routes = router("Trust")


@routes.post("/keys", status_code=201, responses=one(NewKeyShape, status=201))
def make_key(body: KeyBody, run: Running, caller: Asking) -> Response:
    """Make an API key. The answer is the only place where the whole of it is ever shown.

    From the first key on, this API answers nobody without one.
    """
    key, text = run.access.make_key(caller, body.wanted())
    return created_with_secret(key.as_json(run.clock()) | {"key": text}, "keys", "key")


@routes.get("/keys", responses=many(KeyShape))
def list_keys(run: Running, caller: Asking, limit: Limit = 25, cursor: Cursor = None) -> Response:
    """The keys of the caller's organisation, or all of them; newest first, ended ones too."""
    now, found = run.clock(), run.access.keys(caller, limit=limit + 1, before=place_of(cursor))
    return first_of(found, limit, lambda key: key.number, lambda key: key.as_json(now))


@routes.get("/keys/{id}", responses=one(KeyShape))
def get_key(id: str, run: Running, caller: Asking) -> Response:
    """One key."""
    return answer(run.access.key(caller, id).as_json(run.clock()))


@routes.delete("/keys/{id}", responses=one(KeyShape))
def revoke_key(id: str, run: Running, caller: Asking) -> Response:
    """End a key, at once and for good; it stays listed. Ending it again changes nothing."""
    return answer(run.access.revoke_key(caller, id).as_json(run.clock()))


@routes.get("/security-events", responses=many(SecurityEventShape))
def list_security_events(
    run: Running, caller: Asking, kind: SecurityKind | None = None, limit: Limit = 25, cursor: Cursor = None
) -> Response:
    """Who came in, what was denied, which keys were made and ended, which exports were taken; newest first."""
    kinds = (kind,) if kind else ()
    found = run.access.security_events(caller, kinds=kinds, limit=limit + 1, before=place_of(cursor))
    return first_of(found, limit, lambda event: event.number, SecurityEvent.as_json)
