"""The cash forecast: what is due and scheduled by week or month, and what comes in by simulation.

Everything is read from the store: what is open, and how cycles and payments went before (`queries.runs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from ods_core.basics.errors import Invalid
from ods_core.basics.money import Money
from ods_core.basics.roles import Caller
from ods_core.forecast import (
    ExpectedDates,
    Forecast,
    Periods,
    PlannedPayment,
    SimulatedCash,
    Standing,
    TooLittleHistory,
    minor_of,
    planned,
    planned_cash,
)
from ods_core.queries.history import history, open_work
from ods_core.queries.runs import MOST, NEEDED, RUNS, SEED, By, played
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

OVERDUE, LATER = "overdue", "later"
"""The names of the bars that are no period; a period's name is its first day."""

USUAL: Mapping[By, int] = {By.WEEK: 13, By.MONTH: 6}


@dataclass(frozen=True, slots=True)
class CashFilter:
    """What is asked: one currency, since amounts of two are never added; None: every organisation."""

    currency: str
    organization_id: str | None = None
    by: By = By.WEEK
    periods: int | None = None
    seed: int = SEED


@dataclass(frozen=True, slots=True)
class Percentiles:
    """What half and 85 % of the runs do not exceed: of a period by itself, and of all up to its end."""

    p50: Decimal
    p85: Decimal
    cumulative_p50: Decimal
    cumulative_p85: Decimal


@dataclass(frozen=True, slots=True)
class CashBar:
    """The money of one period, or of none: overdue, or after the last one.

    Attributes:
        first, last: its days, both included; None where it is no period.
        due, scheduled: what the plan says; overdue money is `due`.
        comes: by simulation, overdue money included; None without enough history, and where it is no period.
        payments: what it is made of, soonest first.
    """

    key: str
    first: date | None
    last: date | None
    due: Decimal
    scheduled: Decimal
    comes: Percentiles | None
    payments: Sequence[PlannedPayment]

    @property
    def planned(self) -> Decimal:
        """Due and scheduled together."""
        return self.due + self.scheduled


@dataclass(frozen=True, slots=True)
class CashForecast:
    """The answer for one currency: overdue + all periods + later is all that is open or scheduled.

    Attributes:
        runs: 0 where too little is known to simulate.
        runs_are_limited: whether there are fewer runs than usual, since there is much open work.
        finished_cycles, paid_payments: the samples it rests on. Without the latter money is taken to come when due.
        dates: when each payment comes, by its id.
    """

    currency: str
    by: By
    as_of: datetime
    seed: int
    runs: int
    runs_are_limited: bool
    finished_cycles: int
    paid_payments: int
    overdue: CashBar
    periods: Sequence[CashBar]
    later: CashBar
    dates: Mapping[str, ExpectedDates] = field(default_factory=dict)

    @property
    def bars(self) -> list[CashBar]:
        """All of them, in their order in time; overdue and later only where there is something."""
        ends = [[bar] if bar.payments else [] for bar in (self.overdue, self.later)]
        return [*ends[0], *self.periods, *ends[1]]

    def expected(self, bar: CashBar) -> tuple[date, date] | None:
        """The P50 of the payment of a bar that comes first, and the P85 of the one that comes last."""
        found = [self.dates[p.milestone.id] for p in bar.payments if p.milestone.id in self.dates]
        return (min(each.p50 for each in found), max(each.p85 for each in found)) if found else None


def cash_forecast(
    connection: Connection, caller: Caller, wanted: CashFilter, now: datetime, review_days: int
) -> CashForecast:
    """Forecast what the caller may see.

    Args:
        review_days: how long a review usually takes; the plan expects payments when the schedule does.

    Raises:
        Invalid: more periods than the farthest horizon has, or none, or a seed out of range.
    """
    count = USUAL[wanted.by] if wanted.periods is None else wanted.periods
    if not 1 <= count <= MOST[wanted.by]:
        raise Invalid.at("/periods", f"expected 1 to {MOST[wanted.by]} periods by {wanted.by.value}, got {count}")
    known = history(connection, caller, wanted.organization_id)
    work = open_work(connection, caller, wanted.organization_id)
    found = played(known, work, now, wanted.seed)
    return _told(found, planned(work, review_days, now), wanted, count, now)


@dataclass(frozen=True, slots=True)
class Named:
    """What a list says of a payment beside its money."""

    description: str
    scope_title: str
    organization_id: str


def named(connection: Connection, caller: Caller, payment_ids: Iterable[str]) -> dict[str, Named]:
    """The words for some payments, by id."""
    p, s = t.payments, t.scopes
    statement = select(p.c.id, p.c.description, s.c.title, p.c.organization_id).join(s, s.c.id == p.c.scope_id)
    rows = connection.execute(narrowed(statement, p, caller).where(p.c.id.in_(list(payment_ids))))
    return {id: Named(description, title, organization_id) for id, description, title, organization_id in rows}


def forecast_resource(found: CashForecast) -> dict[str, Any]:
    """The answer as callers of the API see it; amounts are exact."""
    return {
        "currency": found.currency,
        "by": found.by.value,
        "as_of": found.as_of,
        "seed": found.seed,
        "runs": found.runs,
        "finished_cycles": found.finished_cycles,
        "finished_cycles_needed": NEEDED,
        "paid_payments": found.paid_payments,
        "overdue": _bar_resource(found.overdue),
        "periods": [_bar_resource(bar) for bar in found.periods],
        "later": _bar_resource(found.later),
    }


def _bar_resource(bar: CashBar) -> dict[str, Any]:
    return {
        "start": bar.first,
        "end": bar.last,
        "due": bar.due,
        "scheduled": bar.scheduled,
        "p50": bar.comes.p50 if bar.comes else None,
        "p85": bar.comes.p85 if bar.comes else None,
        "cumulative_p50": bar.comes.cumulative_p50 if bar.comes else None,
        "cumulative_p85": bar.comes.cumulative_p85 if bar.comes else None,
        "payment_ids": [payment.milestone.id for payment in bar.payments],
    }


# The part that was asked for.


def _told(
    found: Forecast | TooLittleHistory,
    payments: Sequence[PlannedPayment],
    wanted: CashFilter,
    count: int,
    now: datetime,
) -> CashForecast:
    periods = _first(found.weeks if wanted.by == By.WEEK else found.months, count)
    plan = planned_cash(payments, wanted.currency, periods)
    comes = _percentiles(found, wanted, count)
    within = [
        _bar(start.isoformat(), held, wanted.currency, (start, periods.last_day(n)), comes[n])
        for n, (start, held) in enumerate(zip(periods.starts, plan.periods, strict=True))
    ]
    simulated = found if isinstance(found, Forecast) else None
    return CashForecast(
        currency=wanted.currency,
        by=wanted.by,
        as_of=now,
        seed=wanted.seed,
        runs=simulated.runs if simulated else 0,
        runs_are_limited=simulated is not None and simulated.runs < RUNS,
        finished_cycles=found.finished_cycles,
        paid_payments=simulated.payments if simulated else 0,
        overdue=_bar(OVERDUE, plan.overdue, wanted.currency),
        periods=within,
        later=_bar(LATER, plan.later, wanted.currency),
        dates={each.id: each for each in simulated.milestones} if simulated else {},
    )


def _first(periods: Periods, count: int) -> Periods:
    starts = (*periods.starts, periods.end)
    return Periods(starts[:count], starts[count])


def _bar(
    key: str,
    payments: Sequence[PlannedPayment],
    currency: str,
    days: tuple[date | None, date | None] = (None, None),
    comes: Percentiles | None = None,
) -> CashBar:
    due = minor_of(payments, Standing.DUE, Standing.OVERDUE)
    scheduled = minor_of(payments, Standing.SCHEDULED)
    first, last = days
    return CashBar(key, first, last, _amount(due, currency), _amount(scheduled, currency), comes, payments)


def _amount(minor: int, currency: str) -> Decimal:
    return Money.from_minor(minor, currency).amount


def _percentiles(found: Forecast | TooLittleHistory, wanted: CashFilter, count: int) -> list[Percentiles | None]:
    if isinstance(found, TooLittleHistory):
        return [None] * count
    cash = (found.by_week if wanted.by == By.WEEK else found.by_month).get(wanted.currency)
    return [_percentiles_of(cash, n, wanted.currency) for n in range(count)]


def _percentiles_of(cash: SimulatedCash | None, n: int, currency: str) -> Percentiles:
    """Of a currency in which nothing is open nothing comes in."""
    if cash is None:
        return Percentiles(*[_amount(0, currency)] * 4)
    minors = (cash.p50[n], cash.p85[n], cash.cumulative_p50[n], cash.cumulative_p85[n])
    return Percentiles(*(_amount(minor, currency) for minor in minors))
