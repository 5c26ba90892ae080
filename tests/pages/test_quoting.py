"""Calculating a price in the proposal builder, taking it over, asking to negotiate, and reading it on the scope."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL, PERSONAS
from ods_core.basics.states import Kind, RequestStatus
from ods_core.lifecycle import Decline
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime
from tests.seed import seed_estimate, seed_proposal, seed_request

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
REQUEST, SCOPE = "OREQ-26-000001", "OSCOPE-26-000001"
PROVIDERS = {"provider", "administrator"}


def opened(page: str, persona: str = "provider", **params: str) -> AppTest:
    """A page at an address."""
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.switch_page(f"{page}.py")
    for name, value in ({"as": persona} | params).items():
        app.query_params[name] = value
    return app.run()


def builder(running: Runtime, **bounds: Any) -> AppTest:
    """The proposal builder on the documented request, with other bounds."""
    running.service.submit_request(LOCAL, seed_request(**bounds))
    return opened("intake", request=REQUEST, view="propose")


def field(app: AppTest, label: str) -> Any:
    fields = [*app.number_input, *app.text_input, *app.text_area, *app.selectbox]
    return next(element for element in fields if element.label == label)


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.warning, *app.error, *app.text]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("*", "")


def lines(app: AppTest) -> dict[str, str]:
    """What the table of a quote says: each line and its amount."""
    table = next(frame.value for frame in app.dataframe if "Day rate" in frame.value.columns)
    return dict(zip(table["What"], table["Amount"], strict=True))


def quoted(app: AppTest) -> AppTest:
    """With six days of an engineer and three of a lead: 7,020.00 and a tenth, rounded up to 7,750.00."""
    field(app, "Software engineer").set_value(6.0).run()
    return field(app, "Lead engineer").set_value(3.0).run()


def stored(runtime: Runtime) -> Engagement:
    with runtime.store.read() as connection:
        return engagement_of(connection, LOCAL, Kind.REQUEST, REQUEST)


def links(app: AppTest) -> list[str]:
    return [element.proto.label.replace("\\", "") for element in app.get("page_link")]


def test_the_price_appears_with_every_line_as_days_are_typed_and_is_taken_over_in_one_step(running: Runtime) -> None:
    app = builder(running)
    assert "The price appears here once there are days" in words(app)
    app = quoted(app)
    assert lines(app) == {
        "Deliverable 1: Software engineer": "$4,200.00",
        "Deliverable 1: Lead engineer": "$2,820.00",
        "The work": "$7,020.00",
        "Contingency 10%": "$702.00",
        "Rounded up": "$28.00",
        "Price": "$7,750.00",
    }
    assert "Within the request's bounds, $10,250.00 below its budget." in words(app)
    app.button(key="use_price").click().run()
    assert not app.exception
    assert (field(app, "Fixed price (USD)").value, field(app, "Timeline (weeks)").value) == ("7,750.00", 1)
    schedule = next(frame.value for frame in app.dataframe if "Payment" in frame.value.columns)
    assert list(schedule["Amount"]) == ["$3,875.00", "$3,875.00"]
    assert "Adjusted by hand" not in words(app)


def test_the_presented_proposal_keeps_the_quote_and_a_rounded_price_is_said(running: Runtime) -> None:
    app = quoted(builder(running))
    field(app, "Title of deliverable 1").input("The fix").run()
    [description] = [area for area in app.text_area if area.label == "Description"]
    description.input("Find the cause and repair it.").run()
    field(app, "Acceptance criteria (one a line)").input("Below 0.1 % at twice the load.").run()
    field(app, "Fixed price (USD)").input("7,700").run()
    assert "Adjusted by hand: $50.00 below the quote's $7,750.00." in words(app)
    app.button(key="present").click().run()
    assert not app.exception
    scope = stored(running).scopes[-1]
    assert scope.quote is not None
    assert (scope.quote.price.amount, scope.fixed_price) == (Decimal(7750), Decimal(7700))
    assert scope.quote.deliverables[0].title == "The fix"


def test_where_it_does_not_fit_what_would_is_one_step_from_the_negotiation(running: Runtime) -> None:
    app = quoted(builder(running, budget_max=Decimal(5000)))
    assert "This is $2,750.00 more than the request allows. What would fit:" in words(app)
    assert "More money: $7,750.00 in 1 week" in words(app)
    assert "Ask to negotiate: $7,750.00, 1 week" in links(app)
    asked = opened("intake", request=REQUEST, view="negotiate", price="7750.00", weeks="1")
    assert field(asked, "Price that would fit (USD)").value == "7750.00"
    assert field(asked, "Weeks that would fit").value == 1
    asked.button(key="do_it").click().run()
    assert not asked.exception
    request = stored(running).request
    assert request.status == RequestStatus.REQUIRES_NEGOTIATION
    assert (request.negotiation_price, request.negotiation_weeks) == (Decimal(7750), 1)
    assert request.negotiation_reason == "As we estimate the work, the whole outcome comes to $7,750.00 in 1 week."


@pytest.mark.parametrize(
    ("price", "weeks"),
    [("many", "1"), ("NaN", "1"), ("-5", "1"), ("1e99", "1"), ("7750.001", "1"), ("5", "0"), ("5", "x")],
)
def test_an_address_that_somebody_mistyped_fills_nothing_in(running: Runtime, price: str, weeks: str) -> None:
    running.service.submit_request(LOCAL, seed_request())
    app = opened("intake", request=REQUEST, view="negotiate", price=price, weeks=weeks)
    assert not app.exception
    assert field(app, "Price that would fit (USD)").value == ""
    assert field(app, "Weeks that would fit").value is None


def test_an_estimate_survives_a_refresh(running: Runtime) -> None:
    app = quoted(builder(running))
    draft = app.query_params["draft"]
    again = opened("intake", request=REQUEST, view="propose", draft=draft if isinstance(draft, str) else draft[0])
    assert field(again, "Lead engineer").value == 3.0
    assert lines(again)["Price"] == "$7,750.00"


def test_days_that_are_no_quarters_and_a_deliverable_without_any_are_said(running: Runtime) -> None:
    app = builder(running)
    app.button(key="add_deliverable").click().run()
    field(app, "Software engineer").set_value(0.3).run()
    assert "Deliverable 1: expected days in quarters" in words(app)
    assert "Deliverable 2: expected the days of at least one role" in words(app)


def test_a_currency_without_rates_leaves_the_price_to_be_typed(running: Runtime) -> None:
    app = builder(running, currency="CHF")
    assert "The rate card has no rates in CHF, only in EUR, JPY, KWD, USD." in words(app)
    assert not [button for button in app.button if button.key == "use_price"]


def test_the_next_revision_begins_with_the_estimate_of_the_one_before(running: Runtime) -> None:
    running.service.submit_request(LOCAL, seed_request())
    given = seed_estimate(discount=Decimal("2.5"))
    running.service.propose(LOCAL, REQUEST, seed_proposal(estimate=given))
    running.service.decline(LOCAL, SCOPE, Decline("Cheaper, please."))
    app = opened("intake", request=REQUEST, view="propose")
    assert (field(app, "Discount (%)").value, field(app, "Team, days a week").value) == (2.5, 7.5)
    kept = stored(running).scopes[-1].quote
    assert kept is not None
    assert lines(app)["Price"] == f"${kept.price.amount:,}"


@pytest.mark.parametrize("persona", [p.key for p in PERSONAS])
def test_only_the_providers_side_reads_how_a_price_came_about(running: Runtime, persona: str) -> None:
    running.service.submit_request(LOCAL, seed_request())
    proposal = seed_proposal(estimate=seed_estimate(), fixed_price=Decimal(15450))
    running.service.propose(LOCAL, REQUEST, proposal)
    app = opened("scopes", persona, scope=SCOPE)
    assert not app.exception
    expanders = [expander.label for expander in app.expander]
    assert ("How the price came about" in expanders) == (persona in PROVIDERS)
    if persona in PROVIDERS:
        shown = lines(app)
        assert (shown["Price"], shown["Adjusted by hand"], shown["Fixed price"]) == (
            "$15,500.00",
            "-$50.00",
            "$15,450.00",
        )
    else:
        assert "Lead engineer" not in words(app) + "".join(frame.value.to_string() for frame in app.dataframe)


@pytest.mark.parametrize("persona", [p.key for p in PERSONAS])
def test_settings_show_the_rate_card_to_the_providers_side(running: Runtime, persona: str) -> None:
    app = opened("settings", persona, view="rate_card")
    assert not app.exception
    tables = [frame.value for frame in app.dataframe]
    if persona not in PROVIDERS:
        assert tables == []
        return
    [rates] = tables
    assert list(rates.columns) == ["Role", "EUR", "JPY", "KWD", "USD"]
    assert dict(zip(rates["Role"], rates["USD"], strict=True))["Lead engineer"] == "$940.00"
    assert rates.iloc[-1].to_list() == ["Prices are rounded up to", "€50.00", "¥5,000", "KWD 10.000", "$50.00"]
    assert "1 Jan 2026" in words(app)
