"""Cycles: where the work is and whether it is late, as a Gantt chart and its table; and one cycle at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape, unescape
from itertools import groupby
from unicodedata import east_asian_width

import plotly.graph_objects as go
import streamlit as st

from ods_core.basics.clock import days_between, midnight
from ods_core.basics.records import Cycle, Engagement
from ods_core.basics.states import CycleKind, CycleStatus, Kind, PaymentStatus, ScopeStatus, look
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.queries.choices import organizations
from ods_core.queries.remediation import MendedMonth, mending
from ods_core.queries.remediation import by_month as mended_months
from ods_core.queries.timeline import (
    TimedMilestone,
    Timeline,
    TimelineFilter,
    TimelineRow,
    milestones,
    timeline,
)
from ods_core.ui import cards, charts, filters, live, outlook, reviewing, tables
from ods_core.ui.finding import choose_scope
from ods_core.ui.formats import NOTHING, count, day, days, money, percent, period
from ods_core.ui.kept import kept
from ods_core.ui.session import (
    caller,
    choose,
    choose_day,
    choose_view,
    engagement_of,
    link,
    link_to,
    now,
    param,
    reading,
    set_params,
    today,
)
from ods_core.ui.session import (
    go as open_view,
)

SIZES = (50, 150, 500)
"""Cycles on one page, the usual number first."""
MANY = 60
"""Beyond so many cycles the rows are low, and the work lies within the plan's bar instead of below it."""
VIEWS = {"timeline": "Timeline", "remediation": "Remediation"}
STATES = {"active": ScopeStatus.ACTIVE, "completed": ScopeStatus.COMPLETED, "cancelled": ScopeStatus.CANCELLED}
STATE_LABELS = {name: look(status).label for name, status in STATES.items()} | {"all": "All"}
LONGEST_LABEL = 22
LONGEST_HEADING = 38
"""A phone's chart is as wide."""
GROUPS = {"scope": lambda row: row.scope_id, "organization": lambda row: row.organization_id}
TOP = 84
"""Pixels above the bars, for the axis and the legend over it."""

NARROW = frozenset(" .,:;·'|!()[]ijlftr-")
DAYS_AXIS = {"type": "date", "showgrid": True, "side": "top", "mirror": "allticks"}
"""The days above the chart and, where it is long, below it too."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a chart are drawn: their height in pixels, and for plan and work the (place, width) of a bar.

    `heading` and `finish` are where, in the row of a group's name, the name stands and its forecast is marked: one
    above the other where rows are high, since on a phone a name is as wide as the chart.
    """

    height: int
    plan: tuple[float, float]
    work: tuple[float, float]
    font: int
    heading: float
    finish: float

    def lane(self, lane: str) -> tuple[float, float]:
        """Where a bar lies within its row, and how thick it is."""
        return self.plan if lane == "plan" else self.work


FEW_ROWS = Rows(34, (-0.2, 0.36), (0.2, 0.36), 12, -0.16, 0.3)
MANY_ROWS = Rows(19, (0.0, 0.8), (0.0, 0.4), 10, 0.15, 0.15)


def lateness(row: TimelineRow) -> str:
    """How a cycle stands against its plan, in words."""
    late = row.late_days(today())
    if row.completed_at:
        said = f"{count(abs(late), 'day')} {'late' if late > 0 else 'early'}"
        return said if late else "on the day"
    if late:
        return f"{count(late, 'day')} late so far"
    return NOTHING


def short(text: str, longest: int = LONGEST_LABEL) -> str:
    """A text that fits beside a chart, safe in Plotly's own markup."""
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")


def noon() -> datetime:
    """The middle of today. The chart goes by days: one that changed every second would lose each click on it."""
    return midnight(today()) + timedelta(hours=12)


def milliseconds(start: datetime, end: datetime) -> float:
    """The length of a bar on a time axis."""
    return max(end - start, timedelta(hours=12)) / timedelta(milliseconds=1)


def bars(
    chart: go.Figure,
    rows: Sequence[tuple[float, TimelineRow, datetime, datetime]],
    name: str,
    lane: tuple[float, float],
    **style: object,
) -> None:
    """One kind of bar: (place, cycle, start, end) each; `lane` is where it lies in its row, and how thick it is."""
    if not rows:
        return
    at, width = lane
    chart.add_bar(
        orientation="h",
        name=name,
        y=[place + at for place, *_ in rows],
        base=[start.replace(tzinfo=None) for *_, start, _ in rows],
        x=[milliseconds(start, end) for *_, start, end in rows],
        width=width,
        customdata=[[row.id] for _, row, *_ in rows],
        hovertext=[hover(row, name, start, end) for _, row, start, end in rows],
        hoverinfo="text",
        **style,
    )


def hover(row: TimelineRow, name: str, start: datetime, end: datetime) -> str:
    """What a bar says when pointed at."""
    return (
        f"<b>{escape(row.name)}</b><br>{short(row.scope_title, 60)}<br>{name}: {period(start.date(), end.date())}"
        f"<br>{look(row.status).label} · {lateness(row)}<br>{row.id}"
    )


def spans(
    placed: Sequence[tuple[float, TimelineRow]],
) -> dict[str, list[tuple[float, TimelineRow, datetime, datetime]]]:
    """Every bar of the chart by what it shows: the plan, the work done, the wait for a decision."""
    moment = noon()
    made: dict[str, list[tuple[float, TimelineRow, datetime, datetime]]] = {
        name: [] for name in ("plan", "delivery", "remediation", "review")
    }
    for place, row in placed:
        last_day = midnight(row.planned_end) + timedelta(days=1)
        made["plan"].append((place, row, midnight(row.planned_start), last_day))
        if row.started_at:
            made[row.kind.value].append((place, row, row.started_at, row.finished_at or moment))
        if row.completed_at:
            decided = row.accepted_at or row.cancelled_at or moment
            made["review"].append((place, row, row.completed_at, decided))
    return made


def drift(chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]], lane: float) -> None:
    """Where a cycle should have ended by the proposal, for those whose dates have moved since."""
    moved = [(place, row) for place, row in placed if row.drift_days]
    if moved:
        chart.add_scatter(
            name="Planned end as proposed",
            mode="markers",
            x=[(midnight(row.baseline_end) + timedelta(days=1)).replace(tzinfo=None) for _, row in moved],
            y=[place + lane for place, _ in moved],
            marker={"symbol": "diamond-open", "size": 10, "color": charts.theme_colour("text")},
            hovertext=[f"Proposed: {day(row.baseline_end)}<br>moved by {days(row.drift_days)}" for _, row in moved],
            hoverinfo="text",
            customdata=[[row.id] for _, row in moved],
        )


def money_marks(
    chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]], sums: Sequence[TimedMilestone], lane: float
) -> None:
    """What a cycle's acceptance releases, at its planned end or, once it is accepted, on the day it was."""
    places = {row.id: (place, row) for place, row in placed}
    shown = [(m, *places[m.cycle_id]) for m in sums if m.cycle_id in places]
    if not shown:
        return
    released = {PaymentStatus.DUE, PaymentStatus.PAID}
    chart.add_scatter(
        name="Payment",
        mode="markers",
        x=[
            (row.accepted_at or midnight(row.planned_end) + timedelta(days=1)).replace(tzinfo=None) for *_, row in shown
        ],
        y=[place + lane for _, place, _ in shown],
        marker={
            "symbol": ["star" if m.status in released else "star-open" for m, *_ in shown],
            "size": 11,
            "color": charts.theme_colour("green"),
        },
        hovertext=[
            f"{money(m.amount, m.currency)}<br>{look(m.status).label}, on acceptance of {escape(row.name)}"
            for m, _, row in shown
        ],
        hoverinfo="text",
        customdata=[[row.id] for *_, row in shown],
    )


def finish_marks(chart: go.Figure, headings: Sequence[tuple[float, TimelineRow]], rows: Rows) -> None:
    """When each active scope is finished by simulation, in the row of its heading."""
    known = outlook.known_finishes()
    told = [(at, row, known[row.scope_id]) for at, row in headings if row.scope_id in known]
    if not told:
        return
    for name, symbol, shade, of in (
        ("Forecast finish, P50", "diamond", "orange", lambda f: f.p50),
        ("Forecast finish, P85", "triangle-right", "violet", lambda f: f.p85),
    ):
        chart.add_scatter(
            name=name,
            mode="markers",
            x=[of(finish) for *_, finish in told],
            y=[at + rows.finish for at, *_ in told],
            marker={"symbol": symbol, "size": rows.font - 1, "color": charts.theme_colour(shade)},
            hovertext=[f"{short(row.scope_title, 60)}<br>{outlook.finish_words(finish)}" for _, row, finish in told],
            hoverinfo="text",
            customdata=[[row.id] for _, row, _ in told],
        )


def placed_rows(
    found: Timeline, by: str
) -> tuple[list[tuple[float, TimelineRow]], list[tuple[float, TimelineRow]], int]:
    """Each cycle with its row, each group's first cycle with the row of its heading, and how many rows there are."""
    placed: list[tuple[float, TimelineRow]] = []
    headings: list[tuple[float, TimelineRow]] = []
    place = 0
    for _, members in groupby(found.rows, GROUPS[by]):
        for number, row in enumerate(members):
            if number == 0:
                headings.append((place, row))
                place += 1
            placed.append((place, row))
            place += 1
    return placed, headings, place


def gantt(found: Timeline, by: str, sums: Sequence[TimedMilestone]) -> go.Figure:
    """The chart: a heading a group, below it a row a cycle, with its plan and how it went."""
    placed, headings, count_of_rows = placed_rows(found, by)
    rows = MANY_ROWS if len(placed) > MANY else FEW_ROWS
    here, names = noon().replace(tzinfo=None), [label(row, by) for _, row in placed]
    chart = charts.figure(
        height=max(count_of_rows * rows.height + TOP + 40, 280),
        barmode="overlay",
        margin={"l": room_for(names, rows.font), "t": TOP, "b": 28},
        legend={"yref": "container", "y": 1, "yanchor": "top", "font": {"size": 12}},
        xaxis=DAYS_AXIS | {"gridcolor": charts.theme_colour("border")},
        yaxis=names_axis([place for place, _ in placed], names, rows, count_of_rows),
        shapes=[today_line(here)],
        annotations=[
            *(
                heading_of(at, row.organization_id if by == "organization" else row.scope_title, rows)
                for at, row in headings
            ),
            today_mark(here),
        ],
        # What was zoomed into stays, also over a change made elsewhere.
        uirevision=f"{by}{param(tables.AFTER)}",
    )
    draw_bars(chart, placed, rows)
    drift(chart, placed, rows.plan[0])
    money_marks(chart, placed, sums, rows.plan[0])
    if by == "scope":
        finish_marks(chart, headings, rows)
    late_marks(chart, placed, rows.work[0])
    return chart


def draw_bars(chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]], rows: Rows) -> None:
    """The plan, the work, the remediation, the wait for a decision."""
    made = spans(placed)
    grey, primary = charts.theme_colour("gray"), charts.theme_colour("primary")
    outlined = {"color": "rgba(128,128,128,0.18)", "line": {"color": grey, "width": 1.5}}
    striped = {"color": charts.theme_colour("violet"), "pattern": {"shape": "/", "solidity": 0.4, "size": 7}}
    dotted = {"color": charts.theme_colour("orange"), "pattern": {"shape": ".", "solidity": 0.35, "size": 6}}
    bars(chart, made["plan"], "Planned", rows.plan, marker=outlined)
    bars(chart, made["delivery"], "Work", rows.work, marker={"color": primary})
    bars(chart, made["remediation"], "Remediation work", rows.work, marker=striped)
    bars(chart, made["review"], "Waiting for a decision", rows.work, marker=dotted)


def names_axis(places: Sequence[float], names: Sequence[str], rows: Rows, count_of_rows: int) -> dict[str, object]:
    """A name a row, in the margin that is there for it: to have a browser find out costs it half of the drawing."""
    return {
        "automargin": False,
        "ticklabeloverflow": "allow",
        "tickvals": places,
        "ticktext": names,
        "tickfont": {"size": rows.font},
        "range": [count_of_rows - 0.4, -0.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def room_for(labels: Iterable[str], font: int) -> float:
    """Pixels that the longest of some labels takes, in a font of so many; a little more where in doubt."""
    return max((sum(map(breadth, unescape(one))) for one in labels), default=0) * font + 10


def breadth(sign: str) -> float:
    """How wide a sign is, to the size of its font."""
    if east_asian_width(sign) in "WF":
        return 1.0
    if sign in NARROW:
        return 0.32
    return 0.68 if sign.isupper() or sign.isdigit() else 0.55


def heading_of(at: float, title: str, rows: Rows) -> dict[str, object]:
    """A group's name in its own row."""
    name, y = f"<b>{short(title, LONGEST_HEADING)}</b>", at + rows.heading
    return charts.words(name, size=rows.font + 1, x=0, xref="paper", xanchor="left", y=y, align="left")


def label(row: TimelineRow, by: str) -> str:
    """A cycle's name beside its bars; under an organisation, the scope's title says which one it is."""
    name = row.name.replace("Remediation", "R") if row.kind == CycleKind.REMEDIATION else row.name
    return short(f"{row.scope_title[:12]}… {name}", 28) if by == "organization" else short(name)


def late_marks(chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]], lane: float) -> None:
    """The days late, written at the end of the work."""
    late = [(place, row, row.late_days(today())) for place, row in placed if row.late_days(today()) > 0]
    if late:
        chart.add_scatter(
            mode="text",
            x=[(row.accepted_at or row.cancelled_at or noon()).replace(tzinfo=None) for _, row, _ in late],
            y=[place + lane for place, *_ in late],
            text=[f" +{n} d" for *_, n in late],
            textposition="middle right",
            textfont={"color": charts.theme_colour("red")},
            showlegend=False,
            hovertext=[f"{count(n, 'day')} late" for *_, n in late],
            hoverinfo="text",
            customdata=[[row.id] for _, row, _ in late],
        )


def today_line(here: datetime) -> dict[str, object]:
    """Where we are."""
    line = {"color": charts.theme_colour("red"), "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": here, "x1": here, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def today_mark(here: datetime) -> dict[str, object]:
    """The name of that line, below the chart."""
    return charts.words("today", colour="red", x=here, y=0, yref="paper", yanchor="top")


def table_rows(found: Timeline, sums: Sequence[TimedMilestone]) -> list[dict[str, str]]:
    """The table twin."""
    known = outlook.known_finishes()
    owed: dict[str, list[str]] = {}
    for m in sums:
        owed.setdefault(m.cycle_id, []).append(f"{money(m.amount, m.currency)} {look(m.status).label.lower()}")
    return [
        {
            "Scope": row.scope_title,
            "Cycle": row.name,
            "Kind": row.kind.value,
            "State": look(row.status).label,
            "Planned": period(row.planned_start, row.planned_end),
            "Moved by": days(row.drift_days) if row.drift_days else NOTHING,
            "Started": day(row.started_at),
            "Submitted": day(row.completed_at),
            "Accepted": day(row.accepted_at),
            "Against the plan": lateness(row),
            "Releases": ", ".join(owed.get(row.id, [])) or NOTHING,
            "Going in circles": "yes" if row.is_circling else NOTHING,
            **outlook.finish_cell(known.get(row.scope_id)),
            "Organisation": row.organization_id,
            "Id": row.id,
        }
        for row in found.rows
    ]


def summary(found: Timeline) -> str:
    """What the chart tells, in a sentence."""
    running = [row for row in found.rows if row.status == CycleStatus.IN_PROGRESS]
    late = [row for row in running if row.late_days(today()) > 0]
    waiting = [row for row in found.rows if row.status == CycleStatus.COMPLETED]
    circling = [row for row in found.rows if row.is_circling]
    mending = [row for row in found.rows if row.kind == CycleKind.REMEDIATION]
    whole = f"{count(len(found.rows), 'cycle')}" + (f" of {found.total:,}" if found.total > len(found.rows) else "")
    return (
        f"{whole}: {len(running)} in progress, of which {len(late)} past the planned end; "
        f"{len(waiting)} waiting for a decision; {count(len(mending), 'remediation')}"
        + (f"; {len(circling)} going in circles." if circling else ".")
    )


def choose_cycles(*, by_day: bool = True) -> TimelineFilter:
    """The filters, from the address; `by_day`: also from when until when."""
    with reading() as connection:
        owners = organizations(connection, caller())
    with filters.panel(narrowed()):
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        scope_id = choose_scope("Scope", everything="All")
        state = choose("status", "State of the scope", STATE_LABELS, everything=None)
        first, last = (choose_day("from", "From"), choose_day("to", "Until")) if by_day else (None, None)
    return TimelineFilter(
        scope_id=scope_id or None,
        organization_id=organization_id or None,
        scope_status=None if scope_id else STATES.get(state),
        first=first,
        last=last,
    )


def narrowed() -> list[str]:
    """What the filters are, in words."""
    scope, state = param("scope"), STATE_LABELS.get(param("status"), next(iter(STATE_LABELS.values())))
    span = [f"from {param('from')}" if param("from") else "", f"until {param('to')}" if param("to") else ""]
    return [scope or f"{state.lower()} scopes", param("organization") or "all organisations", *span]


GANTT = "gantt"


@st.fragment
def show_timeline() -> None:
    """The chart with its filters; a choice here draws this part anew and leaves the rest of the page alone."""
    if param("cycle"):
        # Chosen within this part; the whole page is to follow.
        st.rerun()
    wanted = choose_cycles()
    with st.container(horizontal=True, vertical_alignment="center"):
        by = choose_view("by", "Group by", {"scope": "By scope", "organization": "By organisation"})
        with st.container(width=160):
            sizes = {str(size): count(size, "cycle") for size in SIZES}
            size = int(choose("rows", "On one page", sizes, everything=None))
    trail = tables.cursor_trail()
    before = int(trail[-1]) if trail and trail[-1].isascii() and trail[-1].isdigit() and len(trail[-1]) < 15 else None
    asked = (wanted, size, before)
    found = kept(lambda c: timeline(c, caller(), wanted, newest=size, before=before), "timeline", *asked)
    sums = kept(lambda c: milestones(c, found.rows), "milestones", *asked)
    if found.rows:
        draw(found, sums, by)
    else:
        cards.empty(
            "No cycle is in this view. A cycle begins when a proposal is confirmed.",
            label="See the scopes",
            place="scopes",
        )
    tables.pager(str(found.older) if found.older else None)


def open_clicked() -> None:
    """A click on a bar opens its cycle; told once, so that Back leads to the chart and not to the cycle again."""
    points = st.session_state[GANTT].selection.points
    if points and points[0].get("customdata"):
        set_params(cycle=points[0]["customdata"][0])


def draw(found: Timeline, sums: Sequence[TimedMilestone], by: str) -> None:
    """The chart, its table, and a way to open a cycle for those who do not click bars."""
    st.markdown(summary(found))
    charts.show(
        gantt(found, by, sums),
        alt=f"Gantt chart of planned and actual dates. {summary(found)}",
        rows=table_rows(found, sums),
        key=GANTT,
        on_select=open_clicked,
    )
    st.caption("Drag across the chart to look closer, double-click to see all of it; a click on a bar opens its cycle.")
    options = {row.id: f"{row.name} · {row.scope_title} · {row.id}" for row in found.rows}
    chosen = choose("cycle", "Open a cycle", options, everything="Choose one, or click its bar", resets=())
    if chosen:
        open_view("cycles", cycle=chosen)


# Remediation: how much, of which scopes, since when.


@st.fragment
def show_remediation() -> None:
    """Remediation cycles over time and scope by scope."""
    wanted = choose_cycles(by_day=False)
    trail = tables.cursor_trail()
    skip = int(trail[-1]) if trail and trail[-1].isascii() and trail[-1].isdigit() and len(trail[-1]) < 7 else 0
    found = kept(lambda c: mending(c, caller(), wanted, limit=tables.ROWS, skip=skip), "mended scopes", wanted, skip)
    months = kept(lambda c: mended_months(c, caller(), wanted, now()), "mended months", wanted)
    if not found.remediations:
        cards.empty("No cycle of these scopes had to be mended.", label="See the timeline", place="cycles")
        return
    share = found.mended / found.scopes
    st.markdown(
        f"{count(found.remediations, 'remediation cycle')} in {count(found.mended, 'scope')} of {found.scopes:,} "
        f"({percent(share)}); {found.remediations / found.scopes:.2f} a scope."
    )
    draw_months(months)
    st.header("By scope", anchor=False, help="Confirmed scopes with remediation cycles, those with the most first.")
    for row in found.rows:
        facts = [
            f"{count(row.running, 'of them goes', 'of them go')} on" if row.running else "",
            f"the last one began {day(row.last_started_at)}",
            row.organization_id,
            row.scope_id,
        ]
        badges = [cards.state_text(row.status)]
        aside = count(row.remediations, "remediation")
        cards.row(Kind.SCOPE, row.scope_id, row.title, facts, badges=badges, aside=aside)
    tables.pager(str(skip + len(found.rows)) if found.more else None)


def draw_months(months: Sequence[MendedMonth]) -> None:
    """Remediation cycles beside delivery cycles, by the month they began in."""
    st.header("Over time", anchor=False, help="Cycles by the month in which work on them began.")
    names = [f"{one.month:%b %Y}" for one in months]
    chart = charts.figure(height=300, barmode="group")
    for name, shade, pattern, of in (
        ("Delivery cycles", "primary", "", lambda one: one.deliveries),
        ("Remediation cycles", "violet", "/", lambda one: one.remediations),
    ):
        chart.add_bar(
            name=name,
            x=names,
            y=[of(one) for one in months],
            marker={"color": charts.theme_colour(shade), "pattern": {"shape": pattern, "solidity": 0.4, "size": 7}},
            hovertext=[f"{month}<br>{name}: {of(one):,}" for month, one in zip(names, months, strict=True)],
            hoverinfo="text",
        )
    chart.update_xaxes(type="category")
    chart.update_yaxes(rangemode="tozero")
    last = months[-1]
    charts.show(
        chart,
        alt=f"Cycles begun by month, the latest {len(months)} months. In {names[-1]}: "
        f"{count(last.deliveries, 'delivery cycle')}, {count(last.remediations, 'remediation cycle')}.",
        rows=[
            {"Month": name, "Delivery cycles": f"{m.deliveries:,}", "Remediation cycles": f"{m.remediations:,}"}
            for name, m in zip(names, months, strict=True)
        ],
        key="mended",
    )


def show_cycle(id: str) -> None:
    """One cycle: its dates, its deliverables, what it belongs to, and the money that waits for it."""
    engagement = engagement_of(Kind.CYCLE, id)
    cycle = engagement.cycle(id)
    scope = engagement.scope(cycle.scope_id)
    link("cycles", "All cycles", icon="arrow_back")
    cards.heading("cycles", cycle.name)
    marks = [cards.state_text(cycle.status)]
    if cycle.kind == CycleKind.REMEDIATION:
        marks.append(cards.note("remediation, at no cost", "violet", "build"))
    late = lateness_of(cycle)
    if late:
        marks.append(cards.note(late, "red", "schedule"))
    st.markdown(" ".join(marks))
    with st.container(horizontal=True):
        link_to(Kind.SCOPE, scope.id, scope.title)
        if cycle.parent_cycle_id:
            link_to(Kind.CYCLE, cycle.parent_cycle_id, engagement.cycle(cycle.parent_cycle_id).name)
        for remediation in engagement.remediations(cycle.id):
            link_to(Kind.CYCLE, remediation.id, remediation.name, icon="build")
    reviewing.tell_circling(engagement, scope.id)
    cards.facts(dates(cycle))
    st.header("Deliverables", anchor=False)
    for deliverable_id in cycle.deliverable_ids:
        draw_deliverable(engagement, deliverable_id)
    show_money(engagement, cycle)


def lateness_of(cycle: Cycle) -> str | None:
    """How late a cycle is or was; None where it is not."""
    end = cycle.completed_at.date() if cycle.completed_at else today()
    late = (end - cycle.planned_end).days
    counts = cycle.completed_at or cycle.status in (CycleStatus.IN_PROGRESS, CycleStatus.PLANNED)
    return f"{count(late, 'day')} late" if late > 0 and counts else None


def dates(cycle: Cycle) -> dict[str, str | None]:
    """The dates of a cycle; the two clocks apart."""
    drifted = (cycle.planned_end - cycle.baseline_end).days
    worked = days_between(cycle.started_at, cycle.completed_at or now()) if cycle.started_at else None
    decided = cycle.accepted_at or cycle.cancelled_at or now()
    waited = days_between(cycle.completed_at, decided) if cycle.completed_at else None
    return {
        "Planned": period(cycle.planned_start, cycle.planned_end),
        "As proposed": period(cycle.baseline_start, cycle.baseline_end) if drifted else "the same",
        "Started": day(cycle.started_at),
        "Submitted": day(cycle.completed_at),
        "Accepted": day(cycle.accepted_at),
        "Provider's time": days(worked),
        "Client's time": days(waited),
        "Id": cycle.id,
    }


def draw_deliverable(engagement: Engagement, id: str) -> None:
    """One deliverable of the cycle, in its present state."""
    d = engagement.deliverable(id)
    badges = [cards.state_text(d.status)]
    if d.escalated_at:
        badges.append(cards.note("going in circles", "red", "report"))
    end = reviewing.window_end(engagement, d)
    badges += reviewing.deadline_mark(end)
    decide_by = reviewing.deadline(end, engagement.scope(d.scope_id).silence_policy)
    facts = [f"attempt {d.attempt}", submitted(d.submitted_at), decide_by or "", d.id]
    cards.row(Kind.DELIVERABLE, d.id, d.title, facts, badges=badges)


def submitted(when: date | None) -> str:
    """When it was handed in."""
    return f"submitted {day(when)}" if when else "not submitted"


def show_money(engagement: Engagement, cycle: Cycle) -> None:
    """The payments that this cycle's acceptance releases, if any hang on it."""
    trigger = Trigger(TriggerKind.CYCLE_ACCEPTANCE, cycle.number) if cycle.kind == CycleKind.DELIVERY else None
    waiting = [m for m in engagement.milestones if m.scope_id == cycle.scope_id and m.trigger == trigger]
    if not waiting:
        return
    st.header("Payment", anchor=False, help="What this cycle's acceptance releases.")
    for m in waiting:
        when = f"due {day(m.due_at)}" if m.status != PaymentStatus.SCHEDULED else "when the cycle is accepted"
        badges = [cards.state_text(m.status)]
        cards.row(Kind.PAYMENT, m.id, m.description, [when, m.id], badges=badges, aside=money(m.amount, m.currency))


live.watch()
if param("cycle"):
    show_cycle(param("cycle"))
else:
    cards.heading("cycles")
    if choose_view("view", "View", VIEWS) == "remediation":
        show_remediation()
    else:
        show_timeline()
