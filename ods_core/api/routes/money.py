"""Payments, and the payment terms they come from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from ods_core.api.bodies import EmptyBody, ReasonBody, ReceiptBody, TermsBody
from ods_core.api.exchange import answer, created
from ods_core.api.routes.reading import page_of, resource_of
from ods_core.api.shapes import CashForecastShape, InvoiceShape, PaymentShape, ReceiptShape, Schedule
from ods_core.api.wiring import Asking, Cursor, Limit, Running, many, one, router
from ods_core.basics.checks import Checks
from ods_core.basics.errors import Invalid
from ods_core.basics.money import Money
from ods_core.basics.resources import planned_milestone_resource
from ods_core.basics.states import InvoiceStatus, Kind, PaymentStatus
from ods_core.payments import TermsError
from ods_core.queries.cash import CashFilter, cash_forecast, forecast_resource
from ods_core.queries.lists import engagement_of
from ods_core.queries.runs import SEED, By
from ods_core.service import plan, terms_problems

routes = router("Money")


@routes.get("/payments", responses=many(PaymentShape))
def list_payments(
    run: Running,
    caller: Asking,
    scope_id: str | None = None,
    organization_id: str | None = None,
    status: PaymentStatus | None = None,
    currency: str | None = None,
    overdue: bool | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Payment milestones, newest first; `overdue=true` are those past `due_at` and not fully paid."""
    filters = {
        "scope_id": scope_id,
        "organization_id": organization_id,
        "status": status,
        "currency": currency,
        "overdue": overdue,
    }
    return page_of(run, caller, Kind.PAYMENT, filters, limit, cursor)


@routes.get("/payments/forecast", responses=one(CashForecastShape, refusals=()))
def get_cash_forecast(
    run: Running,
    caller: Asking,
    currency: str,
    organization_id: str | None = None,
    by: By = By.WEEK,
    periods: Annotated[int | None, Query(description="13 weeks or 6 months unless given; at most 26 or 12")] = None,
    seed: int = SEED,
) -> Response:
    """What is due and scheduled in one currency, by week or month, and P50 and P85 of what comes in by simulation.

    With fewer than 8 finished cycles nothing is simulated: `runs` is 0, and percentiles are null.
    """
    checks = Checks()
    checks.currency("/currency", currency)
    checks.done()
    with run.store.read() as connection:
        wanted = CashFilter(currency, organization_id, by, periods, seed)
        return answer(
            forecast_resource(cash_forecast(connection, caller, wanted, run.clock(), run.service.review_days()))
        )


@routes.get("/payments/{id}", responses=one(PaymentShape))
def get_payment(id: str, run: Running, caller: Asking) -> Response:
    """A payment milestone."""
    return resource_of(run, caller, Kind.PAYMENT, id)


@routes.post("/payments/{id}/receipts", status_code=201, responses=one(ReceiptShape, status=201))
def record_receipt(id: str, body: ReceiptBody, run: Running, caller: Asking) -> Response:
    """Record money received. 409 `amount_exceeds_open` over what is open, 409 `duplicate_receipt` for a known one."""
    return created(run.service.record_receipt(caller, id, body.command()).resource(), "receipts")


@routes.get("/payments/{id}/receipts", responses=many(ReceiptShape, (404,)))
def list_receipts(id: str, run: Running, caller: Asking, limit: Limit = 25, cursor: Cursor = None) -> Response:
    """A payment's receipts and reversals, newest first."""
    with run.store.read() as connection:
        engagement_of(connection, caller, Kind.PAYMENT, id)
    return page_of(run, caller, Kind.RECEIPT, {"payment_id": id}, limit, cursor)


@routes.get("/receipts/{id}", responses=one(ReceiptShape))
def get_receipt(id: str, run: Running, caller: Asking) -> Response:
    """Money received, or the entry that takes it back."""
    return resource_of(run, caller, Kind.RECEIPT, id)


@routes.post("/receipts/{id}/reverse", status_code=201, responses=one(ReceiptShape, status=201))
def reverse_receipt(id: str, body: ReasonBody, run: Running, caller: Asking) -> Response:
    """Take a wrong receipt back; the answer is the reversing entry, and what it had paid is open again."""
    return created(run.service.reverse_receipt(caller, id, body.reverse()).resource(), "receipts")


@routes.post("/payments/{id}/invoice", status_code=201, responses=one(InvoiceShape, status=201))
def issue_invoice(id: str, run: Running, caller: Asking, body: EmptyBody | None = None) -> Response:
    """Issue an invoice for a due payment, under its organisation's next number. 409 while another one stands on it."""
    return created(run.service.issue_invoice(caller, id).resource(), "invoices")


@routes.get("/invoices", responses=many(InvoiceShape))
def list_invoices(
    run: Running,
    caller: Asking,
    payment_id: str | None = None,
    scope_id: str | None = None,
    organization_id: str | None = None,
    status: InvoiceStatus | None = None,
    currency: str | None = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """Invoices, newest first."""
    filters = {
        "payment_id": payment_id,
        "scope_id": scope_id,
        "organization_id": organization_id,
        "status": status,
        "currency": currency,
    }
    return page_of(run, caller, Kind.INVOICE, filters, limit, cursor)


@routes.get("/invoices/{id}", responses=one(InvoiceShape))
def get_invoice(id: str, run: Running, caller: Asking) -> Response:
    """An invoice."""
    return resource_of(run, caller, Kind.INVOICE, id)


@routes.post("/invoices/{id}/void", responses=one(InvoiceShape))
def void_invoice(id: str, body: ReasonBody, run: Running, caller: Asking) -> Response:
    """Take a wrong invoice back; its number stays used, and its payment can be invoiced anew."""
    return answer(run.service.void_invoice(caller, id, body.void()).resource())


@routes.post("/invoices/{id}/uncollectible", responses=one(InvoiceShape))
def write_off_invoice(id: str, body: ReasonBody, run: Running, caller: Asking) -> Response:
    """Give an invoice up; its payment stays due, and money that comes after all is booked as ever."""
    return answer(run.service.write_off_invoice(caller, id, body.write_off()).resource())


@routes.post("/payment-terms/parse", responses=one(Schedule, refusals=()))
def parse_payment_terms(body: TermsBody, caller: Asking) -> Response:
    """What payment terms come to for a price, or the place in them that cannot be right."""
    checks = Checks()
    if checks.currency("/currency", body.currency):
        checks.amount("/fixed_price", body.fixed_price, body.currency)
    checks.done()
    try:
        planned = plan(body.terms, Money(body.fixed_price, body.currency), body.cycles, body.deliverables)
    except TermsError as error:
        raise Invalid(terms_problems(error, "/terms"), code="invalid_payment_terms") from None
    return answer({"milestones": [planned_milestone_resource(m) for m in planned]})
