"""When a message that was not taken is sent again.

The waits grow threefold from the first one on, up to a ninth of the whole time, each a fifth longer or shorter by
chance so that what failed together does not come back together. The last attempt is made as the time is up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

GROWTH = 3.0
JITTER = 0.2
LONGEST_SHARE = 9
"""The longest wait is the whole time divided by this: eight hours of three days."""


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """How long and how often a message is tried.

    `first` is the wait after the first failure, `whole` the time from the first failure until it is given up.
    """

    first: timedelta = timedelta(seconds=5)
    whole: timedelta = timedelta(days=3)

    def wait(self, failures: int, chance: float = 0.5) -> timedelta:
        """The wait after so many failures (1 or more); `chance` is in [0, 1) and moves it by a fifth either way."""
        longest = self.whole / LONGEST_SHARE
        growth = GROWTH ** min(failures - 1, 600)
        return (self.first * growth if growth < longest / self.first else longest) * (1 + JITTER * (2 * chance - 1))

    def next_attempt(
        self, failing_since: datetime, failures: int, now: datetime, chance: float, asked: timedelta | None = None
    ) -> datetime | None:
        """When to try again; None: the time is up.

        Args:
            failing_since: when it failed first.
            failures: how often it has failed, this time included.
            now: when it failed this time.
            chance: a random number in [0, 1).
            asked: how long the receiver asked to wait (`Retry-After`); it is waited at least so long.
        """
        end = failing_since + self.whole
        if now >= end:
            return None
        return min(now + max(self.wait(failures, chance), asked or timedelta()), end)

    def table(self) -> list[tuple[int, timedelta, timedelta]]:
        """Each attempt, the wait before it and the time since the first one, without chance."""
        rows, passed = [(1, timedelta(), timedelta())], timedelta()
        while passed < self.whole:
            wait = min(self.wait(len(rows)), self.whole - passed)
            passed += wait
            rows.append((len(rows) + 1, wait, passed))
        return rows


def retry_after(header: str | None, now: Callable[[], datetime]) -> timedelta | None:
    """How long a receiver asks to wait: seconds or an HTTP date; None for nothing, nonsense or the past."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        asked = parsedate_to_datetime(text) - now()
    except (TypeError, ValueError):
        return None
    return asked if asked > timedelta() else None
