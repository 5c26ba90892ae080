"""Invoices, statements and certificates as PDF, made when they are asked for."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from ods_core.api.files import described, require_exporter
from ods_core.api.wiring import Asking, Running, router
from ods_core.basics.records import invoice_number
from ods_core.basics.states import Kind
from ods_core.papers import deliverable_certificate_pdf, invoice_pdf, service_line_certificate_pdf, statement_pdf
from ods_core.queries import certificates
from ods_core.queries.lists import engagement_of

PDF = "application/pdf"

routes = router("Money")
_WHY = {
    403: "Exports are for the role `finance`",
    404: "No such thing for this caller",
    409: "Not accepted yet; `current_state` says where it stands",
    422: "An unknown query parameter",
}


def _print(*refusals: int) -> dict[int | str, Any]:
    return described((PDF,), _WHY, refusals)


@routes.get("/invoices/{id}.pdf", responses=_print(404, 422), response_class=Response)
def print_invoice(id: str, run: Running, caller: Asking) -> Response:
    """An invoice as it was issued, the same to the byte each time; one that was voided says so, and why."""
    with run.store.read() as connection:
        engagement = engagement_of(connection, caller, Kind.INVOICE, id)
    number = invoice_number(engagement.request.organization_id, engagement.invoice(id).serial)
    return _file(invoice_pdf(engagement, id), f"{number}.pdf")


@routes.get("/scopes/{id}/statement.pdf", responses=_print(403, 404, 422), response_class=Response)
def print_statement(id: str, run: Running, caller: Asking) -> Response:
    """What became of one scope's price: its payments, receipts and invoices as of now."""
    require_exporter(caller)
    with run.store.read() as connection:
        engagement = engagement_of(connection, caller, Kind.SCOPE, id)
    now = run.clock()
    made = statement_pdf(engagement, id, run.service.policy.parties, now, run.service.review_days())
    return _file(made, f"statement-{id}-{now:%Y-%m-%d}.pdf")


@routes.get("/deliverables/{id}/certificate.pdf", responses=_print(404, 409, 422), response_class=Response)
def print_certificate(id: str, run: Running, caller: Asking) -> Response:
    """The certificate of an accepted deliverable: criteria, verdicts, evidence, who, when, what was released."""
    with run.store.read() as connection:
        told = certificates.of_deliverable(connection, caller, id)
    return _file(deliverable_certificate_pdf(told, run.service.policy.parties), f"certificate-{id}.pdf")


@routes.get("/service-lines/{id}/certificate.pdf", responses=_print(404, 409, 422), response_class=Response)
def print_service_line_certificate(id: str, run: Running, caller: Asking) -> Response:
    """The certificate of a completed engagement: each of its deliverables, and every payment of it."""
    with run.store.read() as connection:
        told = certificates.of_service_line(connection, caller, id)
    return _file(service_line_certificate_pdf(told, run.service.policy.parties), f"certificate-{id}.pdf")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=PDF, headers=headers)
