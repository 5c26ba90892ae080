"""Settings → Webhooks: adding, seeing how it goes, and everything that can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.events import EventType
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.basics.states import DeliveryStatus
from ods_core.basics.webhooks import DeliveryAttempt, Endpoint
from ods_core.queries.webhooks import endpoint, endpoint_page
from ods_core.service import Runtime, using
from ods_core.store import outbox
from tests.pages.test_every_page import NOW, opened

URL = "https://8.8.8.8/hooks/ods"


@pytest.fixture
def run() -> Iterator[Runtime]:
    """A runtime with nothing in it."""
    made = Runtime.open(Settings(database_url="duckdb:///:memory:", clock=NOW))
    with using(made):
        yield made
    made.close()


def page(**params: str) -> AppTest:
    app = opened("settings", view="webhooks", **{"as": "administrator"} | params)
    assert not app.exception, [error.message for error in app.exception]
    return app


def one(run: Runtime, types: tuple[str, ...] = ("*",)) -> Endpoint:
    return run.webhooks.add(LOCAL, URL, types)[0]


def now(run: Runtime, id: str) -> Endpoint:
    with run.store.read() as connection:
        return endpoint(connection, LOCAL, id)[0]


def attempted(run: Runtime, id: str, count: int) -> None:
    """Write a log of attempts: the newest delivered, the others failed."""
    at = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)
    progress = outbox.Progress.none()
    for n in range(1, count + 1):
        status = DeliveryStatus.DELIVERED if n == count else DeliveryStatus.FAILED
        answer = (204, "") if n == count else (None, "no answer in time") if n % 2 else (503, "")
        kind = EventType.PAYMENT_DUE
        when = at + timedelta(seconds=n)
        progress.attempts.append(
            DeliveryAttempt(n, id, f"EVT-26-{n:06d}", kind, n, n, False, status, *answer, 40 + n, when, None)
        )
    with run.store.write_aside() as connection:
        progress.write(connection)


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.success, *app.warning, *app.info, *app.text, *app.error, *app.header]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_nobody_is_told_yet_and_only_an_administrator_changes_that(run: Runtime) -> None:
    assert "Nobody is told of events yet" in said(page())
    app = page(**{"as": "finance"})
    assert "looked after by administrators" in said(app)
    assert not app.text_input


def test_an_endpoint_is_added_and_its_secret_is_shown_once(run: Runtime) -> None:
    app = page()
    app.text_input(key="webhook_url").set_value(URL)
    app.multiselect(key="webhook_types").set_value(["ods.payment.due"])
    next(b for b in app.button if b.label == "Add the endpoint").click()
    app.run()
    with run.store.read() as connection:
        ((made, _),) = endpoint_page(connection, LOCAL).items
    assert (made.url, made.event_types) == (URL, ("ods.payment.due",))
    assert [code.value for code in app.code] == [made.secret]
    assert "Payment due" in said(app)
    app.button(key="secret_copied").click().run()
    assert not app.code
    assert not page().code


def test_an_address_inside_is_refused_and_what_was_typed_stays(run: Runtime) -> None:
    app = page()
    app.text_input(key="webhook_url").set_value("http://169.254.169.254/")
    app.multiselect(key="webhook_types").set_value(["*"])
    next(b for b in app.button if b.label == "Add the endpoint").click()
    app.run()
    assert "not a public address" in said(app)
    assert app.text_input(key="webhook_url").value == "http://169.254.169.254/"


def test_an_endpoint_shows_how_it_is_doing_and_its_log_in_pages(run: Runtime) -> None:
    made = one(run)
    attempted(run, made.id, 30)
    assert "last 204" in said(page())
    app = page(endpoint=made.id)
    assert not app.error
    (log,) = [frame.value for frame in app.dataframe]
    assert len(log) == 25
    assert log.iloc[0].to_dict() | {"When": ""} == {
        "When": "",
        "Result": "Delivered",
        "Answer": "204",
        "Took": "70 ms",
        "Event": "EVT-26-000030",
        "What": "Payment due",
        "Attempt": "30",
        "Next attempt": "–",
    }
    assert set(log["Answer"]) == {"204", "503", "no answer in time"}
    app.button(key="pager_next").click().run()
    (log,) = [frame.value for frame in app.dataframe]
    assert len(log) == 5
    app.selectbox(key="choose_delivered").select("delivered").run()
    (log,) = [frame.value for frame in app.dataframe]
    assert list(log["Event"]) == ["EVT-26-000030"]


def test_a_test_is_sent_and_an_endpoint_is_disabled_and_enabled(run: Runtime) -> None:
    made = one(run)
    app = page(endpoint=made.id)
    app.button(key="endpoint_test").click().run()
    assert "A test is on its way" in said(app)
    with run.store.read() as connection:
        told = [event.type for event in outbox.events_after(connection, 0, 10)]
    assert told[-1] == EventType.ENDPOINT_TEST
    app.button(key="endpoint_disable").click().run()
    assert not now(run, made.id).is_enabled
    assert "Disabled on 20 May 2026" in said(app)
    app.button(key="endpoint_enable").click().run()
    assert now(run, made.id).is_enabled
    assert not app.exception


def test_a_new_secret_and_a_deletion_are_asked_for_twice(run: Runtime) -> None:
    made = one(run)
    app = page(endpoint=made.id)
    app.button(key="endpoint_rotate").click().run()
    assert now(run, made.id).secret == made.secret, "asking changes nothing"
    app.button(key="endpoint_rotate_yes").click().run()
    fresh = now(run, made.id)
    assert fresh.previous_secret == made.secret
    assert [code.value for code in app.code] == [fresh.secret]
    app.button(key="endpoint_delete").click().run()
    app.button(key="endpoint_delete_yes").click().run()
    with run.store.read() as connection:
        assert endpoint_page(connection, LOCAL).items == []
    assert "was deleted" in said(app)
    assert "endpoint" not in app.query_params


def test_something_is_sent_again(run: Runtime) -> None:
    made = one(run)
    app = page(endpoint=made.id)

    def send(**values: object) -> str:
        app.text_input(key="replay_event").set_value(values.get("event", ""))
        app.date_input(key="replay_from").set_value(values.get("first"))
        next(b for b in app.button if b.label == "Send again").click()
        app.run()
        assert not app.exception
        return said(app)

    assert "Expected an event, or the day" in send()
    assert "there is no event EVT-26-999999" in send(event="EVT-26-999999")
    assert "EVT-26-000001 is sent again" in send(event="EVT-26-000001")
    assert "1 event of those days" in send(first=datetime(2026, 5, 20, tzinfo=UTC).date())
    with run.store.read() as connection:
        assert len(outbox.courses(connection)) == 3, "the live one, and two replays"


def test_a_link_to_an_endpoint_opens_it_and_one_to_nothing_says_so(run: Runtime) -> None:
    made = one(run)
    app = opened("settings", **{"as": "administrator", "endpoint": made.id})
    assert URL in said(app)
    gone = opened("settings", **{"as": "administrator", "endpoint": "WHK-26-999999"})
    assert [title.value for title in gone.title][-1] == "There is nothing here"
