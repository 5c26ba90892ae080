"""The forecast among the payments: on demo engagements, on an empty store, on too little history, from any address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from ods_core import demo
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.queries.cash import CashFilter, cash_forecast
from ods_core.service import Runtime, using
from ods_core.ui.formats import money
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


def forecast(**params: str) -> AppTest:
    return opened("payments", view="forecast", **params)


def test_the_table_tells_what_the_query_found(filled: Runtime) -> None:
    with filled.store.read() as connection:
        found = cash_forecast(connection, LOCAL, CashFilter("USD"), filled.clock(), filled.service.review_days())
    app = forecast(currency="USD")
    table = with_tables(app).dataframe[0].value
    assert found.runs
    assert table["P85"].tolist()[-13:] == [money(bar.comes.p85, "USD") for bar in found.periods if bar.comes]
    assert table["Week"].tolist()[:2] == ["Overdue", "18 May"]
    assert money(found.overdue.due, "USD") == table["Overdue"].tolist()[0]
    sums = app.dataframe[1].value
    assert sums["P50"].tolist() == [money(b.comes.cumulative_p50, "USD") for b in found.periods if b.comes]
    said = words(app)
    assert f"Simulated 10,000 times over {found.finished_cycles} finished cycles" in said
    assert "Seed 20260415, as of 20 May 2026, 09:00 UTC" in said


def test_a_bar_opens_the_payments_behind_it(filled: Runtime) -> None:
    app = forecast(currency="USD")
    (chooser,) = [box for box in app.selectbox if box.label == "Show the payments behind"]
    app = chooser.select_index(1).run()
    assert not app.exception
    assert "overdue" in app.query_params["bar"]
    said = words(app)
    assert "days overdue" in said
    assert "the first payment's P50" in said
    assert "at P50, by" in said


def test_months_and_their_horizon_are_in_the_address(filled: Runtime) -> None:
    table = with_tables(forecast(currency="EUR", by="month", periods="3")).dataframe[0].value
    assert table["Month"].tolist()[-3:] == ["May 2026", "Jun 2026", "Jul 2026"]


@pytest.mark.parametrize(
    "params",
    [
        {"currency": "XXX", "by": "year", "periods": "x", "seed": "-1", "bar": "1999-01-01", "after": "9.x.9"},
        {"currency": "USD", "bar": "overdue", "after": "99", "seed": "99999999999", "organization": "nobody"},
        {"currency": "USD", "by": "month", "periods": "26", "seed": "²"},
    ],
)
def test_whatever_stands_in_the_address_is_survived(filled: Runtime, params: dict[str, str]) -> None:
    assert "Simulated 10,000 times" in words(forecast(**params))


def test_too_little_history_is_said_and_the_plan_stands(told: Runtime) -> None:
    app = forecast()
    assert "Too little history to simulate: 0 finished cycles here, and 8 are needed." in app.info[0].value.replace(
        "\\", ""
    )
    table = with_tables(app).dataframe[0].value
    assert "P50" not in table
    assert table["Overdue"].tolist()[0] == "$7,750.00"
    assert "$7,750.00" in table["Scheduled"].tolist()


def test_an_empty_store_says_where_payments_come_from(running: Runtime) -> None:
    assert "There is nothing to forecast yet." in words(forecast())
