"""Webhook endpoints of a store that came from another one: they wait until somebody says that this one is to send.

The store that they came from may go on, and its receivers would hear everything twice, and from two sides.
"""

from __future__ import annotations

from datetime import datetime

from ods_core.basics.ids import Prefix
from ods_core.moving.manifest import Manifest
from ods_core.service.webhooks import Webhooks
from ods_core.store import UnitOfWork, outbox


def disable_webhooks(unit: UnitOfWork, whole: Manifest, now: datetime) -> int:
    """Disable the endpoints that came in, each with its event, in the transaction that brought them; how many."""
    enabled = [endpoint for endpoint in outbox.endpoints(unit.connection) if endpoint.is_enabled]
    if not enabled:
        return 0
    # Events came in past the commands: the next one goes behind them.
    unit.store.turns.place(unit.connection, whole.counters[Prefix.EVENT])
    webhooks = Webhooks(unit.store, lambda: now)
    for endpoint in enabled:
        webhooks.shut_off(endpoint.id, reason(whole))
    return len(enabled)


def reason(whole: Manifest) -> str:
    """What stands with each of them."""
    taken = datetime.fromisoformat(whole.written_at)
    return (
        f"this store is a copy, taken {taken:%Y-%m-%d %H:%M} UTC, and the original may still send; "
        "enable it where this store takes the place of that one"
    )
