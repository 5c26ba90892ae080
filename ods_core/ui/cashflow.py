"""The cash forecast as people see it: a bar a period, what half and 85 % of the runs bring, the payments behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

import streamlit as st

from ods_core.basics.money import Money, format_money
from ods_core.basics.states import Kind, PaymentStatus
from ods_core.forecast import PlannedPayment, Standing
from ods_core.queries.cash import LATER, OVERDUE, CashBar, CashFilter, CashForecast, cash_forecast, named
from ods_core.queries.runs import MAX_SEED, NEEDED, RUNS, SEED, By
from ods_core.ui import cards, charts, tables
from ods_core.ui.formats import NOTHING, away, count, day, moment, money, period, plain
from ods_core.ui.session import caller, choose, now, param, reading, review_days, set_params, today

HORIZONS: Mapping[By, tuple[int, ...]] = {By.WEEK: (13, 8, 26), By.MONTH: (6, 3, 12)}
"""The choices, the usual one first."""

COMES = {
    "P50": "Comes in by simulation, overdue money included: in half of the runs no more than this comes in the period.",
    "P85": "Comes in by simulation, overdue money included: in 85 % of the runs no more than this comes in the period.",
}
PLANNED = {
    "Overdue": "Open, and past the day it was due. It stands apart: its day has passed, and when it comes is a guess.",
    "Due": "Released and open, by its due date.",
    "Scheduled": "Waits for a delivery, by its expected date: the planned end of the cycle it hangs on, plus the usual "
    "review, plus its net days. What was expected earlier stands in the first period.",
}
SHADES = {"Overdue": ("red", "x"), "Due": ("blue", ""), "Scheduled": ("gray", "/")}
MARKS = {"P50": ("orange", "diamond", "dash"), "P85": ("violet", "triangle-up", "dot")}
CHART = "cash"


def show_cash(owners: Sequence[str], known: Sequence[str]) -> None:
    """The whole view; `owners` and `known` are the organisations and currencies to choose from."""
    if not known:
        cards.empty(
            "There is nothing to forecast yet. Payments come with a confirmed scope.",
            label="See the scopes",
            place="scopes",
        )
        return
    wanted = choose_filter(owners, known)
    with st.spinner("Playing all open work through…"), reading() as connection:
        found = cash_forecast(connection, caller(), wanted, now(), review_days())
    if not any(bar.payments for bar in found.bars):
        cards.empty(
            f"Nothing in {wanted.currency} is due or scheduled here.", label="See all payments", place="payments"
        )
        return
    say_basis(found)
    draw_bars(found)
    draw_behind(found, choose_bar(found))
    draw_sums(found)


def choose_filter(owners: Sequence[str], known: Sequence[str]) -> CashFilter:
    """The choices, from the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        currency = choose("currency", "Currency", {code: code for code in known}, everything=None, resets=STALE)
        organization_id = choose("organization", "Organisation", {id: id for id in owners}, resets=STALE)
        by = By(choose("by", "By", {By.WEEK.value: "Week", By.MONTH.value: "Month"}, everything=None, resets=PERIOD))
        shown = {str(n): count(n, by.value) for n in HORIZONS[by]}
        periods = int(choose("periods", "Horizon", shown, everything=None, resets=STALE))
    return CashFilter(currency, organization_id or None, by, periods, asked_seed())


STALE = ("bar", "after")
PERIOD = (*STALE, "periods")
"""What a new choice takes out of the address."""


def asked_seed() -> int:
    """The seed that the address asks for, or the usual one."""
    text = param("seed")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= MAX_SEED else SEED


def say_basis(found: CashForecast) -> None:
    """What the figures rest on, or why there are none."""
    if not found.runs:
        st.info(
            plain(
                f"Too little history to simulate: {count(found.finished_cycles, 'finished cycle')} here, and {NEEDED} "
                "are needed. What is due and scheduled stands all the same."
            ),
            icon=":material/hourglass_empty:",
        )
        st.caption(f"As of {moment(found.as_of)}.")
        return
    few = f" (fewer than the usual {RUNS:,}, since there is much open work)" if found.runs_are_limited else ""
    paid = count(found.paid_payments, "paid payment")
    when = paid if found.paid_payments else "no paid payment, so money is taken to come when it is due"
    st.caption(
        plain(
            f"Simulated {found.runs:,} times{few} over {count(found.finished_cycles, 'finished cycle')} and {when}. "
            f"Seed {found.seed}, as of {moment(found.as_of)}."
        )
    )


# The bars.


def label_of(found: CashForecast, bar: CashBar) -> str:
    """A bar's name: short, and different for each."""
    if bar.first is None or bar.last is None:
        return {OVERDUE: "Overdue", LATER: "Later"}[bar.key]
    if found.by == By.MONTH:
        return f"{bar.first:%b %Y}"
    return f"{bar.first.day} {bar.first:%b}"


def days_of(bar: CashBar) -> str:
    """The days of a bar, in words."""
    if bar.first is None or bar.last is None:
        return {OVERDUE: "past its due date", LATER: "after the horizon"}[bar.key]
    return period(bar.first, bar.last)


def parts_of(bar: CashBar) -> dict[str, Decimal]:
    """A bar's pieces, by their names."""
    return {
        "Overdue": bar.due if bar.key == OVERDUE else Decimal(0),
        "Due": Decimal(0) if bar.key == OVERDUE else bar.due,
        "Scheduled": bar.scheduled,
    }


def draw_bars(found: CashForecast) -> None:
    """What the plan brings in each period, and the marks of what the simulation brings."""
    bars, currency = found.bars, found.currency
    st.header(f"{currency} by {found.by.value}", anchor=False)
    names = [label_of(found, bar) for bar in bars]
    chart = charts.figure(
        barmode="stack",
        height=380,
        legend={"traceorder": "normal"},
        xaxis={"type": "category", "categoryorder": "array", "categoryarray": names},
        yaxis={"tickformat": "~s", "rangemode": "tozero"},
    )
    for part in SHADES:
        amounts = [parts_of(bar)[part] for bar in bars]
        if any(amounts):
            add_part(chart, part, names, amounts, found)
    for mark in MARKS if found.runs else ():
        add_marks(chart, mark, names, found)
    charts.show(
        chart,
        alt=f"Cash in {currency} by {found.by.value}. {told(found)}",
        rows=[table_row(found, bar) for bar in bars],
        columns=table_columns(found),
        key=CHART,
        on_select=open_clicked,
    )


def add_part(chart: Any, part: str, names: Sequence[str], amounts: Sequence[Decimal], found: CashForecast) -> None:
    """One kind of planned money, stacked on the others."""
    shade, pattern = SHADES[part]
    chart.add_bar(
        name=part,
        x=list(names),
        y=[float(amount) for amount in amounts],  # pixels; the amounts are told in the hover and the table
        marker={"color": charts.theme_colour(shade), "pattern": {"shape": pattern, "fillmode": "overlay", "size": 7}},
        customdata=[[bar.key] for bar in found.bars],
        hovertext=[
            f"{days_of(bar)}<br>{part}: {money(amount, found.currency)}"
            for bar, amount in zip(found.bars, amounts, strict=True)
        ],
        hoverinfo="text",
    )


def add_marks(chart: Any, mark: str, names: Sequence[str], found: CashForecast) -> None:
    """One percentile, a mark a period."""
    shade, symbol, _ = MARKS[mark]
    # Where also P85 is nothing there is nothing to see; the table says so.
    amounts = [percentile(bar, mark) if percentile(bar, "P85") else None for bar in found.bars]
    chart.add_scatter(
        name=mark,
        mode="markers",
        x=list(names),
        y=[None if amount is None else float(amount) for amount in amounts],
        marker={
            "symbol": symbol,
            "size": 11,
            "color": charts.theme_colour(shade),
            "line": {"width": 1, "color": charts.theme_colour("background")},
        },
        customdata=[[bar.key] for bar in found.bars],
        hovertext=[
            f"{days_of(bar)}<br>{mark} of what comes in: {money(amount, found.currency)}"
            for bar, amount in zip(found.bars, amounts, strict=True)
        ],
        hoverinfo="text",
    )


def percentile(bar: CashBar, mark: str, cumulative: bool = False) -> Decimal | None:
    """A percentile of a bar, where it has one."""
    if bar.comes is None:
        return None
    half, most = (bar.comes.cumulative_p50, bar.comes.cumulative_p85) if cumulative else (bar.comes.p50, bar.comes.p85)
    return half if mark == "P50" else most


def told(found: CashForecast) -> str:
    """The chart in a few sentences."""
    within = sum((bar.planned for bar in found.periods), Decimal(0))
    said = [
        f"Overdue: {money(found.overdue.due, found.currency)}.",
        f"Due or scheduled by {day(found.periods[-1].last)}: {money(within, found.currency)}.",
        f"Later: {money(found.later.planned, found.currency)}.",
    ]
    end = found.periods[-1].comes
    if end:
        said.append(
            f"Comes in by then, by simulation: P50 {money(end.cumulative_p50, found.currency)}, "
            f"P85 {money(end.cumulative_p85, found.currency)}."
        )
    return " ".join(said)


def table_row(found: CashForecast, bar: CashBar) -> dict[str, str]:
    """One bar as a row of a table."""
    amounts = {part: money(amount, found.currency) if amount else NOTHING for part, amount in parts_of(bar).items()}
    expected = found.expected(bar) if bar.key == OVERDUE else None
    when = days_of(bar) + (f", expected {period(*expected)}" if expected else "")
    row = {found.by.value.title(): label_of(found, bar), "Days": when, **amounts}
    if found.runs:
        row |= {mark: money(percentile(bar, mark), found.currency) for mark in MARKS}
    return row | {"Payments": f"{len(bar.payments):,}"}


def table_columns(found: CashForecast) -> dict[str, Any]:
    """The columns of figures, each with its definition."""
    helps = PLANNED | (COMES if found.runs else {}) | {"Payments": "How many payments the bar is made of."}
    return {name: tables.right_aligned(name, help=text) for name, text in helps.items()}


# The payments behind a bar.


def open_clicked() -> None:
    """A click on a bar opens what is behind it."""
    points = st.session_state[CHART].selection.points
    if points and points[0].get("customdata"):
        set_params(bar=points[0]["customdata"][0], after=None)


def choose_bar(found: CashForecast) -> CashBar | None:
    """The bar that the address names; also to be chosen without a mouse."""
    filled = {bar.key: bar for bar in found.bars if bar.payments}
    options = {
        key: f"{label_of(found, bar)} · {money(bar.planned, found.currency)} · {count(len(bar.payments), 'payment')}"
        for key, bar in filled.items()
    }
    key = choose("bar", "Show the payments behind", options, everything="Choose one, or click its bar")
    return filled.get(key)


def draw_behind(found: CashForecast, bar: CashBar | None) -> None:
    """A page of the payments of a bar, soonest first."""
    if bar is None:
        return
    st.subheader(f"{label_of(found, bar)} · {plain(money(bar.planned, found.currency))}", anchor=False)
    expected = found.expected(bar) if bar.key == OVERDUE else None
    if expected:
        st.caption(
            f"Expected between {day(expected[0])}, the first payment's P50, and {day(expected[1])}, the last one's P85."
        )
    first = first_row(len(bar.payments))
    some = bar.payments[first : first + tables.ROWS]
    with reading() as connection:
        words = named(connection, caller(), [payment.milestone.id for payment in some])
    for payment in some:
        m = payment.milestone
        said = words[m.id]
        facts = [said.scope_title, when(payment), comes_when(found, m.id), said.organization_id, m.id]
        amount = format_money(Money.from_minor(m.minor, m.currency))
        cards.row(Kind.PAYMENT, m.id, said.description, facts, badges=badges(payment), aside=amount)
    tables.pager(str(first + tables.ROWS) if first + tables.ROWS < len(bar.payments) else None)


def first_row(rows: int) -> int:
    """The row that the address goes on from."""
    trail = tables.cursor_trail()
    text = trail[-1] if trail else "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 and int(text) < rows else 0


def when(payment: PlannedPayment) -> str:
    """Its day by the plan."""
    word = "expected" if payment.standing == Standing.SCHEDULED else "due"
    return f"{word} {day(payment.on)} ({away(payment.on, today())})"


def comes_when(found: CashForecast, id: str) -> str:
    """Its day by simulation."""
    dates = found.dates.get(id)
    return f"comes by {day(dates.p50)} at P50, by {day(dates.p85)} at P85" if dates else ""


def badges(payment: PlannedPayment) -> list[str]:
    """How it stands."""
    if payment.standing == Standing.SCHEDULED:
        return [cards.state_text(PaymentStatus.SCHEDULED)]
    late = (today() - payment.on).days
    overdue = [cards.note(f"{count(late, 'day')} overdue", "red", "warning")] if late > 0 else []
    return [cards.state_text(PaymentStatus.DUE), *overdue]


# Added up.


def draw_sums(found: CashForecast) -> None:
    """What has come in by the end of each period: the plan beside half and 85 % of the runs."""
    names = [label_of(found, bar) for bar in found.periods]
    sums = added_up(found)
    st.header("Added up", anchor=False)
    st.caption(
        "What has come in by the end of each period. In the plan everything comes on its day, overdue money at once."
    )
    chart = charts.figure(height=300, xaxis={"type": "category"}, yaxis={"tickformat": "~s", "rangemode": "tozero"})
    add_line(chart, "Plan", names, sums, found, ("text", "circle", "solid"))
    for mark, look in MARKS.items() if found.runs else ():
        add_line(chart, mark, names, [percentile(bar, mark, cumulative=True) for bar in found.periods], found, look)
    charts.show(
        chart,
        alt=f"Cash in {found.currency}, added up. {told(found)}",
        rows=[sum_row(found, bar, total) for bar, total in zip(found.periods, sums, strict=True)],
        columns={
            name: tables.right_aligned(name, help=SUMS[name]) for name in ("Plan", *MARKS)[: 3 if found.runs else 1]
        },
        key=f"{CHART}_sums",
    )


SUMS = {
    "Plan": "Overdue, due and scheduled money up to the end of the period, as if it came on its day.",
    "P50": "By simulation: in half of the runs no more than this has come in by the end of the period.",
    "P85": "By simulation: in 85 % of the runs no more than this has come in by the end of the period.",
}


def added_up(found: CashForecast) -> list[Decimal]:
    """The plan up to the end of each period, overdue money first."""
    return list(accumulate((bar.planned for bar in found.periods), initial=found.overdue.planned))[1:]


def add_line(
    chart: Any,
    name: str,
    names: Sequence[str],
    amounts: Sequence[Decimal | None],
    found: CashForecast,
    look: tuple[str, str, str],
) -> None:
    """One line; lines differ in dash and mark, not in colour alone."""
    shade, symbol, dash = look
    chart.add_scatter(
        name=name,
        mode="lines+markers",
        x=list(names),
        y=[None if amount is None else float(amount) for amount in amounts],
        line={"dash": dash, "width": 2, "color": charts.theme_colour(shade)},
        marker={"symbol": symbol, "size": 8, "color": charts.theme_colour(shade)},
        hovertext=[
            f"Until {day(bar.last)}<br>{name}: {money(amount, found.currency)}"
            for bar, amount in zip(found.periods, amounts, strict=True)
        ],
        hoverinfo="text",
    )


def sum_row(found: CashForecast, bar: CashBar, total: Decimal) -> dict[str, str]:
    """One period's sums as a row of a table."""
    row = {"Until": day(bar.last), "Plan": money(total, found.currency)}
    if found.runs:
        row |= {mark: money(percentile(bar, mark, cumulative=True), found.currency) for mark in MARKS}
    return row
