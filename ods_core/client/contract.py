"""The contract: what each call is, said once for both clients.

The names are those of the server's description (`/v1/openapi.json`), and parameters bear the names they have on the
wire; `from_` is `from`, which Python keeps for itself. Every command takes an `idempotency_key`; without one it gets a
key of its own, which all its attempts share. Commands on scopes and deliverables take an `if_match`, too: the `etag` of
what they were decided on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from ods_core.client import models as m
from ods_core.client.calls import UNSET, Answered, Call, Filed, Listed, Unset, get, given, page, post
from ods_core.client.inputs import (
    Amount,
    Estimate,
    EstimatedDeliverable,
    Evidence,
    NotMet,
    ProposedCycle,
    ProposedDeliverable,
    VerdictOn,
)


def _file(template: str, query: dict[str, object] | None = None, **parts: str) -> Call[bytes]:
    return Call("GET", template, bytes, parts, query or {})


class Contract:
    """Every call, as a method of whichever client this is part of."""

    # Requests -------------------------------------------------------------------------------------------------------

    @Answered
    def submit_request(
        self,
        *,
        organization_id: str,
        workspace_id: str,
        title: str,
        description: str,
        desired_outcome: str,
        subscription_id: str | None = None,
        project_tags: Sequence[str] | None = None,
        acceptance_criteria: Sequence[str] | None = None,
        timeline_weeks: int | None = None,
        budget_max: Amount | None = None,
        currency: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Request]:
        """Ask for an outcome. The request is `scoping` until the provider presents a proposal."""
        body = {
            "organization_id": organization_id,
            "workspace_id": workspace_id,
            "title": title,
            "description": description,
            "desired_outcome": desired_outcome,
            "subscription_id": subscription_id,
            "project_tags": project_tags,
            "acceptance_criteria": acceptance_criteria,
            "timeline_weeks": timeline_weeks,
            "budget_max": budget_max,
            "currency": currency,
        }
        return post("/requests", m.Request, body, idempotency_key)

    @Listed
    def list_requests(
        self,
        *,
        status: str | None = None,
        organization_id: str | None = None,
        workspace_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Request]]:
        """Requests, newest first."""
        query = {
            "status": status,
            "organization_id": organization_id,
            "workspace_id": workspace_id,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/requests", m.Request, query)

    @Answered
    def get_request(self, id: str) -> Call[m.Request]:
        """A request with its status and, once scoped, its scope."""
        return get("/requests/{id}", m.Request, id=id)

    @Answered
    def propose_scope(
        self,
        id: str,
        *,
        deliverables: Sequence[ProposedDeliverable],
        cycles: Sequence[ProposedCycle],
        fixed_price: Amount,
        currency: str,
        timeline_weeks: int,
        payment_terms: str,
        title: str | None = None,
        valid_until: date | None = None,
        review_window_days: int | None = None,
        silence_policy: str | None = None,
        quote: Estimate | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Scope]:
        """Present a scope proposal for a request; `does_not_fit` (409) over its budget or timeline."""
        body = {
            "deliverables": deliverables,
            "cycles": cycles,
            "fixed_price": fixed_price,
            "currency": currency,
            "timeline_weeks": timeline_weeks,
            "payment_terms": payment_terms,
            "title": title,
            "valid_until": valid_until,
            "review_window_days": review_window_days,
            "silence_policy": silence_policy,
            "quote": quote,
        }
        return post("/requests/{id}/scope", m.Scope, body, idempotency_key, id=id)

    @Answered
    def negotiate_request(
        self,
        id: str,
        *,
        reason: str,
        fixed_price: Amount | None = None,
        timeline_weeks: int | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Request]:
        """Say that a request does not fit its bounds, and what would."""
        body = {"reason": reason, "fixed_price": fixed_price, "timeline_weeks": timeline_weeks}
        return post("/requests/{id}/negotiate", m.Request, body, idempotency_key, id=id)

    @Answered
    def revise_request(
        self,
        id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        desired_outcome: str | None = None,
        acceptance_criteria: Sequence[str] | None = None,
        timeline_weeks: int | Unset | None = UNSET,
        budget_max: Amount | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Call[m.Request]:
        """Change a request that requires negotiation; a bound that is given as None is lifted."""
        texts = {
            "title": title,
            "description": description,
            "desired_outcome": desired_outcome,
            "acceptance_criteria": acceptance_criteria,
        }
        bounds = {"timeline_weeks": timeline_weeks, "budget_max": budget_max}
        body = given(texts) | {name: bound for name, bound in bounds.items() if not isinstance(bound, Unset)}
        return Call("POST", "/requests/{id}/revise", m.Request, {"id": id}, {}, body, idempotency_key)

    @Answered
    def cancel_request(self, id: str, *, reason: str, idempotency_key: str | None = None) -> Call[m.Request]:
        """Cancel a request of which no scope was ever confirmed."""
        return post("/requests/{id}/cancel", m.Request, {"reason": reason}, idempotency_key, id=id)

    # Scopes ---------------------------------------------------------------------------------------------------------

    @Listed
    def list_scopes(
        self,
        *,
        status: str | None = None,
        request_id: str | None = None,
        organization_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Scope]]:
        """Scopes, newest first."""
        query = {
            "status": status,
            "request_id": request_id,
            "organization_id": organization_id,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/scopes", m.Scope, query)

    @Answered
    def get_scope(self, id: str) -> Call[m.Scope]:
        """The whole proposal and, once confirmed, the engagement's specification."""
        return get("/scopes/{id}", m.Scope, id=id)

    @Answered
    def confirm_scope(
        self,
        id: str,
        *,
        confirm: bool,
        accepted_by: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Call[m.Confirmed]:
        """Confirm a proposal: the engagement begins. `confirm=False` declines it, with a `reason`."""
        body = {"confirm": confirm, "accepted_by": accepted_by, "reason": reason}
        return post("/scopes/{id}", m.Confirmed, body, idempotency_key, id=id).on(if_match)

    @Answered
    def reissue_scope(
        self,
        id: str,
        *,
        valid_until: date | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Call[m.Scope]:
        """Present an expired proposal again as the next revision; dates that have passed move on."""
        return post("/scopes/{id}/reissue", m.Scope, {"valid_until": valid_until}, idempotency_key, id=id).on(if_match)

    @Answered
    def terminate_scope(
        self, id: str, *, reason: str, idempotency_key: str | None = None, if_match: str | None = None
    ) -> Call[m.Scope]:
        """End an active scope early: what was due stays due, what was not is void."""
        return post("/scopes/{id}/terminate", m.Scope, {"reason": reason}, idempotency_key, id=id).on(if_match)

    @Answered
    def get_statement(self, id: str) -> Call[m.Statement]:
        """What became of a scope's price."""
        return get("/scopes/{id}/statement", m.Statement, id=id)

    @Filed
    def print_statement(self, id: str) -> Call[bytes]:
        """The statement of a scope as PDF."""
        return _file("/scopes/{id}/statement.pdf", id=id)

    @Filed
    def export_statement(self, id: str, format: str, *, reporting_currency: str | None = None) -> Call[bytes]:
        """The statement of a scope as `csv` or `xlsx`."""
        query: dict[str, object] = {"reporting_currency": reporting_currency}
        return _file("/scopes/{id}/statement.{format}", query, id=id, format=format)

    @Answered
    def get_scope_forecast(self, id: str, *, seed: int | None = None) -> Call[m.ScopeForecast]:
        """When an active scope is finished by simulation."""
        return get("/scopes/{id}/forecast", m.ScopeForecast, {"seed": seed}, id=id)

    # Calendars ------------------------------------------------------------------------------------------------------

    @Answered
    def make_calendar_link(
        self,
        *,
        name: str,
        organization_id: str | None = None,
        workspace_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.NewCalendarLink]:
        """Make a private link to a calendar; its `path` is shown this once."""
        body = {"name": name, "organization_id": organization_id, "workspace_id": workspace_id}
        return post("/calendar-links", m.NewCalendarLink, body, idempotency_key)

    @Listed
    def list_calendar_links(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Call[m.Page[m.CalendarLink]]:
        """Links to calendars, newest first, revoked ones too."""
        return page("/calendar-links", m.CalendarLink, {"limit": limit, "cursor": cursor})

    @Answered
    def get_calendar_link(self, id: str) -> Call[m.CalendarLink]:
        """One link to a calendar."""
        return get("/calendar-links/{id}", m.CalendarLink, id=id)

    @Answered
    def revoke_calendar_link(self, id: str) -> Call[m.CalendarLink]:
        """End a link to a calendar, at once and for good."""
        return Call("DELETE", "/calendar-links/{id}", m.CalendarLink, {"id": id})

    @Filed
    def get_calendar(self, token: str) -> Call[bytes]:
        """A calendar as an iCalendar file, by the token of its link."""
        return _file("/calendar/{token}.ics", token=token)

    # Operation ------------------------------------------------------------------------------------------------------

    @Filed
    def get_backup(self) -> Call[bytes]:
        """The whole store as it is at this moment, as a ZIP file."""
        return _file("/backup.zip")

    # Delivery -------------------------------------------------------------------------------------------------------

    @Listed
    def list_cycles(
        self,
        *,
        scope_id: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        organization_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Cycle]]:
        """Delivery and remediation cycles, newest first."""
        query = {
            "scope_id": scope_id,
            "status": status,
            "kind": kind,
            "organization_id": organization_id,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/cycles", m.Cycle, query)

    @Answered
    def get_cycle(self, id: str) -> Call[m.Cycle]:
        """A cycle with the present state of its deliverables."""
        return get("/cycles/{id}", m.Cycle, id=id)

    @Listed
    def list_deliverables(
        self,
        *,
        scope_id: str | None = None,
        status: str | None = None,
        organization_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Deliverable]]:
        """Deliverables, newest first; `status="ready_for_acceptance"` are those that wait for a decision."""
        query = {
            "scope_id": scope_id,
            "status": status,
            "organization_id": organization_id,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/deliverables", m.Deliverable, query)

    @Answered
    def get_deliverable(self, id: str) -> Call[m.Deliverable]:
        """A deliverable with its criteria and the history of its attempts."""
        return get("/deliverables/{id}", m.Deliverable, id=id)

    @Answered
    def start_deliverable(
        self, id: str, *, idempotency_key: str | None = None, if_match: str | None = None
    ) -> Call[m.Deliverable]:
        """Begin work on a deliverable of a cycle in progress."""
        return post("/deliverables/{id}/start", m.Deliverable, {}, idempotency_key, id=id).on(if_match)

    @Answered
    def submit_deliverable(
        self,
        id: str,
        *,
        notes: str | None = None,
        evidence: Sequence[Evidence | str] | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Call[m.Deliverable]:
        """Hand in a deliverable; the last one of its cycle makes all of them reviewable."""
        body = {"notes": notes, "evidence": evidence}
        return post("/deliverables/{id}/submit", m.Deliverable, body, idempotency_key, id=id).on(if_match)

    @Answered
    def decide_deliverable(
        self,
        id: str,
        *,
        accepted: bool,
        reviewer_id: str | None = None,
        notes: str | None = None,
        rejection_reason: str | None = None,
        criteria_not_met: Sequence[NotMet] | None = None,
        verdicts: Sequence[VerdictOn] | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Call[m.Decided]:
        """Accept or reject a deliverable that is ready for acceptance; the decision is final for this attempt."""
        body = {
            "accepted": accepted,
            "reviewer_id": reviewer_id,
            "notes": notes,
            "rejection_reason": rejection_reason,
            "criteria_not_met": criteria_not_met,
            "verdicts": verdicts,
        }
        return post("/deliverables/{id}/accept", m.Decided, body, idempotency_key, id=id).on(if_match)

    @Answered
    def get_certificate(self, id: str) -> Call[m.Certificate]:
        """The acceptance of a deliverable; 409 before it."""
        return get("/deliverables/{id}/certificate", m.Certificate, id=id)

    @Filed
    def print_certificate(self, id: str) -> Call[bytes]:
        """The acceptance of a deliverable as PDF."""
        return _file("/deliverables/{id}/certificate.pdf", id=id)

    @Listed
    def list_service_lines(
        self,
        *,
        status: str | None = None,
        scope_id: str | None = None,
        organization_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.ServiceLine]]:
        """Service lines, newest first."""
        query = {
            "status": status,
            "scope_id": scope_id,
            "organization_id": organization_id,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/service-lines", m.ServiceLine, query)

    @Answered
    def get_service_line(self, id: str) -> Call[m.ServiceLine]:
        """A service line: `active` until the last acceptance or a termination closes it."""
        return get("/service-lines/{id}", m.ServiceLine, id=id)

    @Answered
    def get_service_line_certificate(self, id: str) -> Call[m.ServiceLineCertificate]:
        """The acceptance of a whole scope; 409 before the last deliverable is accepted."""
        return get("/service-lines/{id}/certificate", m.ServiceLineCertificate, id=id)

    @Filed
    def print_service_line_certificate(self, id: str) -> Call[bytes]:
        """The acceptance of a whole scope as PDF."""
        return _file("/service-lines/{id}/certificate.pdf", id=id)

    # Money ----------------------------------------------------------------------------------------------------------

    @Listed
    def list_payments(
        self,
        *,
        scope_id: str | None = None,
        organization_id: str | None = None,
        status: str | None = None,
        currency: str | None = None,
        overdue: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Payment]]:
        """Payment milestones, newest first; `overdue=True` are those past `due_at` and not fully paid."""
        query = {
            "scope_id": scope_id,
            "organization_id": organization_id,
            "status": status,
            "currency": currency,
            "overdue": overdue,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/payments", m.Payment, query)

    @Answered
    def get_payment(self, id: str) -> Call[m.Payment]:
        """A payment milestone."""
        return get("/payments/{id}", m.Payment, id=id)

    @Answered
    def get_cash_forecast(
        self,
        *,
        currency: str,
        organization_id: str | None = None,
        by: str | None = None,
        periods: int | None = None,
        seed: int | None = None,
    ) -> Call[m.CashForecast]:
        """What is due and scheduled in one currency by `week` or `month`, and what comes in by simulation."""
        query = {"currency": currency, "organization_id": organization_id, "by": by, "periods": periods, "seed": seed}
        return get("/payments/forecast", m.CashForecast, query)

    @Filed
    def export_payments(
        self,
        format: str,
        *,
        scope_id: str | None = None,
        organization_id: str | None = None,
        status: str | None = None,
        currency: str | None = None,
        overdue: bool | None = None,
        reporting_currency: str | None = None,
    ) -> Call[bytes]:
        """Every payment milestone as `csv` or `xlsx`."""
        query: dict[str, object] = {
            "scope_id": scope_id,
            "organization_id": organization_id,
            "status": status,
            "currency": currency,
            "overdue": overdue,
            "reporting_currency": reporting_currency,
        }
        return _file("/payments.{format}", query, format=format)

    @Filed
    def export_ageing(
        self,
        format: str,
        *,
        organization_id: str | None = None,
        currency: str | None = None,
        reporting_currency: str | None = None,
    ) -> Call[bytes]:
        """What is open by organisation, currency and days past due, as `csv` or `xlsx`."""
        query: dict[str, object] = {
            "organization_id": organization_id,
            "currency": currency,
            "reporting_currency": reporting_currency,
        }
        return _file("/ageing.{format}", query, format=format)

    @Answered
    def record_receipt(
        self,
        id: str,
        *,
        amount: Amount,
        received_on: date,
        reference: str,
        idempotency_key: str | None = None,
    ) -> Call[m.Receipt]:
        """Record money received for a payment."""
        body = {"amount": amount, "received_on": received_on, "reference": reference}
        return post("/payments/{id}/receipts", m.Receipt, body, idempotency_key, id=id)

    @Listed
    def list_receipts(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Call[m.Page[m.Receipt]]:
        """A payment's receipts and reversals, newest first."""
        return page("/payments/{id}/receipts", m.Receipt, {"limit": limit, "cursor": cursor}, id=id)

    @Answered
    def get_receipt(self, id: str) -> Call[m.Receipt]:
        """Money received, or the entry that takes it back."""
        return get("/receipts/{id}", m.Receipt, id=id)

    @Answered
    def reverse_receipt(self, id: str, *, reason: str, idempotency_key: str | None = None) -> Call[m.Receipt]:
        """Take a wrong receipt back; the answer is the reversing entry."""
        return post("/receipts/{id}/reverse", m.Receipt, {"reason": reason}, idempotency_key, id=id)

    @Filed
    def export_receipts(
        self,
        format: str,
        *,
        scope_id: str | None = None,
        organization_id: str | None = None,
        currency: str | None = None,
        from_: date | None = None,
        to: date | None = None,
        reporting_currency: str | None = None,
    ) -> Call[bytes]:
        """Every receipt and reversal as `csv` or `xlsx`."""
        query: dict[str, object] = {
            "scope_id": scope_id,
            "organization_id": organization_id,
            "currency": currency,
            "from": from_,
            "to": to,
            "reporting_currency": reporting_currency,
        }
        return _file("/receipts.{format}", query, format=format)

    @Answered
    def issue_invoice(self, id: str, *, idempotency_key: str | None = None) -> Call[m.Invoice]:
        """Issue an invoice for a due payment."""
        return post("/payments/{id}/invoice", m.Invoice, {}, idempotency_key, id=id)

    @Listed
    def list_invoices(
        self,
        *,
        payment_id: str | None = None,
        scope_id: str | None = None,
        organization_id: str | None = None,
        status: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Invoice]]:
        """Invoices, newest first."""
        query = {
            "payment_id": payment_id,
            "scope_id": scope_id,
            "organization_id": organization_id,
            "status": status,
            "currency": currency,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/invoices", m.Invoice, query)

    @Answered
    def get_invoice(self, id: str) -> Call[m.Invoice]:
        """An invoice as it was issued, and its state now."""
        return get("/invoices/{id}", m.Invoice, id=id)

    @Filed
    def print_invoice(self, id: str) -> Call[bytes]:
        """An invoice as PDF, the same to the byte each time."""
        return _file("/invoices/{id}.pdf", id=id)

    @Filed
    def export_invoices(
        self,
        format: str,
        *,
        scope_id: str | None = None,
        organization_id: str | None = None,
        status: str | None = None,
        currency: str | None = None,
        from_: date | None = None,
        to: date | None = None,
        reporting_currency: str | None = None,
    ) -> Call[bytes]:
        """Every invoice, voided ones too, as `csv` or `xlsx`."""
        query: dict[str, object] = {
            "scope_id": scope_id,
            "organization_id": organization_id,
            "status": status,
            "currency": currency,
            "from": from_,
            "to": to,
            "reporting_currency": reporting_currency,
        }
        return _file("/invoices.{format}", query, format=format)

    @Answered
    def void_invoice(self, id: str, *, reason: str, idempotency_key: str | None = None) -> Call[m.Invoice]:
        """Take a wrong invoice back; its number stays used."""
        return post("/invoices/{id}/void", m.Invoice, {"reason": reason}, idempotency_key, id=id)

    @Answered
    def write_off_invoice(self, id: str, *, reason: str, idempotency_key: str | None = None) -> Call[m.Invoice]:
        """Give an invoice up; its payment stays due."""
        return post("/invoices/{id}/uncollectible", m.Invoice, {"reason": reason}, idempotency_key, id=id)

    @Filed
    def get_download(self, token: str) -> Call[bytes]:
        """A file that a page has prepared, under the token it was given."""
        return _file("/downloads/{token}", token=token)

    # Tools ----------------------------------------------------------------------------------------------------------

    @Answered
    def parse_payment_terms(
        self,
        *,
        terms: str,
        fixed_price: Amount,
        currency: str | None = None,
        cycles: int | None = None,
        deliverables: int | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Schedule]:
        """What payment terms come to for a price; `Invalid` says the place in them that cannot be right."""
        body = {
            "terms": terms,
            "fixed_price": fixed_price,
            "currency": currency,
            "cycles": cycles,
            "deliverables": deliverables,
        }
        return post("/payment-terms/parse", m.Schedule, body, idempotency_key)

    @Answered
    def make_quote(
        self,
        *,
        deliverables: Sequence[EstimatedDeliverable],
        currency: str | None = None,
        contingency: Amount | None = None,
        complexity: str | None = None,
        discount: Amount | None = None,
        budget_max: Amount | None = None,
        timeline_weeks: int | None = None,
        team_days_per_week: Amount | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Quote]:
        """What estimated work costs, line by line; and what would fit when budget or timeline do not."""
        body = {
            "deliverables": deliverables,
            "currency": currency,
            "contingency": contingency,
            "complexity": complexity,
            "discount": discount,
            "budget_max": budget_max,
            "timeline_weeks": timeline_weeks,
            "team_days_per_week": team_days_per_week,
        }
        return post("/quotes", m.Quote, body, idempotency_key)

    @Answered
    def check_given_criteria(
        self, *, criteria: Sequence[str], idempotency_key: str | None = None
    ) -> Call[m.CheckedCriteria]:
        """What each criterion would be better without, and how good it is."""
        return post("/criteria/check", m.CheckedCriteria, {"criteria": criteria}, idempotency_key)

    @Answered
    def check_given_reason(
        self,
        *,
        deliverable_id: str,
        rejection_reason: str,
        criteria_not_met: Sequence[NotMet] | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.CheckedReason]:
        """What a rejection that is not given yet would be better without."""
        body = {
            "deliverable_id": deliverable_id,
            "rejection_reason": rejection_reason,
            "criteria_not_met": criteria_not_met,
        }
        return post("/reasons/check", m.CheckedReason, body, idempotency_key)

    # Figures and events ---------------------------------------------------------------------------------------------

    @Answered
    def get_outcomes(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        organization_id: str | None = None,
        workspace_id: str | None = None,
        project_tag: str | None = None,
        currency: str | None = None,
        by: str | None = None,
    ) -> Call[m.Outcomes]:
        """Every metric over a period of months such as `2026-04`, by `month`, `quarter` or `week`."""
        query = {
            "from": from_,
            "to": to,
            "organization_id": organization_id,
            "workspace_id": workspace_id,
            "project_tag": project_tag,
            "currency": currency,
            "by": by,
        }
        return get("/metrics/outcomes", m.Outcomes, query)

    @Answered
    def get_delivery_forecast(
        self,
        *,
        organization_id: str | None = None,
        workspace_id: str | None = None,
        project_tag: str | None = None,
        currency: str | None = None,
        seed: int | None = None,
    ) -> Call[m.DeliveryForecast]:
        """When the last active scope is finished by simulation, and the share of them expected on time."""
        query = {
            "organization_id": organization_id,
            "workspace_id": workspace_id,
            "project_tag": project_tag,
            "currency": currency,
            "seed": seed,
        }
        return get("/metrics/forecast", m.DeliveryForecast, query)

    @Listed
    def follow_events(
        self,
        *,
        organization_id: str | None = None,
        request_id: str | None = None,
        type: Sequence[str] | None = None,
        from_: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.Event]]:
        """Events, oldest first, up to the newest; keep the last page's `meta.cursor` and go on from there."""
        query = {
            "organization_id": organization_id,
            "request_id": request_id,
            "type": type,
            "from": from_,
            "limit": limit,
            "cursor": cursor,
        }
        return page("/v1/events", m.Event, query)

    # Trust ----------------------------------------------------------------------------------------------------------

    @Answered
    def make_key(
        self,
        *,
        name: str,
        roles: Sequence[str],
        organization_id: str | None = None,
        workspace_id: str | None = None,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.NewKey]:
        """Make an API key; its `key` is shown this once. From the first one on, nobody is answered without a key."""
        body = {
            "name": name,
            "roles": roles,
            "organization_id": organization_id,
            "workspace_id": workspace_id,
            "expires_at": expires_at,
        }
        return post("/keys", m.NewKey, body, idempotency_key)

    @Listed
    def list_keys(self, *, limit: int | None = None, cursor: str | None = None) -> Call[m.Page[m.Key]]:
        """API keys, newest first, ended ones too."""
        return page("/keys", m.Key, {"limit": limit, "cursor": cursor})

    @Answered
    def get_key(self, id: str) -> Call[m.Key]:
        """One API key."""
        return get("/keys/{id}", m.Key, id=id)

    @Answered
    def revoke_key(self, id: str) -> Call[m.Key]:
        """End an API key, at once and for good."""
        return Call("DELETE", "/keys/{id}", m.Key, {"id": id})

    @Listed
    def list_security_events(
        self, *, kind: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Call[m.Page[m.SecurityEvent]]:
        """Who came in, what was denied, which keys were made and ended; newest first."""
        return page("/security-events", m.SecurityEvent, {"kind": kind, "limit": limit, "cursor": cursor})

    # Operation ------------------------------------------------------------------------------------------------------

    @Answered
    def get_health(self) -> Call[m.Health]:
        """Whether the server can serve; one that cannot answers 503, which is raised."""
        return get("/v1/health", m.Health)

    @Filed
    def get_metrics(self) -> Call[bytes]:
        """The server's own figures, in Prometheus's text format."""
        return _file("/v1/metrics")

    # Webhooks -------------------------------------------------------------------------------------------------------

    @Answered
    def add_endpoint(
        self,
        *,
        url: str,
        event_types: Sequence[str],
        organization_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.NewSecret]:
        """Have events sent to an address; keep the answer's `secret`, which is shown once."""
        body = {"url": url, "event_types": event_types, "organization_id": organization_id}
        return post("/webhook-endpoints", m.NewSecret, body, idempotency_key)

    @Listed
    def list_endpoints(self, *, limit: int | None = None, cursor: str | None = None) -> Call[m.Page[m.Endpoint]]:
        """Endpoints, newest first."""
        return page("/webhook-endpoints", m.Endpoint, {"limit": limit, "cursor": cursor})

    @Answered
    def get_endpoint(self, id: str) -> Call[m.Endpoint]:
        """An endpoint, with how it is doing."""
        return get("/webhook-endpoints/{id}", m.Endpoint, id=id)

    @Answered
    def delete_endpoint(self, id: str) -> Call[m.Deleted]:
        """Send nothing more to an address."""
        return Call("DELETE", "/webhook-endpoints/{id}", m.Deleted, {"id": id})

    @Listed
    def list_deliveries(
        self,
        id: str,
        *,
        status: str | None = None,
        event_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[m.Page[m.DeliveryAttempt]]:
        """Every attempt to deliver to an endpoint, newest first."""
        query = {"status": status, "event_id": event_id, "limit": limit, "cursor": cursor}
        return page("/webhook-endpoints/{id}/deliveries", m.DeliveryAttempt, query, id=id)

    @Answered
    def replay(
        self,
        id: str,
        *,
        event_id: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Call[m.Replay]:
        """Send one event again, or what occurred from one time until before another."""
        body = {"event_id": event_id, "from": from_, "to": to}
        return post("/webhook-endpoints/{id}/replay", m.Replay, body, idempotency_key, id=id)

    @Answered
    def send_test(self, id: str, *, idempotency_key: str | None = None) -> Call[m.TestSent]:
        """Send an event of type `ods.webhook_endpoint.test`."""
        return post("/webhook-endpoints/{id}/test", m.TestSent, {}, idempotency_key, id=id)

    @Answered
    def rotate_secret(self, id: str, *, idempotency_key: str | None = None) -> Call[m.NewSecret]:
        """Make a new secret; for a while both sign."""
        return post("/webhook-endpoints/{id}/rotate-secret", m.NewSecret, {}, idempotency_key, id=id)

    @Answered
    def enable_endpoint(self, id: str, *, idempotency_key: str | None = None) -> Call[m.Endpoint]:
        """Send again, what has waited first."""
        return post("/webhook-endpoints/{id}/enable", m.Endpoint, {}, idempotency_key, id=id)

    @Answered
    def disable_endpoint(self, id: str, *, idempotency_key: str | None = None) -> Call[m.Endpoint]:
        """Send nothing until it is enabled again."""
        return post("/webhook-endpoints/{id}/disable", m.Endpoint, {}, idempotency_key, id=id)
