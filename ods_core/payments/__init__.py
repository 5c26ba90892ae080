"""Payment terms and the schedules they make: text in, milestones that sum to the price out."""

from ods_core.payments.allocation import largest_remainder
from ods_core.payments.schedule import PlannedMilestone, schedule
from ods_core.payments.terms import (
    AcrossCycles,
    Clause,
    Fixed,
    Percent,
    PerCycle,
    Remainder,
    Terms,
    TermsError,
    TermsProblem,
    parse_terms,
    print_terms,
)

__all__ = [
    "AcrossCycles",
    "Clause",
    "Fixed",
    "PerCycle",
    "Percent",
    "PlannedMilestone",
    "Remainder",
    "Terms",
    "TermsError",
    "TermsProblem",
    "largest_remainder",
    "parse_terms",
    "print_terms",
    "schedule",
]
