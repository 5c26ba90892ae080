"""What a fresh process does: open what there is, and answer for all of the history.

python -m benchmarks.outcomes_cold product|pandas|pandas_of_store PATH MOMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.outcomes_told import Asked

MINOR = 10_000


def product(path: Path, asked: Asked) -> bool:
    """Open the store and ask."""
    from benchmarks.outcomes_product import told
    from ods_core.store import Store

    store = Store(f"duckdb:///{path}")
    with store.read() as connection:
        found = told(connection, asked)
    store.close()
    return bool(found.figures)


def pandas(path: Path, asked: Asked) -> bool:
    """Read all frames and ask."""
    from benchmarks.outcomes_in_pandas import InPandas

    return bool(InPandas.read(path).page(asked).figures)


COLUMNS = {
    "requests": "id, organization_id, workspace_id, project_tags, currency, created_at, scoped_at, budget_max::DOUBLE",
    "scopes": "id, request_id, status, proposed_at, confirmed_at, completed_at, criteria_score, "
    f"(fixed_price * {MINOR})::BIGINT",
    "cycles": "request_id, scope_id, kind, planned_end, started_at, completed_at, accepted_at",
    "deliverables": "id, scope_id, title",
    "attempts": "deliverable_id, attempt, request_id, scope_id, ready_at, decision, decided_at, deemed, "
    "rejection_reason, criteria_not_met",
    "payments": f"id, request_id, status, (amount * {MINOR})::BIGINT, (paid * {MINOR})::BIGINT, triggered_at, due_at",
    "receipts": f"id, request_id, payment_id, (amount * {MINOR})::BIGINT, received_on, reverses",
}
"""What the page's data comes from, and nothing else; amounts as whole numbers."""


def pandas_of_store(path: Path, asked: Asked) -> bool:
    """Read the store's own tables into frames, as nothing else is there for pandas to start from.

    What it takes to work the facts out of them is left out, in favour of pandas: ready made ones are read and asked.
    """
    with duckdb.connect(str(path), read_only=True) as connection:
        frames = [connection.execute(f"SELECT {columns} FROM {name}").df() for name, columns in COLUMNS.items()]
    return all(len(frame) for frame in frames) and pandas(path.with_suffix(".frames"), asked)


WHO = {"product": product, "pandas": pandas, "pandas_of_store": pandas_of_store}

if __name__ == "__main__":
    who, where, moment = sys.argv[1:]
    now = datetime.fromisoformat(moment).astimezone(UTC)
    assert WHO[who](Path(where), Asked("all of it", now))
