"""Money in words: what the log says of each payment event."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ods_core.basics.events import EventType
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Confirm, RecordReceipt, ReverseReceipt, Terminate
from ods_core.queries.activity import EventFilter, feed
from ods_core.service import Service
from ods_core.ui.stories import sentence
from tests.seed import seed_proposal, seed_request


def test_each_payment_event_is_a_sentence_with_its_amounts(service: Service) -> None:
    """From the log as it is kept: what is read back has texts where the rules had dates and amounts."""
    request = service.submit_request(LOCAL, seed_request()).subject_id
    scope = service.propose(LOCAL, request, seed_proposal()).subject_id
    due = service.confirm(LOCAL, scope, Confirm()).engagement.milestones[0].id
    day = date(2026, 4, 15)
    part = service.record_receipt(LOCAL, due, RecordReceipt(Decimal("5000.00"), day, "SEPA 1")).subject_id
    service.record_receipt(LOCAL, due, RecordReceipt(Decimal("2750.00"), day, "SEPA 2"))
    service.reverse_receipt(LOCAL, part, ReverseReceipt("Another client's."))
    service.terminate(LOCAL, scope, Terminate("The need is gone."))
    with service.store.read() as connection:
        types = [type for type in EventType if type.startswith("ods.payment.")]
        found = feed(connection, LOCAL, EventFilter(types=types), limit=100).events
    confirmation, final = "50% upfront on scope confirmation", "50% on final acceptance"
    assert [sentence(event) for event in found] == [
        f"$7,750.00 was scheduled: {confirmation}.",
        f"$7,750.00 was scheduled: {final}.",
        f"$7,750.00 is due on 22 Apr 2026: {confirmation}.",
        f"$5,000.00 came in on 15 Apr 2026 (SEPA 1): $5,000.00 of $7,750.00 is paid for {confirmation}.",
        f"$2,750.00 came in on 15 Apr 2026 (SEPA 2): $7,750.00 of $7,750.00 is paid for {confirmation}.",
        f"$7,750.00 is paid in full: {confirmation}.",
        f"$5,000.00 was taken back (Another client's.): $5,000.00 is open for {confirmation}.",
        f"$7,750.00 will not come due: {final}.",
    ]
