"""An engagement as a story: its events as sentences, in the order in which they happened."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from ods_core.basics.events import EVENT_LABELS, Event
from ods_core.queries import activity
from ods_core.queries.activity import EventFilter
from ods_core.ui.formats import day, plain
from ods_core.ui.session import caller, link, reading
from ods_core.ui.stories import actor, icon, sentence

SHOWN = 60


def show(request_id: str, *, shown: int = SHOWN) -> None:
    """The latest events of one engagement, day by day, the newest day first; a link leads to all of them."""
    with reading() as connection:
        page = activity.log(connection, caller(), EventFilter(request_id=request_id), limit=shown)
    for date, events in groupby(page.events, lambda event: event.occurred_at.date()):
        st.markdown(f"**{day(date)}**")
        st.markdown("\n".join(f"- {line(event)}" for event in events))
    label = "All of its activity" if page.has_more else "Open in Activity"
    link("activity", label, icon="history", request=request_id)


def line(event: Event) -> str:
    """One event as a line of Markdown: icon, sentence, who and when."""
    label = plain(EVENT_LABELS[event.type])
    who = plain(f"{actor(event)}, {event.occurred_at:%H:%M} UTC")
    return f"{icon(event)} **{label}.** {plain(sentence(event))} :gray[{who}]"
