"""When work ends and money comes, by simulation over how it went before: history and open work in, percentiles out."""

from ods_core.forecast.cash import (
    PlannedCash,
    PlannedPayment,
    SimulatedCash,
    Standing,
    minor_of,
    planned,
    planned_cash,
)
from ods_core.forecast.periods import Periods
from ods_core.forecast.simulation import (
    DATED_RUNS,
    ExpectedDates,
    Forecast,
    Portfolio,
    ScopeFinish,
    TooLittleHistory,
    simulate,
)
from ods_core.forecast.work import (
    MAX_SAMPLES,
    MIN_FINISHED_CYCLES,
    FinishedCycle,
    History,
    OpenCycle,
    OpenMilestone,
    OpenScope,
    OpenWork,
)

__all__ = [
    "DATED_RUNS",
    "MAX_SAMPLES",
    "MIN_FINISHED_CYCLES",
    "ExpectedDates",
    "FinishedCycle",
    "Forecast",
    "History",
    "OpenCycle",
    "OpenMilestone",
    "OpenScope",
    "OpenWork",
    "Periods",
    "PlannedCash",
    "PlannedPayment",
    "Portfolio",
    "ScopeFinish",
    "SimulatedCash",
    "Standing",
    "TooLittleHistory",
    "minor_of",
    "planned",
    "planned_cash",
    "simulate",
]
