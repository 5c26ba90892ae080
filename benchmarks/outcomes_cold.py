"""What a fresh process does: open what there is, and answer for all of the history.

python -m benchmarks.outcomes_cold product|pandas PATH MOMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.outcomes_told import Asked


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


if __name__ == "__main__":
    who, where, moment = sys.argv[1:]
    now = datetime.fromisoformat(moment).astimezone(UTC)
    assert {"product": product, "pandas": pandas}[who](Path(where), Asked("all of it", now))
