"""Money is exact, of one currency, and never more precise than its currency."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest
from babel.numbers import get_currency_precision

from ods_core.basics.money import Money, MoneyError, currencies, exponent, format_money, symbol_fits


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("JPY", 0), ("KRW", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("TND", 3), ("CLF", 4), ("UYW", 4)],
)
def test_the_exponent_is_that_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize(("currency", "digits"), [("IQD", 3), ("LBP", 2), ("RSD", 2), ("AFN", 2)])
def test_the_exponent_is_that_of_iso_4217_also_where_custom_leaves_it_away(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


def test_the_exponent_is_not_the_customary_one_of_cldr() -> None:
    # Which currencies differ changes from one release of CLDR to the next; that some do does not.
    assert any(exponent(currency) != get_currency_precision(currency) for currency in currencies())


@pytest.mark.parametrize("code", ["XAU", "XAG", "XDR", "XTS", "XXX"])
def test_a_code_without_a_minor_unit_is_refused_as_such(code: str) -> None:
    with pytest.raises(MoneyError, match=f"{code}.*no minor unit.*expected"):
        exponent(code)
    assert code not in currencies()


@pytest.mark.parametrize("code", ["usd", "ZZZ", "", "US", "USDT", None, 840, ["USD"], "\ud800"])
def test_what_is_no_currency_is_refused(code: object) -> None:
    with pytest.raises(MoneyError, match="not a currency; expected an upper-case ISO 4217 code"):
        Money(Decimal(1), code)  # type: ignore[arg-type]


def test_the_currencies_are_sorted_and_all_usable() -> None:
    codes = currencies()
    assert codes == sorted(set(codes))
    assert len(codes) > 150
    assert {Money.from_minor(1, code).minor_units() for code in codes} == {1}


@pytest.mark.parametrize("amount", [1.5, 0.0, True, False, 1, "1", None])
def test_only_a_decimal_is_an_amount(amount: object) -> None:
    with pytest.raises(MoneyError, match="expected a Decimal"):
        Money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity"])
def test_only_a_finite_number_is_an_amount(text: str) -> None:
    with pytest.raises(MoneyError, match="expected a finite number"):
        Money(Decimal(text), "USD")


@pytest.mark.parametrize(
    ("text", "currency"), [("0.001", "USD"), ("1.5", "JPY"), ("1.0005", "KWD"), ("1E-999999", "USD")]
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError, match=f"expected at most {exponent(currency)} for {currency}"):
        Money(Decimal(text), currency)


@pytest.mark.parametrize("text", ["1E+18", "-1E+18", "1E+999999", "1000000000000000000.00"])
def test_an_amount_beyond_eighteen_whole_digits_is_refused(text: str) -> None:
    with pytest.raises(MoneyError, match="too large"):
        Money(Decimal(text), "USD")


def test_an_int_beyond_the_limit_is_refused_however_long() -> None:
    with pytest.raises(MoneyError, match="too large"):
        Money.parse(10**6000, "USD")


def test_noughts_behind_the_last_decimal_are_not_decimals() -> None:
    """A numeric column of four places gives 15500.0000, which is as good an amount as 15500."""
    assert str(Money(Decimal("15500.0000"), "USD")) == "15500.00 USD"
    assert str(Money(Decimal("33.0"), "JPY")) == "33 JPY"


def test_equal_amounts_print_and_hash_alike() -> None:
    amounts = [Money(Decimal(text), "USD") for text in ("5", "5.0", "5.00", "0.5E+1")]
    assert len(set(amounts)) == 1
    assert {str(money) for money in amounts} == {"5.00 USD"}


def test_there_is_no_negative_nought() -> None:
    assert str(usd("-0")) == "0.00 USD"
    assert str(usd("5") - usd("5")) == "0.00 USD"


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("7750.00", "USD", 775000),
        (" 12.5 ", "USD", 1250),
        ("-0.01", "USD", -1),
        ("+3", "USD", 300),
        (15500, "USD", 1550000),
        (33, "JPY", 33),
        (Decimal("1.250"), "KWD", 1250),
        (Decimal("1E+3"), "CLF", 10000000),
        ("999999999999999999.9999", "CLF", 10**22 - 1),
    ],
)
def test_an_amount_is_read_from_text_an_int_or_a_decimal(value: str | int | Decimal, currency: str, minor: int) -> None:
    assert Money.parse(value, currency).minor_units() == minor


@pytest.mark.parametrize(
    "text", ["", " ", "5,000", "$5", "1e3", "1_000", "٣", ".5", "5.", "NaN", "--1", "1" * 100_000, "\ud800"]
)
def test_text_that_is_not_plain_digits_is_refused(text: str) -> None:
    with pytest.raises(MoneyError, match="expected plain digits"):
        Money.parse(text, "USD")


@pytest.mark.parametrize("value", [1.0, True, None, b"1"])
def test_a_float_or_a_bool_is_not_read(value: object) -> None:
    with pytest.raises(MoneyError, match="expected text, an int or a Decimal"):
        Money.parse(value, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [1.0, True, "1", Decimal(1)])
def test_minor_units_are_an_int(n: object) -> None:
    with pytest.raises(MoneyError, match="expected an int"):
        Money.from_minor(n, "USD")  # type: ignore[arg-type]


def test_minor_units_there_and_back_are_the_identity_in_every_currency(
    trials: Callable[[int, int], int],
) -> None:
    rng = random.Random(4217)
    codes = currencies()
    for _ in range(trials(5_000, 200_000)):
        code, minor = rng.choice(codes), rng.randrange(-(10**18), 10**18)
        assert Money.from_minor(minor, code).minor_units() == minor


def test_amounts_of_one_currency_add_subtract_and_compare() -> None:
    assert usd("0.10") + usd("0.20") == usd("0.30")
    assert usd("0.10") - usd("0.20") == usd("-0.10")
    assert usd("9.99") < usd("10") <= usd("10.00") < usd("10.01")
    assert usd("10.01") > usd("10") >= usd("10.00")
    assert sum([usd("0.01")] * 100, start=usd("0")) == usd("1")
    assert sorted([usd("3"), usd("1"), usd("2")]) == [usd("1"), usd("2"), usd("3")]


@pytest.mark.parametrize("together", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge])
def test_two_currencies_do_nothing_together(together: Callable[[Money, Money], object]) -> None:
    with pytest.raises(MoneyError, match=r"1\.00 USD and 1\.00 EUR; expected two amounts of one currency"):
        together(usd("1"), Money.parse("1", "EUR"))


def test_two_currencies_are_never_equal() -> None:
    assert usd("0") != Money.parse("0", "EUR")
    others: list[object] = [1, Decimal(1), "1.00 USD", None]
    assert usd("1") not in others


@pytest.mark.parametrize("other", [1, 1.0, Decimal(1), None])
def test_money_and_a_bare_number_do_not_mix(other: Any) -> None:
    for together in (operator.add, operator.sub, operator.lt, operator.ge):
        for pair in ((usd("1"), other), (other, usd("1"))):
            with pytest.raises(TypeError):
                together(*pair)


def test_a_sum_beyond_the_limit_is_refused() -> None:
    most = usd("999999999999999999.99")
    with pytest.raises(MoneyError, match="too large"):
        most + usd("0.01")


def test_a_context_that_rounds_does_not_reach_money() -> None:
    """Some caller may have set three digits for itself; the amounts stay exact."""
    with localcontext() as context:
        context.prec = 3
        assert (usd("123456.78") + usd("0.01")).minor_units() == 12345679
        assert str(Money.from_minor(12345679, "USD") - usd("0.01")) == "123456.78 USD"


def test_money_does_not_change() -> None:
    with pytest.raises(AttributeError):
        usd("1").amount = Decimal(2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "currency", "locale", "shown"),
    [
        ("7750", "USD", "en", "$7,750.00"),
        ("33", "JPY", "en", "¥33"),
        ("1.25", "KWD", "en", "KWD 1.250"),
        ("-1234.5", "CLF", "en", "-CLF 1,234.5000"),
        ("10", "IQD", "en", "IQD 10.000"),
        ("1234.5", "LBP", "en", "LBP 1,234.50"),
        ("0", "EUR", "en", "€0.00"),
        ("-0.01", "GBP", "en", "-£0.01"),
        ("999999999999999999.99", "USD", "en", "$999,999,999,999,999,999.99"),
        ("7750", "EUR", "de", "7.750,00\xa0€"),
        ("7750", "EUR", "de-DE", "7.750,00\xa0€"),
        ("1234567.5", "INR", "en_IN", "₹12,34,567.50"),
        ("7750", "CAD", "en_CA", "$7,750.00"),
        ("7750", "CAD", "en", "CA$7,750.00"),
    ],
)
def test_money_is_shown_as_its_readers_write_it(text: str, currency: str, locale: str, shown: str) -> None:
    assert format_money(Money.parse(text, currency), locale) == shown


def test_showing_one_currency_does_not_change_another() -> None:
    """Patterns are kept for the next time, each with its own number of decimals."""
    money = [Money.parse(1, code) for code in ("USD", "JPY", "KWD", "USD")]
    assert [format_money(each) for each in money] == ["$1.00", "¥1", "KWD 1.000", "$1.00"]


@pytest.mark.parametrize("locale", ["", "xx_YY", "english please", "../../etc"])
def test_a_locale_that_nobody_knows_is_refused(locale: str) -> None:
    with pytest.raises(MoneyError, match="expected one such as en"):
        format_money(usd("1"), locale)


@pytest.mark.parametrize("currency", ["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "XCD"])
def test_a_bare_dollar_fits_every_dollar(currency: str) -> None:
    assert symbol_fits("$", currency)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("$", "EUR"), ("$", "JPY"), ("$", "KWD"), ("€", "USD"), ("CA$", "USD"), ("US$", "CAD"), ("£", "EUR"),
     ("", "USD"), ("kr", "SEK")],
)  # fmt: skip
def test_a_foreign_symbol_does_not_fit(symbol: str, currency: str) -> None:
    assert not symbol_fits(symbol, currency)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("US$", "USD"), ("us$", "USD"), ("CA$", "CAD"), ("A$", "AUD"), ("R$", "BRL"), ("¥", "JPY"), ("¥", "CNY"),
     ("JP¥", "JPY"), ("€", "EUR"), ("£", "GBP"), ("₹", "INR"), ("\uff04", "USD")],
)  # fmt: skip
def test_a_symbol_of_its_own_fits(symbol: str, currency: str) -> None:
    assert symbol_fits(symbol, currency)
