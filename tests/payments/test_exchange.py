"""Conversion is exact until its one rounding, and a currency without a rate is named, never guessed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ods_core.basics.money import exponent
from ods_core.payments import ExchangeRatesError, NoRate, RateTable, left_out, read_exchange_rates, reported_total

TABLE = """
base = "EUR"
as_of = 2026-01-02
source = "A test"
[rates]
USD = 1.25
JPY = 160
KWD = 0.4
CLF = 0.03
"""
SHIPPED = read_exchange_rates()


def table(tmp_path: Path, text: str = TABLE) -> RateTable:
    path = tmp_path / "exchange.toml"
    path.write_text(text, encoding="utf-8")
    return read_exchange_rates(path)


@pytest.mark.parametrize(
    ("amount", "currency", "into", "expected"),
    [
        ("10.00", "EUR", "USD", "12.50"),
        ("12.50", "USD", "EUR", "10.00"),
        ("160", "JPY", "USD", "1.25"),
        ("1.00", "USD", "JPY", "128"),
        ("0.125", "KWD", "EUR", "0.31"),  # 0.3125
        ("1.000", "KWD", "JPY", "400"),
        ("0.01", "EUR", "USD", "0.01"),  # 0.0125
        ("0.02", "EUR", "USD", "0.02"),  # 0.025 lies between two: to the even one
        ("0.06", "EUR", "USD", "0.08"),  # 0.075 likewise
        ("-0.06", "EUR", "USD", "-0.08"),
        ("-0.02", "EUR", "USD", "-0.02"),
        ("0.00", "USD", "KWD", "0.000"),
        ("7.77", "USD", "USD", "7.77"),
    ],
)
def test_conversions_worked_out_by_hand(tmp_path: Path, amount: str, currency: str, into: str, expected: str) -> None:
    converted = table(tmp_path).into(into).convert(Decimal(amount), currency)
    assert str(converted) == expected


codes = some.sampled_from(SHIPPED.currencies)


@settings(deadline=None)
@given(some.integers(-(10**18), 10**18), codes, codes)
def test_a_conversion_is_within_half_a_minor_unit_of_the_fraction(minor: int, code: str, into: str) -> None:
    amount = Decimal(minor).scaleb(-exponent(code))
    converted = SHIPPED.into(into).convert(amount, code)
    exact = Fraction(amount) * Fraction(SHIPPED.rate(into)) / Fraction(SHIPPED.rate(code))
    half = Fraction(1, 2 * 10 ** exponent(into))
    assert abs(Fraction(converted) - exact) <= half
    assert -int(converted.as_tuple().exponent) == exponent(into)
    if code == into:
        assert converted == amount


@settings(deadline=None)
@given(some.integers(0, 10**15), codes, codes)
def test_conversion_is_odd_so_a_reversal_takes_back_what_its_receipt_brought(minor: int, code: str, into: str) -> None:
    amount = Decimal(minor).scaleb(-exponent(code))
    reporting = SHIPPED.into(into)
    assert reporting.convert(-amount, code) == -reporting.convert(amount, code)


@settings(deadline=None)
@given(some.dictionaries(codes, some.integers(-(10**12), 10**12), max_size=8), codes)
def test_a_total_is_the_sum_of_the_parts_that_are_shown(minors: dict[str, int], into: str) -> None:
    amounts = {code: Decimal(minor).scaleb(-exponent(code)) for code, minor in minors.items()}
    told = reported_total(amounts, SHIPPED.into(into))
    assert told.amount == sum((converted for _, _, converted in told.parts), Decimal(0))
    assert {code: amount for code, amount, _ in told.parts} == amounts
    assert told.left_out == []


def test_a_currency_without_a_rate_is_left_out_and_named(tmp_path: Path) -> None:
    reporting = table(tmp_path).into("EUR")
    amounts = {"USD": Decimal("12.50"), "CHF": Decimal("1.00"), "AUD": Decimal("1.00")}
    told = reported_total(amounts, reporting)
    assert (told.amount, told.left_out) == (Decimal("10.00"), ["AUD", "CHF"])
    assert left_out(amounts, reporting) == ["AUD", "CHF"]
    with pytest.raises(NoRate, match="no rate for CHF in the table of 2026-01-02; expected one of CLF, EUR, JPY"):
        reporting.convert(Decimal("1.00"), "CHF")


def test_a_reporting_currency_without_a_rate_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NoRate, match="no rate for XYZ"):
        table(tmp_path).into("XYZ")


def test_a_rate_is_shown_to_eight_digits(tmp_path: Path) -> None:
    assert table(tmp_path).into("USD").one("JPY") == Decimal("0.0078125")
    assert table(tmp_path).into("EUR").one("CLF") == Decimal("33.333333")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("USD = 1.25", "USD = 0", "rates.USD: expected a rate from 0.000000001 to 1,000,000,000"),
        ("USD = 1.25", "USD = -1", "rates.USD: expected a rate from"),
        ("USD = 1.25", 'USD = "1.25"', "rates.USD: expected a number"),
        ("USD = 1.25", "USD = true", "rates.USD: expected a number"),
        ("USD = 1.25", "USD = nan", "rates.USD"),
        ("USD = 1.25", "USD = inf", "rates.USD"),
        ("USD = 1.25", "ABC = 1.25", "rates.ABC: expected an ISO 4217 currency code"),
        ("USD = 1.25", "XAU = 1.25", "rates.XAU: expected an ISO 4217 currency code"),
        ("USD = 1.25", "EUR = 1", "rates.EUR: expected no rate of the base against itself"),
        ('base = "EUR"', 'base = "euro"', "base: expected an ISO 4217 currency code"),
        ('base = "EUR"', "", "base: field required"),
        ("as_of = 2026-01-02", 'as_of = "soon"', "as_of: expected a valid date"),
        ('source = "A test"', 'source = " "', "source: "),
        ('source = "A test"', 'source = "A test"\nunit = 1', "unit: extra inputs are not permitted"),
        ("[rates]", "[rates", "exchange.toml is not TOML"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused_with_the_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ExchangeRatesError) as refused:
        table(tmp_path, TABLE.replace(old, new))
    assert told in refused.value.detail


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExchangeRatesError, match=r"none\.toml cannot be read: No such file"):
        read_exchange_rates(tmp_path / "none.toml")


def test_the_table_that_comes_with_the_program_says_that_it_is_an_example() -> None:
    assert "Example figures" in SHIPPED.source
    assert {"USD", "EUR", "JPY", "KWD"} <= set(SHIPPED.currencies)
