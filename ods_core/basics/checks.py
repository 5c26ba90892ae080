"""Checking what people and programs give, one field at a time.

A `Checks` collects every problem with its place, so that a caller learns all of them at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from ods_core.basics.errors import Invalid, Problem
from ods_core.basics.ids import expected_form, is_id
from ods_core.basics.money import Money, MoneyError, exponent

SHORT_TEXT = 200
LONG_TEXT = 20_000
MAX_AMOUNT = Decimal(10) ** 12
YEARS = range(2000, 2200)


class Checks:
    """A list of problems in the making; `done()` raises them together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, pointer: str, detail: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(pointer, detail))

    def done(self) -> None:
        """Raise Invalid if there is any problem."""
        if self.problems:
            raise Invalid(self.problems)

    def text(self, pointer: str, value: str, *, longest: int = LONG_TEXT) -> None:
        """A text that says something: not blank, not too long, nothing that cannot be stored or shown."""
        if not value.strip():
            self.add(pointer, "expected a text, found nothing but blanks" if value else "expected a text, found none")
        self.optional_text(pointer, value, longest=longest)

    def optional_text(self, pointer: str, value: str | None, *, longest: int = LONG_TEXT) -> None:
        """A text that may be missing or empty."""
        if value is None:
            return
        if len(value) > longest:
            self.add(pointer, f"expected at most {longest:,} characters, found {len(value):,}")
        elif bad := _unprintable(value):
            self.add(pointer, f"contains the character U+{ord(bad):04X}, which is not text")

    def texts(self, pointer: str, values: Iterable[str], *, longest: int = 2_000, most: int = 100) -> None:
        """A list of texts, each of which says something."""
        values = tuple(values)
        if len(values) > most:
            self.add(pointer, f"expected at most {most} entries, found {len(values)}")
            return
        for i, value in enumerate(values):
            self.text(f"{pointer}/{i}", value, longest=longest)

    def reference(self, pointer: str, value: str | None, prefix: str) -> None:
        """A reference to something another system owns; only its form is checked."""
        if value is not None and not is_id(value, prefix):
            self.add(pointer, expected_form(prefix))

    def currency(self, pointer: str, code: str) -> bool:
        """An ISO 4217 code in use; says whether it is one, so that amounts can be checked against it."""
        try:
            exponent(code)
        except MoneyError:
            self.add(pointer, "expected an ISO 4217 currency code such as USD")
            return False
        return True

    def amount(self, pointer: str, value: Decimal | None, currency: str) -> None:
        """A positive amount with no more decimals than its currency (one already checked) has."""
        if value is None:
            return
        if not value.is_finite() or not 0 < value < MAX_AMOUNT:
            self.add(pointer, f"expected an amount above 0 and below {MAX_AMOUNT:,}")
        elif not _is_exact(value, currency):
            self.add(pointer, f"expected at most {exponent(currency)} decimals, as {currency} has")

    def within(self, pointer: str, value: int | None, low: int, high: int, unit: str = "") -> None:
        """A whole number between two bounds, both included."""
        if value is not None and not low <= value <= high:
            self.add(pointer, f"expected {low} to {high}{unit and ' ' + unit}, found {value}")

    def day(self, pointer: str, value: date | None) -> None:
        """A date of this age."""
        if value is not None and value.year not in YEARS:
            self.add(pointer, f"expected a date between {YEARS.start} and {YEARS.stop - 1}")

    def link(self, pointer: str, value: str) -> None:
        """An http or https address."""
        self.text(pointer, value, longest=2_000)
        if not is_link(value):
            self.add(pointer, "expected a link that starts with http:// or https://")


def is_link(value: str) -> bool:
    """Whether a text is an http or https address with a host."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in value)
    except ValueError:
        return False


def _is_exact(value: Decimal, currency: str) -> bool:
    """Whether a value has no more decimals than its currency, however many digits it is written with."""
    try:
        Money(value, currency)
    except MoneyError:
        return False
    return True


def _unprintable(text: str) -> str | None:
    """The first control character (line breaks and tabs apart), lone surrogate or non-character."""
    if text.isprintable():
        return None
    return next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t"), None)
