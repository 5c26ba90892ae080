"""What a forecast is made from: how finished cycles and paid milestones went, and what is still open.

Everything is counted in whole days, as plans are: the difference of two dates, never of two times of day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MIN_FINISHED_CYCLES = 8
"""With fewer finished cycles nothing is simulated."""

MAX_SAMPLES = 250
"""The latest so many cycles and payments are the history; what is older says less about today."""


@dataclass(frozen=True, slots=True)
class FinishedCycle:
    """One accepted delivery cycle, in days.

    Attributes:
        slip: from the day it should have been completed (its planned end, moved by as many days as it started late)
            to the day it was; early is negative.
        review: from completion to the first decision that settled the review: the rejection, or the acceptance.
        acceptance: from completion to the acceptance of the whole cycle, remediation and second reviews included.
        remediated: whether it took a remediation.
    """

    slip: int
    review: int
    acceptance: int
    remediated: bool


@dataclass(frozen=True, slots=True)
class History:
    """Samples, the latest begun first: finished cycles; days from due to paid, of paid milestones (early: negative)."""

    cycles: Sequence[FinishedCycle]
    payment_delays: Sequence[int]


class Stage(StrEnum):
    """Where a scope's first cycle that is not accepted stands."""

    RUNNING = "running"
    IN_REVIEW = "in_review"
    IN_REMEDIATION = "in_remediation"


@dataclass(frozen=True, slots=True)
class OpenCycle:
    """A delivery cycle that is not accepted; `started_on` and `completed_on` are None while they lie ahead."""

    planned_start: date
    planned_end: date
    started_on: date | None = None
    completed_on: date | None = None
    in_remediation: bool = False

    @property
    def stage(self) -> Stage:
        """Where it stands, if it is its scope's first."""
        if self.in_remediation:
            return Stage.IN_REMEDIATION
        return Stage.RUNNING if self.completed_on is None else Stage.IN_REVIEW


@dataclass(frozen=True, slots=True)
class OpenScope:
    """An active scope: its delivery cycles that are not accepted, in their order, at least one; the last ends it."""

    id: str
    cycles: Sequence[OpenCycle]


@dataclass(frozen=True, slots=True)
class OpenMilestone:
    """Money that is still to come, in minor units of its currency.

    Either it is due (`due_on`), or it waits for the acceptance of cycle `cycle` (from 0, among the open cycles of
    `scope_id`) and is due `net_days` after.
    """

    id: str
    scope_id: str
    currency: str
    minor: int
    net_days: int = 0
    cycle: int | None = None
    due_on: date | None = None

    def __post_init__(self) -> None:
        if (self.cycle is None) == (self.due_on is None):
            raise ValueError(f"{self.id} must either be due or wait for a cycle")


@dataclass(frozen=True, slots=True)
class OpenWork:
    """All that a forecast is asked about."""

    scopes: Sequence[OpenScope]
    milestones: Sequence[OpenMilestone]
