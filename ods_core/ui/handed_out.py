"""What administrators hand out: shown once when it is made, and ended for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def show_once(place: str, headline: str, text: str, *, icon: str, key: str, copied: str) -> None:
    """Something that was just made and is kept nowhere, until the person says that it is copied.

    Args:
        place: where the session holds it; emptied by the button.
        key: of the box; `copied` is the button's.
    """
    with st.container(border=True, key=key):
        st.success(headline, icon=icon)
        st.code(text, language=None)
        st.button("I have copied it", key=copied, on_click=lambda: st.session_state.pop(place, None))


def end_one(
    noun: str, labels: Mapping[str, str], warning: str, end: Callable[[], None], *, icon: str, chosen: str, key: str
) -> None:
    """Choose one of what is active, and end it; nothing where none is.

    Args:
        labels: what stands for each, by its id.
        chosen: where the session has the id that `end` is about; `key` is the button's.
    """
    if not labels:
        return
    with st.expander(f"End a {noun}", icon=icon):
        st.selectbox(noun.capitalize(), list(labels), format_func=lambda id: labels[id], key=chosen)
        st.caption(warning)
        st.button(f"End this {noun}", key=key, on_click=end, icon=":material/block:")
