"""Time, injected.

All times are UTC and whole seconds: the contract writes `2026-04-15T10:00:00Z`, and what cannot be written cannot
be compared. Order within a second is the event sequence's business.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

Clock = Callable[[], datetime]

SATURDAY = 5


def system_clock() -> datetime:
    """Now, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with its offset, as UTC.

    Raises:
        ValueError: not a time, a time without an offset, or one that is in no year of UTC.
    """
    value = datetime.fromisoformat(text.strip())
    if value.tzinfo is None:
        raise ValueError(f"expected a time with its offset, such as 2026-04-15T10:00:00Z, not {text!r}")
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError(f"expected a time of the years 1 to 9999 in UTC, not {text!r}") from None


class MovingClock:
    """A clock that stands until it is moved; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, when: datetime) -> None:
        """Move on to `when`; an earlier time leaves the clock where it stands."""
        self.now = max(self.now, when)

    def advance(self, **delta: float) -> None:
        """Move on by `timedelta(**delta)`."""
        self.move_to((self.now + timedelta(**delta)).replace(microsecond=0))


def clock_from(setting: str) -> Clock:
    """The clock that `ODS_CLOCK` asks for.

    Empty: the system's. A time: one that stands there. `@PATH`: one that reads its time from that file at each look,
    so that a test or a demonstration can move a running server through the weeks of an engagement.

    Raises:
        ValueError: neither of these.
    """
    if not setting:
        return system_clock
    if setting.startswith("@"):
        path = Path(setting[1:])
        return lambda: parse_time(path.read_text(encoding="utf-8"))
    return MovingClock(parse_time(setting))


def midnight(day: date) -> datetime:
    """The UTC midnight with which `day` begins."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def working_days_before(day: date, count: int) -> date:
    """The day that lies `count` working days (Monday to Friday) before `day`."""
    while count > 0:
        day -= timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day


def days_between(start: datetime, end: datetime) -> float:
    """The days from `start` to `end`, a real number."""
    return (end - start) / timedelta(days=1)
