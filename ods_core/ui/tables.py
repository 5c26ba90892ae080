"""Lists that are paged in the database, with their place in the address; and data grids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from sqlalchemy import ColumnElement

from ods_core.basics.errors import Invalid
from ods_core.basics.records import Engagement
from ods_core.basics.states import Kind
from ods_core.queries import lists
from ods_core.ui.formats import plain
from ods_core.ui.session import caller, param, reading, set_params

AFTER = "after"
ROWS = 20
_DOT = "."


def paged(
    kind: Kind,
    where: Sequence[ColumnElement[bool]],
    draw: Callable[[Engagement, str], None],
    *,
    empty: Callable[[], None],
    rows: int = ROWS,
) -> None:
    """One page of a list, newest first, and the way on and back.

    Args:
        where: conditions on the kind's table, as `lists.conditions` makes them.
        draw: draws one row, given its engagement and the id of what it is about.
        empty: draws what an empty list says.
    """
    trail = cursor_trail()
    page = _page(kind, where, trail[-1] if trail else None, rows)
    for engagement, id in page.items:
        draw(engagement, id)
    if not page.items:
        empty()
    pager(page.cursor)


def _page(kind: Kind, where: Sequence[ColumnElement[bool]], cursor: str | None, rows: int) -> lists.Page:
    with reading() as connection:
        try:
            return lists.page(connection, caller(), kind, where, limit=rows, cursor=cursor)
        except Invalid:
            # Somebody changed the address by hand: the beginning is the honest place to go on from.
            return lists.page(connection, caller(), kind, where, limit=rows)


def cursor_trail() -> list[str]:
    """The cursors that led to this page of a list, the present one last; none on the first page."""
    return [cursor for cursor in param(AFTER).split(_DOT) if cursor]


def pager(cursor: str | None) -> None:
    """The way on (to `cursor`, None at the end) and back; draws nothing where there is neither."""
    trail = cursor_trail()
    if not trail and cursor is None:
        return
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pager"):
        back = trail[:-1]
        st.button(
            "Back",
            icon=":material/chevron_left:",
            disabled=not trail,
            key="pager_back",
            on_click=_turn,
            args=(back,),
        )
        st.caption(f"Page {len(trail) + 1}", width="content")
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=cursor is None,
            key="pager_next",
            on_click=_turn,
            args=([*trail, cursor or ""],),
        )


def _turn(trail: Sequence[str]) -> None:
    set_params(**{AFTER: _DOT.join(trail)})


def grid(
    rows: Iterable[Mapping[str, Any]],
    *,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    key: str | None = None,
    height: int | Literal["auto", "content", "stretch"] = "auto",
) -> None:
    """Rows of facts as a table that can be sorted and searched; cells are shown as they are, never as markup.

    Args:
        rows: one mapping a row, from column label to value; amounts already written by `formats.money`.
        alt: what the table tells, for those who do not see it.
        columns: `st.column_config` by label, where a column needs one.
    """
    st.dataframe(
        pd.DataFrame(list(rows)),
        hide_index=True,
        width="stretch",
        column_config=dict(columns or {}),
        key=key,
        height=height,
        alt=alt,
    )


def sheet(rows: Iterable[Mapping[str, Any]], *, alt: str) -> None:
    """Rows of longer texts as a plain table whose cells wrap; the first column names the row.

    Cells are shown as they are, never as markup.
    """
    frame = pd.DataFrame([{plain(label): plain(str(value)) for label, value in row.items()} for row in rows])
    st.table(frame, border="horizontal", hide_index=True, alt=alt)


def right_aligned(label: str, **options: Any) -> Any:
    """A column of amounts or figures that are already written as text."""
    return st.column_config.TextColumn(label, alignment="right", **options)
