"""What it costs, and when it is paid: quotes from a rate card; payment terms and the schedules they make."""

from ods_core.payments.allocation import largest_remainder
from ods_core.payments.pricing import RateCard, RateCardError, quote, read_rate_card
from ods_core.payments.schedule import schedule
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
    "RateCard",
    "RateCardError",
    "Remainder",
    "Terms",
    "TermsError",
    "TermsProblem",
    "largest_remainder",
    "parse_terms",
    "print_terms",
    "quote",
    "read_rate_card",
    "schedule",
]
