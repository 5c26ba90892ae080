"""The door of the pages: the sign-in screen, a word to strangers, and the way out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ods_core.basics.openid import providers
from ods_core.basics.people import EMAIL, Claims, Membership, values_of, verified_email
from ods_core.service import runtime
from ods_core.ui import cards, people
from ods_core.ui.formats import plain
from ods_core.ui.session import choose

NAME = "On-demand sprints"


def admit() -> None:
    """Go on for those who may come in, and stop the page for everybody else.

    Raises:
        StoreError: the database cannot be used.
    """
    if not people.is_needed():
        return
    told = people.claims()
    if told is None:
        _ask_to_sign_in()
        st.stop()
    found = people.remember()
    if not found:
        runtime().people.note_stranger(people.stranger(), people.occasion(), people.address())
        _tell_stranger(told)
        st.stop()
    runtime().people.note_sign_in(people.signed_in_caller(), people.occasion(), people.address())


def _ask_to_sign_in() -> None:
    st.title(NAME, anchor=False)
    st.markdown(
        "Outcomes are asked for, scoped at a fixed price, delivered in cycles, accepted formally and paid for here. "
        "It is for people whom their organisation or the provider has given access."
    )
    for name in _providers():
        label = "Sign in" if name is None else f"Sign in with {plain(name)}"
        if st.button(label, type="primary", icon=":material/login:", key=f"sign_in_{name or 'default'}"):
            st.login(name)


def _providers() -> Sequence[str | None]:
    return providers(st.secrets.get("auth", {})) if st.secrets.load_if_toml_exists() else [None]


def _tell_stranger(told: Claims) -> None:
    """Somebody signed in whom no row knows: what was looked at, and whom to ask."""
    st.title("You have no access yet", anchor=False)
    st.markdown(
        "You are signed in, and nothing here is assigned to you. An administrator can do that under Settings, People. "
        "This is what was looked at:"
    )
    with st.container(border=True, key="claims"):
        cards.facts({name: _shown(told, name) for name in ["sub", EMAIL, *runtime().people.claim_names()]})
    if told.get(EMAIL) and verified_email(told) is None:
        st.caption("The e-mail address does not count: the provider does not say that it has verified it.")
    _way_out()


def _shown(told: Claims, name: str) -> str:
    return ", ".join(values_of(told, name))[:300] or "nothing"


def show_person() -> None:
    """Who is signed in, for whom they act, and the way out; in the side bar."""
    found = people.memberships()
    acting = people.acting_for()
    with st.container(key="person"):
        st.text(people.signed_in_caller().actor.id)
        if len(found) > 1:
            choose(people.ACTING_FOR, "Acting for", _labels(found), everything=None, resets=("after", "draft"))
        else:
            st.caption(plain(f"For {acting.label}"))
        st.caption(plain(", ".join(sorted(acting.roles))))
        _way_out()


def _labels(found: Sequence[Membership]) -> dict[str, str]:
    return {one.key: one.label for one in found}


def _way_out() -> None:
    if st.button("Sign out", icon=":material/logout:", key="sign_out"):
        st.logout()
