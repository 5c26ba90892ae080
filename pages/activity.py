"""Activity: the event log as people read it, and one engagement as a story."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

import streamlit as st

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid
from ods_core.basics.events import EVENT_LABELS, Event, EventType
from ods_core.basics.ids import Prefix, is_id
from ods_core.basics.states import Kind, look
from ods_core.queries import activity, choices
from ods_core.queries.activity import EventFilter, EventPage
from ods_core.ui import cards, live, storyline, tables
from ods_core.ui.formats import day, money
from ods_core.ui.places import PLACE_OF
from ods_core.ui.session import (
    address,
    caller,
    choose,
    choose_day,
    choose_text,
    engagement_of,
    link,
    link_to,
    param,
    reading,
)

ROWS = 40
SUBJECTS = {
    "request": "Requests",
    "scope": "Scopes",
    "service_line": "Service lines",
    "cycle": "Cycles",
    "remediation": "Remediations",
    "deliverable": "Deliverables",
    "payment": "Payments",
    "invoice": "Invoices",
    "webhook_endpoint": "Webhooks",
}


def types_about(subject: str) -> list[EventType]:
    """The events of the catalogue about one kind of thing."""
    return [event for event in EventType if not subject or event.split(".")[1] == subject]


def chosen_filter() -> EventFilter:
    """The filters that stand in the address."""
    with reading() as connection:
        organizations = choices.organizations(connection, caller())
    with st.container(key="filters"):
        first, second, third = st.columns(3)
        with first:
            organization = choose("organization", "Organisation", {id: id for id in organizations})
            since = choose_day("since", "From (included)")
        with second:
            subject = choose("about", "About", SUBJECTS, resets=("after", "type"))
            until = choose_day("until", "Until (included)")
        with third:
            type = choose("type", "Event", {e.value: EVENT_LABELS[e] for e in types_about(subject)})
            request = choose_text("request", "Request", placeholder="OREQ-26-000001").upper()
    return EventFilter(
        organization_id=organization or None,
        request_id=request or None,
        types=[type] if type else [e.value for e in types_about(subject)] if subject else (),
        since=midnight(since) if since else None,
        until=midnight(until + timedelta(days=1)) if until else None,
    )


def found(wanted: EventFilter) -> EventPage:
    """One page of the log; a place in it that cannot be read is its beginning."""
    trail = tables.cursor_trail()
    with reading() as connection:
        try:
            return activity.log(connection, caller(), wanted, limit=ROWS, cursor=trail[-1] if trail else None)
        except Invalid:
            return activity.log(connection, caller(), wanted, limit=ROWS)


def show_engagement(request_id: str) -> None:
    """Which engagement the story is about."""
    engagement = engagement_of(Kind.REQUEST, request_id)
    r, scope = engagement.request, engagement.current_scope
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="engagement"):
        link_to(Kind.REQUEST, r.id, r.title)
        st.markdown(cards.state_text(r.status), width="content")
        if scope:
            link_to(Kind.SCOPE, scope.id, f"Scope for {money(scope.fixed_price, scope.currency)}")
            st.markdown(cards.state_text(scope.status), width="content")
            for milestone in engagement.milestones[:1]:
                st.caption(f"first payment {look(milestone.status).label.lower()}", width="content")


def show_day(events: list[Event]) -> None:
    """The events of one day, each with the way to what it is about."""
    for event in events:
        said, ways = st.columns([7, 3], vertical_alignment="center", gap="small")
        said.markdown(storyline.line(event))
        with ways, st.container(horizontal=True, gap="xsmall"):
            place, name = PLACE_OF[event.subject_kind]
            id = event.scope_id if event.subject_kind == Kind.SERVICE_LINE else event.subject_id
            link(place, event.subject_id, icon="arrow_forward", **{name: id or ""})
            if event.request_id and not param("request"):
                link("activity", "Story", icon="auto_stories", request=event.request_id)


cards.heading("activity")
live.watch()
wanted = chosen_filter()
if wanted.request_id and is_id(wanted.request_id, Prefix.REQUEST):
    show_engagement(wanted.request_id)
page = found(wanted)
for date, events in groupby(page.events, lambda event: event.occurred_at.date()):
    st.header(day(date), anchor=False)
    show_day(list(events))
if not page.events:
    is_filtered = len(address()) < len(st.query_params)
    if is_filtered:
        cards.empty("No event fits these filters.", label="Show everything", place="activity")
    else:
        cards.empty("Nothing has happened yet. The first request will be the first event.", place="requests")
tables.pager(page.cursor if page.has_more else None)
