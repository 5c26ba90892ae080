"""The delivery forecast as people see it: a scope's finish in a line, all active scopes with theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st

from ods_core.basics.states import Kind
from ods_core.forecast import Portfolio, ScopeFinish
from ods_core.queries.delivery import (
    DeliveryForecast,
    Expected,
    ScopeForecast,
    delivery_forecast,
    finishes,
    scope_forecast,
)
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.queries.runs import NEEDED
from ods_core.ui import cards, charts
from ods_core.ui.formats import NOTHING, count, day, moment, percent, plain
from ods_core.ui.kept import kept, measured
from ods_core.ui.session import caller, link_to, now

MEANT = (
    "By simulation of all open work over the finished cycles: in half of the runs it is finished by the P50, in "
    "85 % by the P85. On time is the share of runs in which the last cycle is completed by its planned end; a slow "
    "review makes the finish late, not the delivery."
)
SHOWN = 25
"""Scopes on one chart; the table has as many, and the page says how many there are."""


def known_finishes() -> Mapping[str, ScopeFinish]:
    """The finish of every active scope, by id; empty where too little is known."""
    return kept(lambda connection: finishes(connection, caller(), now())[1], "finishes")


def finish_words(finish: ScopeFinish) -> str:
    """A finish as a phrase: `finished by 12 Jun 2026 at P50, by 20 Jun 2026 at P85, 64 % on time`."""
    return f"finished by {day(finish.p50)} at P50, by {day(finish.p85)} at P85, {percent(finish.on_time)} on time"


def tell_scope(scope_id: str) -> None:
    """An active scope's forecast in a few figures, or why there is none."""
    found = kept(lambda c: scope_forecast(c, caller(), scope_id, now()), "scope forecast", scope_id)
    st.header("Forecast", anchor=False, help=MEANT)
    if found.finish is None:
        say_too_little(found.finished_cycles)
        return
    with st.container(key="scope_forecast"):
        cards.facts(
            {
                "Finished by, P50": day(found.finish.p50),
                "Finished by, P85": day(found.finish.p85),
                "Planned end": day(found.finish.planned_end),
                "On time": percent(found.finish.on_time),
            }
        )
    say_basis(found)


def say_too_little(finished: int) -> None:
    """What stands in place of a number."""
    st.info(
        plain(f"Too little history to forecast: {count(finished, 'finished cycle')} here, and {NEEDED} are needed."),
        icon=":material/hourglass_empty:",
    )


def say_basis(found: DeliveryForecast | ScopeForecast) -> None:
    """What a forecast rests on."""
    basis = f"{found.runs:,} runs over {count(found.finished_cycles, 'finished cycle')}"
    st.caption(plain(f"From {basis}. Seed {found.seed}, as of {moment(found.as_of)}."))


def show_portfolio(wanted: OutcomeFilter) -> None:
    """All active scopes that the filter names: the whole, a bar each, the way to each."""
    st.header("When the open work is finished", anchor=False, help=MEANT)
    with st.spinner("Playing all open work through…"):
        found = measured(lambda c: delivery_forecast(c, caller(), wanted, now()), "delivery forecast", wanted)
    if not found.active:
        cards.empty("No scope is active here, so nothing is to be forecast.", label="See the scopes", place="scopes")
    elif found.portfolio is None:
        say_too_little(found.finished_cycles)
    else:
        draw_portfolio(found, found.portfolio)


def draw_portfolio(found: DeliveryForecast, whole: Portfolio) -> None:
    """The figures of the whole, then the scopes, the likeliest to be late first."""
    cards.facts(
        {
            "Active scopes": f"{found.active:,}",
            "All finished by, P50": day(whole.p50),
            "All finished by, P85": day(whole.p85),
            "Expected on time": percent(whole.on_time),
        },
        key="portfolio",
    )
    say_basis(found)
    shown = found.scopes[:SHOWN]
    if len(shown) < len(found.scopes):
        st.caption(f"The {len(shown)} that are least likely to be on time, of {len(found.scopes):,}.")
    charts.show(
        draw_finishes(shown, found.as_of.date()),
        alt=f"Expected finish of each active scope. {portfolio_words(found, whole)}",
        rows=[finish_row(one) for one in shown],
        key="finishes",
    )
    for one in shown[:5]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"finish-{one.scope_id}"):
            link_to_scope(one)


def link_to_scope(one: Expected) -> None:
    """The way to one scope, and its forecast in words."""
    link_to(Kind.SCOPE, one.scope_id, one.title)
    st.caption(plain(finish_words(one.finish)), width="content")


def portfolio_words(found: DeliveryForecast, whole: Portfolio) -> str:
    """The whole in a sentence."""
    return (
        f"{count(found.active, 'active scope')}; all are finished by {day(whole.p50)} in half of the runs and by "
        f"{day(whole.p85)} in 85 %; {percent(whole.on_time)} of them are expected on time."
    )


def draw_finishes(shown: Sequence[Expected], today: date) -> Any:
    """A line from P50 to P85 for each scope, with its planned end."""
    places = list(range(len(shown)))
    first = min([today, *(one.finish.planned_end for one in shown)]) - timedelta(days=3)
    last = max(max(one.finish.p85, one.finish.planned_end) for one in shown) + timedelta(days=3)
    span = {"type": "line", "line": {"width": 5, "color": charts.theme_colour("blue")}, "opacity": 0.35}
    chart = charts.figure(
        height=110 + 48 * len(shown),
        xaxis={"type": "date", "range": [first, last], "showgrid": True, "gridcolor": charts.theme_colour("border")},
        yaxis={"visible": False, "range": [len(shown) - 0.5, -0.8], "fixedrange": True},
        shapes=[
            span | {"x0": one.finish.p50, "x1": one.finish.p85, "y0": place, "y1": place}
            for one, place in zip(shown, places, strict=True)
        ],
        annotations=[
            charts.words(
                f"{charts.short(one.title, 44)} · {percent(one.finish.on_time)} on time",
                size=12,
                x=0,
                xref="paper",
                xanchor="left",
                y=place - 0.43,
            )
            for one, place in zip(shown, places, strict=True)
        ],
    )
    for name, symbol, shade, days in (
        ("P50", "diamond", "orange", [one.finish.p50 for one in shown]),
        ("P85", "triangle-up", "violet", [one.finish.p85 for one in shown]),
        ("Planned end", "circle-open", "text", [one.finish.planned_end for one in shown]),
    ):
        chart.add_scatter(
            name=name,
            mode="markers",
            x=days,
            y=places,
            marker={"symbol": symbol, "size": 11, "color": charts.theme_colour(shade)},
            hovertext=[
                f"{name}: {day(when)}<br>{percent(one.finish.on_time)} on time"
                for when, one in zip(days, shown, strict=True)
            ],
            hoverinfo="text",
        )
    return chart


def finish_row(one: Expected) -> dict[str, str]:
    """One scope as a row of a table."""
    f = one.finish
    return {
        "Scope": one.title,
        "P50": day(f.p50),
        "P85": day(f.p85),
        "Planned end": day(f.planned_end),
        "On time": percent(f.on_time),
        "Organisation": one.organization_id,
        "Id": one.scope_id,
    }


def finish_cell(finish: ScopeFinish | None) -> dict[str, str]:
    """A finish as the cells of another table."""
    if finish is None:
        return {"Finish, P50": NOTHING, "Finish, P85": NOTHING, "On time": NOTHING}
    return {"Finish, P50": day(finish.p50), "Finish, P85": day(finish.p85), "On time": percent(finish.on_time)}
