"""Settings → People: which claims lead to which organisation and roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ods_core.basics.errors import OdsError
from ods_core.basics.people import PeopleRow
from ods_core.basics.roles import Role
from ods_core.service import NewRow, runtime
from ods_core.ui import people, refusals, tables
from ods_core.ui.formats import moment
from ods_core.ui.key_settings import MAY
from ods_core.ui.session import caller

_REFUSED = "people_refused"


def show_people() -> None:
    """The mapping; for administrators."""
    st.header("People", anchor=False)
    who = caller()
    if not who.is_admin:
        st.caption("Who may come in, and with which roles, is looked after by administrators.")
        return
    st.caption(_ABOUT if people.is_needed() else f"{_ABOUT} Sign-in is not configured on this server yet.")
    found = runtime().people.rows(who)
    _new_row(who.organization_id is None)
    if refused := st.session_state.pop(_REFUSED, None):
        refusals.show(refused)
    if found:
        tables.sheet([_told(row) for row in found], alt="People, the oldest row first")
        _change_one(found)
    else:
        st.info("No row yet: nobody but the installation's own administrators comes in.", icon=":material/group_off:")


_ABOUT = (
    "What the sign-in says of a person (a claim and its value) decides for whom that person acts. Rows of one "
    "organisation add their roles. A change counts from the next look at a page."
)


def _new_row(for_provider: bool) -> None:
    whose = (
        "Left empty, it is the provider, who sees every organisation." if for_provider else "Left empty, it is yours."
    )
    with st.expander("Add a row", icon=":material/person_add:"), st.form("add_people", border=False):
        left, right = st.columns(2)
        left.text_input("Claim", key="people_claim", max_chars=200, placeholder="groups", help=_CLAIM)
        right.text_input("Value", key="people_value", max_chars=200, placeholder="ods-approvers")
        left.text_input("Organisation", key="people_organization", placeholder="ORG-26-090500", help=whose)
        right.text_input("Workspace", key="people_workspace", placeholder="all of them", help="WS-26-000021")
        st.multiselect("Roles", list(Role), key="people_roles", format_func=_role)
        st.form_submit_button("Add the row", type="primary", on_click=_add)


_CLAIM = (
    "Such as email (only one that the provider has verified counts), sub, groups, or realm_access.roles for a claim "
    "within another one. Of a list, each entry counts."
)


def _role(role: str) -> str:
    return f"{Role(role).value}: {MAY[Role(role)]}"


def _add() -> None:
    state = st.session_state
    wanted = NewRow(
        state.people_claim,
        state.people_value,
        tuple(state.people_roles),
        state.people_organization.strip() or None,
        state.people_workspace.strip() or None,
    )
    if _try(lambda: runtime().people.add(caller(), wanted)):
        state.people_claim, state.people_value, state.people_roles = "", "", []
        state.people_organization, state.people_workspace = "", ""


def _try(act: Callable[[], object]) -> bool:
    try:
        act()
    except OdsError as error:
        st.session_state[_REFUSED] = error
        return False
    return True


def _told(row: PeopleRow) -> dict[str, str]:
    return {
        "Row": str(row.number),
        "Claim": row.claim,
        "Value": row.value,
        "Acts for": " ".join(filter(None, (row.organization_id or "the provider", row.workspace_id))),
        "Roles": ", ".join(sorted(row.roles)),
        "Added": f"{moment(row.created_at)} by {row.created_by}",
    }


def _change_one(found: Sequence[PeopleRow]) -> None:
    rows = {row.number: row for row in found}
    with st.expander("Change or remove a row", icon=":material/manage_accounts:"):
        number = st.selectbox("Row", list(rows), format_func=lambda n: _label(rows[n]), key="people_row")
        row = rows[number]
        st.multiselect(
            "Its roles", list(Role), default=sorted(row.roles), key=f"people_roles_{number}", format_func=_role
        )
        with st.container(horizontal=True):
            st.button("Save its roles", key="people_save", type="primary", on_click=_save, args=(number,))
            st.button("Remove this row", key="people_remove", icon=":material/block:", on_click=_remove, args=(number,))


def _label(row: PeopleRow) -> str:
    return f"{row.number} · {row.claim} = {row.value} · {row.organization_id or 'the provider'}"


def _save(number: int) -> None:
    roles = tuple(st.session_state[f"people_roles_{number}"])
    _try(lambda: runtime().people.change(caller(), number, roles))


def _remove(number: int) -> None:
    _try(lambda: runtime().people.remove(caller(), number))
