"""What it costs, and when it is paid: quotes from a rate card; payment terms and the schedules they make."""

from ods_core.payments.allocation import largest_remainder
from ods_core.payments.pricing import (
    Adjustment,
    AdjustmentKind,
    Change,
    EstimatedDeliverable,
    FittingOption,
    Quote,
    QuoteRequest,
    RateCard,
    RateCardError,
    quote,
    quote_resource,
    read_rate_card,
)
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
    "Adjustment",
    "AdjustmentKind",
    "Change",
    "Clause",
    "EstimatedDeliverable",
    "FittingOption",
    "Fixed",
    "PerCycle",
    "Percent",
    "Quote",
    "QuoteRequest",
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
    "quote_resource",
    "read_rate_card",
    "schedule",
]
