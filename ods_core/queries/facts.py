"""What the outcomes are measured from: one row each time something that is measured ended, and one for each amount.

The rows follow from the store's own tables by the statements here, which are their one definition. They are kept in
the store, so that a figure over a million deliverables reads narrow columns and joins nothing, together with a mark:
the last event that they include. A reader takes the kept rows of the engagements that no later event names, and makes
those of the others on the spot, within its own transaction. What is read is therefore exact whether or not somebody
has kept the rows up; `keep_up` only moves the mark on, and is in nobody's way: commands never write to these tables.
In a store that follows another server engagements change without an event; there all rows are made on the spot.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Date,
    Double,
    FromClause,
    Integer,
    Select,
    Subquery,
    Table,
    case,
    cast,
    delete,
    except_all,
    extract,
    func,
    insert,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from ods_core.basics.states import CycleKind, Decision, PaymentStatus, ScopeStatus
from ods_core.queries.receipts import last_receipts
from ods_core.store import Store, mirrored
from ods_core.store import tables as t

SECONDS_A_DAY = 86_400
ANEW_FROM = 0.2
"""From this share of changed engagements on, all rows are made anew: they then lie in the order of time again."""

FEW = 200
"""So many changed engagements are looked up one by one."""

MOST_FINDINGS = 100


class Work(IntEnum):
    """What ended; each row says how many `days` it took, and what else belongs to it."""

    SCOPED = 1
    """A request got its first proposal. hit: it was won, with that proposal or a later one."""
    CONFIRMED = 2
    """A scope was confirmed, days since it was proposed. ratio: price to budget."""
    COMPLETED = 3
    """A scope was completed, days since the request. remediations; hit: none; deliverables, all accepted."""
    CYCLE_COMPLETED = 4
    """A delivery cycle was completed; days: how late, in whole days. hit: on time."""
    CYCLE_ACCEPTED = 5
    """A delivery cycle was accepted, days since its start."""
    REMEDIATED = 6
    """A remediation cycle was accepted, days since its start."""
    DECIDED = 7
    """A deliverable was decided on, days since it was ready. hit: rejected; first: of those accepted, whether at the
    first attempt; at a first attempt the `scope` and the score of its criteria, if it has one."""


class Money(IntEnum):
    """What an amount is; the last two tell how things stand and have no day."""

    DELIVERED = 1
    """The price of a completed scope."""
    RECEIVED = 2
    """A receipt, or what was taken back, as a negative amount."""
    PAID = 3
    """A milestone that is paid. days: from its release to its last receipt."""
    COMMITTED = 4
    """The price of an active scope."""
    OPEN = 5
    """What is due and not yet paid, with `due_at`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Both kinds of rows as a reader sees them: columns as in `fact_work` and `fact_money`."""

    work: FromClause
    money: FromClause


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the kept rows go. `definition` is of the statements that made them."""

    sequence: int = 0
    definition: str = ""


NO_MARK = Mark()


@dataclass(frozen=True, slots=True)
class Kept:
    """What bringing the kept rows up to date came to."""

    sequence: int
    engagements: int
    anew: bool


# The definition.


def _requests() -> Select[Any]:
    r = t.requests.c
    return select(
        r.id, r.number, r.organization_id, r.workspace_id, r.currency, r.created_at, r.scoped_at, r.budget_max
    )


def _days(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    return extract("epoch", end - start) / cast(literal_column(str(SECONDS_A_DAY)), Double)


def _hit(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, literal_column("1")), else_=literal_column("0"))


def _row(table: Table, chosen: CTE, kind: IntEnum, **values: ColumnElement[Any]) -> Select[Any]:
    """One kind of rows of a table; what is not given is NULL."""
    given = {
        "kind": literal_column(str(kind.value)),
        "request": chosen.c.number,
        "organization_id": chosen.c.organization_id,
        "workspace_id": chosen.c.workspace_id,
        "currency": chosen.c.currency,
        **values,
    }
    return select(*[cast(given.get(column.name, null()), column.type).label(column.name) for column in table.c])


def _ended(chosen: CTE, kind: Work, ended_at: ColumnElement[Any], **values: ColumnElement[Any]) -> Select[Any]:
    made = _row(t.fact_work, chosen, kind, ended_on=cast(ended_at, Date), **values)
    return made.where(ended_at.is_not(None))


def _work(chosen: CTE) -> list[Select[Any]]:
    return [*_of_requests(chosen), *_of_scopes(chosen), *_of_cycles(chosen), *_of_attempts(chosen)]


def _of_requests(chosen: CTE) -> Iterator[Select[Any]]:
    s = t.scopes.c
    bought = select(s.request_id).join(chosen, chosen.c.id == s.request_id).where(s.confirmed_at.is_not(None))
    won = bought.distinct().subquery("won")
    took = _days(chosen.c.created_at, chosen.c.scoped_at)
    made = _ended(chosen, Work.SCOPED, chosen.c.scoped_at, days=took, hit=_hit(won.c.request_id.is_not(None)))
    yield made.select_from(chosen.outerjoin(won, won.c.request_id == chosen.c.id))


def _of_scopes(chosen: CTE) -> Iterator[Select[Any]]:
    s, scopes = t.scopes.c, chosen.join(t.scopes, t.scopes.c.request_id == chosen.c.id)
    mended, held = _mended(chosen), _held(chosen)
    yield _ended(
        chosen,
        Work.CONFIRMED,
        s.confirmed_at,
        days=_days(s.proposed_at, s.confirmed_at),
        ratio=cast(s.fixed_price, Double) / cast(chosen.c.budget_max, Double),
    ).select_from(scopes)
    yield _ended(
        chosen,
        Work.COMPLETED,
        s.completed_at,
        days=_days(chosen.c.created_at, s.completed_at),
        remediations=func.coalesce(mended.c.n, literal_column("0")),
        hit=_hit(mended.c.n.is_(None)),
        deliverables=held.c.n,
    ).select_from(scopes.join(held, held.c.scope_id == s.id).outerjoin(mended, mended.c.scope_id == s.id))


def _mended(chosen: CTE) -> Subquery:
    c = t.cycles.c
    found = select(c.scope_id, func.count().label("n")).join(chosen, chosen.c.id == c.request_id)
    return found.where(c.kind == CycleKind.REMEDIATION).group_by(c.scope_id).subquery("mended")


def _held(chosen: CTE) -> Subquery:
    d = t.deliverables.c
    found = select(d.scope_id, func.count().label("n")).join(chosen, chosen.c.id == d.request_id)
    return found.group_by(d.scope_id).subquery("held")


def _of_cycles(chosen: CTE) -> Iterator[Select[Any]]:
    c, cycles = t.cycles.c, chosen.join(t.cycles, t.cycles.c.request_id == chosen.c.id)
    late = cast(c.completed_at, Date) - c.planned_end
    took = _days(c.started_at, c.accepted_at)
    on_time = _hit(late <= literal_column("0", Integer))
    delivery, remediation = c.kind == CycleKind.DELIVERY, c.kind == CycleKind.REMEDIATION
    completed = _ended(chosen, Work.CYCLE_COMPLETED, c.completed_at, days=late, hit=on_time)
    yield completed.select_from(cycles).where(delivery)
    yield _ended(chosen, Work.CYCLE_ACCEPTED, c.accepted_at, days=took).select_from(cycles).where(delivery)
    yield _ended(chosen, Work.REMEDIATED, c.accepted_at, days=took).select_from(cycles).where(remediation)


def _of_attempts(chosen: CTE) -> Iterator[Select[Any]]:
    a, s = t.attempts.c, t.scopes.c
    is_first = a.attempt == literal_column("1")
    made = _ended(
        chosen,
        Work.DECIDED,
        a.decided_at,
        days=_days(a.ready_at, a.decided_at),
        hit=_hit(a.decision == Decision.REJECTED),
        first=case((a.decision == Decision.ACCEPTED, _hit(is_first))),
        scope=case((is_first, s.number)),
        score=case((is_first, s.criteria_score)),
    )
    attempts = chosen.join(t.attempts, a.request_id == chosen.c.id)
    yield made.select_from(attempts.join(t.scopes, s.id == a.scope_id))


def _money(chosen: CTE) -> Iterator[Select[Any]]:
    s, r, p, last = t.scopes, t.receipts, t.payments, last_receipts(chosen)
    scopes = chosen.join(s, s.c.request_id == chosen.c.id)
    payments = chosen.join(p, p.c.request_id == chosen.c.id)
    price, completed_on = s.c.fixed_price, cast(s.c.completed_at, Date)
    delivered = _row(t.fact_money, chosen, Money.DELIVERED, amount=price, ended_on=completed_on)
    yield delivered.select_from(scopes).where(s.c.completed_at.is_not(None))
    # A reversal is an entry of a negative amount, and counts on its own day.
    received = _row(t.fact_money, chosen, Money.RECEIVED, amount=r.c.amount, ended_on=r.c.received_on)
    yield received.select_from(chosen.join(r, r.c.request_id == chosen.c.id))
    days = last.c.paid_on - cast(p.c.triggered_at, Date)
    paid = _row(t.fact_money, chosen, Money.PAID, amount=p.c.amount, ended_on=last.c.paid_on, days=days)
    # A milestone of nothing is paid as it falls due and has no receipt; the join leaves it out.
    paid = paid.select_from(payments.join(last, last.c.payment_id == p.c.id))
    yield paid.where(p.c.status == PaymentStatus.PAID)
    committed = _row(t.fact_money, chosen, Money.COMMITTED, amount=price)
    yield committed.select_from(scopes).where(s.c.status == ScopeStatus.ACTIVE)
    left = _row(t.fact_money, chosen, Money.OPEN, amount=p.c.amount - p.c.paid, due_at=p.c.due_at)
    yield left.select_from(payments).where(p.c.status == PaymentStatus.DUE, p.c.amount > p.c.paid)


_MADE: Sequence[tuple[Table, Any]] = ((t.fact_work, _work), (t.fact_money, _money))


def _definition() -> str:
    chosen = _requests().cte("chosen")
    made = [str(union_all(*make(chosen)).compile(compile_kwargs={"literal_binds": True})) for _, make in _MADE]
    return sha256("\n".join(made).encode()).hexdigest()[:16]


DEFINITION = _definition()
"""Changes with the statements above, so that rows made by other ones are never taken for these."""


# Reading.


def facts(connection: Connection) -> Facts:
    """The rows as of this transaction: the kept ones, and those of engagements that have changed since, made anew."""
    mark = mark_of(connection)
    if mark.definition != DEFINITION or mirrored.is_polled(connection):
        chosen = _requests().cte("chosen")
        return Facts(*[union_all(*make(chosen)).cte(table.name) for table, make in _MADE])
    if not _is_behind(connection, mark):
        return Facts(t.fact_work, t.fact_money)
    changed = _changed_since(connection, mark)
    return Facts(*[_mixed(table, make, changed) for table, make in _MADE])


def mark_of(connection: Connection) -> Mark:
    """How far the kept rows go; `NO_MARK` where there are none."""
    found = connection.execute(select(t.fact_mark.c.sequence, t.fact_mark.c.definition)).first()
    return Mark(*found) if found else NO_MARK


def _is_behind(connection: Connection, mark: Mark) -> bool:
    e = t.events.c.sequence
    return connection.execute(select(e).where(e > mark.sequence).limit(1)).first() is not None


def _changed_since(connection: Connection, mark: Mark) -> CTE:
    """The requests that later events name; a few of them by their ids, which spares each kind of rows the search."""
    e = t.events.c
    named = select(e.request_id).where(e.sequence > mark.sequence).distinct()
    few = connection.execute(named.limit(FEW + 1)).scalars().all()
    chosen = _requests().where(t.requests.c.id.in_(few if len(few) <= FEW else named))
    return chosen.cte("changed")


def _mixed(table: Table, make: Any, changed: CTE) -> CTE:
    unchanged = select(table).where(table.c.request.not_in(select(changed.c.number)))
    return union_all(unchanged, *make(changed)).cte(f"{table.name}_now")


# Keeping.

_turn = threading.Lock()


def keep_up(store: Store, *, wait: bool = False, anew: bool = False) -> Kept | None:
    """Bring the kept rows up to the last event, in one transaction of their own.

    No command waits for it, nor does it wait for one: it takes no part in the writers' turns, since it alone writes to
    these tables, and its transaction sees a prefix of the log.

    Args:
        wait: for somebody else who is at it; otherwise that one is left to it, unless there are no rows to read yet.
        anew: make all rows, whatever the mark says.

    Returns:
        What was done; None where nothing was to do, somebody else is at it, or another server is followed.
    """
    if not _turn.acquire(blocking=False):
        # Without any rows each reader would make all of them.
        if not wait and _is_made(store):
            return None
        _turn.acquire()
    try:
        with store.engine.begin() as connection:
            store.turns.queue(connection, "facts")
            return _keep_up(connection, anew)
    finally:
        _turn.release()


def _is_made(store: Store) -> bool:
    with store.read() as connection:
        return mark_of(connection).definition == DEFINITION


def _keep_up(connection: Connection, anew: bool) -> Kept | None:
    if mirrored.is_polled(connection):
        # No event tells of changes there, so nothing that is kept could be known to be true.
        return None
    mark = mark_of(connection)
    last = int(connection.execute(select(func.coalesce(func.max(t.events.c.sequence), 0))).scalar_one())
    is_known = mark.definition == DEFINITION
    if is_known and mark.sequence == last and not anew:
        return None
    chosen = _changed_since(connection, mark) if is_known and not anew else _requests().cte("chosen")
    changed, there = (_count(connection, source) for source in (chosen, t.requests))
    anew = anew or not is_known or changed > there * ANEW_FROM
    _replace(connection, _requests().cte("chosen") if anew else chosen, anew)
    _set_mark(connection, mark, Mark(last, DEFINITION))
    return Kept(last, there if anew else changed, anew)


def _count(connection: Connection, source: FromClause) -> int:
    return int(connection.execute(select(func.count()).select_from(source)).scalar_one())


def _replace(connection: Connection, chosen: CTE, anew: bool) -> None:
    for table, make in _MADE:
        stale = delete(table) if anew else delete(table).where(table.c.request.in_(select(chosen.c.number)))
        connection.execute(stale)
        made = union_all(*make(chosen)).subquery("made")
        rows = select(made).order_by(*_lie(made))
        connection.execute(insert(table).from_select([c.name for c in table.c], rows))


def _lie(made: Subquery) -> list[ColumnElement[Any]]:
    """The order of rows: by half-years, in each by organisation; a period and an organisation then read few of them."""
    day = made.c.ended_on
    second_half = case((extract("month", day) > literal_column("6"), literal_column("1")), else_=literal_column("0"))
    return [extract("year", day), second_half, made.c.organization_id, day, made.c.kind]


def _set_mark(connection: Connection, before: Mark, now: Mark) -> None:
    m = t.fact_mark
    values = {"sequence": now.sequence, "definition": now.definition}
    if connection.execute(update(m).where(m.c.sequence == before.sequence).values(**values)).rowcount:
        return
    connection.execute(insert(m).values(id=1, **values))


# Checking.


def check(connection: Connection) -> list[str]:
    """Where the kept rows are not what the store's tables come to, as of the mark; empty when all is in order."""
    mark = mark_of(connection)
    if mark.definition != DEFINITION or mirrored.is_polled(connection):
        return []
    changed, found = _changed_since(connection, mark), list[str]()
    for table, make in _MADE:
        chosen = _requests().where(t.requests.c.number.not_in(select(changed.c.number))).cte("chosen")
        kept = select(table).where(table.c.request.not_in(select(changed.c.number)))
        found += _apart(connection, table, kept, union_all(*make(chosen)))
    return found


def _apart(connection: Connection, table: Table, kept: Select[Any], made: Any) -> Iterator[str]:
    """Engagements with a row that stands on one side alone; a row that stands twice is two."""
    lost, stray = except_all(made, kept).subquery("lost"), except_all(kept, made).subquery("stray")
    both = union_all(select(lost.c.request), select(stray.c.request)).subquery("apart")
    r = t.requests.c
    named = select(both.c.request, r.id, func.count()).outerjoin_from(both, t.requests, r.number == both.c.request)
    named = named.group_by(both.c.request, r.id).order_by(both.c.request).limit(MOST_FINDINGS)
    for number, id, count in connection.execute(named):
        yield f"{id or number}: {count} rows of {table.name} apart (the facts are what the store comes to)"


__all__ = ["Facts", "Kept", "Mark", "Money", "Work", "check", "facts", "keep_up", "mark_of"]
