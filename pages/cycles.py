"""Cycles: where the work is and whether it is late, as a Gantt chart and its table; and one cycle at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby

import plotly.graph_objects as go
import streamlit as st

from ods_core.basics.clock import days_between, midnight
from ods_core.basics.records import Cycle, Engagement
from ods_core.basics.states import CycleKind, CycleStatus, Kind, PaymentStatus, ScopeStatus, look
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.queries.choices import organizations
from ods_core.queries.timeline import Timeline, TimelineFilter, TimelineRow, timeline
from ods_core.ui import cards, charts, live, reviewing
from ods_core.ui.finding import choose_scope
from ods_core.ui.formats import NOTHING, count, day, days, money, period
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
    today,
)
from ods_core.ui.session import (
    go as open_view,
)

SHOWN = 150
"""Cycles on one chart; more cannot be told apart, and the page says how many it leaves out."""
STATES = {"active": ScopeStatus.ACTIVE, "completed": ScopeStatus.COMPLETED, "cancelled": ScopeStatus.CANCELLED}
STATE_LABELS = {name: look(status).label for name, status in STATES.items()} | {"all": "All"}
LONGEST_LABEL = 22
ROW = 34
GROUPS = {"scope": lambda row: row.scope_id, "organization": lambda row: row.organization_id}
LANES = {"plan": -0.2, "work": 0.2}
"""The two bars of a cycle, above and below the middle of its row."""


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
    lane: str,
    **style: object,
) -> None:
    """One kind of bar: (place, cycle, start, end) each."""
    if not rows:
        return
    chart.add_bar(
        orientation="h",
        name=name,
        y=[place + LANES[lane] for place, *_ in rows],
        base=[start.replace(tzinfo=None) for *_, start, _ in rows],
        x=[milliseconds(start, end) for *_, start, end in rows],
        width=0.36,
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


def drift(chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]]) -> None:
    """Where a cycle should have ended by the proposal, for those whose dates have moved since."""
    moved = [(place, row) for place, row in placed if row.drift_days]
    if moved:
        chart.add_scatter(
            name="Planned end as proposed",
            mode="markers",
            x=[(midnight(row.baseline_end) + timedelta(days=1)).replace(tzinfo=None) for _, row in moved],
            y=[place + LANES["plan"] for place, _ in moved],
            marker={"symbol": "diamond-open", "size": 10, "color": charts.theme_colour("text")},
            hovertext=[f"Proposed: {day(row.baseline_end)}<br>moved by {days(row.drift_days)}" for _, row in moved],
            hoverinfo="text",
            customdata=[[row.id] for _, row in moved],
        )


def gantt(found: Timeline, by: str) -> go.Figure:
    """The chart: a heading a group, below it two bars a cycle."""
    groups = [(key, [*members]) for key, members in groupby(found.rows, GROUPS[by])]
    placed: list[tuple[float, TimelineRow]] = []
    labels: list[str] = []
    headings: list[tuple[float, str]] = []
    place = 0
    for key, members in groups:
        headings.append((place + 0.25, key if by == "organization" else members[0].scope_title))
        place += 1
        for row in members:
            placed.append((place, row))
            labels.append(label(row, by))
            place += 1
    height = max(place * ROW + 130, 280)
    chart = charts.figure(height=height, barmode="overlay", margin={"l": 8, "r": 8, "t": 84, "b": 28})
    chart.update_layout(legend={"y": 1 + 44 / height})
    made = spans(placed)
    grey, primary = charts.theme_colour("gray"), charts.theme_colour("primary")
    outlined = {"color": "rgba(128,128,128,0.18)", "line": {"color": grey, "width": 1.5}}
    striped = {"color": charts.theme_colour("violet"), "pattern": {"shape": "/", "solidity": 0.4, "size": 7}}
    dotted = {"color": charts.theme_colour("orange"), "pattern": {"shape": ".", "solidity": 0.35, "size": 6}}
    bars(chart, made["plan"], "Planned", "plan", marker=outlined)
    bars(chart, made["delivery"], "Work", "work", marker={"color": primary})
    bars(chart, made["remediation"], "Remediation work", "work", marker=striped)
    bars(chart, made["review"], "Waiting for a decision", "work", marker=dotted)
    drift(chart, placed)
    late_marks(chart, placed)
    chart.update_yaxes(
        tickvals=[place for place, _ in placed],
        ticktext=labels,
        range=[place - 0.4, -0.5],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    chart.update_xaxes(type="date", showgrid=True, gridcolor=charts.theme_colour("border"), side="top")
    for at, title in headings:
        chart.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=at,
            text=f"<b>{short(title, 48)}</b>",
            showarrow=False,
            align="left",
            font={"color": charts.theme_colour("text")},
        )
    today_line(chart)
    return chart


def label(row: TimelineRow, by: str) -> str:
    """A cycle's name beside its bars; under an organisation, the scope's title says which one it is."""
    name = row.name.replace("Remediation", "R") if row.kind == CycleKind.REMEDIATION else row.name
    return short(f"{row.scope_title[:12]}… {name}", 28) if by == "organization" else short(name)


def late_marks(chart: go.Figure, placed: Sequence[tuple[float, TimelineRow]]) -> None:
    """The days late, written at the end of the work."""
    late = [(place, row, row.late_days(today())) for place, row in placed if row.late_days(today()) > 0]
    if late:
        chart.add_scatter(
            mode="text",
            x=[(row.accepted_at or row.cancelled_at or noon()).replace(tzinfo=None) for _, row, _ in late],
            y=[place + LANES["work"] for place, *_ in late],
            text=[f" +{n} d" for *_, n in late],
            textposition="middle right",
            textfont={"color": charts.theme_colour("red")},
            showlegend=False,
            hovertext=[f"{count(n, 'day')} late" for *_, n in late],
            hoverinfo="text",
            customdata=[[row.id] for _, row, _ in late],
        )


def today_line(chart: go.Figure) -> None:
    """Where we are."""
    moment = noon().replace(tzinfo=None)
    colour = charts.theme_colour("red")
    chart.add_shape(
        type="line", x0=moment, x1=moment, y0=0, y1=1, yref="paper", line={"color": colour, "width": 1.5, "dash": "dot"}
    )
    chart.add_annotation(
        x=moment, y=0, yref="paper", yanchor="top", text="today", showarrow=False, font={"color": colour}
    )


def table_rows(found: Timeline) -> list[dict[str, str]]:
    """The table twin."""
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
            "Going in circles": "yes" if row.is_circling else NOTHING,
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
    return (
        f"{count(len(found.rows), 'cycle')}: {len(running)} in progress, of which {len(late)} past the planned end; "
        f"{len(waiting)} waiting for a decision; {count(len(mending), 'remediation')}"
        + (f"; {len(circling)} going in circles." if circling else ".")
    )


def show_timeline() -> None:
    """The chart with its filters."""
    with reading() as connection:
        owners = organizations(connection, caller())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        organization_id = choose("organization", "Organisation", {id: id for id in owners})
        scope_id = choose_scope("Scope", everything="All")
        state = choose("status", "State of the scope", STATE_LABELS, everything=None)
        first, last = choose_day("from", "From"), choose_day("to", "Until")
    wanted = TimelineFilter(
        scope_id=scope_id or None,
        organization_id=organization_id or None,
        scope_status=None if scope_id else STATES.get(state),
        first=first,
        last=last,
    )
    with reading() as connection:
        found = timeline(connection, caller(), wanted, newest=SHOWN)
    if not found.rows:
        cards.empty(
            "No cycle is in this view. A cycle begins when a proposal is confirmed.",
            label="See the scopes",
            place="scopes",
        )
        return
    draw(found)


def draw(found: Timeline) -> None:
    """The chart, its table, and a way to open a cycle for those who do not click bars."""
    by = choose_view("by", "Group by", {"scope": "By scope", "organization": "By organisation"})
    st.markdown(summary(found))
    if found.left_out:
        st.caption(
            f"The newest {len(found.rows)} are shown; {count(found.left_out, 'older cycle')} left out. Narrow it."
        )
    selected = charts.show(
        gantt(found, by),
        alt=f"Gantt chart of planned and actual dates. {summary(found)}",
        rows=table_rows(found),
        key="gantt",
        on_select="rerun",
    )
    points = selected.selection.points if selected else []
    if points:
        open_view("cycles", cycle=points[0]["customdata"][0])
    options = {row.id: f"{row.name} · {row.scope_title} · {row.id}" for row in found.rows}
    choose("cycle", "Open a cycle", options, everything="Choose one, or click its bar", resets=())


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
    show_timeline()
