"""The filters of a page behind one button, which says what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from ods_core.ui.formats import plain


@contextmanager
def panel(chosen: Iterable[str]) -> Iterator[None]:
    """A button that names what is chosen and opens the filters drawn within; they take no room while closed.

    A browser draws a filter no sooner than it is looked for: six of them cost it as much as the chart below.

    Args:
        chosen: what is looked at, in words; empty ones are left out.
    """
    words = " · ".join(word for word in chosen if word)
    with st.popover(f"Filters: {plain(words)}", icon=":material/tune:", key="filters"):
        yield
