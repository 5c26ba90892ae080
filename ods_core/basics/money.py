"""Exact amounts of money.

An amount is a `Decimal` that never carries more decimals than ISO 4217 gives its currency, so that every
amount is also a whole number of minor units. Nothing here rounds: what cannot be kept exactly is refused.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation
from functools import lru_cache, total_ordering

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from babel.localedata import exists
from babel.numbers import NumberPattern, get_currency_symbol, get_territory_currencies
from iso4217 import Currency

MAX_WHOLE_DIGITS = 18

# Arithmetic in a context of its own: the caller's context may round, this one traps instead.
_EXACT = Context(prec=40, traps=[InvalidOperation, DivisionByZero, Inexact])
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_EXPONENTS = {entry.code: entry.exponent for entry in Currency if entry.exponent is not None}
_UNITS = {code: Decimal((0, (1,), -digits)) for code, digits in _EXPONENTS.items()}
_WITHOUT_MINOR_UNIT = frozenset(entry.code for entry in Currency) - _EXPONENTS.keys()


class MoneyError(ValueError):
    """Something that is not an exact amount of a known currency; the message names what was expected."""


def exponent(currency: str) -> int:
    """The number of decimals that ISO 4217 gives `currency`: JPY 0, USD 2, KWD 3, CLF 4.

    Raises:
        MoneyError: not an ISO 4217 code, or one without a minor unit (metals, units of account, test codes).
    """
    if not isinstance(currency, str) or currency not in _EXPONENTS:
        raise _unusable(currency)
    return _EXPONENTS[currency]


def currencies() -> list[str]:
    """The ISO 4217 codes that `Money` accepts, sorted."""
    return sorted(_EXPONENTS)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency; it may be zero or negative.

    `amount` is in whole units (dollars, not cents) and always carries the currency's number of decimals, so
    equal amounts also print alike. Amounts of one currency add, subtract and compare; amounts of two are
    never equal and do nothing else together.

    Raises:
        MoneyError: not a finite `Decimal`, an unknown currency, more decimals than the currency has, more
            than 18 digits before the decimal point; or two currencies in `+`, `-`, `<`, `<=`, `>`, `>=`.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        object.__setattr__(self, "amount", _fitted(self.amount, self.currency))

    @classmethod
    def from_minor(cls, n: int, currency: str) -> Money:
        """The amount of `n` minor units: 775000 of USD is 7,750.00.

        Raises:
            MoneyError: `n` is not an `int`, is too large, or the currency is unknown.
        """
        if not isinstance(n, int) or isinstance(n, bool):
            raise MoneyError(f"minor units cannot be {_article(type(n).__name__)}; expected an int")
        digits = exponent(currency)
        if abs(n) >= 10 ** (MAX_WHOLE_DIGITS + digits):
            raise _too_large(currency)
        return cls(Decimal(n).scaleb(-digits, _EXACT), currency)

    @classmethod
    def parse(cls, value: str | int | Decimal, currency: str) -> Money:
        """The amount written as `value`: plain digits, a sign and a decimal point if need be (`-1250.50`).

        Raises:
            MoneyError: a float, a bool, other text (thousands separators, exponents, symbols), or anything
                that `Money` refuses.
        """
        if isinstance(value, Decimal):
            return cls(value, currency)
        if isinstance(value, int) and not isinstance(value, bool):
            return cls.from_minor(value * 10 ** exponent(currency), currency)
        if isinstance(value, str):
            return cls(_read(value), currency)
        kind = _article(type(value).__name__)
        raise MoneyError(f"an amount of money cannot be {kind}; expected text, an int or a Decimal")

    def minor_units(self) -> int:
        """The amount as a whole number of minor units: 7,750.00 USD is 775000."""
        return int(self.amount.scaleb(_EXPONENTS[self.currency], _EXACT))

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same_currency(other, "add")
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same_currency(other, "subtract")
        return Money(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same_currency(other, "compare")
        return self.amount < other.amount

    def __str__(self) -> str:
        """The plain form for logs and messages, `7750.00 USD`; `format_money` makes the one for people."""
        return f"{self.amount:f} {self.currency}"

    def _same_currency(self, other: Money, verb: str) -> None:
        if self.currency != other.currency:
            raise MoneyError(f"cannot {verb} {self} and {other}; expected two amounts of one currency")


def format_money(money: Money, locale: str = "en") -> str:
    """`money` as people of `locale` (`en`, `de_CH`, `pt-BR`) write it, with the ISO number of decimals.

    English gives `$7,750.00`, `¥33`, `KWD 1.250`.

    Raises:
        MoneyError: a locale that CLDR does not know.
    """
    place, pattern = _pattern(locale, money.currency)
    return str(pattern.apply(money.amount, place, currency=money.currency, currency_digits=False))


def symbol_fits(symbol: str, currency: str) -> bool:
    """Whether `symbol`, as a person writes it (`$`, `US$`, `€`), can stand for `currency`.

    A bare sign stands for every currency whose CLDR symbol has that sign: `$` for USD, CAD, SGD or MXN. A
    sign with letters must be one of the currency's own symbols, or its country and the sign: `CA$`, `JP¥`.

    Raises:
        MoneyError: an unknown currency.
    """
    exponent(currency)
    written = unicodedata.normalize("NFKC", symbol).casefold()
    return written in _symbols(currency)


def _fitted(amount: object, currency: str) -> Decimal:
    """`amount` with as many decimals as `currency` has, the same value."""
    if not isinstance(amount, Decimal):
        kind = _article(type(amount).__name__)
        raise MoneyError(f"an amount of money cannot be {kind}; expected a Decimal")
    if not amount.is_finite():
        raise MoneyError(f"an amount of money cannot be {amount}; expected a finite number")
    if amount and amount.adjusted() >= MAX_WHOLE_DIGITS:
        raise _too_large(currency)
    try:
        # `plus` turns minus nought into nought, which would otherwise print as -0.00.
        return _EXACT.plus(_EXACT.quantize(amount, _UNITS[currency]))
    except Inexact:
        limit = f"expected at most {_EXPONENTS[currency]} for {currency}"
        raise MoneyError(f"{_shown(str(amount))} has too many decimals; {limit}") from None


def _read(text: str) -> Decimal:
    plain = text.strip()
    # The limit on length leaves room for any honest number and keeps a hostile one cheap.
    if len(plain) > 60 or not _NUMBER.fullmatch(plain):
        raise MoneyError(f"{_shown(text)} is not an amount; expected plain digits such as 1250.50")
    return Decimal(plain)


def _unusable(currency: object) -> MoneyError:
    shown = _shown(currency) if isinstance(currency, str) else _article(type(currency).__name__)
    if shown.strip("'") in _WITHOUT_MINOR_UNIT:
        return MoneyError(f"{shown} has no minor unit in ISO 4217; expected one to pay in, such as USD")
    return MoneyError(f"{shown} is not a currency; expected an upper-case ISO 4217 code such as USD")


def _too_large(currency: str) -> MoneyError:
    limit = f"expected at most {MAX_WHOLE_DIGITS} digits before the decimal point"
    return MoneyError(f"the amount of {currency} is too large; {limit}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _shown(text: str) -> str:
    """A short, printable form of what was given, for messages."""
    return ascii(text) if len(text) <= 20 else ascii(text[:20] + "...")


@lru_cache(maxsize=1024)
def _pattern(locale: str, currency: str) -> tuple[Locale, NumberPattern]:
    """The locale and its currency pattern, made over to the ISO decimals of `currency`."""
    try:
        place = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise MoneyError(f"{_shown(locale)} is not a locale; expected one such as en or de_CH") from None
    pattern = copy.copy(place.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency), exponent(currency))
    symbol = get_currency_symbol(currency, place)
    # CLDR keeps a letter and a digit apart (`KWD 1.250`) where Babel would join them.
    if _is_letter(symbol[-1]):
        pattern.prefix = _each(pattern.prefix, lambda affix: affix + " " if affix.endswith("¤") else affix)
    if _is_letter(symbol[0]):
        pattern.suffix = _each(pattern.suffix, lambda affix: " " + affix if affix.startswith("¤") else affix)
    return place, pattern


def _is_letter(ch: str) -> bool:
    return unicodedata.category(ch)[0] not in "SZ"


def _each(affixes: tuple[str, str], change: Callable[[str], str]) -> tuple[str, str]:
    positive, negative = map(change, affixes)
    return positive, negative


@lru_cache(maxsize=512)
def _symbols(currency: str) -> frozenset[str]:
    """The ways to write the symbol of `currency`, folded: CLDR's, its bare sign, the country and the sign."""
    own = {get_currency_symbol(currency, "en")}
    if not any(map(_sign, own)):
        own = _home_symbols(currency)
    signs = {sign for sign in map(_sign, own) if sign}
    written = {text for text in own if _sign(text)} | signs | {currency[:2] + sign for sign in signs}
    return frozenset(unicodedata.normalize("NFKC", text).casefold() for text in written)


def _home_symbols(currency: str) -> set[str]:
    """The symbols of `currency` in the places where it is money; English knows no symbol for many of them."""
    places = {
        f"{language}_{territory}"
        for territory in map(str, Locale.parse("en").territories)
        if currency in get_territory_currencies(territory)
        for language in get_official_languages(territory, de_facto=True)
    }
    return {get_currency_symbol(currency, place) for place in places if exists(place)}


def _sign(symbol: str) -> str:
    """The currency sign in a symbol (`$` in `CA$`), or nothing."""
    return next((ch for ch in symbol if unicodedata.category(ch) == "Sc"), "")
