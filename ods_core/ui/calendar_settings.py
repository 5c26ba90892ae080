"""Settings → Calendars: make a private link, see it once, end it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import streamlit as st

from ods_core.basics.calendar_links import CalendarLink
from ods_core.basics.errors import OdsError
from ods_core.service import NewLink, runtime
from ods_core.ui import refusals, tables
from ods_core.ui.formats import moment
from ods_core.ui.handed_out import end_one, show_once
from ods_core.ui.session import caller

SHOWN = 100
_MADE, _REFUSED = "link_made", "link_refused"
_WHOSE = "Left empty, it is the provider's link, which shows every organisation."


def show_calendars() -> None:
    """The links that calendar programs read; for administrators."""
    st.header("Calendars", anchor=False)
    if not caller().is_admin:
        st.caption("Links to calendars are looked after by administrators.")
        return
    st.caption(
        "A calendar program that has a link shows when cycles end and when payments are due, and looks again by "
        "itself. Whoever has the link can read that, so give it to those who may."
    )
    _show_new_one()
    _form()
    found = runtime().calendars.newest(caller(), limit=SHOWN)
    if not found:
        st.info("No link was made here yet.", icon=":material/event:")
        return
    _table(found)
    _end_one([link for link in found if link.revoked_at is None])


def _show_new_one() -> None:
    """The link that was just made: the only time that it is shown."""
    made: tuple[CalendarLink, str] | None = st.session_state.get(_MADE)
    if made is None:
        return
    link, token = made
    headline = f"{link.id} is made. Copy it now: it is not kept, and not shown again."
    address = f"{_origin()}/v1/capabilities/ods/calendar/{token}.ics"
    show_once(_MADE, headline, address, icon=":material/event:", key="new_link", copied="link_copied")


def _origin() -> str:
    """Where this page was opened, which is where the link leads."""
    parts = urlsplit(str(st.context.url or "http://localhost:8501"))
    return f"{parts.scheme}://{parts.netloc}"


def _form() -> None:
    with st.expander("Make a link", icon=":material/add:"), st.form("make_link", border=False):
        st.text_input("What it is for", key="link_name", max_chars=200, placeholder="The finance team's calendar")
        left, right = st.columns(2)
        left.text_input("Organisation", key="link_organization", placeholder="ORG-26-090500", help=_WHOSE)
        right.text_input("Workspace", key="link_workspace", placeholder="all of them", help="WS-26-000021")
        st.form_submit_button("Make the link", type="primary", on_click=_make)
    if refused := st.session_state.pop(_REFUSED, None):
        refusals.show(refused)


def _make() -> None:
    state = st.session_state
    wanted = NewLink(state.link_name, state.link_organization.strip() or None, state.link_workspace.strip() or None)
    try:
        state[_MADE] = runtime().calendars.make(caller(), wanted)
    except OdsError as error:
        state[_REFUSED] = error
    else:
        state.link_name, state.link_organization, state.link_workspace = "", "", ""


def _table(found: Sequence[CalendarLink]) -> None:
    rows = [
        {
            "Link": link.id,
            "For": link.name,
            "Shows": " ".join(filter(None, (link.organization_id or "every organisation", link.workspace_id))),
            "Status": "revoked" if link.revoked_at else "active",
            "Last read": moment(link.last_read_at) if link.last_read_at else "never",
            "Made": f"{moment(link.created_at)} by {link.created_by}",
        }
        for link in found
    ]
    tables.sheet(rows, alt="Links to calendars, newest first")
    if len(found) == SHOWN:
        st.caption(f"The {SHOWN} newest. The API lists all of them.")


def _end_one(active: Sequence[CalendarLink]) -> None:
    warning = "Programs that read it find nothing there from that moment on. It cannot be taken back."
    labels = {link.id: f"{link.id} · {link.name}" for link in active}
    end_one("link", labels, warning, _end, icon=":material/event_busy:", chosen="link_to_end", key="link_end")


def _end() -> None:
    try:
        runtime().calendars.revoke(caller(), st.session_state.link_to_end)
    except OdsError as error:
        st.session_state[_REFUSED] = error
