"""Records to rows and back.

Most fields are columns of the same name; the few that are not are listed here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, insert, select, update

from ods_core.basics.events import Actor, ActorKind, Event
from ods_core.basics.ids import number_of
from ods_core.basics.records import (
    Attempt,
    Cycle,
    Deliverable,
    Engagement,
    Invoice,
    Milestone,
    Receipt,
    Record,
    Request,
    Scope,
    ServiceLine,
)
from ods_core.basics.resources import awaited_end
from ods_core.basics.triggers import Trigger
from ods_core.store import tables as t

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """How one record type is kept: its table, the engagement's field that holds it, and the fields that differ."""

    record: type
    table: Table
    group: str
    renamed: Mapping[str, str]
    key: tuple[str, ...] = ("id",)

    def order(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Where a row stands among its engagement's: in the order of creation, attempts by their deliverables."""
        return (number_of(row["deliverable_id"]), row["attempt"]) if self.record is Attempt else (row["number"],)

    def key_of(self, record: Any) -> tuple[Any, ...]:
        """What tells this record from its neighbours."""
        names = {column: field for field, column in self.renamed.items()}
        return tuple(getattr(record, names.get(column, column)) for column in self.key)

    def row(self, record: Record) -> Row:
        """The record as a row, its owner apart."""
        row = {self.renamed.get(f.name, f.name): getattr(record, f.name) for f in fields(record)}
        if isinstance(record, Milestone):
            trigger = row.pop("trigger")
            row |= {"trigger_kind": trigger.kind, "trigger_number": trigger.number}
        if not isinstance(record, Attempt):
            row["number"] = number_of(record.id)
        return row

    def record_of(self, row: Mapping[str, Any]) -> Any:
        """The record that a row keeps."""
        values = {f.name: row[self.renamed.get(f.name, f.name)] for f in fields(self.record) if f.name != "trigger"}
        if self.record is Milestone:
            values["trigger"] = Trigger(row["trigger_kind"], row["trigger_number"])
        return self.record(**values)


MAPPED: tuple[Mapped, ...] = (
    Mapped(Request, t.requests, "request", {}),
    Mapped(Scope, t.scopes, "scopes", {}),
    Mapped(Cycle, t.cycles, "cycles", {"number": "ordinal"}),
    Mapped(Deliverable, t.deliverables, "deliverables", {}),
    Mapped(Attempt, t.attempts, "attempts", {"number": "attempt"}, key=("deliverable_id", "attempt")),
    Mapped(ServiceLine, t.service_lines, "service_lines", {}),
    Mapped(Milestone, t.payments, "milestones", {}),
    Mapped(Receipt, t.receipts, "receipts", {}),
    Mapped(Invoice, t.invoices, "invoices", {}),
)
"""In the order in which rows can be inserted: what is pointed at comes first."""


def _selects(many: bool) -> dict[str, Select[Any]]:
    """One statement a table, made once: SQLAlchemy then compiles each of them once."""
    made = {}
    for mapped in MAPPED:
        column = mapped.table.c["id" if mapped.record is Request else "request_id"]
        where = column.in_(bindparam("ids", expanding=True)) if many else column == bindparam("id")
        made[mapped.table.name] = select(mapped.table).where(where)
    return made


_ONE, _MANY = _selects(many=False), _selects(many=True)


def load(connection: Connection, request_ids: Sequence[str]) -> dict[str, Engagement]:
    """The engagements with these request ids, whole; ids that are not there are left out."""
    found: dict[str, dict[str, list[Any]]] = {}
    statements, given = (_ONE, {"id": request_ids[0]}) if len(request_ids) == 1 else (_MANY, {"ids": [*request_ids]})
    for mapped in MAPPED if request_ids else ():
        key = "id" if mapped.record is Request else "request_id"
        # Ordered here: for a handful of rows, asking DuckDB to sort costs as much as finding them.
        found_rows: Sequence[Any] = connection.execute(statements[mapped.table.name], given).mappings().all()
        for row in sorted(found_rows, key=mapped.order):
            groups = found.setdefault(row[key], {})
            groups.setdefault(mapped.group, []).append(mapped.record_of(row))
    return {id: _assembled(groups) for id, groups in found.items()}


def _assembled(groups: dict[str, list[Any]]) -> Engagement:
    (request,) = groups.pop("request")
    return Engagement(request, **{name: tuple(records) for name, records in groups.items()})


@dataclass(slots=True)
class Changes:
    """What one transaction writes: new rows by table, and changed columns of rows that stand already."""

    inserts: dict[str, list[Row]]
    updates: list[tuple[Mapped, Row, Row]]

    @classmethod
    def between(cls, pairs: Iterable[tuple[Engagement | None, Engagement]]) -> Changes:
        """The differences between engagements as they were (None: not there) and as they are."""
        changes = cls({mapped.table.name: [] for mapped in MAPPED}, [])
        for before, after in pairs:
            for mapped in MAPPED:
                changes._compare(mapped, before, after)
        return changes

    def _compare(self, mapped: Mapped, before: Engagement | None, after: Engagement) -> None:
        old = {mapped.key_of(record): record for record in _group(before, mapped)} if before else {}
        for record in _group(after, mapped):
            was = old.get(mapped.key_of(record))
            if was is None:
                self.inserts[mapped.table.name].append(mapped.row(record) | _owner(mapped, record, after))
            elif was is not record and was != record:
                self._update(mapped, mapped.row(was), mapped.row(record))

    def _update(self, mapped: Mapped, was: Row, now: Row) -> None:
        key = {name: now[name] for name in mapped.key}
        self.updates.append((mapped, key, {name: value for name, value in now.items() if was[name] != value}))

    def write(self, connection: Connection) -> None:
        """Write them, in an order that foreign keys allow."""
        for mapped in MAPPED:
            rows = self.inserts[mapped.table.name]
            if rows:
                connection.execute(insert(mapped.table), rows)
        for mapped, key, values in self.updates:
            where = [mapped.table.c[name] == bindparam(f"key_{name}") for name in mapped.key]
            statement = update(mapped.table).where(*where).values({name: bindparam(name) for name in values})
            connection.execute(statement, values | {f"key_{name}": value for name, value in key.items()})


def _group(engagement: Engagement, mapped: Mapped) -> Sequence[Any]:
    held = getattr(engagement, mapped.group)
    return held if isinstance(held, tuple) else (held,)


def _owner(mapped: Mapped, record: Any, engagement: Engagement) -> Row:
    """The columns that a record's row has beside its fields."""
    request = engagement.request
    owner: Row = {"organization_id": request.organization_id, "workspace_id": request.workspace_id}
    if isinstance(record, Attempt):
        owner["scope_id"] = engagement.deliverable(record.deliverable_id).scope_id
    if isinstance(record, Milestone):
        # Plans are frozen by the confirmation that makes the milestones, so this stays true.
        owner["awaited_on"] = awaited_end(engagement, record)
    return owner


def event_row(event: Event) -> Row:
    """An event, with its sequence given, as a row."""
    return {
        "sequence": event.sequence,
        "id": event.id,
        "type": event.type,
        "occurred_at": event.occurred_at,
        "actor_kind": event.actor.kind,
        "actor_id": event.actor.id,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "request_id": event.request_id,
        "scope_id": event.scope_id,
        "organization_id": event.organization_id,
        "workspace_id": event.workspace_id,
        "data": event.data,
    }


def event_of(row: Mapping[str, Any]) -> Event:
    """The event that a row keeps."""
    values = {f.name: row[f.name] for f in fields(Event) if f.name != "actor"}
    return Event(**values, actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]))


def write_events(connection: Connection, events: Sequence[Event]) -> None:
    """Append events to the log."""
    if events:
        connection.execute(insert(t.events), [event_row(event) for event in events])
