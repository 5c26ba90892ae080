"""The small things every page draws: headings, badges, rows, facts, empty states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import streamlit as st

from ods_core.basics.states import Kind, look
from ods_core.ui.formats import NOTHING, plain
from ods_core.ui.places import PLACE_OF, PLACES
from ods_core.ui.session import address, link


def heading(place: str, title: str | None = None) -> None:
    """The head of a page: its title and the question it answers."""
    st.title(plain(title) if title else PLACES[place].title, anchor=False)
    if title is None:
        st.caption(PLACES[place].question)


def state_badge(state: StrEnum) -> None:
    """A state, said by word, icon and colour."""
    looks = look(state)
    st.badge(looks.label, icon=f":material/{looks.icon}:", color=looks.colour)  # type: ignore[arg-type]


def state_text(state: StrEnum) -> str:
    """The same badge as a piece of Markdown, to stand within a line."""
    looks = look(state)
    return f":{looks.colour}-badge[:material/{looks.icon}: {looks.label}]"


def note(label: str, colour: str = "gray", icon: str | None = None) -> str:
    """A badge of free wording as a piece of Markdown: `late`, `revision 2`, `remediation`."""
    shown = f":material/{icon}: " if icon else ""
    return f":{colour}-badge[{shown}{plain(label)}]"


def row(
    kind: Kind,
    id: str,
    title: str,
    facts: Iterable[str],
    *,
    badges: Sequence[str] = (),
    aside: str | None = None,
    within: str = "",
) -> None:
    """One thing in a list: a link that opens it, badges, and a line of facts.

    Args:
        facts: plain texts, joined by dots.
        badges: pieces of Markdown made by `state_text` and `note`.
        aside: the one figure that the list is about (an amount, an age), shown at the end.
        within: the list it stands in, where a page has several that may share a thing.
    """
    place, name = PLACE_OF[kind]
    with st.container(border=True, key=f"row-{within}{id}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.page_link(
                    PLACES[place].file,
                    label=f"**{plain(title)}**",
                    icon=PLACES[place].material_icon,
                    query_params=address(**{name: id}),
                )
                if badges:
                    st.markdown(" ".join(badges), width="content")
            if aside:
                st.markdown(f"**{plain(aside)}**", width="content")
        st.caption(plain(" · ".join(f for f in facts if f)))


def facts(pairs: Mapping[str, str | None], *, key: str | None = None) -> None:
    """Labels and values side by side, as many in a row as fit; values are shown as they are, never as markup."""
    grid = st.grid(min_column_width=150, gap="small", key=key)
    for label, value in pairs.items():
        with grid.cell(), st.container(gap="xxsmall"):
            st.caption(plain(label))
            st.text(value or NOTHING)


def long_text(label: str, text: str | None) -> None:
    """A paragraph that a person wrote, under its label."""
    if text:
        with st.container(gap="xxsmall"):
            st.caption(plain(label))
            st.text(text)


def numbered(texts: Sequence[str]) -> None:
    """Texts that people wrote, as a numbered list."""
    st.markdown("\n".join(f"{number}. {plain(text)}" for number, text in enumerate(texts, 1)))


def empty(text: str, *, label: str | None = None, place: str | None = None, **params: str) -> None:
    """What an empty list says: why, and what to do next, with the link that does it."""
    with st.container(border=True):
        st.markdown(f":material/check_circle: {plain(text)}")
        if label and place:
            link(place, label, icon=PLACES[place].icon, **params)


def wrong_turn(text: str, *, place: str, label: str) -> None:
    """What a link to nothing says."""
    st.warning(plain(text), icon=":material/link_off:")
    link(place, label, icon=PLACES[place].icon)
