"""What was mended: scope by scope, month by month, against the cycles themselves."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import select

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import CycleKind, ScopeStatus
from ods_core.queries.remediation import MONTHS, MendedMonth, Mending, by_month, mending
from ods_core.queries.timeline import TimelineFilter
from ods_core.service import Service
from ods_core.store import tables as t
from tests.queries.history import RandomHistory, Teller, at, ids


def mended(teller: Teller, caller: Caller = LOCAL, limit: int = 20, skip: int = 0, **wanted: Any) -> Mending:
    with teller.service.store.read() as connection:
        return mending(connection, caller, TimelineFilter(**wanted), limit=limit, skip=skip)


def months(teller: Teller, **wanted: Any) -> list[MendedMonth]:
    with teller.service.store.read() as connection:
        return by_month(connection, LOCAL, TimelineFilter(**wanted), teller.clock())


def test_nothing_has_no_months_and_no_scopes(teller: Teller) -> None:
    assert months(teller) == []
    found = mended(teller)
    assert (found.rows, found.scopes, found.mended, found.remediations, found.more) == ([], 0, 0, 0, False)


def test_a_scope_tells_how_often_it_was_mended_and_whether_it_still_is(teller: Teller) -> None:
    quiet = teller.running(at(4, 1))
    twice = teller.running(at(4, 1))
    fix, suite, deploy = ids(twice)
    teller.submit(at(4, 9), fix, suite, deploy)
    teller.reject(at(4, 10), fix)
    teller.submit(at(4, 20), fix)
    teller.accept(at(4, 21), fix)
    teller.reject(at(6, 2), suite)
    found = mended(teller)
    (row,) = found.rows
    assert (found.scopes, found.mended, found.remediations) == (2, 1, 2)
    assert (row.scope_id, row.remediations, row.running) == (twice.scopes[0].id, 2, 1)
    assert row.last_started_at == at(6, 2)
    assert [(m.month, m.remediations, m.deliveries) for m in months(teller)] == [
        (date(2026, 4, 1), 1, 2),
        (date(2026, 5, 1), 0, 0),
        (date(2026, 6, 1), 1, 0),
    ]
    assert months(teller, scope_id=quiet.scopes[0].id)[0].deliveries == 1
    someone = Caller(Actor(ActorKind.KEY, "key"), frozenset({Role.VIEWER}), organization_id="ORG-26-000777")
    assert mended(teller, someone).scopes == 0


def test_only_the_latest_months_are_told(teller: Teller) -> None:
    teller.running(at(5, 1))
    teller.clock.move_to(at(6, 1, year=2029))
    told = months(teller)
    assert len(told) == MONTHS
    assert (told[0].month, told[-1].month) == (date(2027, 7, 1), date(2029, 6, 1))


def test_pages_of_scopes_and_sums_equal_a_count_in_plain_python(service: Service, teller: Teller) -> None:
    RandomHistory(service, teller.clock, seed=5).run(engagements=14, steps=260)
    with service.store.read() as connection:
        cycles = connection.execute(select(t.cycles)).mappings().all()
        scopes = connection.execute(select(t.scopes).where(t.scopes.c.confirmed_at.is_not(None))).mappings().all()
    each = Counter(c["scope_id"] for c in cycles if c["kind"] == CycleKind.REMEDIATION)
    assert each
    paged = [row for n in range(len(each)) for row in mended(teller, limit=1, skip=n).rows]
    assert {row.scope_id: row.remediations for row in paged} == dict(each)
    assert [row.remediations for row in paged] == sorted(each.values(), reverse=True)
    assert not mended(teller, limit=1, skip=len(each) - 1).more
    active = {s["id"] for s in scopes if s["status"] == ScopeStatus.ACTIVE}
    found = mended(teller, scope_status=ScopeStatus.ACTIVE)
    assert (found.scopes, found.remediations) == (len(active), sum(n for id, n in each.items() if id in active))
    began = Counter((c["started_at"].year, c["started_at"].month, c["kind"]) for c in cycles if c["started_at"])
    for month in months(teller):
        key = (month.month.year, month.month.month)
        assert month.remediations == began[*key, CycleKind.REMEDIATION]
        assert month.deliveries == began[*key, CycleKind.DELIVERY]
