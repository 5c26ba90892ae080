"""Outcome metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from ods_core.api.exchange import answer
from ods_core.api.files import as_of
from ods_core.api.shapes import DeliveryForecastShape, Outcomes
from ods_core.api.wiring import Asking, Running, one, router
from ods_core.queries.delivery import delivery_forecast, delivery_forecast_resource
from ods_core.queries.facts import keep_up
from ods_core.queries.outcomes import OutcomeFilter, Step, outcomes
from ods_core.queries.runs import SEED

routes = router("Metrics")

Month = Annotated[str | None, Query(description="A month such as 2026-04")]


@routes.get("/metrics/outcomes", responses=one(Outcomes, refusals=()))
def get_outcomes(
    run: Running,
    caller: Asking,
    start: Annotated[str | None, Query(alias="from", description="A month such as 2026-01")] = None,
    to: Month = None,
    organization_id: str | None = None,
    workspace_id: str | None = None,
    project_tag: str | None = None,
    currency: str | None = None,
    by: Step = Step.MONTH,
) -> Response:
    """Every metric over a period of months, with its series by month unless asked otherwise.

    `value` is null where `n` is 0. `by=quarter` names its parts `2026-Q2`, `by=week` `2026-W17`.
    """
    wanted = OutcomeFilter(start, to, organization_id, workspace_id, project_tag, currency)
    keep_up(run.store)
    with run.figures.read() as connection:
        moment = run.figures.moment(connection, run.clock())
        return answer(outcomes(connection, caller, wanted, moment, by), headers=as_of(moment))


@routes.get("/metrics/forecast", responses=one(DeliveryForecastShape, refusals=()))
def get_delivery_forecast(
    run: Running,
    caller: Asking,
    organization_id: str | None = None,
    workspace_id: str | None = None,
    project_tag: str | None = None,
    currency: str | None = None,
    seed: int = SEED,
) -> Response:
    """When the last active scope is finished by simulation, and the share of them expected on time.

    With fewer than 8 finished cycles nothing is simulated: `runs` is 0, and there are no dates.
    """
    wanted = OutcomeFilter(None, None, organization_id, workspace_id, project_tag, currency)
    with run.figures.read() as connection:
        moment = run.figures.moment(connection, run.clock())
        found = delivery_forecast(connection, caller, wanted, moment, seed)
        return answer(delivery_forecast_resource(found), headers=as_of(moment))
