"""Every figure recomputed from events in plain Python, written from what each one is said to mean, not from the SQL."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ods_core.basics.clock import midnight
from ods_core.basics.events import Event

Observations = dict[tuple[str, str | None], list[tuple[datetime, Any]]]


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
    budgets: dict[str, Any] = {}
    first_scoped: dict[str, datetime] = {}
    presented: dict[str, datetime] = {}
    confirmed: dict[str, Event] = {}
    started: dict[str, datetime] = {}
    ready: dict[str, datetime] = {}
    remediations: dict[str, int] = defaultdict(int)
    scores: dict[str, int | None] = {}
    due: dict[str, Event] = {}
    receipts: dict[tuple[str, str], list[Any]] = defaultdict(list)
    active: dict[str, Event] = {}
    for e in events:
        data, when, subject = e.data, e.occurred_at, e.subject_id
        match e.type.value:
            case "ods.request.submitted":
                submitted[e.request_id] = e
                budgets[e.request_id] = data["budget_max"]
            case "ods.request.revised":
                budgets[e.request_id] = data["budget_max"]
            case "ods.request.scoped":
                if e.request_id not in first_scoped:
                    first_scoped[e.request_id] = when
                    seen["scoping", None].append((when, days(submitted[e.request_id].occurred_at, when)))
                presented[data["scope"]["id"]] = when
            case "ods.scope.confirmed":
                scores[subject] = data["criteria_score"]
                confirmed[e.request_id] = active[subject] = e
                seen["confirmation", None].append((when, days(presented[subject], when)))
                if (budget := budgets[e.request_id]) is not None:
                    seen["price_to_budget", None].append((when, float(data["fixed_price"]) / float(budget)))
            case "ods.scope.completed":
                del active[subject]
                seen["lead", None].append((when, days(submitted[e.request_id].occurred_at, when)))
                seen["delivered", data["currency"]].append((when, data["fixed_price"]))
                seen["remediations", None].append((when, remediations[subject]))
                seen["remediation_free", None].append((when, remediations[subject] == 0))
                seen["deliverables", None].append((when, len(data["deliverables"])))
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
                else:
                    seen["rejected", None].append((when, data))
                if data["attempt"] == 1:
                    seen["judged", None].append((when, (scores[data["scope_id"]], data["scope_id"], not accepted)))
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


@dataclass(frozen=True)
class Span:
    """Whole months, the first and the last of them as they are written."""

    first: str
    last: str

    def holds(self, when: datetime) -> bool:
        """Whether a moment is in one of them."""
        return self.first <= f"{when:%Y-%m}" <= self.last

    def before(self) -> Span:
        """As many months, just before."""
        low, high = (int(text[:4]) * 12 + int(text[5:]) - 1 for text in (self.first, self.last))
        return Span(*(f"{n // 12}-{n % 12 + 1:02d}" for n in (low - (high - low + 1), low - 1)))


AS_OF_NOW = ("committed", "open", "overdue")


def within(seen: Observations, span: Span) -> Observations:
    """What ended in a period, and what tells how things stand."""
    return {
        (name, currency): [one for one in values if name in AS_OF_NOW or span.holds(one[0])]
        for (name, currency), values in seen.items()
    }


def by_part(seen: Observations) -> dict[tuple[str, str | None, str | None], list[Any]]:
    """The values by what is measured, its currency and the part of the period; None: all of it."""
    found: Any = defaultdict(list)
    for (name, currency), values in seen.items():
        for when, value in values:
            for part in (None, *parts_of(when)):
                found[name, currency, part].append(value)
    return dict(found)


def figure(parted: Any, key: str, currency: str | None = None, part: str | None = None) -> tuple[Any, int]:
    """Value and n of one figure, for one part of the period or all of it."""
    name, summed = FIGURES[key]
    values = parted.get((name, currency, part), [])
    return (summed(values), len(values)) if values else (None, 0)


def remediations_per_deliverable(parted: Any) -> float | None:
    """Remediation cycles of completed scopes, for each of their deliverables."""
    deliverables = sum(parted.get(("deliverables", None, None), []))
    return sum(parted["remediations", None, None]) / deliverables if deliverables else None


def bands(parted: Any, limits: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """For each band of scores: scopes, first attempts decided, and those of them that were rejected."""
    judged = parted.get(("judged", None, None), [])
    found = []
    for low, high in limits:
        of = [(scope, rejected) for score, scope, rejected in judged if score is not None and low <= score <= high]
        found.append((len({scope for scope, _ in of}), len(of), sum(rejected for _, rejected in of)))
    return found


def reasons(parted: Any) -> Counter[str]:
    """How often each reason was given."""
    rejected = parted.get(("rejected", None, None), [])
    return Counter(data["attempts"][-1]["rejection_reason"] for data in rejected)


def unmet(parted: Any, none: str) -> Counter[str]:
    """How often each criterion was named as not met; `none` stands for a rejection that names none."""
    found: Counter[str] = Counter()
    for data in parted.get(("rejected", None, None), []):
        given = data["acceptance_criteria"]
        criteria = [given] if isinstance(given, str) else given
        found.update([criteria[c["criterion"] - 1] for c in data["attempts"][-1]["criteria_not_met"]] or [none])
    return found


def same(found: Any, wanted: Any) -> bool:
    """Money is equal; what is a real number is so but for its last digits."""
    if isinstance(found, Decimal) or found is None or wanted is None:
        return bool(found == wanted)
    return math.isclose(found, float(wanted), rel_tol=1e-9, abs_tol=1e-9)


def matching(events: Sequence[Event], wanted: dict[str, str]) -> list[Event]:
    """The events of the requests that have what is wanted; `project_tag` is one of a request's tags."""
    named = {e.request_id for e in events if e.type.value == "ods.request.submitted" and _has(e.data, wanted)}
    return [e for e in events if e.request_id in named]


def _has(request: Any, wanted: dict[str, str]) -> bool:
    fields = {name: value for name, value in wanted.items() if name != "project_tag"}
    tag = wanted.get("project_tag")
    return all(request[name] == value for name, value in fields.items()) and (not tag or tag in request["project_tags"])
