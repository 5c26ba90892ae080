"""When money came in, from the receipts that hold."""

from __future__ import annotations

from sqlalchemy import FromClause, Subquery, func, select

from ods_core.basics.states import ReceiptStatus
from ods_core.store import tables as t


def last_receipts(requests: FromClause | None = None) -> Subquery:
    """For each payment with a receipt that was not taken back: `payment_id`, and `paid_on`, the day of the last one.

    Of a paid payment that is the day on which it was paid, however much later somebody recorded it.

    Args:
        requests: whose receipts are looked at, by their `id`; None: all there are.
    """
    r = t.receipts.c
    held = select(r.payment_id, func.max(r.received_on).label("paid_on")).where(r.status == ReceiptStatus.RECORDED)
    if requests is not None:
        held = held.join(requests, requests.c.id == r.request_id)
    return held.group_by(r.payment_id).subquery("last_receipts")
