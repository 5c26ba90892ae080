"""What makes a payment milestone due.

A trigger is a fact of the lifecycle that money hangs on. It is kept as data, so that a milestone can say what it
waits for without knowing who will make it happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TriggerKind(StrEnum):
    """The four facts that can release money."""

    CONFIRMATION = "confirmation"
    CYCLE_ACCEPTANCE = "cycle_acceptance"
    DELIVERABLE_ACCEPTANCE = "deliverable_acceptance"
    FINAL_ACCEPTANCE = "final_acceptance"


NUMBERED = frozenset({TriggerKind.CYCLE_ACCEPTANCE, TriggerKind.DELIVERABLE_ACCEPTANCE})


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger; `number` is the place of the cycle or deliverable in its scope, from 1, and None for the others.

    Raises:
        ValueError: a number where there is none to give, or none where one is needed.
    """

    kind: TriggerKind
    number: int | None = None

    def __post_init__(self) -> None:
        if (self.number is not None) != (self.kind in NUMBERED):
            raise ValueError(f"a trigger of kind {self.kind} {'needs' if self.kind in NUMBERED else 'has no'} number")
        if self.number is not None and self.number < 1:
            raise ValueError(f"the number of a {self.kind} trigger counts from 1, not {self.number}")

    def as_json(self) -> dict[str, object]:
        """`{"kind": …}` or `{"kind": …, "number": n}`, as the API shows it."""
        return {"kind": self.kind.value} | ({} if self.number is None else {"number": self.number})
