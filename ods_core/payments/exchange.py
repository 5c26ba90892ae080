"""Amounts of several currencies told in one: a table of rates, and what conversion with it comes to, exactly.

A conversion is done in whole fractions and rounded once, half to even, to the minor unit of the reporting currency. A
total over several currencies is the sum of what the total of each comes to, so the lines that are shown add up to it;
converting row by row instead can differ from it by up to half a minor unit a row.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ods_core.basics.checks import Checks
from ods_core.basics.errors import Invalid, OdsError, Problem
from ods_core.basics.money import exponent
from ods_core.basics.settings import ROOT
from ods_core.payments.tables import misread

EXCHANGE_RATES = ROOT / "data" / "rates" / "exchange.toml"
ROUNDING = "Each amount is converted exactly and rounded once, half to even, to the minor unit."
SMALLEST_RATE, LARGEST_RATE = Decimal("1e-9"), Decimal(10) ** 9


class ExchangeRatesError(OdsError):
    """A rate table that nothing can be converted with; the detail names the file and each place in it."""

    code, status, title = "exchange_rates_unusable", 503, "The exchange rates cannot be used"


class NoRate(Invalid):
    """A currency that the rate table does not have; `currency` names it."""

    def __init__(self, currency: str, table: RateTable) -> None:
        self.currency = currency
        known, day = ", ".join(table.currencies), table.as_of.isoformat()
        detail = f"there is no rate for {currency[:20]} in the table of {day}; expected one of {known}"
        super().__init__([Problem("/reporting_currency", detail)])


def _rate(value: Any) -> Decimal:
    if not isinstance(value, (Decimal, int)) or isinstance(value, bool):
        raise ValueError("expected a number")  # noqa: TRY004  # what pydantic collects
    rate = Decimal(value)
    if not rate.is_finite() or not SMALLEST_RATE <= rate <= LARGEST_RATE:
        raise ValueError(f"expected a rate from {SMALLEST_RATE:f} to {LARGEST_RATE:,f}")
    return rate


_Rate = Annotated[Decimal, BeforeValidator(_rate), Field(max_digits=15)]


class RateTable(BaseModel):
    """Rates of one day: how many units of each currency one unit of `base` buys.

    `source` says whose figures they are; it is shown wherever a sum was made with them.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    base: str
    as_of: date
    source: str = Field(min_length=1, max_length=200, pattern=r"\S")
    rates: dict[str, _Rate] = Field(min_length=1)

    @property
    def currencies(self) -> list[str]:
        """The currencies that amounts can be converted from and to, sorted."""
        return sorted({self.base, *self.rates})

    def rate(self, currency: str) -> Decimal:
        """How many units of `currency` one unit of the base buys.

        Raises:
            NoRate: the table does not have it.
        """
        if currency == self.base:
            return Decimal(1)
        if currency not in self.rates:
            raise NoRate(currency, self)
        return self.rates[currency]

    def into(self, currency: str) -> Reporting:
        """Amounts told in `currency`.

        Raises:
            NoRate: the table does not have it.
        """
        self.rate(currency)
        return Reporting(self, currency)


@dataclass(frozen=True)
class Reporting:
    """A reporting currency and the rates that lead to it."""

    table: RateTable
    currency: str
    _factors: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    def knows(self, currency: str) -> bool:
        """Whether amounts of this currency can be converted."""
        return currency in self._currencies

    def convert(self, amount: Decimal, currency: str) -> Decimal:
        """An amount in the reporting currency, rounded half to even to its minor unit.

        Raises:
            NoRate: the table does not have `currency`.
        """
        minor = int(amount.scaleb(exponent(currency)))
        above, below = self._factor(currency)
        return Decimal(_half_even(minor * above, below)).scaleb(-exponent(self.currency))

    def one(self, currency: str) -> Decimal:
        """What one unit of `currency` is in the reporting currency, to eight significant digits: to be shown."""
        rate = Fraction(self.table.rate(self.currency)) / Fraction(self.table.rate(currency))
        return Decimal(f"{Decimal(rate.numerator) / Decimal(rate.denominator):.8g}")

    def _factor(self, currency: str) -> tuple[int, int]:
        """What minor units are multiplied and divided by."""
        if currency not in self._factors:
            rate = Fraction(self.table.rate(self.currency)) / Fraction(self.table.rate(currency))
            rate *= Fraction(10) ** (exponent(self.currency) - exponent(currency))
            self._factors[currency] = (rate.numerator, rate.denominator)
        return self._factors[currency]

    @cached_property
    def _currencies(self) -> frozenset[str]:
        return frozenset(self.table.currencies)


def _half_even(above: int, below: int) -> int:
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole % 2 == 1))


@dataclass(frozen=True, slots=True)
class ReportedTotal:
    """A total over several currencies: `amount` is the sum of the converted parts.

    `parts` holds (currency, amount, that amount converted); `left_out` the currencies without a rate.
    """

    currency: str
    amount: Decimal
    parts: Sequence[tuple[str, Decimal, Decimal]]
    left_out: Sequence[str]


def reported_total(amounts: Mapping[str, Decimal], reporting: Reporting) -> ReportedTotal:
    """Totals by currency as one, each converted on its own; what has no rate is left out and named."""
    known = sorted(currency for currency in amounts if reporting.knows(currency))
    parts = [(c, amounts[c], reporting.convert(amounts[c], c)) for c in known]
    nothing = Decimal(0).scaleb(-exponent(reporting.currency))
    total = sum((converted for _, _, converted in parts), nothing)
    return ReportedTotal(reporting.currency, total, parts, left_out(amounts, reporting))


def left_out(currencies: Iterable[str], reporting: Reporting) -> list[str]:
    """Those of the currencies that have no rate, sorted."""
    return sorted(currency for currency in set(currencies) if not reporting.knows(currency))


def read_exchange_rates(path: Path = EXCHANGE_RATES) -> RateTable:
    """The rate table in a TOML file, numbers read digit by digit.

    Raises:
        ExchangeRatesError: no such file, not TOML, or values that cannot be right, each with its place.
    """
    try:
        table = RateTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except OSError as error:
        raise ExchangeRatesError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ExchangeRatesError(f"{path.name}: {'; '.join(misread(error))}") from None
    except ValueError as error:
        raise ExchangeRatesError(f"{path.name} is not TOML: {error}") from None
    checks = Checks()
    for place, code in (("base", table.base), *((f"rates.{code}", code) for code in table.rates)):
        checks.currency(place, code)
    if table.base in table.rates:
        checks.add(f"rates.{table.base}", "expected no rate of the base against itself")
    if checks.problems:
        raise ExchangeRatesError(f"{path.name}: {'; '.join(f'{p.pointer}: {p.detail}' for p in checks.problems)}")
    return table
