"""The delivery forecast: when each active scope is finished, when all of them are, and the share expected on time.

The same runs as the cash forecast's, over the history of everything that the caller may see: a filter says which scopes
are looked at, never what is known of the past. So a scope has one forecast, wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from ods_core.basics.roles import Caller
from ods_core.basics.states import ScopeStatus
from ods_core.forecast import DATED_RUNS, Forecast, Portfolio, ScopeFinish, TooLittleHistory
from ods_core.queries.filters import names
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.queries.runs import NEEDED, SEED, simulated
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t


@dataclass(frozen=True, slots=True)
class Expected:
    """One active scope: what it is called, and when it is finished by simulation."""

    scope_id: str
    title: str
    organization_id: str
    finish: ScopeFinish


@dataclass(frozen=True, slots=True)
class DeliveryForecast:
    """The answer for the active scopes that a filter names.

    Attributes:
        runs: of those that dates are told from; 0 where too little is known to simulate.
        finished_cycles: the samples it rests on.
        active: how many scopes there are, simulated or not.
        portfolio: all of them together; None without active scopes or without enough history.
        scopes: the likeliest to be late first; empty without enough history.
    """

    as_of: datetime
    seed: int
    runs: int
    finished_cycles: int
    active: int
    portfolio: Portfolio | None
    scopes: Sequence[Expected]


def delivery_forecast(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, seed: int = SEED
) -> DeliveryForecast:
    """Forecast the active scopes that the filter names, whatever its period.

    Raises:
        Invalid: a seed out of range.
    """
    found = simulated(connection, caller, None, now, seed)
    active = _active(connection, caller, wanted)
    if isinstance(found, TooLittleHistory):
        return DeliveryForecast(now, seed, 0, found.finished_cycles, len(active), None, [])
    made = [Expected(f.id, *active[f.id], f) for f in found.scopes if f.id in active]
    made.sort(key=lambda one: (one.finish.on_time, one.finish.p85, one.scope_id))
    return DeliveryForecast(
        now, seed, dated(found), found.finished_cycles, len(active), found.portfolio_of(active.keys()), made
    )


def _active(connection: Connection, caller: Caller, wanted: OutcomeFilter) -> dict[str, tuple[str, str]]:
    """(title, organisation) of the active scopes that the filter names, by id."""
    s, r = t.scopes, t.requests
    statement = select(s.c.id, s.c.title, s.c.organization_id).join(r, r.c.id == s.c.request_id)
    statement = narrowed(statement, s, caller).where(s.c.status == ScopeStatus.ACTIVE, *names(wanted))
    return {id: (title, owner) for id, title, owner in connection.execute(statement)}


def dated(found: Forecast) -> int:
    """How many runs dates are told from."""
    return min(found.runs, DATED_RUNS)


@dataclass(frozen=True, slots=True)
class ScopeForecast:
    """One scope; `finish` is None where it is not active, or too little is known to simulate (`runs` is 0)."""

    as_of: datetime
    seed: int
    runs: int
    finished_cycles: int
    finish: ScopeFinish | None


def finishes(
    connection: Connection, caller: Caller, now: datetime, seed: int = SEED
) -> tuple[ScopeForecast, Mapping[str, ScopeFinish]]:
    """What a forecast of dates rests on, and every active scope's, by id.

    Raises:
        Invalid: a seed out of range.
    """
    found = simulated(connection, caller, None, now, seed)
    if isinstance(found, TooLittleHistory):
        return ScopeForecast(now, seed, 0, found.finished_cycles, None), {}
    basis = ScopeForecast(now, seed, dated(found), found.finished_cycles, None)
    return basis, {finish.id: finish for finish in found.scopes}


def scope_forecast(
    connection: Connection, caller: Caller, scope_id: str, now: datetime, seed: int = SEED
) -> ScopeForecast:
    """When one scope is finished; whether the caller may see it is the asker's to know.

    Raises:
        Invalid: a seed out of range.
    """
    basis, found = finishes(connection, caller, now, seed)
    return ScopeForecast(basis.as_of, basis.seed, basis.runs, basis.finished_cycles, found.get(scope_id))


# As callers of the API see it.


def scope_forecast_resource(scope_id: str, told: ScopeForecast) -> dict[str, Any]:
    """One scope's forecast."""
    return {"scope_id": scope_id, **_basis(told), **_dates(told.finish)}


def delivery_forecast_resource(told: DeliveryForecast) -> dict[str, Any]:
    """The portfolio's forecast; the scopes have their own."""
    found = told.portfolio
    return {
        **_basis(told),
        "active_scopes": told.active,
        "p50": found.p50 if found else None,
        "p85": found.p85 if found else None,
        "on_time": found.on_time if found else None,
    }


def _basis(told: DeliveryForecast | ScopeForecast) -> dict[str, Any]:
    return {
        "as_of": told.as_of,
        "seed": told.seed,
        "runs": told.runs,
        "finished_cycles": told.finished_cycles,
        "finished_cycles_needed": NEEDED,
    }


def _dates(finish: ScopeFinish | None) -> dict[str, date | float | None]:
    if finish is None:
        return {"p50": None, "p85": None, "planned_end": None, "on_time": None}
    return {"p50": finish.p50, "p85": finish.p85, "planned_end": finish.planned_end, "on_time": finish.on_time}
