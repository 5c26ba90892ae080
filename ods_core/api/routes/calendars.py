"""Calendars, and the private links that open them."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import CalendarLinkBody
from ods_core.api.exchange import answer, created_with_secret
from ods_core.api.files import described
from ods_core.api.routes.reading import first_of, place_of
from ods_core.api.shapes import CalendarLinkShape, NewCalendarLinkShape
from ods_core.api.wiring import BASE, Asking, Cursor, Limit, Running, links, many, one, router
from ods_core.basics.calendar_links import CalendarLink
from ods_core.papers.calendar import MEDIA_TYPE, calendar_file
from ods_core.queries.calendar import AHEAD, BEHIND, entries

routes = router("Calendars")
by_link = links("Calendars")

_WHY = {404: "No such link, or one that was revoked", 422: "An unknown query parameter", 503: "The database is away"}


@routes.post("/calendar-links", status_code=201, responses=one(NewCalendarLinkShape, status=201))
def make_calendar_link(body: CalendarLinkBody, run: Running, caller: Asking) -> Response:
    """Make a private link to a calendar. The answer is the only place where its address is ever shown."""
    link, token = run.calendars.make(caller, body.wanted())
    shown = link.as_json() | {"path": f"/v1{BASE}/calendar/{token}.ics"}
    return created_with_secret(shown, "calendar-links", "path")


@routes.get("/calendar-links", responses=many(CalendarLinkShape))
def list_calendar_links(run: Running, caller: Asking, limit: Limit = 25, cursor: Cursor = None) -> Response:
    """The links of the caller's organisation, or all of them; newest first, revoked ones too."""
    found = run.calendars.newest(caller, limit=limit + 1, before=place_of(cursor))
    return first_of(found, limit, lambda link: link.number, CalendarLink.as_json)


@routes.get("/calendar-links/{id}", responses=one(CalendarLinkShape))
def get_calendar_link(id: str, run: Running, caller: Asking) -> Response:
    """One link."""
    return answer(run.calendars.link(caller, id).as_json())


@routes.delete("/calendar-links/{id}", responses=one(CalendarLinkShape))
def revoke_calendar_link(id: str, run: Running, caller: Asking) -> Response:
    """End a link, at once and for good; it stays listed. Ending it again changes nothing."""
    return answer(run.calendars.revoke(caller, id).as_json())


@by_link.get("/calendar/{token}.ics", responses=described((MEDIA_TYPE,), _WHY, _WHY), response_class=Response)
def get_calendar(token: str, run: Running) -> Response:
    """When cycles end and payments are due, as far as the link's organisation sees them; for calendar programs."""
    link = run.calendars.open(token)
    with run.store.read() as connection:
        found = entries(connection, link.caller, run.clock().date())
    whose = link.workspace_id or link.organization_id or "every organisation"
    about = f"Cycle ends and due dates of {whose}, {BEHIND.days} days back and {AHEAD.days} ahead."
    made = calendar_file(f"On-Demand Sprints · {link.name}", about, found)
    headers = {"Content-Disposition": 'inline; filename="ods.ics"', "Cache-Control": "private, no-cache"}
    return Response(made, media_type=MEDIA_TYPE, headers=headers)
