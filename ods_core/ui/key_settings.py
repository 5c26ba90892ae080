"""Settings → API keys: make one, see it once, end it; and what happened at the door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from ods_core.basics.clock import midnight
from ods_core.basics.errors import OdsError
from ods_core.basics.keys import SECURITY_LABELS, ApiKey, SecurityEvent, SecurityKind
from ods_core.basics.roles import Role
from ods_core.service import NewKey, runtime
from ods_core.ui import refusals, tables
from ods_core.ui.formats import NOTHING, moment
from ods_core.ui.handed_out import end_one, show_once
from ods_core.ui.session import caller, choose, now

SHOWN = 100
MAY = {
    Role.REQUESTER: "submit, revise, cancel",
    Role.APPROVER: "confirm, decline, terminate",
    Role.REVIEWER: "accept, reject",
    Role.FINANCE: "receipts, invoices, exports",
    Role.VIEWER: "read, metrics",
    Role.PROVIDER: "scope, negotiate, start, submit, re-issue",
    Role.ADMIN: "keys, webhooks",
}
_MADE, _REFUSED = "key_made", "key_refused"


def show_keys() -> None:
    """The keys that programs come with; for administrators."""
    st.header("API keys", anchor=False)
    if not _is_admin("API keys are looked after by administrators."):
        return
    found = runtime().access.keys(caller(), limit=SHOWN)
    st.caption(
        "A program sends its key as `Authorization: Bearer KEY`. From the first key on, the API answers nobody without "
        "one. The pages go on as they are."
    )
    _show_new_one()
    _form()
    if not found:
        st.info("No key was made here yet: the API is open to programs on this machine.", icon=":material/key_off:")
        return
    _table(found)
    _end_one([key for key in found if key.status(now()) == "active"])


def _is_admin(otherwise: str) -> bool:
    if caller().is_admin:
        return True
    st.caption(otherwise)
    return False


def _show_new_one() -> None:
    """The key that was just made: the only time that it is shown."""
    made: tuple[ApiKey, str] | None = st.session_state.get(_MADE)
    if made is None:
        return
    key, text = made
    headline = f"{key.id} is made. Copy it now: it is not kept, and not shown again."
    show_once(_MADE, headline, text, icon=":material/key:", key="new_key", copied="key_copied")


def _form() -> None:
    with st.expander("Make a key", icon=":material/add:", expanded=False), st.form("make_key", border=False):
        st.text_input("What it is for", key="key_name", max_chars=200, placeholder="Nightly export to the warehouse")
        st.multiselect(
            "Roles", list(Role), key="key_roles", format_func=lambda role: f"{role.value}: {MAY[Role(role)]}"
        )
        left, right = st.columns(2)
        left.text_input("Organisation", key="key_organization", placeholder="ORG-26-090500", help=_WHOSE)
        right.text_input("Workspace", key="key_workspace", placeholder="all of them", help="WS-26-000021")
        st.date_input(
            "Ends at the beginning of (UTC)", value=None, key="key_ends", format="YYYY-MM-DD", min_value=now().date()
        )
        st.form_submit_button("Make the key", type="primary", on_click=_make)
    if refused := st.session_state.pop(_REFUSED, None):
        refusals.show(refused)


_WHOSE = "Left empty, it is the provider's key, which sees every organisation."


def _make() -> None:
    state = st.session_state
    ends: date | None = state.key_ends
    wanted = NewKey(
        state.key_name,
        tuple(state.key_roles),
        state.key_organization.strip() or None,
        state.key_workspace.strip() or None,
        midnight(ends) if ends else None,
    )
    try:
        state[_MADE] = runtime().access.make_key(caller(), wanted)
    except OdsError as error:
        state[_REFUSED] = error
    else:
        state.key_name, state.key_roles, state.key_organization, state.key_workspace = "", [], "", ""


def _table(found: Sequence[ApiKey]) -> None:
    rows = [
        {
            "Key": key.id,
            "For": key.name,
            "Begins with": f"ods_{key.lookup}",
            "Whose": " ".join(filter(None, (key.organization_id or "the provider", key.workspace_id))),
            "Roles": ", ".join(sorted(key.roles)),
            "Status": key.status(now()),
            "Last used": moment(key.last_used_at) if key.last_used_at else "never",
            "Ends": moment(key.expires_at) if key.expires_at else NOTHING,
            "Made": f"{moment(key.created_at)} by {key.created_by}",
        }
        for key in found
    ]
    tables.sheet(rows, alt="API keys, newest first")
    if len(found) == SHOWN:
        st.caption(f"The {SHOWN} newest. The API lists all of them.")


def _end_one(active: Sequence[ApiKey]) -> None:
    warning = "Programs that come with it are refused from that moment on. It cannot be taken back."
    labels = {key.id: f"{key.id} · {key.name}" for key in active}
    end_one("key", labels, warning, _end, icon=":material/key_off:", chosen="key_to_end", key="key_end")


def _end() -> None:
    try:
        runtime().access.revoke_key(caller(), st.session_state.key_to_end)
    except OdsError as error:
        st.session_state[_REFUSED] = error


def show_security() -> None:
    """What happened at the door; for administrators."""
    st.header("Security", anchor=False)
    if not _is_admin("What happened at the door is shown to administrators."):
        return
    labels = {kind.value: SECURITY_LABELS[kind] for kind in SecurityKind}
    chosen = choose("happened", "What", labels)
    kinds = (SecurityKind(chosen),) if chosen else ()
    found = runtime().access.security_events(caller(), kinds=kinds, limit=SHOWN)
    if not found:
        st.info("Nothing of this kind has happened yet.", icon=":material/shield:")
        return
    tables.sheet([_row(event) for event in found], alt="Security events, newest first")
    if len(found) == SHOWN:
        st.caption(f"The {SHOWN} newest. The API lists all of them.")


def _row(event: SecurityEvent) -> dict[str, str]:
    told = "; ".join(f"{name.replace('_', ' ')}: {_words(value)}" for name, value in event.data.items())
    return {
        "When": moment(event.occurred_at),
        "What": SECURITY_LABELS[event.kind],
        "Who": event.actor.id,
        "About": event.subject or NOTHING,
        "From": event.address or NOTHING,
        "Organisation": event.organization_id or NOTHING,
        "More": told or NOTHING,
    }


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
