"""Identifiers: `PREFIX-YY-NNNNNN`.

Two-digit UTC year of creation, then a number of at least six digits that is unique and rises per prefix. It may have
gaps, it may grow past six digits, it never repeats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from ods_core.basics.states import Kind


class Prefix(StrEnum):
    """The prefixes of what this system owns."""

    REQUEST = "OREQ"
    SCOPE = "OSCOPE"
    CYCLE = "OCYCLE"
    DELIVERABLE = "DLV"
    SERVICE_LINE = "LIN"
    PAYMENT = "PAY"
    RECEIPT = "RCT"
    INVOICE = "INV"
    EVENT = "EVT"
    WEBHOOK_ENDPOINT = "WHK"
    API_KEY = "KEY"
    CALENDAR_LINK = "CAL"


PREFIX_OF: Mapping[Kind, Prefix] = {
    Kind.REQUEST: Prefix.REQUEST,
    Kind.SCOPE: Prefix.SCOPE,
    Kind.CYCLE: Prefix.CYCLE,
    Kind.DELIVERABLE: Prefix.DELIVERABLE,
    Kind.SERVICE_LINE: Prefix.SERVICE_LINE,
    Kind.PAYMENT: Prefix.PAYMENT,
    Kind.RECEIPT: Prefix.RECEIPT,
    Kind.INVOICE: Prefix.INVOICE,
}
"""The prefix of each part of an engagement."""

IdSource = Callable[[Prefix], str]
"""Hands out the next identifier of a prefix."""

_FORM = re.compile(r"([A-Z]{2,8})-(\d{2})-(\d{6,18})", re.ASCII)


def format_id(prefix: Prefix, number: int, when: datetime) -> str:
    """`OREQ-26-000041`."""
    return f"{prefix}-{when:%y}-{number:06d}"


def number_of(id: str) -> int:
    """The number at the end of an identifier of ours; it alone orders a prefix's identifiers."""
    return int(id.rsplit("-", 1)[1])


def is_id(text: object, prefix: str) -> bool:
    """Whether `text` has the form of an identifier with this prefix."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    return match is not None and match[1] == prefix


def expected_form(prefix: str) -> str:
    """What to say when an identifier has the wrong form."""
    return f"expected an identifier such as {prefix}-26-000001"
