"""Criteria quality against what followed: first attempts by the score that their scope was confirmed with."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from ods_core.basics.roles import LOCAL
from ods_core.queries.criteria_quality import Band, behind, by_score
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.store import tables as t
from tests.queries.history import Teller, at, ids


def scored(teller: Teller, score: int | None, rejected: int) -> None:
    """One engagement with three decided first attempts, its scope confirmed with a score."""
    engagement = teller.running(at(5, 1))
    parts = ids(engagement)
    teller.submit(at(5, 5), *parts)
    for n, id in enumerate(parts):
        if n < rejected:
            teller.reject(at(5, 6), id, "Failure rate is 0.4 %.", 1)
        else:
            teller.accept(at(5, 6), id)
    with teller.service.store.engine.begin() as connection:
        connection.execute(
            update(t.scopes).where(t.scopes.c.id == engagement.scopes[-1].id).values(criteria_score=score)
        )


def found(teller: Teller, **wanted: str) -> list[Band]:
    with teller.service.store.read() as connection:
        return by_score(connection, LOCAL, OutcomeFilter(**wanted), teller.clock())


def test_first_attempts_are_counted_by_the_score_of_their_scope(teller: Teller) -> None:
    scored(teller, 95, rejected=0)
    scored(teller, 90, rejected=1)
    scored(teller, 40, rejected=2)
    scored(teller, None, rejected=3)
    low, middle, high = found(teller)
    assert low == Band(0, 69, 1, 3, 2)
    assert middle == Band(70, 89, 0, 0, 0)
    assert high == Band(90, 100, 2, 6, 1)
    assert middle.rejection_rate is None
    assert high.rejection_rate == pytest.approx(1 / 6)


def test_another_organisation_has_its_own(teller: Teller) -> None:
    scored(teller, 95, rejected=1)
    assert all(band.decided == 0 for band in found(teller, organization_id="ORG-26-999999"))


def test_a_confirmation_keeps_its_score_by_itself(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    assert engagement.scopes[-1].criteria_score == 100


def test_behind_a_band_stand_its_scopes_those_with_the_most_rejections_first(teller: Teller) -> None:
    for score, rejected in ((60, 1), (55, 3), (95, 0)):
        scored(teller, score, rejected)
    with teller.service.store.read() as connection:
        rows = behind(connection, LOCAL, OutcomeFilter(), teller.clock(), (0, 69), 20)
        (first,) = behind(connection, LOCAL, OutcomeFilter(), teller.clock(), (0, 69), 1)
    assert [(row.score, row.decided, row.rejected) for row in rows] == [(55, 3, 3), (60, 3, 1)]
    assert first == rows[0]
