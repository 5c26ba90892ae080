"""What the checks find, and what it says."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ods_core.quality.language import Message

LONGEST_QUOTE = 60
"""Characters of a text that a message repeats."""


class Code(StrEnum):
    """What can be wrong with a criterion."""

    VAGUE_TERM = "vague_term"
    NO_MEASURE = "no_measure"
    NO_CONDITION = "no_condition"
    COMPOUND = "compound"
    NO_EVIDENCE = "no_evidence"
    UNBOUNDED = "unbounded"
    OPEN_SCOPE = "open_scope"
    DUPLICATE = "duplicate"
    PLACEHOLDER = "placeholder"


class ReasonCode(StrEnum):
    """What can be wrong with the reason of a rejection."""

    NO_CRITERION = "no_criterion"
    UNKNOWN_CRITERION = "unknown_criterion"
    NO_EVIDENCE = "no_evidence"
    GENERIC = "generic"
    NEW_DEMAND = "new_demand"
    REPEATED = "repeated"


class Severity(StrEnum):
    """How much it matters; only a blocker stands in the way of anything."""

    INFO = "info"
    WARNING = "warning"
    BLOCKER = "blocker"


SEVERITIES = {severity.value: severity for severity in Severity}


class Finding(NamedTuple):
    """Something that a criterion, or the reason of a rejection, would be better without.

    Attributes:
        code: what it is; a `Code` of a criterion, a `ReasonCode` of a reason.
        severity: how much it matters.
        start: where the words that it is about begin in the text, in code points.
        end: where they end, that place excluded.
        message: why it matters.
        suggestion: what to do about it.
    """

    code: Code | ReasonCode
    severity: Severity
    start: int
    end: int
    message: str
    suggestion: str


def found(
    code: Code | ReasonCode, said: Message, text: str, start: int, end: int, suggestion: str = "", **names: object
) -> Finding:
    """A finding about some words of a text; `{words}` in its message are these."""
    words = " ".join(text[start : min(end, start + 4 * LONGEST_QUOTE)].split())
    short = words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1].rstrip() + "…"
    message = said.message.format(words=short, **names)
    return Finding(code, SEVERITIES[said.severity], start, end, message, suggestion or said.suggestion)
