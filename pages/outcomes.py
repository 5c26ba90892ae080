"""Outcomes: whether we get what we pay for, against the period before, by month, by organisation, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import streamlit as st

from ods_core.basics.errors import Invalid
from ods_core.basics.states import Kind
from ods_core.queries.choices import currencies, organizations, workspaces
from ods_core.queries.metrics import METRICS, Better, Metric, Unit
from ods_core.queries.outcomes import (
    NOTHING as NO_FIGURE,
)
from ods_core.queries.outcomes import (
    Figure,
    OutcomeFilter,
    Period,
    by_organization,
    month_text,
    outcomes,
    period_of,
)
from ods_core.queries.rejections import Bar, Rejection, by_criterion, by_reason, rejections
from ods_core.ui import cards, charts, live, refusals, tables
from ods_core.ui.formats import NOTHING, count, day, days, money, percent, plain
from ods_core.ui.places import PLACES
from ods_core.ui.session import caller, choose, choose_text, choose_view, link, now, param, reading

MOST_ORGANIZATIONS = 30
MONTHS = 6
"""How many months are looked at unless asked otherwise."""
QUALITY = ("first_time_acceptance_rate", "on_time_rate", "rejection_rate", "remediation_free_scope_rate", "win_rate")
PACE = (
    "outcome_lead_time_median",
    "cycle_time_median",
    "schedule_variance_median",
    "review_turnaround_median",
    "confirmation_time_median",
    "scoping_time_median",
)
EFFORT = ("remediation_cycles_per_scope", "remediation_days", "price_to_budget_median")
MONEY = tuple(key for key, metric in METRICS.items() if metric.per_currency)
LISTS: Mapping[str, tuple[str, dict[str, str]]] = {
    "first_time_acceptance_rate": ("deliverables", {"view": "all", "status": "accepted"}),
    "on_time_rate": ("cycles", {"status": "all"}),
    "rejection_rate": ("deliverables", {"view": "all", "status": "rejected"}),
    "remediation_free_scope_rate": ("scopes", {"status": "completed"}),
    "win_rate": ("scopes", {}),
    "outcome_lead_time_median": ("scopes", {"status": "completed"}),
    "cycle_time_median": ("cycles", {"status": "all"}),
    "schedule_variance_median": ("cycles", {"status": "all"}),
    "review_turnaround_median": ("deliverables", {"view": "review"}),
    "confirmation_time_median": ("scopes", {"status": "pending_confirmation"}),
    "scoping_time_median": ("requests", {"status": "scoping"}),
    "remediation_cycles_per_scope": ("cycles", {"status": "all"}),
    "remediation_days": ("cycles", {"status": "all"}),
    "price_to_budget_median": ("scopes", {}),
    "value_delivered": ("scopes", {"status": "completed"}),
    "committed_value": ("scopes", {"status": "active"}),
    "received": ("payments", {"status": "paid"}),
    "open": ("payments", {"status": "due"}),
    "overdue": ("payments", {"overdue": "yes"}),
    "days_sales_outstanding": ("payments", {"status": "paid"}),
}
"""The list behind each figure."""
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up")
"""Lines differ in dash and mark too, not in colour alone."""

Entries = Mapping[tuple[str, str | None], Mapping[str, Any]]


# Figures in words.


def written(metric: Metric, value: Any, currency: str | None = None) -> str:
    """A value as people read it."""
    if value is None:
        return NOTHING
    if metric.unit == Unit.MONEY:
        return money(value, currency or "")
    if metric.unit == Unit.DAYS:
        return days(value)
    return percent(value) if metric.unit in (Unit.SHARE, Unit.RATIO) else f"{value:.2f}"


def change(metric: Metric, value: Any, before: Any, currency: str | None) -> str | None:
    """What has changed since the period before; None where there is nothing to compare."""
    if value is None or before is None or metric.as_of_now:
        return None
    apart = value - before
    sign = "-" if apart < 0 else "+"
    if metric.unit in (Unit.SHARE, Unit.RATIO):
        text = f"{abs(apart) * 100:.0f} points"
        return "no change" if text == "0 points" else sign + text
    text = written(metric, abs(apart), currency)
    return "no change" if text == written(metric, type(value)(0), currency) else sign + text


def delta_colour(metric: Metric, text: str | None) -> str:
    """Whether a change is good news; the arrow and the words say which way it went."""
    if text in (None, "no change") or metric.better == Better.NEITHER:
        return "off"
    return "normal" if metric.better == Better.MORE else "inverse"


def about(metric: Metric, n: int) -> str:
    """A figure's definition, its formula and how much it rests on."""
    basis = "as of now, whatever the period" if metric.as_of_now else f"in this period n = {n:,}"
    return plain(f"{metric.definition} Formula: {metric.formula}; {basis}.")


def draw_figure(key: str, currency: str | None, entries: Entries, before: Entries) -> None:
    """One figure: value, change against the period before, its months as a sparkline, the list behind it."""
    metric = METRICS[key]
    entry, was = entries.get((key, currency)), before.get((key, currency))
    value, n = (entry["value"], entry["n"]) if entry else (None, 0)
    changed = change(metric, value, was["value"] if was else None, currency)
    months = [float(part["value"]) for part in entry["series"] if part["value"] is not None] if entry else []
    with st.container(border=True, key=f"figure-{key}-{currency or 'all'}", gap="xsmall"):
        st.metric(
            metric.label,
            written(metric, value, currency),
            delta=changed,
            delta_color=delta_colour(metric, changed),  # type: ignore[arg-type]
            delta_arrow="off" if changed == "no change" else "auto",
            help=about(metric, n),
            chart_data=months if len(months) > 1 else None,
            chart_type="area",
        )
        st.caption("as of now" if metric.as_of_now else f"n = {n:,}")
        if key in LISTS:
            place, params = LISTS[key]
            link(place, PLACES[place].title, icon="arrow_forward", **kept(place, params, currency))


def kept(place: str, params: Mapping[str, str], currency: str | None) -> dict[str, str]:
    """A list's parameters with the filters that this page shares with it."""
    shared = {"organization": param("organization")}
    if place == "payments" and currency:
        shared["currency"] = currency
    return {**params, **{name: value for name, value in shared.items() if value}}


# Choices.


def choose_filter(whole: Period) -> OutcomeFilter:
    """The filters, from the address; unless asked otherwise, the last six months."""
    months = [month_text(month) for month in whole.months()]
    shown = {month_text(month): f"{month:%b %Y}" for month in whole.months()}
    with reading() as connection:
        owners, known = organizations(connection, caller()), currencies(connection, caller())
        places = workspaces(connection, caller(), param("organization") or None)
    default = months[-MONTHS:][0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        first = choose("from", "From", {default: shown[default]} | shown, everything=None)
        last = choose("to", "Until", dict(reversed(shown.items())), everything=None)
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        workspace_id = choose("workspace", "Workspace", {id: id for id in places})
        tag = choose_text("tag", "Project tag", placeholder="PROJ-…")
        currency = choose("currency", "Currency", {code: code for code in known})
    return OutcomeFilter(first, last, organization_id or None, workspace_id or None, tag or None, currency or None)


def entries_of(answer: Mapping[str, Any]) -> dict[tuple[str, str | None], Mapping[str, Any]]:
    """The answer's figures by key and currency."""
    return {(entry["key"], entry.get("currency")): entry for entry in answer["metrics"]}


# Trends.


def months_shown(answer: Mapping[str, Any]) -> list[str]:
    """The months of the period, as the answer has them."""
    return [part["period"] for part in answer["metrics"][0]["series"]]


def draw_trend(title: str, keys: Sequence[str], entries: Entries, key: str) -> None:
    """Some figures of one unit by month; a month without observations is a gap, not nought."""
    st.header(title, anchor=False)
    unit = METRICS[keys[0]].unit
    chart = charts.figure(height=330)
    for dash, symbol, name in zip(DASHES, SYMBOLS, keys, strict=False):
        add_line(chart, METRICS[name], entries[name, None]["series"], dash, symbol)
    chart.update_xaxes(type="category")
    if unit == Unit.SHARE:
        chart.update_yaxes(tickformat=".0%", range=[-0.04, 1.04])
    else:
        chart.update_yaxes(title="days")
    charts.show(
        chart,
        alt=f"{title} by month. "
        + "; ".join(trend_words(METRICS[name], entries[name, None]["series"]) for name in keys),
        rows=month_rows(keys, None, entries),
        key=key,
    )


def add_line(chart: Any, metric: Metric, series: Sequence[Mapping[str, Any]], dash: str, symbol: str) -> None:
    """One figure as a line."""
    chart.add_scatter(
        name=metric.label,
        mode="lines+markers",
        x=[part["period"] for part in series],
        y=[part["value"] for part in series],
        connectgaps=False,
        line={"dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 9},
        hovertext=[
            f"{metric.label}<br>{part['period']}: {written(metric, part['value'])}<br>n = {part['n']}"
            for part in series
        ],
        hoverinfo="text",
    )


def trend_words(metric: Metric, series: Sequence[Mapping[str, Any]]) -> str:
    """A line in a few words."""
    told = [part for part in series if part["value"] is not None]
    if not told:
        return f"{metric.label}: nothing was measured"
    first, last = told[0], told[-1]
    return (
        f"{metric.label}: {written(metric, first['value'])} in {first['period']}, "
        f"{written(metric, last['value'])} in {last['period']}"
    )


def month_rows(keys: Iterable[str], currency: str | None, entries: Entries) -> list[dict[str, str]]:
    """A table twin: a row a month."""
    rows: dict[str, dict[str, str]] = {}
    for key in keys:
        metric = METRICS[key]
        for part in entries[key, currency]["series"]:
            row = rows.setdefault(part["period"], {"Month": part["period"]})
            row[metric.label] = written(metric, part["value"], currency)
            row[f"n of {metric.label.lower()}"] = f"{part['n']:,}"
    return list(rows.values())


def draw_value(currency: str, entries: Entries) -> None:
    """What was delivered and what was received by month, in one currency."""
    st.header(f"Delivered and received, {currency}", anchor=False)
    chart = charts.figure(height=330, barmode="group")
    for key, pattern in (("value_delivered", ""), ("received", "/")):
        metric, series = METRICS[key], entries[key, currency]["series"]
        chart.add_bar(
            name=metric.label,
            x=[part["period"] for part in series],
            y=[
                None if part["value"] is None else float(part["value"]) for part in series
            ],  # pixels; the amounts are in the hover and the table
            marker={"pattern": {"shape": pattern, "fillmode": "overlay", "size": 7}},
            hovertext=[
                f"{metric.label}<br>{part['period']}: {written(metric, part['value'], currency)}" for part in series
            ],
            hoverinfo="text",
        )
    chart.update_xaxes(type="category")
    whole = "; ".join(
        f"{METRICS[key].label}: {written(METRICS[key], entries[key, currency]['value'], currency)}"
        for key in ("value_delivered", "received")
    )
    keys = ("value_delivered", "received", "days_sales_outstanding")
    charts.show(
        chart, alt=f"Money by month in {currency}. {whole}.", rows=month_rows(keys, currency, entries), key="value"
    )


# Organisations.


def draw_organizations(wanted: OutcomeFilter) -> None:
    """One figure, organisation by organisation; the table has the others."""
    with reading() as connection:
        found = by_organization(connection, caller(), wanted, now())
    if not found:
        return
    st.header("By organisation", anchor=False)
    keys = (*QUALITY, *PACE, *EFFORT)
    key = choose("by", "Figure", {key: METRICS[key].label for key in keys}, everything=None, resets=())
    metric = METRICS[key]
    st.caption(plain(metric.definition))
    told = {id: figures.get((key, None), NO_FIGURE) for id, figures in found.items()}
    most = sorted(told, key=lambda id: -told[id].n)[:MOST_ORGANIZATIONS]
    if len(told) > len(most):
        st.caption(f"The {len(most)} organisations with the most to measure; the table has all {len(told):,}.")
    figures = {id: told[id] for id in sorted(most, reverse=True)}
    chart = charts.figure(height=120 + 40 * len(figures), showlegend=False)
    chart.add_bar(
        orientation="h",
        y=list(figures),
        x=[figure.value for figure in figures.values()],
        text=[bar_words(metric, figure) for figure in figures.values()],
        textposition="auto",
        insidetextanchor="start",
        hoverinfo="skip",
    )
    chart.update_xaxes(visible=False)
    chart.update_yaxes(showgrid=False)
    charts.show(
        chart,
        alt=f"{metric.label} by organisation: "
        + "; ".join(f"{id} {bar_words(metric, f)}" for id, f in figures.items()),
        rows=[organization_row(id, found[id], keys) for id in sorted(found)],
        key="organizations",
    )


def bar_words(metric: Metric, figure: Figure) -> str:
    """A bar's value and n."""
    return f"{written(metric, figure.value)} (n = {figure.n:,})" if figure.n else "nothing measured"


def organization_row(id: str, figures: Mapping[tuple[str, str | None], Figure], keys: Iterable[str]) -> dict[str, str]:
    """An organisation's figures as a row of a table."""
    told = {key: figures.get((key, None), NO_FIGURE) for key in keys}
    return {"Organisation": id} | {METRICS[k].label: written(METRICS[k], f.value) for k, f in told.items()}


# Rejections.

PARETOS: Mapping[str, Callable[[Sequence[Rejection]], list[Bar]]] = {"criterion": by_criterion, "reason": by_reason}
MOST_BARS = 12


def draw_rejections(wanted: OutcomeFilter) -> None:
    """Why deliverables were rejected, the most frequent first, with the rejections behind a bar."""
    st.header("Why deliverables were rejected", anchor=False)
    with reading() as connection:
        found, left_out = rejections(connection, caller(), wanted, now())
    if not found:
        cards.empty("No deliverable was rejected in this period.")
        return
    if left_out:
        st.caption(f"The newest {len(found):,} rejections of the period; {left_out:,} older ones are left out.")
    by = choose_view("because", "Group by", {"criterion": "By criterion", "reason": "By reason"})
    bars = PARETOS[by](found)
    draw_pareto(bars)
    chosen = choose(
        "bar",
        "Show the rejections behind",
        {bar_id(bar): f"{bar.label} · {bar.count:,}" for bar in bars},
        everything="Choose a bar",
        resets=(),
    )
    for bar in bars:
        if bar_id(bar) == chosen:
            draw_behind(bar)


def bar_id(bar: Bar) -> str:
    """A short name for a bar, the same on every visit."""
    return f"{crc32(bar.label.casefold().encode()):08x}"


def draw_pareto(bars: Sequence[Bar]) -> None:
    """Bars from the most frequent on, and the share that they make up together."""
    shown = bars[:MOST_BARS]
    chart = charts.figure(height=90 + 52 * len(shown))
    places = list(range(len(shown)))
    chart.add_bar(
        orientation="h",
        y=places,
        x=[bar.count for bar in shown],
        width=0.36,
        text=[f"{bar.count:,} · {percent(bar.cumulative_share)} so far" for bar in shown],
        textposition="outside",
        cliponaxis=False,
        hovertext=[short(bar.label, 120) for bar in shown],
        hoverinfo="text",
    )
    for place, bar in zip(places, shown, strict=True):
        # Above its bar, not beside it: a criterion is a sentence, and a phone is narrow.
        chart.add_annotation(
            text=short(bar.label, 52),
            x=0,
            y=place - 0.2,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"color": charts.theme_colour("text")},
        )
    chart.update_yaxes(visible=False, range=[len(shown) - 0.5, -0.8])
    chart.update_xaxes(visible=False, range=[0, shown[0].count * 1.7])
    chart.update_layout(showlegend=False)
    if len(bars) > len(shown):
        st.caption(f"The {len(shown)} most frequent of {len(bars)}; the table has all of them.")
    charts.show(
        chart,
        alt="Rejections by what was named: " + "; ".join(f"{bar.label}: {bar.count}" for bar in shown),
        rows=[{"Named": bar.label, "Rejections": bar.count, "So far": percent(bar.cumulative_share)} for bar in bars],
        key="pareto",
    )


def short(text: str, longest: int) -> str:
    """A text that fits beside a bar, safe in Plotly's own markup."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def draw_behind(bar: Bar) -> None:
    """The rejections behind one bar."""
    for place, rejection in enumerate(bar.rejections[: tables.ROWS]):
        evidence = "; ".join(found.evidence for found in rejection.criteria_not_met if found.evidence)
        facts = [
            rejection.reason,
            evidence,
            f"{day(rejection.decided_at)} by {'silence' if rejection.deemed else rejection.reviewer_id}",
            rejection.organization_id,
            rejection.deliverable_id,
        ]
        badges = [cards.note(f"attempt {rejection.attempt}", "violet", "replay")]
        within = f"{place}-"
        cards.row(
            Kind.DELIVERABLE, rejection.deliverable_id, rejection.deliverable_title, facts, badges=badges, within=within
        )
    if len(bar.rejections) > tables.ROWS:
        st.caption(f"and {len(bar.rejections) - tables.ROWS:,} more")


# The page.


def show_figures(keys: Sequence[str], currency: str | None, entries: Entries, before: Entries) -> None:
    """Some figures side by side, as many in a row as fit."""
    # Amounts need more room than shares and days.
    grid = st.grid(min_column_width=200 if currency else 165, gap="small")
    for key in keys:
        with grid.cell():
            draw_figure(key, currency, entries, before)


def every_figure(entries: Entries) -> list[dict[str, str]]:
    """All of it as one table, with definitions."""
    return [
        {
            "Figure": METRICS[key].label,
            "Currency": currency or NOTHING,
            "Value": written(METRICS[key], entry["value"], currency),
            "n": f"{entry['n']:,}",
            "Definition": METRICS[key].definition,
            "Formula": METRICS[key].formula,
        }
        for (key, currency), entry in entries.items()
    ]


def show_outcomes(wanted: OutcomeFilter) -> None:
    """Everything, for one period and choice."""
    with reading() as connection:
        period = period_of(connection, caller(), wanted, now())
        earlier = period.before()
        answer = outcomes(connection, caller(), wanted, now())
        previous = replace(wanted, from_month=month_text(earlier.first), to_month=month_text(earlier.last))
        before = entries_of(outcomes(connection, caller(), previous, now()))
    entries = entries_of(answer)
    if not any(entry["n"] for entry in entries.values()):
        cards.empty(
            "Nothing has ended in this period, so there is nothing to measure.",
            label="See what is asked for",
            place="requests",
        )
        return
    length = count(len(period.months()), "month")
    st.caption(f"Changes are against the {length} before: {earlier.first:%b %Y} to {earlier.last:%b %Y}.")
    st.header("Right, and on time", anchor=False)
    show_figures(QUALITY, None, entries, before)
    st.header("How long things take", anchor=False)
    show_figures(PACE, None, entries, before)
    st.header("What mending costs, and what the price is to the budget", anchor=False)
    show_figures(EFFORT, None, entries, before)
    currency = show_money(entries, before)
    draw_trend("Quality by month", QUALITY[:3], entries, "quality")
    draw_trend("Days by month", (PACE[0], PACE[1], PACE[3], PACE[5]), entries, "pace")
    if currency:
        draw_value(currency, entries)
    draw_organizations(wanted)
    draw_rejections(wanted)
    with st.expander("Every figure with its definition", icon=":material/table:"):
        tables.grid(every_figure(entries), alt="Every figure with value, n, definition and formula", key="every")


def show_money(entries: Entries, before: Entries) -> str | None:
    """The figures of one currency; which one is chosen, since currencies are not added."""
    known = sorted({currency for _, currency in entries if currency})
    if not known:
        return None
    st.header("Money", anchor=False)
    options = {code: code for code in known}
    currency = choose("money", "In which currency", options, everything=None, resets=()) if len(known) > 1 else known[0]
    show_figures(MONEY, currency, entries, before)
    return currency


live.watch()
cards.heading("outcomes")
try:
    with reading() as everything:
        span = period_of(everything, caller(), OutcomeFilter(), now())
    show_outcomes(choose_filter(span))
except Invalid as refusal:
    refusals.show(refusal)
