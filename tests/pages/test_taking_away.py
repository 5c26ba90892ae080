"""What the Payments page lets people take away, and what it says across currencies."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.lifecycle import Confirm
from ods_core.service import Runtime, Service, Stage, using
from ods_core.store import Store
from ods_core.ui import downloads
from tests.databases import memory_url
from tests.pages.test_reading import opened, words
from tests.seed import seed_proposal, seed_request

RATES = """
base = "EUR"
as_of = 2026-01-02
source = "A test"
[rates]
USD = 1.25
JPY = 160
"""


@pytest.fixture
def told(store: Store, service: Service, clock: MovingClock, tmp_path: Path) -> Iterator[Runtime]:
    """Three engagements, one in each of two currencies with a rate, and one without."""
    for currency, price in (("USD", "15500.00"), ("JPY", "1000001"), ("KWD", "4321.125")):
        request_id = service.submit_request(
            LOCAL, seed_request(currency=currency, budget_max=Decimal(price))
        ).subject_id
        proposal = seed_proposal(currency=currency, fixed_price=Decimal(price), valid_until=date(2026, 5, 30))
        service.confirm(LOCAL, service.propose(LOCAL, request_id, proposal).subject_id, Confirm())
    (tmp_path / "exchange.toml").write_text(RATES, encoding="utf-8")
    settings = Settings(database_url=memory_url(), demo=False, exchange_rates=str(tmp_path / "exchange.toml"))
    with using(Runtime(settings, store, service, clock)) as replacement:
        yield replacement


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_nothing_is_added_across_currencies_unless_one_is_chosen(told: Runtime) -> None:
    assert set(metrics(opened("payments"))) == {"Open, USD", "Open, JPY", "Open, KWD"}


def test_a_chosen_currency_brings_one_sum_with_its_rates_their_day_and_what_was_left_out(told: Runtime) -> None:
    app = opened("payments", reporting="EUR")
    assert metrics(app)["Open across currencies, in EUR"] == "€9,325.01"  # 7,750.00 / 1.25 + 500,001 / 160
    said = words(app)
    assert "Rates of 2 Jan 2026" in said
    assert "1 JPY = 0.00625 EUR · 1 USD = 0.8 EUR. Source: A test." in said
    assert "No rate for KWD: left out of what is told in EUR." in said
    assert metrics(opened("payments", view="ageing", reporting="EUR")) == {
        "Open across currencies, in EUR": "€9,325.01"
    }


def test_a_currency_without_a_rate_in_the_address_adds_nothing(told: Runtime) -> None:
    assert "Open across currencies, in KWD" not in metrics(opened("payments", reporting="KWD"))


def test_rates_that_cannot_be_used_are_told_and_the_page_still_works(told: Runtime) -> None:
    Path(told.settings.exchange_rates).write_text("base = 1", encoding="utf-8")
    app = opened("payments", reporting="EUR")
    assert "The exchange rates cannot be used: exchange.toml: base: expected a valid string" in words(app)
    assert "Open, USD" in metrics(app)


def test_an_installation_has_a_reporting_currency_that_can_be_put_aside(told: Runtime) -> None:
    told.settings = told.settings.model_copy(update={"reporting_currency": "EUR"})
    assert "Open across currencies, in EUR" in metrics(opened("payments"))
    assert "Open across currencies, in EUR" not in metrics(opened("payments", reporting="none"))


def test_settings_show_the_rates(told: Runtime) -> None:
    app = opened("settings", view="rates")
    assert app.dataframe[0].value["Currency"].tolist() == ["EUR", "JPY", "USD"]
    assert "A test" in words(app)


@pytest.mark.parametrize("view", ["schedule", "ageing", "statement"])
def test_every_view_can_be_taken_away_by_finance_and_by_nobody_else(told: Runtime, view: str) -> None:
    finance = opened("payments", view=view, **{"as": "finance"})
    assert {"CSV", "XLSX"} <= {button.label for button in finance.button}
    executive = opened("payments", view=view, **{"as": "executive"})
    assert not {"CSV", "XLSX"} & {button.label for button in executive.button}


def test_a_short_list_is_made_at_the_click_and_held_until_it_would_be_another(told: Runtime) -> None:
    app = opened("payments", **{"as": "finance"})
    app.button(key="csv_payments").click().run()
    assert [button.proto.label for button in app.get("download_button")] == ["Save payments-2026-04-15.csv"]
    app.run()
    assert len(app.get("download_button")) == 1
    told.service.submit_request(LOCAL, seed_request())
    app.run()
    assert not app.get("download_button"), "what has happened since is not in it"


def test_a_long_list_is_written_beside_the_page_and_handed_over(told: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "AT_ONCE", 2)
    app = opened("payments", **{"as": "finance"})
    app.button(key="xlsx_payments").click().run()
    assert not app.exception
    token = app.query_params["prepared"]
    token = token[0] if isinstance(token, list) else token
    made = told.preparations.find(token)
    deadline = time.monotonic() + 30
    while made.stage == Stage.WRITING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert made.written is not None
    book = load_workbook(io.BytesIO(b"".join(made.written.chunks())))
    assert book["Schedule"].max_row == 7
    app.run()
    assert "is ready: 6 rows" in words(app)
    app.button(key="export_discard").click().run()
    assert "prepared" not in app.query_params
    assert "is ready" not in words(app)


def test_a_token_that_was_forgotten_leaves_the_page_as_it_is(told: Runtime) -> None:
    app = opened("payments", prepared="gone", **{"as": "finance"})
    assert "prepared" not in app.query_params
    assert "Open, USD" in metrics(app)
