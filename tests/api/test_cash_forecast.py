"""The cash forecast over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from ods_core.api.shapes import CashForecastShape
from tests.api.conftest import Engagement

pytestmark = pytest.mark.server


def test_a_new_server_tells_the_plan_and_that_it_knows_too_little(api: httpx.Client) -> None:
    scope_id = Engagement(api).confirmed().scope["id"]
    mine = {p["id"] for p in api.get("/payments", params={"scope_id": scope_id}).json()["data"]}
    answer = api.get("/payments/forecast", params={"currency": "USD", "by": "month", "periods": 12})
    assert answer.status_code == 200
    told = CashForecastShape.model_validate(answer.json()["data"])
    bars = [told.overdue, *told.periods, told.later]
    assert mine <= {id for bar in bars for id in bar.payment_ids}
    assert sum(bar.due + bar.scheduled for bar in bars) % Decimal("0.01") == 0
    assert told.periods[0].start == datetime.now(UTC).date().replace(day=1)
    if told.finished_cycles < told.finished_cycles_needed:
        assert told.runs == 0
        assert told.periods[0].p50 is None


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({}, "/currency"),
        ({"currency": "XXQ"}, "/currency"),
        ({"currency": "USD", "by": "year"}, "/by"),
        ({"currency": "USD", "periods": 27}, "/periods"),
        ({"currency": "USD", "seed": -1}, "/seed"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(api: httpx.Client, params: dict[str, str], pointer: str) -> None:
    answer = api.get("/payments/forecast", params=params)
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]
