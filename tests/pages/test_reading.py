"""Cycles, Payments and Outcomes: each says what its query found, and whatever stands in the address is survived."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Accept, Confirm, Reject, Submit
from ods_core.service import Runtime
from tests.seed import seed_proposal, seed_request

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
FIX, SUITE, DEPLOY = "DLV-26-000001", "DLV-26-000002", "DLV-26-000003"


@pytest.fixture
def told(running: Runtime, clock: MovingClock) -> Runtime:
    """The documented example, confirmed late, with one rejection, on 20 June."""
    service = running.service
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = service.propose(
        LOCAL, request_id, seed_proposal(valid_until=datetime(2026, 5, 30, tzinfo=UTC).date())
    ).subject_id
    clock.move_to(datetime(2026, 5, 4, 10, tzinfo=UTC))
    service.confirm(LOCAL, scope_id, Confirm())
    clock.move_to(datetime(2026, 5, 26, 10, tzinfo=UTC))
    for id in (FIX, SUITE, DEPLOY):
        service.submit(LOCAL, id, Submit())
    service.accept(LOCAL, FIX, Accept())
    service.reject(LOCAL, SUITE, Reject("Coverage is 84 %."))
    clock.move_to(datetime(2026, 6, 20, 10, tzinfo=UTC))
    return running


def opened(page: str, **params: str) -> AppTest:
    """A page at an address."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(f"{page}.py")
    app.run()
    assert not app.exception
    return app


def with_tables(app: AppTest) -> AppTest:
    """The same page with the table below each chart opened."""
    closed = [expander for expander in app.expander if expander.label == "Show as a table"]
    assert closed
    for expander in closed:
        app.session_state[expander.key] = True
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says, Markdown's signs taken out."""
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.warning, *app.text]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("*", "")


def test_the_timeline_is_told_in_a_sentence(told: Runtime) -> None:
    said = words(opened("cycles"))
    assert "2 cycles: 1 in progress, of which 1 past the planned end; 1 waiting for a decision; 1 remediation." in said


def test_a_cycle_shows_its_drift_its_lateness_and_both_clocks(told: Runtime) -> None:
    said = words(opened("cycles", cycle="OCYCLE-26-000001"))
    assert "2 days late" in said
    assert "4 – 24 May 2026" in said
    assert "1 – 21 May 2026" in said
    assert "22 days" in said


def test_a_remediation_is_marked_in_words(told: Runtime) -> None:
    assert "remediation, at no cost" in words(opened("cycles", cycle="OCYCLE-26-000002"))


def test_a_link_to_another_organisations_cycle_leads_nowhere(told: Runtime) -> None:
    assert "There is nothing here" in words(opened("cycles", cycle="OCYCLE-26-999999"))


def test_the_schedule_shows_what_is_open_and_how_late(told: Runtime) -> None:
    app = opened("payments")
    (metric,) = app.metric
    assert (metric.label, metric.value) == ("Open, USD", "$7,750.00")
    said = words(app)
    assert "40 days overdue" in said
    assert "expected 3 Jun 2026 (17 days ago, not due yet), when everything is accepted" in said


def test_a_filter_in_the_address_narrows_the_schedule(told: Runtime) -> None:
    said = words(opened("payments", overdue="yes"))
    assert "PAY-26-000001" in said
    assert "PAY-26-000002" not in said
    assert "No payment is like this." in words(opened("payments", status="paid"))


def test_a_statement_adds_up_in_words(told: Runtime) -> None:
    said = words(opened("payments", view="statement"))
    assert "Price $15,500.00 = received $0.00 + open $7,750.00 + scheduled $7,750.00 + void $0.00" in said


def test_a_payment_opens_with_what_it_waits_for(told: Runtime) -> None:
    assert "when everything is accepted" in words(opened("payments", payment="PAY-26-000002"))


def test_ageing_has_a_table_beside_its_chart(told: Runtime) -> None:
    table = with_tables(opened("payments", view="ageing")).dataframe[0].value
    assert table["31–60 days"].tolist() == ["$7,750.00 (1)"]
    assert table["Total"].tolist() == ["$7,750.00"]


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_outcomes_show_values_and_leave_empty_what_was_not_measured(told: Runtime) -> None:
    found = figures(opened("outcomes", view="figures"))
    assert found["Rejection rate"] == "50 %"
    assert found["Right first time"] == "100 %"
    assert found["Schedule variance"] == "2 days"
    assert found["Outcome lead time"] == "–"
    assert found["Committed"] == "$15,500.00"


def test_the_rejections_behind_a_bar_can_be_opened(told: Runtime) -> None:
    app = opened("outcomes", view="rejections", because="reason")
    (chooser,) = [box for box in app.selectbox if box.label == "Show the rejections behind"]
    chooser.select_index(1).run()
    assert not app.exception
    assert "Test suite" in str([link.proto.label for link in app.get("page_link")])


@pytest.mark.parametrize(
    ("page", "params"),
    [
        ("cycles", {"from": "yesterday", "organization": "nobody", "by": "colour", "status": "lost"}),
        ("cycles", {"from": "2026-12-01", "to": "2026-01-01"}),
        ("deliverables", {"after": "x.y.z", "view": "nothing", "status": "lost"}),
        ("deliverables", {"view": "review", "after": "x"}),
        ("payments", {"after": "x.y", "status": "lost", "currency": "XXX", "from": "0000-00-00", "to": "9"}),
        ("payments", {"view": "statement", "scope": "OSCOPE-26-999999"}),
        ("outcomes", {"from": "2026-13", "to": "x", "tag": "%' OR 1=1 --", "money": "XXX", "bar": "zz", "by": "x"}),
        ("outcomes", {"from": "2026-06", "to": "2026-04"}),
    ],
)
def test_whatever_stands_in_the_address_is_survived(told: Runtime, page: str, params: dict[str, str]) -> None:
    """A page answers with something to read, also to an address that somebody wrote by hand."""
    assert words(opened(page, **params)).strip()
