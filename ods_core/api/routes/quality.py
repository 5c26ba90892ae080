"""The quality gate: what criteria, and a rejection that is not given yet, would be better without."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import CriteriaBody, RejectionReasonBody
from ods_core.api.exchange import answer
from ods_core.api.shapes import CheckedCriteriaShape, CheckedReasonShape
from ods_core.api.wiring import Asking, Running, one, router
from ods_core.basics.states import Kind
from ods_core.quality import check_criteria
from ods_core.queries.lists import engagement_of
from ods_core.service.gate import checked_resource, findings_of, warning

routes = router("Quality")


@routes.post("/criteria/check", responses=one(CheckedCriteriaShape, refusals=()))
def check_given_criteria(body: CriteriaBody, caller: Asking) -> Response:
    """What each criterion would be better without, and how good it is; nothing is changed or kept."""
    return answer(checked_resource(check_criteria(body.criteria)))


@routes.post("/reasons/check", responses=one(CheckedReasonShape))
def check_given_reason(body: RejectionReasonBody, run: Running, caller: Asking) -> Response:
    """What a rejection of this deliverable would be better without; nothing is decided."""
    with run.store.read() as connection:
        engagement = engagement_of(connection, caller, Kind.DELIVERABLE, body.deliverable_id)
    d = engagement.deliverable(body.deliverable_id)
    findings = findings_of(d, engagement.attempts_of(d.id), body.rejection_reason, body.not_met())
    return answer({"findings": [warning(finding) for finding in findings]})
