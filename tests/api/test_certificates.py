"""Certificates over HTTP, in the shape that the description promises."""

from __future__ import annotations

import pytest

from ods_core.api.shapes import CertificateShape, ServiceLineCertificateShape
from tests.api.conftest import Engagement

pytestmark = pytest.mark.server


def test_certificates_are_there_once_everything_is_accepted(engagement: Engagement) -> None:
    walk = engagement.ready()
    first = walk.deliverable_ids[0]
    early = walk.api.get(f"/deliverables/{first}/certificate")
    assert (early.status_code, early.json()["current_state"]) == (409, "ready_for_acceptance")
    for id in walk.deliverable_ids:
        line = walk.get(f"/cycles/{walk.scope['cycles'][0]['id']}")["service_line_id"]
        assert walk.api.get(f"/service-lines/{line}/certificate").status_code == 409
        walk.post(f"/deliverables/{id}/accept", {"accepted": True, "verdicts": [{"criterion": 1, "verdict": "met"}]})
    shown = walk.get(f"/deliverables/{walk.deliverable_ids[-1]}/certificate")
    CertificateShape.model_validate(shown)
    assert [p["amount"] for p in shown["released"]] == [7750.00]
    assert [c["verdict"] for c in shown["criteria"]] == ["met"]
    whole = walk.get(f"/service-lines/{line}/certificate")
    ServiceLineCertificateShape.model_validate(whole)
    assert [d["deliverable_id"] for d in whole["deliverables"]] == walk.deliverable_ids
    assert sum(p["amount"] for p in whole["released"]) == whole["scope"]["fixed_price"]


@pytest.mark.parametrize("path", ["/deliverables/DLV-26-999999", "/service-lines/LIN-26-999999"])
def test_what_is_not_there_has_no_certificate(engagement: Engagement, path: str) -> None:
    assert engagement.api.get(f"{path}/certificate").status_code == 404
