"""Noticing what changed elsewhere: another browser, a program, the command line."""

from __future__ import annotations

import streamlit as st

from ods_core.service import runtime

SECONDS = 0.5


def watch() -> None:
    """Let the page start over within a second or so of a change made elsewhere; what is being typed stays."""
    _look(runtime().changes)


@st.fragment(run_every=SECONDS)
def _look(seen: int) -> None:
    if runtime().changes != seen:
        st.rerun(scope="app")
