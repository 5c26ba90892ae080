"""The weeks and months that cash is told in."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods that follow one another: the first day of each, and the first day after the last."""

    starts: tuple[date, ...]
    end: date

    def index(self, day: date) -> int:
        """The period of a day; what lies before the first counts there, what lies after the last one further on."""
        return len(self.starts) if day >= self.end else max(bisect_right(self.starts, day) - 1, 0)

    def last_day(self, index: int) -> date:
        """The last day of a period."""
        return (*self.starts[1:], self.end)[index] - timedelta(days=1)


def weeks(today: date, count: int) -> Periods:
    """The week that `today` lies in, from Monday, and those after it."""
    monday = today - timedelta(days=today.weekday())
    starts = tuple(monday + timedelta(weeks=n) for n in range(count + 1))
    return Periods(starts[:-1], starts[-1])


def months(today: date, count: int) -> Periods:
    """The month that `today` lies in and those after it."""
    starts = [today.replace(day=1)]
    while len(starts) <= count:
        starts.append((starts[-1] + timedelta(days=31)).replace(day=1))
    return Periods(tuple(starts[:-1]), starts[-1])
