"""The delivery forecast over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ods_core.api.shapes import DeliveryForecastShape, ScopeForecastShape
from tests.api.conftest import Engagement

pytestmark = pytest.mark.server


def test_an_active_scope_is_forecast_or_says_that_too_little_is_known(api: httpx.Client) -> None:
    engagement = Engagement(api).confirmed()
    told = ScopeForecastShape.model_validate(engagement.get(f"/scopes/{engagement.scope['id']}/forecast"))
    assert told.scope_id == engagement.scope["id"]
    assert told.finished_cycles_needed == 8
    assert (told.p50 is None) == (told.runs == 0) == (told.finished_cycles < 8)
    whole = DeliveryForecastShape.model_validate(engagement.get("/metrics/forecast?currency=USD"))
    assert whole.active_scopes >= 1
    assert whole.finished_cycles == told.finished_cycles


def test_a_scope_that_nobody_knows_is_not_forecast(api: httpx.Client) -> None:
    assert api.get("/scopes/OSCOPE-26-999999/forecast").status_code == 404


@pytest.mark.parametrize("path", ["/metrics/forecast", "/scopes/{}/forecast"])
@pytest.mark.parametrize("seed", [-1, 2**32, "x"])
def test_a_seed_that_is_none_is_refused_at_its_place(api: httpx.Client, path: str, seed: Any) -> None:
    id = Engagement(api).confirmed().scope["id"] if "{}" in path else ""
    answer = api.get(path.format(id), params={"seed": seed})
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == ["/seed"]
