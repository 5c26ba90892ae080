"""What is measured: every figure with its unit, its definition and its formula, as one table.

The outcomes query reads from it how to sum a figure up, the API which keys there are, and the pages what to say about
them; there is no second place that defines a figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a value is counted in; a share runs from 0 to 1."""

    DAYS = "days"
    SHARE = "share"
    RATIO = "ratio"
    CYCLES = "cycles"
    MONEY = "money"


class Summary(StrEnum):
    """How the observations of one period come to one value."""

    MEDIAN = "median"
    P85 = "p85"
    MEAN = "mean"
    TOTAL = "total"
    WEIGHTED = "weighted"


class Better(StrEnum):
    """Which way is good news."""

    MORE = "more"
    LESS = "less"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    `observation` names what is observed, one row each time it ends; `summary` makes one value of many. `per_currency`:
    one value a currency. `as_of_now`: it tells how things stand, whatever the period.
    """

    key: str
    label: str
    unit: Unit
    observation: str
    summary: Summary
    better: Better
    definition: str
    formula: str
    per_currency: bool = False
    as_of_now: bool = False


_DAYS, _SHARE, _MONEY = Unit.DAYS, Unit.SHARE, Unit.MONEY
_MORE, _LESS, _NEITHER = Better.MORE, Better.LESS, Better.NEITHER

_ALL = (
    Metric(
        "scoping_time_median",
        "Scoping time",
        _DAYS,
        "scoping",
        Summary.MEDIAN,
        _LESS,
        "How long a request waits for its first proposal: half of them wait less.",
        "median(first proposal presented − request submitted), by month of the first proposal",
    ),
    Metric(
        "scoping_time_p85",
        "Scoping time, P85",
        _DAYS,
        "scoping",
        Summary.P85,
        _LESS,
        "How long a request waits for its first proposal: 85 of 100 wait less.",
        "P85(first proposal presented − request submitted), by month of the first proposal",
    ),
    Metric(
        "confirmation_time_median",
        "Confirmation time",
        _DAYS,
        "confirmation",
        Summary.MEDIAN,
        _LESS,
        "How long a confirmed proposal lay with the client: half of them less.",
        "median(scope confirmed − that proposal presented), by month of confirmation",
    ),
    Metric(
        "confirmation_time_p85",
        "Confirmation time, P85",
        _DAYS,
        "confirmation",
        Summary.P85,
        _LESS,
        "How long a confirmed proposal lay with the client: 85 of 100 less.",
        "P85(scope confirmed − that proposal presented), by month of confirmation",
    ),
    Metric(
        "win_rate",
        "Win rate",
        _SHARE,
        "won",
        Summary.MEAN,
        _MORE,
        "The share of requests with a proposal that led to a confirmed scope.",
        "requests with a confirmed scope ÷ requests that reached scoped, by month of the first proposal",
    ),
    Metric(
        "outcome_lead_time_median",
        "Outcome lead time",
        _DAYS,
        "lead",
        Summary.MEDIAN,
        _LESS,
        "From asking for an outcome to having all of it accepted: half of them take less.",
        "median(scope completed − request submitted), by month of completion",
    ),
    Metric(
        "cycle_time_median",
        "Cycle time",
        _DAYS,
        "cycle",
        Summary.MEDIAN,
        _LESS,
        "From the start of a delivery cycle to its acceptance: half of them take less.",
        "median(delivery cycle accepted − started), by month of acceptance",
    ),
    Metric(
        "schedule_variance_median",
        "Schedule variance",
        _DAYS,
        "variance",
        Summary.MEDIAN,
        _LESS,
        "By how many days delivery cycles are handed in after their planned end; early is negative. "
        "Time spent in review does not count.",
        "median(date completed − planned end) of delivery cycles, by month of completion",
    ),
    Metric(
        "on_time_rate",
        "On time",
        _SHARE,
        "on_time",
        Summary.MEAN,
        _MORE,
        "The share of delivery cycles that were handed in by their planned end.",
        "delivery cycles with a schedule variance ≤ 0 ÷ delivery cycles completed, by month of completion",
    ),
    Metric(
        "review_turnaround_median",
        "Review turnaround",
        _DAYS,
        "review",
        Summary.MEDIAN,
        _LESS,
        "How long a deliverable that is ready waits for its decision: half of them wait less.",
        "median(decision − ready for acceptance), by month of decision",
    ),
    Metric(
        "review_turnaround_p85",
        "Review turnaround, P85",
        _DAYS,
        "review",
        Summary.P85,
        _LESS,
        "How long a deliverable that is ready waits for its decision: 85 of 100 wait less.",
        "P85(decision − ready for acceptance), by month of decision",
    ),
    Metric(
        "first_time_acceptance_rate",
        "Right first time",
        _SHARE,
        "first_time",
        Summary.MEAN,
        _MORE,
        "The share of accepted deliverables that were accepted at their first attempt.",
        "deliverables accepted on attempt 1 ÷ deliverables accepted, by month of acceptance",
    ),
    Metric(
        "rejection_rate",
        "Rejection rate",
        _SHARE,
        "rejection",
        Summary.MEAN,
        _LESS,
        "The share of review decisions that were rejections.",
        "rejections ÷ decisions, by month of decision",
    ),
    Metric(
        "remediation_cycles_per_scope",
        "Remediations a scope",
        Unit.CYCLES,
        "remediations",
        Summary.MEAN,
        _LESS,
        "How many remediation cycles a completed scope took.",
        "remediation cycles of completed scopes ÷ completed scopes, by month of completion",
    ),
    Metric(
        "remediation_free_scope_rate",
        "Remediation-free",
        _SHARE,
        "remediation_free",
        Summary.MEAN,
        _MORE,
        "The share of completed scopes that took no remediation cycle.",
        "completed scopes with no remediation cycle ÷ completed scopes, by month of completion",
    ),
    Metric(
        "remediation_days",
        "Remediation days",
        _DAYS,
        "remediation_days",
        Summary.TOTAL,
        _LESS,
        "The days that remediation cycles took, from their start to their acceptance.",
        "Σ(remediation cycle accepted − started), by month of acceptance",
    ),
    Metric(
        "value_delivered",
        "Value delivered",
        _MONEY,
        "delivered",
        Summary.TOTAL,
        _MORE,
        "The fixed prices of the scopes that were completed.",
        "Σ fixed price of completed scopes, by month of completion",
        per_currency=True,
    ),
    Metric(
        "committed_value",
        "Committed",
        _MONEY,
        "committed",
        Summary.TOTAL,
        _NEITHER,
        "The fixed prices of the scopes that are active now.",
        "Σ fixed price of active scopes, as of now",
        per_currency=True,
        as_of_now=True,
    ),
    Metric(
        "received",
        "Received",
        _MONEY,
        "received",
        Summary.TOTAL,
        _MORE,
        "The money that came in, in full or in parts; what was taken back is subtracted when it was taken back.",
        "Σ amount of receipts − Σ amount of reversals, each by the month of its own day; n counts both",
        per_currency=True,
    ),
    Metric(
        "open",
        "Open",
        _MONEY,
        "open",
        Summary.TOTAL,
        _NEITHER,
        "What is due now and not yet paid, overdue or not.",
        "Σ(amount − what its receipts come to) of due milestones, as of now",
        per_currency=True,
        as_of_now=True,
    ),
    Metric(
        "overdue",
        "Overdue",
        _MONEY,
        "overdue",
        Summary.TOTAL,
        _LESS,
        "What is due, not yet paid, and past the day it was due.",
        "Σ(amount − what its receipts come to) of due milestones past their due date, as of now",
        per_currency=True,
        as_of_now=True,
    ),
    Metric(
        "days_sales_outstanding",
        "Days sales outstanding",
        _DAYS,
        "paid",
        Summary.WEIGHTED,
        _LESS,
        "How long money takes to come in after what released it, large amounts counting for more.",
        "Σ(amount × (day of the last receipt − day released)) ÷ Σ amount of the milestones paid, "
        "by month of the last receipt",
        per_currency=True,
    ),
    Metric(
        "price_to_budget_median",
        "Price to budget",
        Unit.RATIO,
        "price_to_budget",
        Summary.MEDIAN,
        _LESS,
        "How much of its budget a confirmed scope's fixed price takes up: half of them less.",
        "median(fixed price ÷ budget) of confirmed scopes whose request names a budget, by month of confirmation",
    ),
)

METRICS: Mapping[str, Metric] = {metric.key: metric for metric in _ALL}
"""Every figure by its key, in the order in which they are shown."""
