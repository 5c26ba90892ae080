"""How long a review usually takes, from ready for acceptance to the decision: the one definition of it."""

from __future__ import annotations

import math
from datetime import date

from sqlalchemy import Connection, extract, func, select

from ods_core.basics.clock import midnight
from ods_core.store import tables as t

MIN_DECISIONS = 8
"""With fewer decisions their median says nothing of what is usual."""

_DAY = 86_400


def usual_review(connection: Connection, today: date) -> int | None:
    """The median over all decisions made before `today`, in whole days rounded up; None with fewer than 8 of them.

    Of two middle ones the mean, as the outcomes have it. It is the installation's, whoever asks, so that one payment
    has one expected date; and a day's, so that it does not change under somebody who pages through a schedule.
    """
    a = t.attempts.c
    lag = extract("epoch", a.decided_at - a.ready_at)
    median = func.percentile_cont(0.5).within_group(lag)
    decided = select(func.count(), median).where(a.decided_at < midnight(today))
    count, seconds = connection.execute(decided).one()
    return math.ceil(float(seconds) / _DAY) if count >= MIN_DECISIONS else None
