"""Why deliverables are rejected: the Pareto and the list behind it."""

from __future__ import annotations

from ods_core.basics.roles import LOCAL
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.queries.rejections import NO_CRITERION, by_criterion, by_reason, rejections
from tests.queries.history import Teller, at, ids


def told(teller: Teller) -> None:
    """Four rejections: two of the suite's criterion (one of them without naming it), two of the fix's."""
    engagement = teller.running(at(5, 1))
    fix, suite, deploy = ids(engagement)
    teller.submit(at(5, 5), fix, suite, deploy)
    teller.reject(at(5, 6), fix, "Failure rate is 0.4 %.", 1)
    teller.reject(at(5, 6), suite, "Coverage is 84 %.", 1)
    teller.submit(at(5, 8), fix, suite)
    teller.reject(at(6, 9), fix, "failure  rate is 0.4 %.", 1)
    teller.reject(at(6, 10), suite, "Coverage is 88 %.")


def found(teller: Teller, **wanted: str) -> list:
    with teller.service.store.read() as connection:
        return rejections(connection, LOCAL, OutcomeFilter(**wanted), teller.clock())[0]


def test_bars_run_from_the_most_frequent_and_add_up_to_all(teller: Teller) -> None:
    told(teller)
    bars = by_criterion(found(teller))
    assert [(bar.label, bar.count) for bar in bars] == [
        ("Failure rate <0.1% in staging load test.", 2),
        ("Coverage report showing >90% with all tests passing.", 1),
        (NO_CRITERION, 1),
    ]
    assert [bar.cumulative_share for bar in bars] == [0.5, 0.75, 1.0]


def test_one_reason_is_one_bar_however_it_is_spaced_or_cased(teller: Teller) -> None:
    told(teller)
    assert [bar.count for bar in by_reason(found(teller))] == [2, 1, 1]


def test_behind_a_bar_stand_its_rejections_newest_first(teller: Teller) -> None:
    told(teller)
    bar = by_criterion(found(teller))[0]
    assert [(r.decided_at, r.attempt) for r in bar.rejections] == [(at(6, 9), 2), (at(5, 6), 1)]
    assert bar.rejections[0].criteria_not_met[0].evidence == "See the report."


def test_a_period_holds_the_decisions_made_in_it(teller: Teller) -> None:
    told(teller)
    assert len(found(teller, from_month="2026-06", to_month="2026-06")) == 2
    assert found(teller, organization_id="ORG-26-000002") == []
    assert found(teller, project_tag="PROJ-26-0042") == []
    assert len(found(teller, project_tag="PROJ-26-004281", currency="USD", workspace_id="WS-26-000021")) == 4


def test_no_rejections_make_no_bars(teller: Teller) -> None:
    assert by_criterion(found(teller)) == []


def test_a_criterion_the_deliverable_does_not_have_is_told_as_such(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.submit(at(5, 5), *ids(engagement))
    teller.reject(at(5, 6), ids(engagement)[0], "Not shown.", 7)
    assert found(teller)[0].criteria() == ["Criterion 7, which there is not"]
