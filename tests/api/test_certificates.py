"""Certificates over HTTP, in the shape that the description promises."""

from __future__ import annotations

from contextlib import closing

import pypdfium2
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


def text_of(pdf: bytes) -> str:
    """What a PDF says, as a reader takes it out."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)


def test_certificates_are_printed_the_same_each_time(engagement: Engagement) -> None:
    walk = engagement.ready()
    first = walk.deliverable_ids[0]
    early = walk.api.get(f"/deliverables/{first}/certificate.pdf")
    assert (early.status_code, early.json()["current_state"]) == (409, "ready_for_acceptance")
    for id in walk.deliverable_ids:
        walk.post(f"/deliverables/{id}/accept", {"accepted": True, "verdicts": [{"criterion": 1, "verdict": "met"}]})
    line = walk.get(f"/deliverables/{first}/certificate")["service_line_id"]
    for path, expected in (
        (f"/deliverables/{walk.deliverable_ids[-1]}", [walk.deliverable_ids[-1], "Met", "USD 7,750.00"]),
        (f"/service-lines/{line}", [*walk.deliverable_ids, line, "USD 15,500.00"]),
    ):
        answer = walk.api.get(f"{path}/certificate.pdf")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.content == walk.api.get(f"{path}/certificate.pdf").content
        said = text_of(answer.content)
        assert [text for text in expected if text not in said] == []


@pytest.mark.parametrize("path", ["/deliverables/DLV-26-999999", "/service-lines/LIN-26-999999"])
def test_what_is_not_there_has_no_certificate(engagement: Engagement, path: str) -> None:
    for ending in ("", ".pdf"):
        assert engagement.api.get(f"{path}/certificate{ending}").status_code == 404
