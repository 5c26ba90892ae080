"""Choosing one of many: a short list to pick from, and a text that finds the others in the database."""

from __future__ import annotations

import streamlit as st

from ods_core.queries.timeline import LISTED, confirmed_scopes
from ods_core.ui.formats import plain
from ods_core.ui.session import caller, choose, choose_text, param, reading

FIND = "find"


def choose_scope(label: str, *, everything: str | None) -> str:
    """A confirmed scope's id, in the address as `?scope=`; empty for no choice, or where nothing is to be chosen from.

    Only so many are listed as a person reads. As soon as there are more, a text (`?find=`) narrows them; the scope that
    the address names is offered in any case.

    Args:
        everything: the label of no choice; None: there is always one, as long as there is any.
    """
    wanted, given = param(FIND).strip(), param("scope")
    with reading() as connection:
        found = confirmed_scopes(connection, caller(), wanted, limit=LISTED + 1)
        named = confirmed_scopes(connection, caller(), given, limit=1) if given else []
    if wanted or len(found) > LISTED:
        choose_text(FIND, "Find an engagement", placeholder="Part of its title, or its id", resets=("scope", "after"))
    listed = dict([entry for entry in named if entry[0] == given] + found[:LISTED])
    if not listed and wanted:
        st.caption(f"No confirmed engagement has “{plain(wanted)}” in its title, or as its id.")
    if not listed and everything is None:
        return ""
    return choose("scope", label, {id: f"{title} · {id}" for id, title in listed.items()}, everything=everything)
