"""Every figure of the outcomes, on histories whose answers are known by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.lifecycle import ReverseReceipt, Terminate
from ods_core.queries.choices import tags
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import (
    OutcomeFilter,
    Step,
    by_organization,
    by_tag,
    by_workspace,
    month_text,
    outcomes,
    period_of,
)
from ods_core.service import Service
from tests.queries.history import RandomHistory, Teller, at, ids, pay

CONTRACT_KEYS = [
    "scoping_time_median",
    "scoping_time_p85",
    "confirmation_time_median",
    "confirmation_time_p85",
    "win_rate",
    "outcome_lead_time_median",
    "cycle_time_median",
    "schedule_variance_median",
    "on_time_rate",
    "review_turnaround_median",
    "review_turnaround_p85",
    "first_time_acceptance_rate",
    "rejection_rate",
    "remediation_cycles_per_scope",
    "remediation_free_scope_rate",
    "remediation_days",
    "value_delivered",
    "committed_value",
    "received",
    "open",
    "overdue",
    "days_sales_outstanding",
    "price_to_budget_median",
]


def ask(teller: Teller, caller: Caller = LOCAL, **wanted: Any) -> dict[str, Any]:
    """The whole answer."""
    with teller.service.store.read() as connection:
        return outcomes(connection, caller, OutcomeFilter(**wanted), teller.clock())


def figures(teller: Teller, caller: Caller = LOCAL, **wanted: Any) -> dict[Any, tuple[Any, int]]:
    """Value and n by key, or by (key, currency) for money."""
    entries = ask(teller, caller, **wanted)["metrics"]
    return {(m["key"], m["currency"]) if m.get("currency") else m["key"]: (m["value"], m["n"]) for m in entries}


def series(teller: Teller, key: str, **wanted: Any) -> dict[str, tuple[Any, int]]:
    """Value and n of one figure by month."""
    (entry,) = [m for m in ask(teller, **wanted)["metrics"] if m["key"] == key]
    return {part["period"]: (part["value"], part["n"]) for part in entry["series"]}


@pytest.fixture
def told(teller: Teller) -> Teller:
    """One engagement with one remediation, begun 15 April and completed 29 May, and a proposal never confirmed."""
    request_id = teller.request(at(4, 15))
    scope_id = teller.propose(at(4, 17), request_id, payment_terms="20% on confirmation, 80% on final acceptance")
    engagement = teller.confirm(at(4, 18), scope_id)
    other = teller.request(at(5, 1), budget_max=None)
    teller.propose(at(5, 5), other)
    fix, suite, deploy = ids(engagement)
    teller.submit(at(5, 20), fix, suite, deploy)
    teller.accept(at(5, 21), fix)
    teller.reject(at(5, 22), suite)
    teller.accept(at(5, 23), deploy)
    teller.submit(at(5, 25), suite)
    teller.accept(at(5, 29), suite)
    return teller


def test_the_keys_are_the_contracts_in_its_order(teller: Teller) -> None:
    assert [*METRICS] == CONTRACT_KEYS
    assert [m["key"] for m in ask(teller)["metrics"]] == CONTRACT_KEYS


def test_nothing_measured_is_nothing_and_not_nought(teller: Teller) -> None:
    assert all(value is None and n == 0 for value, n in figures(teller).values())


@pytest.mark.parametrize(
    ("key", "value", "n"),
    [
        ("scoping_time_median", 3.0, 2),
        ("scoping_time_p85", 3.7, 2),
        ("confirmation_time_median", 1.0, 1),
        ("confirmation_time_p85", 1.0, 1),
        ("win_rate", 0.5, 2),
        ("outcome_lead_time_median", 44.0, 1),
        ("cycle_time_median", 41.0, 1),
        ("schedule_variance_median", -1.0, 1),
        ("on_time_rate", 1.0, 1),
        ("review_turnaround_median", 2.5, 4),
        ("review_turnaround_p85", 3.55, 4),
        ("first_time_acceptance_rate", 2 / 3, 3),
        ("rejection_rate", 0.25, 4),
        ("remediation_cycles_per_scope", 1.0, 1),
        ("remediation_free_scope_rate", 0.0, 1),
        ("remediation_days", 7.0, 1),
        ("price_to_budget_median", 15500 / 18000, 1),
    ],
)
def test_a_known_history_has_known_figures(told: Teller, key: str, value: float, n: int) -> None:
    found, count = figures(told)[key]
    assert (found, count) == (pytest.approx(value), n)


def test_money_of_a_known_history_is_exact(told: Teller) -> None:
    found = figures(told)
    assert found["value_delivered", "USD"] == (Decimal("15500.00"), 1)
    assert found["committed_value", "USD"] == (None, 0)
    assert found["open", "USD"] == (Decimal("15500.00"), 2)
    # The upfront payment was due on 25 April; the final one is due on 5 June.
    assert found["overdue", "USD"] == (Decimal("3100.00"), 1)


def test_days_sales_outstanding_weighs_by_amount(told: Teller) -> None:
    pay(told.service, "PAY-26-000001", at(4, 28))  # 3,100 after 10 days
    pay(told.service, "PAY-26-000002", at(6, 18))  # 12,400 after 20 days
    told.clock.move_to(at(7, 1))
    assert figures(told)["days_sales_outstanding", "USD"] == (pytest.approx(18.0), 2)
    assert figures(told)["received", "USD"] == (Decimal("15500.00"), 2)
    assert series(told, "received") == {
        "2026-04": (Decimal("3100.00"), 1),
        "2026-05": (None, 0),
        "2026-06": (Decimal("12400.00"), 1),
        "2026-07": (None, 0),
    }
    assert figures(told)["open", "USD"] == (None, 0)


def test_a_part_payment_leaves_the_rest_open(told: Teller) -> None:
    pay(told.service, "PAY-26-000001", at(4, 28), paid=Decimal("3000.01"))
    assert figures(told)["overdue", "USD"] == (Decimal("99.99"), 1)


def test_parts_count_when_received_and_a_reversal_when_it_is_made(told: Teller) -> None:
    """The first part came in April, the rest in June and once too often in May; the wrong one went back in July."""
    pay(told.service, "PAY-26-000001", at(4, 28), paid=Decimal("1000.01"))
    wrong = pay(told.service, "PAY-26-000001", at(5, 20), paid=Decimal("500.00"))
    pay(told.service, "PAY-26-000001", at(6, 18))
    assert figures(told)["days_sales_outstanding", "USD"] == (pytest.approx(61.0), 1)
    told.clock.move_to(at(7, 1))
    told.service.reverse_receipt(LOCAL, wrong, ReverseReceipt("Another payment's."))
    assert series(told, "received") == {
        "2026-04": (Decimal("1000.01"), 1),
        "2026-05": (Decimal("500.00"), 1),
        "2026-06": (Decimal("1599.99"), 1),
        "2026-07": (Decimal("-500.00"), 1),
    }
    assert figures(told)["received", "USD"] == (Decimal("2600.00"), 4)
    assert figures(told)["overdue", "USD"] == (Decimal("12900.00"), 2)
    # No longer paid in full, and so no longer among the milestones paid.
    assert figures(told)["days_sales_outstanding", "USD"] == (None, 0)
    pay(told.service, "PAY-26-000001", at(6, 30))
    assert series(told, "days_sales_outstanding")["2026-06"] == (pytest.approx(73.0), 1)


def test_what_came_and_went_back_in_one_period_is_an_amount_of_nothing(told: Teller) -> None:
    wrong = pay(told.service, "PAY-26-000001", at(7, 1), paid=Decimal("500.00"))
    told.service.reverse_receipt(LOCAL, wrong, ReverseReceipt("Another payment's."))
    received = figures(told, from_month="2026-07", to_month="2026-07")["received", "USD"]
    assert (str(received[0]), received[1]) == ("0.00", 2)
    assert series(told, "received", from_month="2026-07") == {"2026-07": (Decimal("0.00"), 2)}


def test_money_recorded_late_counts_on_the_day_on_which_it_came(told: Teller) -> None:
    told.clock.move_to(at(9, 1))
    pay(told.service, "PAY-26-000001", at(4, 28))
    assert figures(told, from_month="2026-04", to_month="2026-04")["received", "USD"] == (Decimal("3100.00"), 1)
    assert figures(told)["days_sales_outstanding", "USD"] == (pytest.approx(10.0), 1)


def test_remediations_are_told_per_accepted_deliverable_too(told: Teller) -> None:
    (entry,) = [m for m in ask(told)["metrics"] if m["key"] == "remediation_cycles_per_scope"]
    assert entry["per_accepted_deliverable"] == pytest.approx(1 / 3)


def test_a_figure_belongs_to_the_month_in_which_it_ended(told: Teller) -> None:
    assert series(told, "scoping_time_median") == {"2026-04": (2.0, 1), "2026-05": (4.0, 1)}
    assert series(told, "outcome_lead_time_median") == {"2026-04": (None, 0), "2026-05": (44.0, 1)}
    assert figures(told, from_month="2026-04", to_month="2026-04")["scoping_time_median"] == (2.0, 1)
    assert figures(told, from_month="2026-04", to_month="2026-04")["rejection_rate"] == (None, 0)


def test_the_win_counts_in_the_month_of_the_first_proposal(teller: Teller) -> None:
    request_id = teller.request(at(4, 15))
    teller.confirm(at(5, 2), teller.propose(at(4, 20), request_id))
    assert series(teller, "win_rate") == {"2026-04": (1.0, 1), "2026-05": (None, 0)}


def test_what_stands_open_now_does_not_depend_on_the_period(told: Teller) -> None:
    assert figures(told, from_month="2025-01", to_month="2025-02")["open", "USD"] == (Decimal("15500.00"), 2)


def test_currencies_are_never_added(teller: Teller) -> None:
    teller.running(at(5, 1))
    teller.running(at(5, 1), currency="JPY", fixed_price=Decimal(1_200_001))
    found = figures(teller)
    assert found["committed_value", "USD"] == (Decimal("15500.00"), 1)
    assert found["committed_value", "JPY"] == (Decimal(1_200_001), 1)
    assert ("committed_value", "USD") not in figures(teller, currency="JPY")


def test_a_slow_review_is_not_a_late_delivery(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.submit(at(5, 11, 23), *ids(engagement))
    teller.accept(at(6, 30), *ids(engagement))
    assert figures(teller)["schedule_variance_median"] == (0.0, 1)
    assert figures(teller)["on_time_rate"] == (1.0, 1)
    assert figures(teller)["review_turnaround_median"][0] > 49


def test_a_cycle_of_a_terminated_scope_was_still_completed_late(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.submit(at(5, 13), *ids(engagement))
    teller.service.terminate(LOCAL, engagement.scopes[0].id, Terminate("The need is gone."))
    assert figures(teller)["schedule_variance_median"] == (2.0, 1)
    assert figures(teller)["cycle_time_median"] == (None, 0)


def test_filters_narrow_by_owner_and_whole_tag(told: Teller) -> None:
    told.running(at(6, 1), organization_id="ORG-26-000002", workspace_id="WS-26-000099")
    assert figures(told, organization_id="ORG-26-000002")["win_rate"] == (1.0, 1)
    assert figures(told, workspace_id="WS-26-000099")["win_rate"] == (1.0, 1)
    assert figures(told, project_tag="PROJ-26-004281")["win_rate"] == (pytest.approx(2 / 3), 3)
    assert figures(told, project_tag="PROJ-26-00428")["win_rate"] == (None, 0)
    assert figures(told, project_tag='%"')["win_rate"] == (None, 0)


def test_a_caller_sees_its_own_organisation_alone(told: Teller) -> None:
    told.running(at(6, 1), organization_id="ORG-26-000002")
    stranger = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.VIEWER}), "ORG-26-000002")
    assert figures(told, stranger)["win_rate"] == (1.0, 1)
    assert figures(told, stranger, organization_id="ORG-26-090500")["win_rate"] == (None, 0)


def test_organisations_stand_side_by_side(told: Teller) -> None:
    told.running(at(6, 1), organization_id="ORG-26-000002")
    with told.service.store.read() as connection:
        found = by_organization(connection, LOCAL, OutcomeFilter(), told.clock())
    assert found["ORG-26-000002"]["win_rate", None].value == 1.0
    assert found["ORG-26-090500"]["win_rate", None].value == 0.5
    assert found["ORG-26-000002"]["committed_value", "USD"].value == Decimal("15500.00")


def test_without_bounds_the_period_runs_from_the_first_request_to_now(told: Teller) -> None:
    told.clock.move_to(at(8, 2))
    answer = ask(told)
    assert (answer["from"], answer["to"]) == ("2026-04", "2026-08")


def test_the_period_before_is_as_long_and_ends_where_this_one_begins(told: Teller) -> None:
    with told.service.store.read() as connection:
        period = period_of(connection, LOCAL, OutcomeFilter(from_month="2026-01", to_month="2026-03"), told.clock())
    before = period.before()
    assert (before.first.isoformat(), before.last.isoformat()) == ("2025-10-01", "2025-12-01")
    assert before.end == period.start


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"from_month": "April"}, "/from"),
        ({"to_month": "2026-13"}, "/to"),
        ({"from_month": "2026-05", "to_month": "2026-04"}, "/from"),
        ({"from_month": "0001-01"}, "/from"),
    ],
)
def test_a_period_that_cannot_be_is_refused_at_its_place(teller: Teller, wanted: dict[str, str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(teller, **wanted)
    assert refused.value.problems[0].pointer == pointer


def test_quarters_and_weeks_have_names_and_add_up_to_the_whole(teller: Teller) -> None:
    for month, day in ((3, 30), (4, 6), (5, 4)):
        engagement = teller.running(at(month, day))
        teller.submit(at(month, day), *ids(engagement))
        teller.accept(at(month, day), *ids(engagement))
    with teller.service.store.read() as connection:
        told = {
            step: outcomes(connection, LOCAL, OutcomeFilter("2026-03", "2026-05"), teller.clock(), step)["metrics"]
            for step in Step
        }
    for metrics in told.values():
        for entry in metrics:
            assert not entry["series"] or sum(part["n"] for part in entry["series"]) == entry["n"]
    periods = {step: [part["period"] for part in metrics[0]["series"]] for step, metrics in told.items()}
    assert periods[Step.QUARTER] == ["2026-Q1", "2026-Q2"]
    assert (periods[Step.WEEK][0], periods[Step.WEEK][-1]) == ("2026-W09", "2026-W22")
    assert len(periods[Step.WEEK]) == 14


def test_a_workspace_and_a_tag_have_the_figures_that_their_filter_gives(service: Service, teller: Teller) -> None:
    RandomHistory(service, teller.clock, seed=7).run(engagements=12, steps=160)
    with service.store.read() as connection:
        known, now = tags(connection, LOCAL), teller.clock()
        sides = {
            "workspace_id": by_workspace(connection, LOCAL, OutcomeFilter(), now),
            "project_tag": by_tag(connection, LOCAL, OutcomeFilter(), now, known),
        }
        assert {*sides["project_tag"]} == {*known} == {"PROJ-26-000001", "PROJ-26-000012"}
        whole = {"from_month": month_text(period_of(connection, LOCAL, OutcomeFilter(), now).first)}
        for name, found in sides.items():
            for id, figures in found.items():
                answer = outcomes(connection, LOCAL, OutcomeFilter(**whole, **{name: id}), now)["metrics"]
                assert {(e["key"], e.get("currency")): (e["value"], e["n"]) for e in answer if e["n"]} == {
                    key: (figure.value, figure.n) for key, figure in figures.items() if key[0] in METRICS
                }
