"""Delivery forecast, remediation and pages of the timeline: on demo data, on little history, from any address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from ods_core import demo
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.basics.states import PaymentStatus, look
from ods_core.queries.delivery import delivery_forecast
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.service import Runtime, using
from ods_core.ui.formats import day, percent
from ods_core.ui.tables import ROWS
from tests.databases import memory_url
from tests.pages.test_reading import opened, told, with_tables, words

__all__ = ["told"]


@pytest.fixture(scope="module")
def filled() -> Iterator[Runtime]:
    """A runtime with the demo engagements, at one moment."""
    runtime = Runtime.open(Settings(database_url=memory_url(), clock="2026-05-20T09:00:00Z"))
    demo.load(runtime)
    with using(runtime):
        yield runtime
    runtime.close()


def table(app: AppTest, number: int = 0) -> dict[str, list[str]]:
    return with_tables(app).dataframe[number].value.to_dict("list")


def test_an_active_scope_tells_its_forecast_as_the_query_found_it(filled: Runtime) -> None:
    with filled.store.read() as connection:
        found = delivery_forecast(connection, LOCAL, OutcomeFilter(), filled.clock())
    one = found.scopes[0]
    app = opened("scopes", scope=one.scope_id)
    said = words(app)
    assert "Forecast" in said
    assert {day(one.finish.p50), day(one.finish.p85), percent(one.finish.on_time)} <= {t.value for t in app.text}
    assert f"From 1,000 runs over {found.finished_cycles} finished cycles. Seed 20260415" in said


def test_the_timeline_has_each_active_scopes_finish_and_money_in_its_table(filled: Runtime) -> None:
    with filled.store.read() as connection:
        found = delivery_forecast(connection, LOCAL, OutcomeFilter(), filled.clock())
    rows = table(opened("cycles"))
    finishes = {one.title: day(one.finish.p85) for one in found.scopes}
    assert dict(zip(rows["Scope"], rows["Finish, P85"], strict=True)) == finishes
    assert any("scheduled" in cell for cell in rows["Releases"])


def test_too_little_history_is_said_instead_of_a_number(told: Runtime) -> None:
    said = [str(info.value).replace("\\", "") for info in opened("scopes", scope="OSCOPE-26-000001").info]
    assert any("Too little history to forecast: 0 finished cycles here, and 8 are needed" in each for each in said)
    assert table(opened("cycles"))["Finish, P85"] == ["–", "–"]


def test_the_timeline_is_paged_in_the_address(filled: Runtime) -> None:
    app = opened("cycles", status="all", rows="50")
    assert "50 cycles of 69" in words(app)
    app = app.button(key="pager_next").click().run()
    assert not app.exception
    assert "19 cycles of 69" in words(app)
    assert app.query_params["after"]


def test_remediation_is_counted_by_scope_and_by_month(filled: Runtime) -> None:
    app = opened("cycles", view="remediation", status="all")
    said = words(app)
    assert "13 remediation cycles in 9 scopes of 37 (24 %); 0.35 a scope." in said
    assert "3 remediations" in said
    assert sum(int(n) for n in table(app)["Remediation cycles"]) == 13


@pytest.mark.parametrize(
    "params",
    [
        {"view": "x", "rows": "7", "after": "²", "by": "z"},
        {"view": "remediation", "after": "99999999", "organization": "nobody", "status": "lost"},
        {"view": "remediation", "after": "9999", "status": "all"},
        {"after": "1", "status": "all", "rows": "500"},
    ],
)
def test_whatever_stands_in_the_address_is_survived(filled: Runtime, params: dict[str, str]) -> None:
    assert "Cycles" in words(opened("cycles", **params))


@pytest.mark.parametrize("view", ["overview", "figures", "breakdown", "rejections", "criteria", "forecast"])
def test_every_view_of_the_outcomes_opens_filled_and_empty(filled: Runtime, view: str) -> None:
    app = opened("outcomes", view=view)
    assert not app.error
    assert app.get("plotly_chart") or view == "figures"
    assert "Outcomes" in words(opened("outcomes", view=view, tag="PROJ-99-999999"))


@pytest.mark.parametrize("side", ["organization", "workspace", "tag"])
def test_a_breakdown_has_a_row_for_each_and_the_way_to_it(filled: Runtime, side: str) -> None:
    app = opened("outcomes", view="breakdown", of=side)
    named = table(app)["Of"]
    assert named
    links = [link.proto.label.replace("\\", "") for link in app.get("page_link")]
    assert f"Only {named[0]}" in links


@pytest.mark.parametrize(("step", "first"), [("month", "2025-12"), ("quarter", "2025-Q4"), ("week", "2025-W49")])
def test_the_series_goes_by_month_quarter_or_week(filled: Runtime, step: str, first: str) -> None:
    assert table(opened("outcomes", step=step))["Period"][0] == first


def test_the_portfolio_is_told_as_the_query_found_it(filled: Runtime) -> None:
    with filled.store.read() as connection:
        found = delivery_forecast(connection, LOCAL, OutcomeFilter(), filled.clock())
    app = opened("outcomes", view="forecast")
    assert found.portfolio is not None
    assert {day(found.portfolio.p50), day(found.portfolio.p85)} <= {t.value for t in app.text}
    assert table(app)["Scope"] == [one.title for one in found.scopes]


def test_the_board_report_is_printed_at_a_click_and_kept_until_it_is_saved(filled: Runtime) -> None:
    app = opened("outcomes", **{"as": "executive"})
    app = app.button(key="pdf_outcomes").click().run()
    assert not app.exception
    assert app.session_state["pdf_outcomes_made"][1].startswith(b"%PDF-")


@pytest.mark.parametrize(
    "params",
    [
        {"view": "x", "step": "year", "trend": "z", "money": "XXX", "of": "colour"},
        {"view": "criteria", "band": "1-2", "from": "2026-05"},
        {"view": "breakdown", "of": "tag", "by": "nothing", "tag": "%"},
        {"view": "forecast", "organization": "nobody", "tag": "x"},
    ],
)
def test_whatever_stands_in_the_address_of_the_outcomes_is_survived(filled: Runtime, params: dict[str, str]) -> None:
    assert "Outcomes" in words(opened("outcomes", **params))


def page_links(app: AppTest) -> list[Any]:
    """The protocol messages of all links to pages."""
    return [each.proto for each in app.get("page_link")]


def test_every_figure_opens_the_list_of_exactly_what_it_is_made_of(filled: Runtime) -> None:
    figures = [each for each in page_links(opened("outcomes", view="figures")) if "figure=" in each.query_string]
    assert len(figures) == len([key for key in METRICS if not key.endswith("_p85")])
    for figure in figures:
        app = opened("outcomes", **dict(parse_qsl(figure.query_string)))
        count = int(figure.label.split()[0].replace(",", ""))
        rows = [each for each in page_links(app) if each.label.startswith("**")]
        assert figure.label in words(app), figure.query_string
        assert len(rows) == min(count, ROWS), figure.query_string


def test_a_list_behind_a_figure_has_pages_and_survives_any_address(filled: Runtime) -> None:
    params = {"figure": "review_turnaround_median", "from": "2024-01", "to": "2026-05"}
    first = {each.query_string for each in page_links(opened("outcomes", **params)) if each.label.startswith("**")}
    app = opened("outcomes", **params).button(key="pager_next").click().run()
    assert app.query_params["after"] in ("20", ["20"])
    assert first
    assert not first & {each.query_string for each in page_links(app) if each.label.startswith("**")}
    nothing = opened("outcomes", figure="win_rate", of="XXX", tag="PROJ-NONE")
    assert any("Nothing is behind this figure" in str(each.value).replace("\\", "") for each in nothing.markdown)
    assert "By quarter" in opened("outcomes", figure="nothing", after="²").radio(key="choose_step").options


def test_the_schedule_opens_on_what_is_still_to_be_paid(filled: Runtime) -> None:
    states = {look(s).label for s in (PaymentStatus.DUE, PaymentStatus.SCHEDULED)}
    for params, expected in (({}, states), ({"status": "paid"}, {"Paid"})):
        shown = [frame.value for frame in opened("payments", **params).dataframe if "Waits for" in frame.value]
        assert set(shown[0]["Status"]) == expected
    everything = opened("payments", status="all").dataframe[0].value
    assert "Paid" in set(everything["Status"])
    whole = opened("payments", scope="OSCOPE-26-000048").selectbox(key="choose_status")
    assert whole.value == "all"
