"""How calls go out, what becomes of refusals, and what is tried again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core import client as c
from ods_core.client import AsyncClient, Client
from ods_core.client.wire import retry_after
from tests.client.conftest import QUICK, Played, problem

Make = Callable[..., tuple[Client, Played]]

SCOPE = {
    "id": "OSCOPE-26-000009",
    "request_id": "OREQ-26-000041",
    "status": "pending_confirmation",
    "title": "Reliable webhooks",
    "deliverables": [],
    "cycles": [],
    "currency": "USD",
    "timeline_weeks": 3,
    "payment_terms": "100% on confirmation",
}
BIG = "9007199254740993.01"
"""More digits than a float has."""


def scope(price: str = "15500.00", **more: Any) -> httpx.Response:
    return httpx.Response(200, text=json.dumps({"data": SCOPE | more})[:-2] + f', "fixed_price": {price}}}}}')


def test_money_comes_back_to_the_last_digit(played: Make) -> None:
    ods, _ = played(scope(BIG))
    assert ods.get_scope("OSCOPE-26-000009").fixed_price == Decimal(BIG)


def test_money_goes_out_to_the_last_digit_and_dates_plain(played: Make) -> None:
    ods, play = played(httpx.Response(409, json={}), key="secret")
    with pytest.raises(c.NotAllowed):
        ods.record_receipt("PAY-26-000001", amount=Decimal(BIG), received_on=date(2026, 5, 1), reference="A")
    (asked,) = play.asked
    assert asked.content == b'{"amount":' + BIG.encode() + b',"received_on":"2026-05-01","reference":"A"}'
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.url.path == "/v1/capabilities/ods/payments/PAY-26-000001/receipts"


def test_a_float_is_refused_before_anything_is_sent(played: Make) -> None:
    ods, play = played()
    with pytest.raises(TypeError, match="/days/engineer"):
        ods.make_quote(deliverables=[{"title": "Fix", "days": {"engineer": 1.5}}])  # type: ignore[dict-item]
    assert play.asked == []


def test_an_id_cannot_lead_elsewhere(played: Make) -> None:
    ods, play = played(problem(404, "not_found"))
    with pytest.raises(c.NotFound):
        ods.get_scope("../requests?x=1#y")
    assert play.asked[0].url.raw_path == b"/v1/capabilities/ods/scopes/..%2Frequests%3Fx%3D1%23y"


def test_query_parameters_are_written_as_the_contract_has_them(played: Make) -> None:
    empty = httpx.Response(200, json={"data": [], "meta": {"cursor": None, "has_more": False}})
    ods, play = played(empty, empty)
    list(ods.list_payments(overdue=True, limit=5))
    since = datetime(2026, 4, 15, 12, tzinfo=UTC)
    list(ods.follow_events(type=["ods.payment.due", "ods.payment.paid"], from_=since))
    assert play.asked[0].url.query == b"overdue=true&limit=5"
    assert dict(play.asked[1].url.params.multi_items()) == {"type": "ods.payment.paid", "from": "2026-04-15T12:00:00Z"}
    assert play.asked[1].url.params.get_list("type") == ["ods.payment.due", "ods.payment.paid"]
    assert play.asked[1].url.path == "/v1/events"


def test_fields_that_are_not_known_yet_are_kept(played: Make) -> None:
    ods, _ = played(scope(colour="green"))
    assert ods.get_scope("OSCOPE-26-000009").model_extra == {"colour": "green"}


def test_what_a_server_does_not_tell_is_told_apart_from_what_is_none(played: Make) -> None:
    ods, _ = played(scope(confirmed_at=None))
    found = ods.get_scope("OSCOPE-26-000009")
    assert found.confirmed_at is found.completed_at is None
    assert "confirmed_at" in found.model_fields_set
    assert "completed_at" not in found.model_fields_set


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, c.Refused),
        (401, c.Unauthenticated),
        (403, c.Forbidden),
        (404, c.NotFound),
        (409, c.NotAllowed),
        (412, c.ChangedMeanwhile),
        (413, c.Refused),
        (422, c.Invalid),
        (428, c.EtagNeeded),
        (429, c.TooManyRequests),
        (500, c.ServerFailed),
        (503, c.ServerFailed),
    ],
)
def test_each_refusal_has_its_error(played: Make, status: int, kind: type[c.Refused]) -> None:
    ods, _ = played(*[problem(status, "some_code", current_state="active") for _ in range(QUICK.attempts)])
    with pytest.raises(c.Refused) as caught:
        ods.get_scope("OSCOPE-26-000009")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.detail, error.request_id) == (status, "some_code", "Because.", "r-1")
    assert error.current_state == "active"


def test_a_refusal_names_each_bad_place(played: Make) -> None:
    place = {"pointer": "/terms", "start": 3, "end": 9, "detail": "not a clause"}
    ods, _ = played(problem(422, "invalid_payment_terms", errors=[place]))
    with pytest.raises(c.Invalid) as caught:
        ods.parse_payment_terms(terms="no sense", fixed_price=100)
    (found,) = caught.value.errors
    assert (found.pointer, found.detail, found.model_extra) == ("/terms", "not a clause", {"start": 3, "end": 9})


def test_members_that_depend_on_the_code_are_kept(played: Make) -> None:
    text = '{"code": "amount_exceeds_open", "open": 7750.00, "currency": "USD"}'
    ods, _ = played(httpx.Response(409, text=text))
    with pytest.raises(c.NotAllowed) as caught:
        ods.record_receipt("PAY-26-000001", amount=9000, received_on=date(2026, 5, 1), reference="A")
    assert caught.value.extra == {"open": Decimal("7750.00"), "currency": "USD"}


def test_an_error_page_of_something_in_between_is_a_refusal_all_the_same(played: Make) -> None:
    ods, _ = played(httpx.Response(403, text="<html>Blocked</html>", headers={"X-Request-Id": "p-1"}))
    with pytest.raises(c.Forbidden) as caught:
        ods.get_scope("OSCOPE-26-000009")
    assert (caught.value.code, caught.value.request_id) == ("http_403", "p-1")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Welcome</html>"),
        httpx.Response(200, json=["data"]),
        httpx.Response(200, json={"data": {"id": "OSCOPE-26-000009"}}),
        httpx.Response(200, json={"data": None}),
        httpx.Response(302, headers={"Location": "http://elsewhere.test"}),
    ],
)
def test_an_answer_that_is_not_of_the_contract_says_so_once(played: Make, answer: httpx.Response) -> None:
    ods, play = played(answer)
    with pytest.raises(c.UnreadableAnswer):
        ods.get_scope("OSCOPE-26-000009")
    assert len(play.asked) == 1


FLAKY = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("cut"),
    problem(429, "too_many_requests"),
    problem(503, "store_unavailable"),
]


@pytest.mark.parametrize("trouble", FLAKY, ids=lambda t: type(t).__name__ + str(getattr(t, "status_code", "")))
def test_a_command_is_tried_again_under_the_same_key(played: Make, trouble: Any) -> None:
    """So that a server which carried it out, and whose answer was lost, does not carry it out twice."""
    confirmed = httpx.Response(200, json={"data": {"scope_id": "OSCOPE-26-000009", "status": "active"}})
    ods, play = played(trouble, trouble, confirmed)
    assert ods.confirm_scope("OSCOPE-26-000009", confirm=True).status == "active"
    keys = [request.headers["idempotency-key"] for request in play.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len({request.content for request in play.asked}) == 1


def test_two_commands_have_two_keys_and_a_given_key_is_kept(played: Make) -> None:
    done = httpx.Response(200, json={"data": {"scope_id": "OSCOPE-26-000009", "status": "active"}})
    ods, play = played(done, done, done)
    ods.confirm_scope("OSCOPE-26-000009", confirm=True)
    ods.confirm_scope("OSCOPE-26-000009", confirm=True)
    ods.confirm_scope("OSCOPE-26-000009", confirm=True, idempotency_key="order-4711")
    first, second, third = (request.headers["idempotency-key"] for request in play.asked)
    assert first != second
    assert third == "order-4711"


def test_reading_sends_no_key(played: Make) -> None:
    ods, play = played(scope())
    ods.get_scope("OSCOPE-26-000009")
    assert "idempotency-key" not in play.asked[0].headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 428])
def test_a_refusal_that_stays_one_is_not_tried_again(played: Make, status: int) -> None:
    ods, play = played(problem(status, "no"))
    with pytest.raises(c.Refused):
        ods.confirm_scope("OSCOPE-26-000009", confirm=True)
    assert len(play.asked) == 1


def test_what_never_succeeds_ends_with_its_own_error(played: Make) -> None:
    ods, play = played(*[httpx.ConnectTimeout("nobody") for _ in range(QUICK.attempts)])
    with pytest.raises(c.TimedOut):
        ods.get_scope("OSCOPE-26-000009")
    assert len(play.asked) == QUICK.attempts


def test_a_server_that_names_a_time_is_waited_for(played: Make) -> None:
    ods, _ = played(problem(503, "store_unavailable", {"Retry-After": "1"}), scope())
    began = time.monotonic()
    ods.get_scope("OSCOPE-26-000009")
    assert time.monotonic() - began >= 1


def test_a_wait_that_is_too_long_is_told_instead(played: Make) -> None:
    ods, play = played(problem(429, "too_many_requests", {"Retry-After": "3600"}))
    with pytest.raises(c.TooManyRequests) as caught:
        ods.get_scope("OSCOPE-26-000009")
    assert caught.value.retry_after == 3600
    assert len(play.asked) == 1


def test_retry_after_can_be_a_time() -> None:
    in_a_minute = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert retry_after("Wed, 15 Apr 2026 10:00:00 GMT") == 0
    assert retry_after("soon") is None


def listed(*ids: str, cursor: str | None = None) -> httpx.Response:
    rows = [{"id": id, "title": "T", "status": "pending"} for id in ids]
    return httpx.Response(200, json={"data": rows, "meta": {"cursor": cursor, "has_more": cursor is not None}})


def test_a_list_goes_on_to_its_end(played: Make) -> None:
    ods, play = played(listed("DLV-26-000003", "DLV-26-000002", cursor="c1"), listed("DLV-26-000001"))
    found = ods.list_deliverables(scope_id="OSCOPE-26-000009", limit=2)
    assert [d.id for d in found] == ["DLV-26-000003", "DLV-26-000002", "DLV-26-000001"]
    assert [request.url.params.get("cursor") for request in play.asked] == [None, "c1"]
    assert {request.url.params["scope_id"] for request in play.asked} == {"OSCOPE-26-000009"}


def test_a_list_is_read_no_further_than_it_is_wanted(played: Make) -> None:
    ods, play = played(listed("DLV-26-000003", cursor="c1"))
    page = ods.list_deliverables().page()
    assert ([d.id for d in page.data], page.meta.cursor) == (["DLV-26-000003"], "c1")
    assert len(play.asked) == 1


def test_a_list_that_leads_in_a_circle_ends_with_an_error(played: Make) -> None:
    ods, _ = played(listed("DLV-26-000003", cursor="c1"), listed("DLV-26-000003", cursor="c1"))
    with pytest.raises(c.UnreadableAnswer, match="cursor"):
        list(ods.list_deliverables())


def test_a_list_without_meta_is_its_own_end(played: Make) -> None:
    """The published contract of the first seven calls shows none."""
    ods, _ = played(httpx.Response(200, json={"data": [{"id": "DLV-26-000003", "title": "T", "status": "pending"}]}))
    assert [d.id for d in ods.list_deliverables()] == ["DLV-26-000003"]


def test_a_file_is_saved_whole_or_not_at_all(played: Make, tmp_path: Path) -> None:
    def torn() -> Any:
        yield b"%PDF-"
        raise httpx.ReadError("cut")

    ods, _ = played(
        httpx.Response(200, stream=Stream(torn())),
        httpx.Response(200, content=b"%PDF-1.7"),
        problem(403, "forbidden"),
    )
    target = tmp_path / "invoice.pdf"
    with pytest.raises(c.Unreachable):
        ods.print_invoice("INV-26-000001").save(target)
    assert list(tmp_path.iterdir()) == []
    assert ods.print_invoice("INV-26-000001").save(target).read_bytes() == b"%PDF-1.7"
    with pytest.raises(c.Forbidden):
        ods.print_invoice("INV-26-000001").save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["invoice.pdf"]


class Stream(httpx.SyncByteStream):
    """A body that comes from an iterator."""

    def __init__(self, pieces: Any) -> None:
        self.pieces = pieces

    def __iter__(self) -> Any:
        return self.pieces


def test_the_awaited_client_does_the_same(tmp_path: Path) -> None:
    """One description serves both; here the parts that are written for each: sending, paging, files, retries."""
    play = Played(
        httpx.ConnectError("refused"),
        httpx.Response(200, json={"data": {"scope_id": "OSCOPE-26-000009", "status": "active"}}),
        listed("DLV-26-000002", cursor="c1"),
        listed("DLV-26-000001"),
        problem(503, "busy"),
        httpx.Response(200, content=b"%PDF-1.7"),
        problem(404, "not_found"),
        *[httpx.ReadTimeout("slow") for _ in range(QUICK.attempts)],
    )

    async def walk() -> None:
        async with AsyncClient("http://ods.test", "k", retry=QUICK, transport=play.transport) as ods:
            assert (await ods.confirm_scope("OSCOPE-26-000009", confirm=True)).status == "active"
            assert [d.id async for d in ods.list_deliverables()] == ["DLV-26-000002", "DLV-26-000001"]
            saved = await ods.print_invoice("INV-26-000001").save(tmp_path / "invoice.pdf")
            assert saved.read_bytes() == b"%PDF-1.7"
            with pytest.raises(c.NotFound):
                await ods.print_invoice("INV-26-000002").read()
            with pytest.raises(c.TimedOut):
                await ods.get_scope("OSCOPE-26-000009")

    asyncio.run(walk())
    assert play.answers == []
    assert play.asked[0].headers["idempotency-key"] == play.asked[1].headers["idempotency-key"]
