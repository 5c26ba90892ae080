"""What goes along with commands, as plain dicts whose keys type checkers know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NotRequired, TypedDict

Amount = Decimal | int
"""Money, or another exact number; a float is refused."""


class ProposedDeliverable(TypedDict):
    """A deliverable of a proposal; its `key` is how the proposal's cycles name it."""

    key: str
    title: str
    description: str
    acceptance_criteria: str | Sequence[str]


class ProposedCycle(TypedDict):
    """A cycle of a proposal, both days included; `deliverables` are keys."""

    name: str
    planned_start: date | str
    planned_end: date | str
    deliverables: Sequence[str]


class EstimatedWork(TypedDict):
    """The days that each role of the rate card has with the deliverable of this key."""

    key: str
    days: Mapping[str, Amount]


class Estimate(TypedDict):
    """What a proposal's price was calculated from."""

    deliverables: Sequence[EstimatedWork]
    contingency: NotRequired[Amount | None]
    complexity: NotRequired[str | None]
    discount: NotRequired[Amount]
    team_days_per_week: NotRequired[Amount | None]


class EstimatedDeliverable(TypedDict):
    """A deliverable to be priced, and the days that each role of the rate card has with it."""

    title: str
    days: Mapping[str, Amount]


class Evidence(TypedDict):
    """A link that shows that criteria are met."""

    url: str
    title: NotRequired[str]


class NotMet(TypedDict):
    """A criterion that was not met: its place in the deliverable, from 1, and what shows it."""

    criterion: int
    evidence: NotRequired[str]


class VerdictOn(TypedDict):
    """What was found of a criterion: `met`, `not_met` or `not_tested`."""

    criterion: int
    verdict: str
    evidence: NotRequired[str]
