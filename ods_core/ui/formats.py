"""How figures, dates and people's texts are written on a page."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from ods_core.basics.clock import days_between
from ods_core.basics.money import Money, format_money
from ods_core.basics.resources import amount_json

NOTHING = "–"
"""What stands where there is nothing to say."""

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$&:=^@\"'])")
# Streamlit replaces :shortcodes: and :directives: after Markdown is read, where a backslash no longer counts.
_SHORTCODE = re.compile(r":(?=[a-zA-Z+\-][\w+\-]*[:\[/])")
_WORD_JOINER = "\N{WORD JOINER}"


def plain(text: str) -> str:
    """A person's text, for a label or a line of Markdown: shown as it was written, never read as markup.

    Line breaks become spaces. A paragraph of its own is better given to `st.text`, which reads no markup at all.
    """
    joined = _SHORTCODE.sub(f":{_WORD_JOINER}", " ".join(text.split()))
    return _PUNCTUATION.sub(r"\\\1", joined)


def money(amount: Decimal | int | None, currency: str) -> str:
    """An amount as people write it, with the decimals of its currency: `$7,750.00`, `¥33`, `KWD 1.250`."""
    if amount is None:
        return NOTHING
    return format_money(Money(amount_json(Decimal(amount), currency), currency))


def day(value: date | datetime | None) -> str:
    """`15 Apr 2026`; a time is shown by its UTC date."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def period(start: date, end: date) -> str:
    """`1 – 21 May 2026`, `28 Apr – 2 May 2026`: both days included."""
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} – {day(end)}" if start != end else day(end)
    if start.year == end.year:
        return f"{start.day} {start:%b} – {day(end)}"
    return f"{day(start)} – {day(end)}"


def moment(value: datetime | None) -> str:
    """`15 Apr 2026, 10:00 UTC`."""
    return NOTHING if value is None else f"{day(value)}, {value:%H:%M} UTC"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 deliverable`, `3 deliverables`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def days(value: float | None) -> str:
    """A duration in days: `1 day`, `3.5 days`, `0.2 days`."""
    if value is None:
        return NOTHING
    figure = f"{value:,.1f}".removesuffix(".0")
    return f"{figure} {'day' if figure == '1' else 'days'}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago: `today`, `yesterday`, `12 days ago`."""
    return away(then.date(), now.date())


def age(then: datetime, now: datetime) -> str:
    """How long something has waited, in days: `3.5 days`."""
    return days(days_between(then, now))


def away(then: date, today: date) -> str:
    """How far a day is: `in 3 days`, `tomorrow`, `today`, `yesterday`, `2 days ago`."""
    apart = (then - today).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return near.get(apart) or (f"in {apart:,} days" if apart > 0 else f"{-apart:,} days ago")


def percent(share: float | None) -> str:
    """A share of 1 as a percentage: `87 %`."""
    return NOTHING if share is None else f"{share * 100:.0f} %"
