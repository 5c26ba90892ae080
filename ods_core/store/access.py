"""Keys, first answers and security events as rows. Each function works within a connection that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.keys import ApiKey, SecurityEvent, SecurityKind
from ods_core.store import tables as t

_KEY_COLUMNS = [t.api_keys.c[field.name] for field in fields(ApiKey)]


def add_key(connection: Connection, key: ApiKey) -> None:
    """Keep a new key."""
    values = {field.name: getattr(key, field.name) for field in fields(key)}
    connection.execute(insert(t.api_keys).values(values | {"roles": tuple(sorted(key.roles))}))


def key_by_lookup(connection: Connection, lookup: str) -> ApiKey | None:
    """The key that begins with this."""
    return _one_key(connection, select(*_KEY_COLUMNS).where(t.api_keys.c.lookup == lookup))


def key_by_id(connection: Connection, id: str) -> ApiKey | None:
    """The key with this id."""
    return _one_key(connection, select(*_KEY_COLUMNS).where(t.api_keys.c.id == id))


def keys_of(
    connection: Connection, organization_id: str | None, *, limit: int | None = None, before: int | None = None
) -> list[ApiKey]:
    """The keys of an organisation, newest first; None: all of them.

    Args:
        before: only those with a lower number.
    """
    statement = select(*_KEY_COLUMNS).order_by(t.api_keys.c.number.desc()).limit(limit)
    if organization_id is not None:
        statement = statement.where(t.api_keys.c.organization_id == organization_id)
    if before is not None:
        statement = statement.where(t.api_keys.c.number < before)
    return [_key(row) for row in connection.execute(statement)]


def any_key(connection: Connection) -> bool:
    """Whether a key was ever made here; one that was revoked counts."""
    return connection.execute(select(t.api_keys.c.id).limit(1)).first() is not None


def change_key(connection: Connection, id: str, **values: Any) -> None:
    """Note what became of a key."""
    connection.execute(update(t.api_keys).where(t.api_keys.c.id == id).values(values))


def _one_key(connection: Connection, statement: Select[Any]) -> ApiKey | None:
    row = connection.execute(statement).first()
    return None if row is None else _key(row)


def _key(row: Row[Any]) -> ApiKey:
    values = row._asdict()
    return ApiKey(**(values | {"roles": frozenset(values["roles"])}))


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What a key was answered first; `fingerprint` is of what was sent with it."""

    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: str
    answered_at: datetime


def first_answer(connection: Connection, holder: str, idempotency_key: str) -> FirstAnswer | None:
    """What was answered to this key of this holder."""
    a = t.first_answers.c
    statement = select(a.fingerprint, a.status, a.headers, a.body, a.answered_at)
    row = connection.execute(statement.where(a.holder == holder, a.idempotency_key == idempotency_key)).first()
    return None if row is None else FirstAnswer(**row._asdict())


def keep_answer(connection: Connection, holder: str, idempotency_key: str, answer: FirstAnswer, again: bool) -> None:
    """Keep a first answer; `again`: in the place of one that has grown too old."""
    values = {field.name: getattr(answer, field.name) for field in fields(answer)}
    a = t.first_answers
    if again:
        same = (a.c.holder == holder) & (a.c.idempotency_key == idempotency_key)
        connection.execute(update(a).where(same).values(values))
    else:
        connection.execute(insert(a).values(values | {"holder": holder, "idempotency_key": idempotency_key}))


def forget_answers(connection: Connection, before: datetime) -> None:
    """Let go of the answers that were given before a time."""
    connection.execute(delete(t.first_answers).where(t.first_answers.c.answered_at < before))


def note(
    connection: Connection,
    kind: SecurityKind,
    when: datetime,
    actor: Actor,
    *,
    organization_id: str | None = None,
    subject: str = "",
    address: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write a security event; in turn with all other writers, so that its number is its own."""
    table = t.security_events
    last = connection.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one()
    connection.execute(
        insert(table).values(
            number=int(last) + 1,
            kind=kind,
            occurred_at=when,
            actor_kind=actor.kind.value,
            actor_id=actor.id,
            organization_id=organization_id,
            subject=subject,
            address=address,
            data=dict(data or {}),
        )
    )


def noted(
    connection: Connection,
    organization_id: str | None,
    *,
    kinds: Sequence[SecurityKind] = (),
    limit: int = 25,
    before: int | None = None,
) -> list[SecurityEvent]:
    """Security events of an organisation, newest first; None: all of them."""
    table = t.security_events
    statement = select(table).order_by(table.c.number.desc()).limit(limit)
    if organization_id is not None:
        statement = statement.where(table.c.organization_id == organization_id)
    if kinds:
        statement = statement.where(table.c.kind.in_(kinds))
    if before is not None:
        statement = statement.where(table.c.number < before)
    return [_security_event(row) for row in connection.execute(statement)]


def _security_event(row: Row[Any]) -> SecurityEvent:
    return SecurityEvent(
        row.number,
        row.kind,
        row.occurred_at,
        Actor(ActorKind(row.actor_kind), row.actor_id),
        row.organization_id,
        row.subject,
        row.address,
        row.data,
    )
