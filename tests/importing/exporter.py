"""Engagements as files of the import format: what a store holds, told as somebody else's system would."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ods_core.basics.jsonio import dumps
from ods_core.basics.records import Engagement
from ods_core.importing import ENTITIES

Row = dict[str, Any]
NAMED = {
    "requests": lambda e: [e.request],
    "scopes": lambda e: e.scopes,
    "cycles": lambda e: e.cycles,
    "deliverables": lambda e: e.deliverables,
    "attempts": lambda e: e.attempts,
    "payments": lambda e: e.milestones,
    "receipts": lambda e: e.receipts,
}
RENAMED = {
    "scopes": {"request": "request_id"},
    "cycles": {"scope": "scope_id", "parent": "parent_cycle_id"},
    "deliverables": {"cycle": "cycle_id"},
    "attempts": {"deliverable": "deliverable_id", "attempt": "number", "remediation_cycle": "remediation_cycle_id"},
    "payments": {"scope": "scope_id"},
    "receipts": {"payment": "payment_id"},
}


def rows(entity: str, engagements: Iterable[Engagement]) -> Iterator[Row]:
    """The rows of one file, as texts."""
    for engagement in engagements:
        for record in NAMED[entity](engagement):
            yield {column.name: written(taken(entity, column.name, record)) for column in ENTITIES[entity]}


def taken(entity: str, column: str, record: Any) -> Any:
    """A column's value of a record."""
    if column == "external_id":
        return record.id
    if column in ("evidence", "criteria_not_met"):
        return [{name: getattr(one, name) for name in one.__slots__} for one in getattr(record, column)]
    return getattr(record, RENAMED.get(entity, {}).get(column, column))


def written(value: Any) -> str:
    """A value as the format writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    if isinstance(value, (tuple, list)):
        return dumps(list(value)).decode()
    return str(value)


def export(engagements: Iterable[Engagement], folder: Path) -> Path:
    """Write a folder that can be imported."""
    engagements = list(engagements)
    folder.mkdir(parents=True, exist_ok=True)
    for entity, columns in ENTITIES.items():
        with (folder / f"{entity}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [column.name for column in columns])
            writer.writeheader()
            writer.writerows(rows(entity, engagements))
    return folder
