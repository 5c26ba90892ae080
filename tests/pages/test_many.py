"""What pages show where there are more engagements, or more debtors, than a person reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.queries.timeline import LISTED
from ods_core.service import Runtime
from tests.pages.test_reading import opened, with_tables, words
from tests.queries.history import Teller

ODD = "The one with the falcon"


@pytest.fixture
def many(running: Runtime, clock: MovingClock) -> Runtime:
    """Engagements of as many organisations, more than a list shows; the oldest has a title of its own."""
    teller = Teller(running.service, clock)
    with running.service.store.write():
        for number in range(LISTED + 5):
            title = ODD if number == 0 else f"Outcome {number}"
            teller.running(
                datetime(2026, 5, 1, 10, tzinfo=UTC),
                title=title,
                organization_id=f"ORG-26-{number + 1:06d}",
                payment_terms="20% on confirmation, 80% on final acceptance",
            )
    clock.move_to(datetime(2026, 6, 20, 10, tzinfo=UTC))
    return running


def listed(app: AppTest) -> list[str]:
    return [*app.selectbox(key="choose_scope").options]


def test_a_short_list_needs_no_search(running: Runtime, clock: MovingClock) -> None:
    Teller(running.service, clock).running(datetime(2026, 5, 1, 10, tzinfo=UTC))
    app = opened("payments", view="statement")
    assert "choose_find" not in [field.key for field in app.text_input]
    assert len(listed(app)) == 1


def test_only_so_many_are_listed_and_the_others_are_found_by_their_title(many: Runtime) -> None:
    app = opened("payments", view="statement")
    assert len(listed(app)) == LISTED
    assert not any(ODD in label for label in listed(app))
    app.text_input(key="choose_find").set_value("FALCON").run()
    assert [ODD in label for label in listed(app)] == [True]
    assert "Price $15,500.00" in words(app)
    app.text_input(key="choose_find").set_value("no such words").run()
    assert "No confirmed engagement has “no such words” in its title" in words(app)
    assert not app.exception


def test_the_engagement_that_the_address_names_is_shown_however_old_it_is(many: Runtime) -> None:
    app = opened("payments", view="statement", scope="OSCOPE-26-000001")
    assert ODD in listed(app)[0]
    assert len(listed(app)) == LISTED + 1
    assert app.selectbox(key="choose_scope").value == "OSCOPE-26-000001"
    assert ODD in listed(opened("cycles", scope="OSCOPE-26-000001"))[1]


def test_ageing_shows_the_largest_debtors_and_the_others_together(many: Runtime) -> None:
    app = opened("payments", view="ageing")
    (table,) = [frame.value for frame in with_tables(app).dataframe if "Organisation" in frame.value]
    assert len(table) == 20
    assert table["Organisation"].iloc[-1] == f"{LISTED + 5 - 19} others"
    assert table["Total"].iloc[-1] == "$111,600.00"
    assert "USD · $170,500.00 open" in words(app)
