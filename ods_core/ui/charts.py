"""One look for every chart, from the theme that is on; each chart with its table twin and a text for screen readers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from ods_core.basics.states import look
from ods_core.ui.tables import grid

# Where no theme is configured, as in a test.
_FALLBACK: Mapping[str, str] = {
    "textColor": "#0b1214",
    "borderColor": "#d8dad4",
    "backgroundColor": "#fcfcfa",
    "secondaryBackgroundColor": "#f1f2ee",
    "primaryColor": "#0b6158",
    "redColor": "#b3261e",
    "orangeColor": "#a85800",
    "yellowColor": "#8a6d00",
    "blueColor": "#1f62a8",
    "greenColor": "#23713a",
    "violetColor": "#6b46b8",
    "grayColor": "#5b6468",
}
HEIGHT = 320


def mode() -> str:
    """`light` or `dark`, as the person sees the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme_colour(name: str) -> str:
    """A colour of the theme that is on (`red`, `orange`, `blue`, …, `text`, `border`, `primary`), as `#rrggbb`."""
    option = f"{name}Color"
    return str(st.get_option(f"theme.{mode()}.{option}") or _FALLBACK[option])


def state_colour(state: StrEnum) -> str:
    """The colour of a state's badge, for its mark in a chart."""
    return theme_colour(look(state).colour)


def series_colours() -> Sequence[str]:
    """The theme's colours for series that have no colour of their own, in order."""
    configured = st.get_option(f"theme.{mode()}.chartCategoricalColors")
    return list(configured) if configured else [theme_colour(n) for n in ("primary", "orange", "blue", "violet")]


def figure(**layout: Any) -> go.Figure:
    """An empty figure in the house's look: no frame, quiet grid, a legend on top, room for long labels.

    Args:
        layout: what this one has of its own; of an axis, the legend or the margins, only what differs. Given here, all
            of it is looked through once; every `update_…` or `add_annotation` that follows costs as much again.
    """
    border = theme_colour("border")
    house: dict[str, Any] = {
        "colorway": series_colours(),
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "height": HEIGHT,
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.08, "x": 0, "yanchor": "bottom"},
        "barcornerradius": 3,
        "bargap": 0.25,
        "xaxis": {"automargin": True, "showgrid": False, "linecolor": border},
        "yaxis": {"automargin": True, "gridcolor": border, "zerolinecolor": border},
    }
    own = {name: house[name] | given if isinstance(house.get(name), dict) else given for name, given in layout.items()}
    return go.Figure(layout=house | own)


def words(text: str, *, colour: str = "text", size: int | None = None, **place: Any) -> dict[str, Any]:
    """A text that stands in a chart, as one of the `annotations` of its layout.

    Args:
        place: where it stands, in Plotly's terms (`x`, `y`, `xanchor`, …).
    """
    font = {"color": theme_colour(colour)} | ({} if size is None else {"size": size})
    return {"text": text, "showarrow": False, "font": font} | place


def short(text: str, longest: int) -> str:
    """A text that fits beside a mark, safe in Plotly's own markup."""
    return escape(text if len(text) <= longest else text[: longest - 1] + "…", quote=False)


def show(
    chart: go.Figure,
    *,
    alt: str,
    rows: Iterable[Mapping[str, Any]],
    key: str,
    columns: Mapping[str, Any] | None = None,
    on_select: Any = "ignore",
    selection_mode: Any = "points",
) -> Any:
    """Draw a chart, and below it the same figures as a table.

    Args:
        alt: what the chart tells, in a sentence, for those who do not see it.
        rows: the table twin, as `tables.grid` takes it.
        key: of the chart; its table is `<key>_table`.

    Returns:
        What was selected, where `on_select` asks for it.
    """
    drawn = st.plotly_chart(
        chart,
        key=key,
        alt=alt,
        on_select=on_select,
        selection_mode=selection_mode,
        config={"displayModeBar": False, "displaylogo": False, "responsive": True},
    )
    _twin(alt, rows, columns, f"{key}_table")
    return drawn


@st.fragment
def _twin(alt: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, Any] | None, key: str) -> None:
    """The table below a chart; sent once it is opened, since a browser needs longer for it than for the chart."""
    below = st.expander("Show as a table", icon=":material/table:", key=f"{key}_shown", on_change="rerun")
    if below.open:
        with below:
            grid(rows, alt=alt, columns=columns, key=key)


_WIDE, _HIGH = 240, 36
"""The size of a sparkline, in pixels; it is drawn smaller where there is less room."""


def sparkline(values: Sequence[float], *, alt: str) -> None:
    """A line of a few values without axes, as a picture: a browser draws it at once, which it does not with a chart."""
    low, high = min(values), max(values)
    across, up = (_WIDE - 6) / (len(values) - 1), (_HIGH - 8) / (high - low or 1)
    points = [(3 + at * across, _HIGH - 4 - (value - low) * up) for at, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    colour = theme_colour("gray")
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}">'
        f'<polygon points="3,{_HIGH} {line} {_WIDE - 3},{_HIGH}" fill="{colour}" fill-opacity="0.14"/>'
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'
        f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3" fill="{colour}"/></svg>'
    )
    source = b64encode(picture.encode()).decode()
    # As a picture in HTML: Markdown costs a browser more, and Streamlit lets no bare SVG through.
    st.html(
        f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{source}" style="display: block; max-width: 100%">'
    )
