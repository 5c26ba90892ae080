"""Outcomes: whether we get what we pay for, against the period before, by month, by organisation, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zlib import crc32

import streamlit as st

from ods_core.basics.errors import Invalid
from ods_core.basics.roles import ALL_ROLES
from ods_core.basics.states import Kind
from ods_core.queries import board
from ods_core.queries.behind import Measured, behind
from ods_core.queries.board import HEADINGS
from ods_core.queries.choices import currencies, organizations, tags, workspaces
from ods_core.queries.criteria_quality import BANDS, Band, by_score
from ods_core.queries.criteria_quality import behind as behind_band
from ods_core.queries.metrics import METRICS, Better, Metric, Unit
from ods_core.queries.outcomes import NOTHING as NO_FIGURE
from ods_core.queries.outcomes import (
    Figure,
    OutcomeFilter,
    Period,
    Step,
    by_organization,
    by_tag,
    by_workspace,
    month_text,
    outcomes,
    period_of,
)
from ods_core.queries.rejections import Bar, Rejection, by_criterion, by_reason, rejections
from ods_core.service import runtime
from ods_core.ui import cards, charts, filters, live, outlook, refusals, tables
from ods_core.ui.downloads import Offer, offer
from ods_core.ui.formats import NOTHING, count, day, days, moment, money, percent, plain
from ods_core.ui.kept import kept, measured
from ods_core.ui.session import caller, choose, choose_text, choose_view, link, now, param

VIEWS = {
    "overview": "Overview",
    "figures": "Every figure",
    "breakdown": "Breakdown",
    "rejections": "Rejections",
    "criteria": "Criteria",
    "forecast": "Forecast",
}
HEADLINE = (
    "first_time_acceptance_rate",
    "on_time_rate",
    "remediation_cycles_per_scope",
    "outcome_lead_time_median",
)
"""What stands in the first row, beside the value delivered."""
MOST_OWNERS = 30
MOST_TAGS = 12
STEPS = {Step.MONTH.value: "By month", Step.QUARTER.value: "By quarter", Step.WEEK.value: "By week"}
MONTHS = 6
"""How many months are looked at unless asked otherwise."""
QUALITY, PACE, EFFORT, MONEY = HEADINGS.values()
"""As the printed report has them under its headings."""
MADE_OF: Mapping[str, tuple[str, str]] = {
    "scoping": ("request", "requests"),
    "won": ("request", "requests"),
    "cycle": ("cycle", "cycles"),
    "variance": ("cycle", "cycles"),
    "on_time": ("cycle", "cycles"),
    "remediation_days": ("remediation cycle", "remediation cycles"),
    "review": ("decision", "decisions"),
    "rejection": ("decision", "decisions"),
    "first_time": ("deliverable", "deliverables"),
    "received": ("booking", "bookings"),
    "paid": ("payment", "payments"),
    "open": ("payment", "payments"),
    "overdue": ("payment", "payments"),
}
"""What a figure is made of, by what is observed; everything else is made of scopes."""
SCOPES = ("scope", "scopes")
HIT: Mapping[str, tuple[str, str]] = {
    "won": ("won", "not won"),
    "on_time": ("on time", "late"),
    "rejection": ("rejected", "accepted"),
    "first_time": ("at the first attempt", "at a later attempt"),
    "remediation_free": ("no remediation", "remediated"),
}
"""A share, one by one: what counts for it, and what does not."""
KEPT = ("organization", "workspace", "tag", "currency")
"""What narrows this page, apart from the period."""
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


def draw_figure(key: str, currency: str | None, asked: Asked) -> None:
    """One figure: value, change against the period before, its months as a sparkline, the list behind it."""
    metric = METRICS[key]
    entry, was = asked.entries.get((key, currency)), asked.before.get((key, currency))
    value, n = (entry["value"], entry["n"]) if entry else (None, 0)
    changed = change(metric, value, was["value"] if was else None, currency)
    parts = [float(part["value"]) for part in entry["series"] if part["value"] is not None] if entry else []
    with st.container(border=True, key=f"figure-{key}-{currency or 'all'}", gap="xsmall"):
        st.metric(
            metric.label,
            written(metric, value, currency),
            delta=changed,
            delta_color=delta_colour(metric, changed),  # type: ignore[arg-type]
            delta_arrow="off" if changed == "no change" else "auto",
            help=about(metric, n),
        )
        if len(parts) > 1:
            charts.sparkline(parts, alt=trend_words(metric, entry["series"], currency))
        link("outcomes", basis(metric, n), **whole_address(asked.period), figure=key, of=currency or "")


def basis(metric: Metric, n: int) -> str:
    """How much a figure rests on, in words: `23 deliverables`, `9 scopes as of now`."""
    return count(n, *MADE_OF.get(metric.observation, SCOPES)) + (" as of now" if metric.as_of_now else "")


def whole_address(period: Period) -> dict[str, str]:
    """This page's choices with the period written out, so that a link means the same next month."""
    chosen = {name: param(name) for name in KEPT if param(name)}
    return {**chosen, "from": month_text(period.first), "to": month_text(period.last)}


# What is behind a figure.


def show_behind(asked: Asked, key: str) -> None:
    """All that one figure is made of, the latest first."""
    metric, currency = METRICS[key], code_of(asked, key)
    entry = asked.entries.get((key, currency))
    value, n = (entry["value"], entry["n"]) if entry else (None, 0)
    link("outcomes", "All figures", icon="arrow_back", **whole_address(asked.period))
    title = f"{metric.label}, {currency}" if currency else metric.label
    st.header(plain(title), anchor=False, help=about(metric, n))
    span = "" if metric.as_of_now else f" · {asked.period.first:%b %Y} to {asked.period.last:%b %Y}"
    st.markdown(f"**{plain(written(metric, value, currency))}** · {plain(basis(metric, n) + span)}")
    trail = tables.cursor_trail()
    skip = int(trail[-1]) if trail and trail[-1].isascii() and trail[-1].isdigit() and len(trail[-1]) < 8 else 0
    found = measured(
        lambda c: behind(
            c, caller(), key, asked.wanted, asked.period, now(), currency=currency, limit=tables.ROWS, skip=skip
        ),
        "behind",
        *(key, currency, asked.wanted, skip),
    )
    for row in found.rows:
        draw_measured(metric, row)
    if not found.rows:
        cards.empty("Nothing is behind this figure.")
    tables.pager(str(skip + len(found.rows)) if found.more else None)


def code_of(asked: Asked, key: str) -> str | None:
    """The currency of a figure of money, from the address; None for other figures."""
    if not METRICS[key].per_currency:
        return None
    return param("of") if param("of") in asked.currencies or not asked.currencies else asked.currencies[0]


def draw_measured(metric: Metric, row: Measured) -> None:
    """One thing that counted: what it is, when it ended, and what it counted for."""
    facts = [row.context if row.context != row.title else "", day(row.ended_on) if row.ended_on else ""]
    facts += [row.organization_id, row.id]
    words = value_words(metric, row)
    cards.row(row.kind, row.id, row.title, facts, aside=words, within=f"{row.entry}-")


def value_words(metric: Metric, row: Measured) -> str:
    """What one thing counted for."""
    if metric.observation in HIT:
        return HIT[metric.observation][0 if row.value else 1]
    if metric.per_currency:
        return money(Decimal(row.value), row.currency)
    return count(int(row.value), "remediation") if metric.unit == Unit.CYCLES else written(metric, row.value)


# Choices.


def choose_filter(whole: Period) -> OutcomeFilter:
    """The filters, from the address; unless asked otherwise, the last six months."""
    shown = {month_text(month): f"{month:%b %Y}" for month in whole.months()}
    owners = kept(lambda c: organizations(c, caller()), "organizations")
    known = kept(lambda c: currencies(c, caller()), "currencies")
    within = param("organization") or None
    places = kept(lambda c: workspaces(c, caller(), within), "workspaces", within)
    default = [*shown][-MONTHS:][0]
    with filters.panel(narrowed(shown, default)):
        first = choose("from", "From", {default: shown[default]} | shown, everything=None)
        last = choose("to", "Until", dict(reversed(shown.items())), everything=None)
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        workspace_id = choose("workspace", "Workspace", {id: id for id in places})
        tag = choose_text("tag", "Project tag", placeholder="PROJ-…")
        currency = choose("currency", "Currency", {code: code for code in known})
    return OutcomeFilter(first, last, organization_id or None, workspace_id or None, tag or None, currency or None)


def narrowed(shown: Mapping[str, str], default: str) -> list[str]:
    """What the filters are, in words: the period, and what narrows it."""
    first, last = shown.get(param("from"), shown[default]), shown.get(param("to"), [*shown.values()][-1])
    owner = param("organization") or "all organisations"
    return [f"{first} to {last}", owner, param("workspace"), param("tag"), param("currency")]


def entries_of(answer: Mapping[str, Any]) -> dict[tuple[str, str | None], Mapping[str, Any]]:
    """The answer's figures by key and currency."""
    return {(entry["key"], entry.get("currency")): entry for entry in answer["metrics"]}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and what was found: the figures by key and currency, and those of the period before."""

    wanted: OutcomeFilter
    period: Period
    step: Step
    entries: Entries
    before: Entries

    @property
    def currencies(self) -> list[str]:
        """Those in which there is money, sorted."""
        return sorted({currency for _, currency in self.entries if currency})


def ask(wanted: OutcomeFilter, step: Step) -> Asked:
    """The figures, for the period and the one before."""
    period = kept(lambda c: period_of(c, caller(), wanted, now()), "period", wanted)
    earlier = period.before()
    previous = replace(wanted, from_month=month_text(earlier.first), to_month=month_text(earlier.last))
    answer = measured(lambda c: outcomes(c, caller(), wanted, now(), step), "outcomes", wanted, step)
    before = measured(lambda c: outcomes(c, caller(), previous, now()), "outcomes", previous, Step.MONTH)
    return Asked(wanted, period, step, entries_of(answer), entries_of(before))


# Trends.

TRENDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "quality": ("Quality", QUALITY[:3]),
    "pace": ("Days", (PACE[0], PACE[1], PACE[3], PACE[5])),
    "money": ("Money", ()),
}


def show_trend(asked: Asked) -> None:
    """One chart over time; which one is chosen, and how long its parts are."""
    names = {key: label for key, (label, _) in TRENDS.items() if key != "money" or asked.currencies}
    with st.container(horizontal=True, horizontal_alignment="distribute", key="trends"):
        which = choose_view("trend", "What is shown over time", names)
        choose_view("step", "How long each part is", STEPS)
    if which == "money":
        draw_value(choose_currency(asked), asked)
    else:
        label, keys = TRENDS[which]
        draw_trend(f"{label} by {asked.step.value}", keys, asked.entries, which)


def choose_currency(asked: Asked) -> str:
    """One currency, since two are not added."""
    known = asked.currencies
    if len(known) == 1:
        return known[0]
    return choose("money", "In which currency", {code: code for code in known}, everything=None, resets=())


def draw_trend(title: str, keys: Sequence[str], entries: Entries, key: str) -> None:
    """Some figures of one unit by month; a month without observations is a gap, not nought."""
    st.header(title, anchor=False)
    is_share = METRICS[keys[0]].unit == Unit.SHARE
    scale = {"tickformat": ".0%", "range": [-0.04, 1.04]} if is_share else {"title": "days"}
    chart = charts.figure(height=330, xaxis={"type": "category"}, yaxis=scale)
    for dash, symbol, name in zip(DASHES, SYMBOLS, keys, strict=False):
        add_line(chart, METRICS[name], entries[name, None]["series"], dash, symbol)
    charts.show(
        chart,
        alt=f"{title}. " + "; ".join(trend_words(METRICS[name], entries[name, None]["series"]) for name in keys),
        rows=part_rows(keys, None, entries),
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


def trend_words(metric: Metric, series: Sequence[Mapping[str, Any]], currency: str | None = None) -> str:
    """A line in a few words."""
    told = [part for part in series if part["value"] is not None]
    if not told:
        return f"{metric.label}: nothing was measured"
    first, last = told[0], told[-1]
    return (
        f"{metric.label}: {written(metric, first['value'], currency)} in {first['period']}, "
        f"{written(metric, last['value'], currency)} in {last['period']}"
    )


def part_rows(keys: Iterable[str], currency: str | None, entries: Entries) -> list[dict[str, str]]:
    """A table twin: a row for each part of the period."""
    rows: dict[str, dict[str, str]] = {}
    for key in keys:
        metric = METRICS[key]
        for part in entries[key, currency]["series"]:
            row = rows.setdefault(part["period"], {"Period": part["period"]})
            row[metric.label] = written(metric, part["value"], currency)
            row[f"n of {metric.label.lower()}"] = f"{part['n']:,}"
    return list(rows.values())


def draw_value(currency: str, asked: Asked) -> None:
    """What was delivered and what was received over time, in one currency."""
    entries = asked.entries
    st.header(f"Delivered and received by {asked.step.value}, {currency}", anchor=False)
    chart = charts.figure(height=330, barmode="group", xaxis={"type": "category"})
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
    whole = "; ".join(
        f"{METRICS[key].label}: {written(METRICS[key], entries[key, currency]['value'], currency)}"
        for key in ("value_delivered", "received")
    )
    keys = ("value_delivered", "received", "days_sales_outstanding")
    charts.show(
        chart,
        alt=f"Money by {asked.step.value} in {currency}. {whole}.",
        rows=part_rows(keys, currency, entries),
        key="value",
    )


# Breakdowns.

SIDES = {"organization": "By organisation", "workspace": "By workspace", "tag": "By project tag"}
Side = Mapping[str, Mapping[tuple[str, str | None], Figure]]


def figures_of(side: str, wanted: OutcomeFilter) -> Side:
    """The figures of each organisation, workspace or tag."""
    if side == "tag":
        known = [wanted.project_tag] if wanted.project_tag else kept(lambda c: tags(c, caller()), "tags")
        if len(known) > MOST_TAGS:
            st.caption(f"The {MOST_TAGS} tags used most, of {len(known):,}.")
        return measured(lambda c: by_tag(c, caller(), wanted, now(), known[:MOST_TAGS], money=False), "tag", wanted)
    of = {"organization": by_organization, "workspace": by_workspace}[side]
    return measured(lambda c: of(c, caller(), wanted, now(), money=False), side, wanted)


def show_breakdown(asked: Asked) -> None:
    """One figure, organisation by organisation, workspace by workspace or tag by tag; the table has the others."""
    side = choose_view("of", "Break down", SIDES)
    found = figures_of(side, asked.wanted)
    if not found:
        cards.empty("Nothing was measured here.")
        return
    keys = (*QUALITY, *PACE, *EFFORT)
    key = choose("by", "Figure", {key: METRICS[key].label for key in keys}, everything=None, resets=())
    metric = METRICS[key]
    st.caption(plain(metric.definition))
    told = {id: figures.get((key, None), NO_FIGURE) for id, figures in found.items()}
    most = sorted(told, key=lambda id: -told[id].n)[:MOST_OWNERS]
    if len(told) > len(most):
        st.caption(f"The {len(most)} with the most to measure, of {len(told):,}.")
    draw_bars(metric, {id: told[id] for id in sorted(most, reverse=True)}, found, keys)
    with st.container(horizontal=True, key="narrow"):
        for id in sorted(most)[:8]:
            link("outcomes", f"Only {id}", icon="filter_alt", **narrowed_to(side, id))


def narrowed_to(side: str, id: str) -> dict[str, str]:
    """The address of this page narrowed to one of a breakdown."""
    now_chosen = {name: param(name) for name in ("from", "to", "organization", "workspace", "tag", "currency")}
    return now_chosen | {side: id}


def draw_bars(metric: Metric, figures: Mapping[str, Figure], found: Side, keys: Iterable[str]) -> None:
    """A bar each."""
    chart = charts.figure(
        height=120 + 40 * len(figures),
        showlegend=False,
        xaxis={"visible": False},
        yaxis={"showgrid": False, "type": "category"},
    )
    chart.add_bar(
        orientation="h",
        y=list(figures),
        x=[figure.value for figure in figures.values()],
        text=[bar_words(metric, figure) for figure in figures.values()],
        textposition="auto",
        insidetextanchor="start",
        hoverinfo="skip",
    )
    charts.show(
        chart,
        alt=f"{metric.label}: " + "; ".join(f"{id} {bar_words(metric, f)}" for id, f in figures.items()),
        rows=[owner_row(id, found[id], keys) for id in sorted(figures)],
        key="breakdown",
    )


def bar_words(metric: Metric, figure: Figure) -> str:
    """A bar's value and n."""
    return f"{written(metric, figure.value)} (n = {figure.n:,})" if figure.n else "nothing measured"


def owner_row(id: str, figures: Mapping[tuple[str, str | None], Figure], keys: Iterable[str]) -> dict[str, str]:
    """The figures of one of a breakdown as a row of a table."""
    told = {key: figures.get((key, None), NO_FIGURE) for key in keys}
    return {"Of": id} | {METRICS[k].label: written(METRICS[k], f.value) for k, f in told.items()}


# Rejections.

PARETOS: Mapping[str, Callable[[Sequence[Rejection]], list[Bar]]] = {"criterion": by_criterion, "reason": by_reason}
MOST_BARS = 12


def draw_rejections(wanted: OutcomeFilter) -> None:
    """Why deliverables were rejected, the most frequent first, with the rejections behind a bar."""
    st.header("Why deliverables were rejected", anchor=False)
    found, left_out = measured(lambda c: rejections(c, caller(), wanted, now()), "rejections", wanted)
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
    places = list(range(len(shown)))
    chart = charts.figure(
        height=90 + 52 * len(shown),
        showlegend=False,
        xaxis={"visible": False, "range": [0, shown[0].count * 1.7]},
        yaxis={"visible": False, "range": [len(shown) - 0.5, -0.8]},
        # Above its bar, not beside it: a criterion is a sentence, and a phone is narrow.
        annotations=[
            charts.words(charts.short(bar.label, 52), x=0, xanchor="left", y=place - 0.2, yanchor="bottom")
            for place, bar in zip(places, shown, strict=True)
        ],
    )
    chart.add_bar(
        orientation="h",
        y=places,
        x=[bar.count for bar in shown],
        width=0.36,
        text=[f"{bar.count:,} · {percent(bar.cumulative_share)} so far" for bar in shown],
        textposition="outside",
        cliponaxis=False,
        hovertext=[charts.short(bar.label, 120) for bar in shown],
        hoverinfo="text",
    )
    if len(bars) > len(shown):
        st.caption(f"The {len(shown)} most frequent of {len(bars)}; the table has all of them.")
    charts.show(
        chart,
        alt="Rejections by what was named: " + "; ".join(f"{bar.label}: {bar.count}" for bar in shown),
        rows=[{"Named": bar.label, "Rejections": bar.count, "So far": percent(bar.cumulative_share)} for bar in bars],
        key="pareto",
    )


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


# Criteria.


def band_name(band: tuple[int, int]) -> str:
    """Scores as the address and the chart name them: `70–84`."""
    return f"{band[0]}–{band[1]}"


def show_criteria(wanted: OutcomeFilter) -> None:
    """The score of a scope's criteria at confirmation, against the rejection rate that followed."""
    st.header(
        "Good criteria against rejections",
        anchor=False,
        help="The first attempts that were decided in the period, by how good the criteria of their scope were found "
        "when it was confirmed (0 to 100): rejected ÷ decided.",
    )
    found = measured(lambda c: by_score(c, caller(), wanted, now()), "criteria", wanted)
    if not any(band.scopes for band in found):
        cards.empty(
            "No first attempt of a scope with a score was decided in this period.",
            label="See the scopes",
            place="scopes",
        )
        return
    draw_bands(found)
    shown = {band_name((b.lowest, b.highest)): b for b in found if b.scopes}
    options = {name: f"{name} · {count(band.scopes, 'scope')}" for name, band in shown.items()}
    chosen = choose("band", "Show the scopes behind", options, everything="Choose a band", resets=())
    for low, high in BANDS:
        if chosen == band_name((low, high)):
            draw_scored(wanted, (low, high))


def draw_bands(found: Sequence[Band]) -> None:
    """A bar a band of scores."""
    names = [band_name((band.lowest, band.highest)) for band in found]
    words = [f"{percent(b.rejection_rate)} (n = {b.decided:,})" if b.decided else "nothing decided" for b in found]
    chart = charts.figure(
        height=300,
        showlegend=False,
        xaxis={"type": "category", "title": "score of the criteria at confirmation"},
        yaxis={"tickformat": ".0%", "rangemode": "tozero", "title": "rejection rate"},
    )
    chart.add_bar(
        x=names,
        y=[band.rejection_rate for band in found],
        text=words,
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{count(b.scopes, 'scope')}, {count(b.decided, 'first attempt')}" for b in found],
        hoverinfo="text",
    )
    charts.show(
        chart,
        alt="Rejection rate by the score of the criteria: " + "; ".join(map("{}: {}".format, names, words)),
        rows=[
            {
                "Score": name,
                "Scopes": f"{band.scopes:,}",
                "First attempts": f"{band.decided:,}",
                "Rejected": f"{band.rejected:,}",
                "Rejection rate": percent(band.rejection_rate),
            }
            for name, band in zip(names, found, strict=True)
        ],
        key="bands",
    )


def draw_scored(wanted: OutcomeFilter, band: tuple[int, int]) -> None:
    """The scopes of a band."""
    rows = measured(lambda c: behind_band(c, caller(), wanted, now(), band, tables.ROWS), "scored", wanted, band)
    for row in rows:
        facts = [
            f"{row.rejected:,} of {count(row.decided, 'first attempt')} rejected",
            row.organization_id,
            row.scope_id,
        ]
        cards.row(Kind.SCOPE, row.scope_id, row.title, facts, aside=f"score {row.score}")
    if len(rows) == tables.ROWS:
        st.caption(f"The {tables.ROWS} with the most rejections.")


# The page.


def show_figures(keys: Sequence[str], currency: str | None, asked: Asked) -> None:
    """Some figures side by side, as many in a row as fit."""
    # Amounts need more room than shares and days.
    grid = st.grid(min_column_width=200 if currency else 165, gap="small")
    for key in keys:
        with grid.cell():
            draw_figure(key, currency, asked)


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


def show_overview(asked: Asked) -> None:
    """The few figures that answer the page's question, and one chart over time."""
    grid = st.grid(min_column_width=165, gap="small")
    for key in HEADLINE:
        with grid.cell():
            draw_figure(key, None, asked)
    if asked.currencies:
        code = param("money") if param("money") in asked.currencies else asked.currencies[0]
        with grid.cell():
            draw_figure("value_delivered", code, asked)
    show_trend(asked)


def show_every_figure(asked: Asked) -> None:
    """All figures, each with its change, its months and its list."""
    st.header("Right, and on time", anchor=False)
    show_figures(QUALITY, None, asked)
    st.header("How long things take", anchor=False)
    show_figures(PACE, None, asked)
    st.header("What mending costs, and what the price is to the budget", anchor=False)
    show_figures(EFFORT, None, asked)
    if asked.currencies:
        st.header("Money", anchor=False)
        show_figures(MONEY, choose_currency(asked), asked)
    with st.expander("Every figure with its definition", icon=":material/table:"):
        tables.grid(every_figure(asked.entries), alt="Every figure with value, n, definition and formula", key="every")


def show_outcomes(wanted: OutcomeFilter) -> None:
    """One view, for one period and choice."""
    step = Step(param("step")) if param("step") in STEPS else Step.MONTH
    asked = ask(wanted, step)
    if param("figure") in METRICS:
        show_behind(asked, param("figure"))
        return
    view = choose_view("view", "View", VIEWS)
    offer(taken_away(asked), to=ALL_ROLES)
    if view == "forecast":
        outlook.show_portfolio(wanted)
        return
    if not any(entry["n"] for entry in asked.entries.values()):
        cards.empty(
            "Nothing has ended in this period, so there is nothing to measure.",
            label="See what is asked for",
            place="requests",
        )
        return
    tell_comparison(asked.period)
    SHOWN[view](asked)


def taken_away(asked: Asked) -> Offer:
    """The data as a file, and the report for a board; no more than the page shows, so whoever sees it may have it."""
    asker, wanted, step = caller(), asked.wanted, asked.step
    return Offer(
        "outcomes",
        "The outcomes",
        "figure",
        len(asked.entries),
        lambda connection, moment: board.outcomes_paper(connection, asker, wanted, moment, step),
        lambda connection, moment: board.board_print(connection, asker, wanted, moment, step),
    )


def tell_comparison(period: Period) -> None:
    """What the changes are against."""
    earlier, length = period.before(), count(len(period.months()), "month")
    st.caption(f"Changes are against the {length} before: {earlier.first:%b %Y} to {earlier.last:%b %Y}.")


def tell_moment() -> None:
    """As of when the figures are, where they are read from a replica."""
    if runtime().figures.has_replica:
        as_of = measured(lambda c: runtime().figures.moment(c, now()), "moment")
        st.caption(f"Figures are read from a replica, as of {moment(as_of)}.")


SHOWN: Mapping[str, Callable[[Asked], None]] = {
    "overview": show_overview,
    "figures": show_every_figure,
    "breakdown": show_breakdown,
    "rejections": lambda asked: draw_rejections(asked.wanted),
    "criteria": lambda asked: show_criteria(asked.wanted),
}

live.watch()
cards.heading("outcomes")
try:
    span = kept(lambda c: period_of(c, caller(), OutcomeFilter(), now()), "period", OutcomeFilter())
    tell_moment()
    show_outcomes(choose_filter(span))
except Invalid as refusal:
    refusals.show(refusal)
