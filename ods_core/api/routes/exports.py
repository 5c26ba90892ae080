"""Lists to take away: the whole of one as CSV or XLSX, with the filters of its list and none of its pages."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.responses import Response

from ods_core.api.files import described, exported, reporting_in, sent
from ods_core.api.wiring import Asking, Running, links, router
from ods_core.basics.checks import Checks
from ods_core.basics.errors import NotFound
from ods_core.basics.states import InvoiceStatus, PaymentStatus
from ods_core.papers import Format
from ods_core.queries.exports import ageing_paper, invoices_paper, receipts_paper, schedule_paper, statement_paper
from ods_core.queries.invoiced import InvoiceFilter
from ods_core.queries.ledger import ReceiptFilter
from ods_core.queries.payments import PaymentFilter
from ods_core.service import Stage

routes = router("Exports")
by_link = links("Exports")

_WHY = {
    403: "Exports are for the role `finance`",
    404: "No such thing for this caller",
    422: "Values that cannot be right; `errors` names each place",
    429: "As many exports are being written as this server writes at once",
    503: "The exchange rates cannot be used",
}


def _file(*refusals: int) -> dict[int | str, Any]:
    return described((format.media_type for format in Format), _WHY, refusals)


_LISTED = _file(403, 422, 429, 503)
Ending = Annotated[Format, Path(description="`csv` or `xlsx`")]
InCurrency = Annotated[
    str | None, Query(description="A currency of the exchange rates: adds a column, a total and the rates")
]


@routes.get("/payments.{format}", responses=_LISTED, response_class=Response)
def export_payments(
    format: Ending,
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    organization_id: str | None = None,
    status: PaymentStatus | None = None,
    currency: str | None = None,
    overdue: bool | None = None,
    reporting_currency: InCurrency = None,
) -> Response:
    """Every payment milestone that the filters of `GET /payments` let through, those of a scope together."""
    wanted = PaymentFilter(
        organization_id=organization_id,
        currency=currency,
        statuses=(status,) if status else (),
        overdue=overdue,
        scope_id=scope_id,
    )
    reporting = reporting_in(run, reporting_currency)
    usual = run.service.review_days()
    make = partial(schedule_paper, caller=caller, wanted=wanted, review_days=usual, reporting=reporting)
    return exported(run, caller, make, format, "payments")


@routes.get("/ageing.{format}", responses=_LISTED, response_class=Response)
def export_ageing(
    format: Ending,
    run: Running,
    caller: Asking,
    organization_id: str | None = None,
    currency: str | None = None,
    reporting_currency: InCurrency = None,
) -> Response:
    """What is open by organisation, currency and days past due."""
    wanted = PaymentFilter(organization_id=organization_id, currency=currency)
    reporting = reporting_in(run, reporting_currency)
    make = partial(ageing_paper, caller=caller, wanted=wanted, reporting=reporting)
    return exported(run, caller, make, format, "ageing")


@routes.get("/receipts.{format}", responses=_LISTED, response_class=Response)
def export_receipts(
    format: Ending,
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    organization_id: str | None = None,
    currency: str | None = None,
    first: Annotated[date | None, Query(alias="from", description="Received on this day or later")] = None,
    last: Annotated[date | None, Query(alias="to", description="Received on this day or earlier")] = None,
    reporting_currency: InCurrency = None,
) -> Response:
    """Every receipt and reversal, in the order in which they were booked."""
    _check_period(first, last)
    wanted = ReceiptFilter(organization_id, currency, first, last, scope_id)
    reporting = reporting_in(run, reporting_currency)
    make = partial(receipts_paper, caller=caller, wanted=wanted, reporting=reporting)
    return exported(run, caller, make, format, "receipts")


@routes.get("/invoices.{format}", responses=_LISTED, response_class=Response)
def export_invoices(
    format: Ending,
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    organization_id: str | None = None,
    status: InvoiceStatus | None = None,
    currency: str | None = None,
    first: Annotated[date | None, Query(alias="from", description="Issued on this day or later")] = None,
    last: Annotated[date | None, Query(alias="to", description="Issued on this day or earlier")] = None,
    reporting_currency: InCurrency = None,
) -> Response:
    """Every invoice, voided ones too, in the order of issue."""
    _check_period(first, last)
    wanted = InvoiceFilter(organization_id, currency, status, first, last, scope_id)
    reporting = reporting_in(run, reporting_currency)
    make = partial(invoices_paper, caller=caller, wanted=wanted, reporting=reporting)
    return exported(run, caller, make, format, "invoices")


@routes.get("/scopes/{id}/statement.{format}", responses=_file(403, 404, 422, 429, 503), response_class=Response)
def export_statement(
    id: str, format: Ending, run: Running, caller: Asking, reporting_currency: InCurrency = None
) -> Response:
    """What became of one scope's price: its payments and, in a workbook, its receipts."""
    reporting = reporting_in(run, reporting_currency)
    usual = run.service.review_days()
    make = partial(statement_paper, caller=caller, scope_id=id, review_days=usual, reporting=reporting)
    return exported(run, caller, make, format, "statement")


@by_link.get("/downloads/{token}", responses=_file(404), response_class=Response)
def get_download(token: str, run: Running) -> Response:
    """A file that a page has prepared, under the token it was given, for a quarter of an hour."""
    made = run.preparations.find(token)
    if made.stage != Stage.DONE or made.written is None:
        raise NotFound("export", token[:40])
    return sent(made.written, made.format, made.file_name)


def _check_period(first: date | None, last: date | None) -> None:
    checks = Checks()
    if first and last and last < first:
        checks.add("/to", f"expected a day not before `from`, {first.isoformat()}")
    checks.done()
