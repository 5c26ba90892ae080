"""What it costs, when it is paid, and what it is in another currency: quotes, terms, schedules, exchange rates."""

from ods_core.payments.allocation import largest_remainder
from ods_core.payments.exchange import (
    ROUNDING,
    ExchangeRatesError,
    NoRate,
    RateTable,
    ReportedTotal,
    Reporting,
    left_out,
    read_exchange_rates,
    reported_total,
)
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
    "ROUNDING",
    "AcrossCycles",
    "Clause",
    "ExchangeRatesError",
    "Fixed",
    "NoRate",
    "PerCycle",
    "Percent",
    "RateCard",
    "RateCardError",
    "RateTable",
    "Remainder",
    "ReportedTotal",
    "Reporting",
    "Terms",
    "TermsError",
    "TermsProblem",
    "largest_remainder",
    "left_out",
    "parse_terms",
    "print_terms",
    "quote",
    "read_exchange_rates",
    "read_rate_card",
    "reported_total",
    "schedule",
]
