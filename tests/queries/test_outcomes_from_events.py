"""The log alone is enough: every figure recomputed from events in plain Python, on random histories."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ods_core.basics.clock import MovingClock, midnight
from ods_core.basics.events import Event
from ods_core.basics.roles import LOCAL
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.facts import keep_up
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import OutcomeFilter, Step, outcomes
from ods_core.service import Service
from tests.queries.history import RandomHistory

FULL = bool(os.environ.get("ODS_TEST_FULL"))
Observations = dict[tuple[str, str | None], list[tuple[datetime, Any]]]


def whole_log(service: Service) -> list[Event]:
    """Every event, oldest first."""
    found: list[Event] = []
    cursor = None
    with service.store.read() as connection:
        while True:
            page = feed(connection, LOCAL, EventFilter(), limit=100, cursor=cursor)
            found += page.events
            cursor = page.cursor
            if not page.has_more:
                return found


def days(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 86_400


def day_of(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def moment_of(value: Any) -> datetime:
    return midnight(day_of(value))


def observe(events: Iterable[Event], now: datetime) -> Observations:
    """What ended when, by what is measured; only types, moments and data of events are looked at."""
    seen: Observations = defaultdict(list)
    submitted: dict[str, Event] = {}
    first_scoped: dict[str, datetime] = {}
    presented: dict[str, datetime] = {}
    confirmed: dict[str, Event] = {}
    started: dict[str, datetime] = {}
    ready: dict[str, datetime] = {}
    remediations: dict[str, int] = defaultdict(int)
    due: dict[str, Event] = {}
    receipts: dict[tuple[str, str], list[Any]] = defaultdict(list)
    active: dict[str, Event] = {}
    for e in events:
        data, when, subject = e.data, e.occurred_at, e.subject_id
        match e.type.value:
            case "ods.request.submitted":
                submitted[e.request_id] = e
            case "ods.request.scoped":
                if e.request_id not in first_scoped:
                    first_scoped[e.request_id] = when
                    seen["scoping", None].append((when, days(submitted[e.request_id].occurred_at, when)))
                presented[data["scope"]["id"]] = when
            case "ods.scope.confirmed":
                confirmed[e.request_id] = active[subject] = e
                seen["confirmation", None].append((when, days(presented[subject], when)))
                budget = submitted[e.request_id].data["budget_max"]
                if budget is not None:
                    seen["price_to_budget", None].append((when, float(data["fixed_price"]) / float(budget)))
            case "ods.scope.completed":
                del active[subject]
                seen["lead", None].append((when, days(submitted[e.request_id].occurred_at, when)))
                seen["delivered", data["currency"]].append((when, data["fixed_price"]))
                seen["remediations", None].append((when, remediations[subject]))
                seen["remediation_free", None].append((when, remediations[subject] == 0))
            case "ods.scope.terminated":
                del active[subject]
            case "ods.cycle.started":
                started[subject] = when
            case "ods.remediation.started":
                started[subject] = when
                remediations[str(e.scope_id)] += 1
            case "ods.cycle.completed" if data["kind"] == "delivery":
                late = (when.date() - day_of(data["planned_end"])).days
                seen["variance", None].append((when, late))
                seen["on_time", None].append((when, late <= 0))
            case "ods.cycle.accepted":
                name = "cycle" if data["kind"] == "delivery" else "remediation_days"
                seen[name, None].append((when, days(started[subject], when)))
            case "ods.deliverable.ready_for_acceptance":
                ready[subject] = when
            case "ods.deliverable.accepted" | "ods.deliverable.rejected":
                accepted = e.type.value.endswith("accepted")
                seen["review", None].append((when, days(ready[subject], when)))
                seen["rejection", None].append((when, not accepted))
                if accepted:
                    seen["first_time", None].append((when, data["attempt"] == 1))
            case "ods.payment.due":
                due[subject] = e
            case "ods.payment.received":
                entry = data["receipt"]
                receipts[subject, entry["reverses"] or entry["id"]].append(entry)
    for request_id, when in first_scoped.items():
        seen["won", None].append((when, request_id in confirmed))
    for e in active.values():
        seen["committed", e.data["currency"]].append((now, e.data["fixed_price"]))
    for e in due.values():
        entries = [entry for (payment, _), both in receipts.items() if payment == e.subject_id for entry in both]
        observe_money(seen, e, entries, now)
    return seen


def observe_money(seen: Observations, due: Event, entries: list[Any], now: datetime) -> None:
    """What a milestone that fell due says of the money: only its own event and its receipts' are looked at."""
    currency, amount = due.data["currency"], due.data["amount"]
    for entry in entries:
        seen["received", currency].append((moment_of(entry["received_on"]), entry["amount"]))
    left = amount - sum((entry["amount"] for entry in entries), Decimal(0))
    if left:
        seen["open", currency].append((now, left))
        if datetime.fromisoformat(str(due.data["due_at"])) < now:
            seen["overdue", currency].append((now, left))
    elif amount:
        taken_back = {entry["reverses"] for entry in entries}
        paid_on = max(day_of(e["received_on"]) for e in entries if not e["reverses"] and e["id"] not in taken_back)
        seen["paid", currency].append((moment_of(paid_on), (amount, (paid_on - due.occurred_at.date()).days)))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    return ordered[low] + (place - low) * (ordered[math.ceil(place)] - ordered[low])


def median(values: list[Any]) -> float:
    return percentile([float(v) for v in values], 0.5)


def p85(values: list[Any]) -> float:
    return percentile([float(v) for v in values], 0.85)


def mean(values: list[Any]) -> float:
    return sum(map(float, values)) / len(values)


def weighted(values: list[tuple[Decimal, int]]) -> float:
    return float(sum(amount * days for amount, days in values) / sum(amount for amount, _ in values))


FIGURES: dict[str, tuple[str, Any]] = {
    "scoping_time_median": ("scoping", median),
    "scoping_time_p85": ("scoping", p85),
    "confirmation_time_median": ("confirmation", median),
    "confirmation_time_p85": ("confirmation", p85),
    "win_rate": ("won", mean),
    "outcome_lead_time_median": ("lead", median),
    "cycle_time_median": ("cycle", median),
    "schedule_variance_median": ("variance", median),
    "on_time_rate": ("on_time", mean),
    "review_turnaround_median": ("review", median),
    "review_turnaround_p85": ("review", p85),
    "first_time_acceptance_rate": ("first_time", mean),
    "rejection_rate": ("rejection", mean),
    "remediation_cycles_per_scope": ("remediations", mean),
    "remediation_free_scope_rate": ("remediation_free", mean),
    "remediation_days": ("remediation_days", sum),
    "price_to_budget_median": ("price_to_budget", median),
    "value_delivered": ("delivered", sum),
    "committed_value": ("committed", sum),
    "received": ("received", sum),
    "open": ("open", sum),
    "overdue": ("overdue", sum),
    "days_sales_outstanding": ("paid", weighted),
}


def parts_of(when: datetime) -> set[str]:
    """The month, the quarter and the week of a moment, as they are written."""
    quarter = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3, 9: 3}.get(when.month, 4)
    return {f"{when:%Y-%m}", f"{when:%Y}-Q{quarter}", f"{when:%G-W%V}"}


def by_part(seen: Observations, since: datetime) -> dict[tuple[str, str | None, str | None], list[Any]]:
    """The values since a moment by what is measured, its currency and the part of the period; None: all of it."""
    found: Any = defaultdict(list)
    for (name, currency), values in seen.items():
        for when, value in values:
            for part in (None, *parts_of(when)) if when >= since else ():
                found[name, currency, part].append(value)
    return dict(found)


def expected(seen: Any, entry: dict[str, Any], part: str | None) -> tuple[Any, int]:
    """Value and n of one figure, for one part of the period or all of it."""
    name, summed = FIGURES[entry["key"]]
    values = seen.get((name, entry.get("currency"), part), [])
    return (summed(values), len(values)) if values else (None, 0)


def same(found: Any, wanted: Any) -> bool:
    if isinstance(found, Decimal) or found is None or wanted is None:
        return bool(found == wanted)
    return math.isclose(found, float(wanted), rel_tol=1e-9, abs_tol=1e-9)


FILTERS: list[dict[str, str]] = [
    {},
    {"organization_id": "ORG-26-000002"},
    {"currency": "JPY"},
    {"project_tag": "PROJ-26-000012", "workspace_id": "WS-26-000001"},
]


@pytest.mark.parametrize("seed", range(1, 201) if FULL else [1, 2])
def test_every_figure_can_be_recomputed_from_the_log(service: Service, clock: MovingClock, seed: int) -> None:
    """Whatever happened and however far the kept facts go, figures and log tell the same, filtered or not."""
    history = RandomHistory(service, clock, seed)
    history.run(engagements=20, steps=150)
    assert keep_up(service.store)
    history.run(engagements=20, steps=250)
    clock.advance(days=3)
    events = whole_log(service)
    told = compared(service, events, clock())
    assert told > 100
    assert keep_up(service.store)
    assert compared(service, events, clock(), FILTERS[:2]) > 50
    assert keep_up(service.store) is None
    assert FIGURES.keys() == METRICS.keys()


def compared(service: Service, events: list[Event], now: datetime, filters: Iterable[Any] = FILTERS) -> int:
    """Compare all figures with the log's; how many there were."""
    requests = {e.request_id: e.data for e in events if e.type.value == "ods.request.submitted"}
    told = 0
    for wanted in filters:
        seen = observe([e for e in events if matches(requests[e.request_id], wanted)], now)
        for grain in Step:
            with service.store.read() as connection:
                answer = outcomes(connection, LOCAL, OutcomeFilter(**wanted), now, step=grain)
            # A receipt may be of a day before the first request, and is then outside of the period.
            parted = by_part(seen, moment_of(f"{answer['from']}-01"))
            for entry in answer["metrics"]:
                for part in [{"period": None} | entry, *entry["series"]]:
                    value, n = expected(parted, entry, part["period"])
                    assert part["n"] == n, (wanted, entry["key"], part["period"], part["n"], n)
                    assert same(part["value"], value), (wanted, entry["key"], part, value)
                    told += n > 0
        assert {m["currency"] for m in answer["metrics"] if m.get("currency")} == {c for _, c in seen if c}
    return told


def test_the_random_histories_tell_of_everything(service: Service, clock: MovingClock) -> None:
    """They would prove little if nothing was taken back, terminated or declined in them, or all in one month."""
    begun = clock()
    RandomHistory(service, clock, 1).run(engagements=40, steps=900)
    events = whole_log(service)
    assert clock() - begun > timedelta(days=365)
    with service.store.read() as connection:
        answer = outcomes(connection, LOCAL, OutcomeFilter(), clock())
    assert {m["key"] for m in answer["metrics"] if any(part["n"] for part in m["series"])} == {
        key for key, metric in METRICS.items() if not metric.as_of_now
    }
    assert any(e.data["receipt"]["reverses"] for e in events if e.type.value == "ods.payment.received")
    assert all(seen_in(events, kind) for kind in ("ods.scope.terminated", "ods.scope.declined", "ods.cycle.accepted"))


def seen_in(events: list[Event], kind: str) -> bool:
    return any(e.type.value == kind for e in events)


def matches(request: Any, wanted: dict[str, str]) -> bool:
    fields = {name: value for name, value in wanted.items() if name != "project_tag"}
    tag = wanted.get("project_tag")
    return all(request[name] == value for name, value in fields.items()) and (not tag or tag in request["project_tags"])
