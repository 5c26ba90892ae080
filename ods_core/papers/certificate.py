"""The acceptance certificate as PDF: of one deliverable, or of everything that a service line delivered.

What it tells of is final, so the paper is too: made twice it is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from ods_core.basics.parties import Parties
from ods_core.papers.printed import GREY, Printed, amount, day, moment

Told = Mapping[str, Any]
"""A certificate, or a part of one, as programs see it."""

_VERDICTS: Final = {"met": "Met", "not_met": "Not met", "not_tested": "Not tested"}


def deliverable_certificate_pdf(told: Told, parties: Parties) -> bytes:
    """The certificate of one accepted deliverable."""
    pdf = _begun("Acceptance certificate", told["deliverable_id"], told["title"], told["accepted_at"])
    _between(pdf, told, parties)
    _agreement(pdf, told)
    _accepted(pdf, told)
    return pdf.bytes()


def service_line_certificate_pdf(told: Told, parties: Parties) -> bytes:
    """The certificate of a completed engagement: each of its deliverables, and every payment of it."""
    pdf = _begun("Certificate of completion", told["service_line_id"], told["scope"]["title"], told["closed_at"])
    _between(pdf, told, parties)
    _agreement(pdf, told)
    pdf.facts(
        [
            ("Planned", f"{day(told['planned_start'])} to {day(told['planned_end'])}"),
            ("Completed", moment(told["completed_at"])),
            ("Remediation cycles", f"{told['remediation_cycles']:,}"),
            ("Deliverables", f"{len(told['deliverables']):,}, all accepted"),
        ]
    )
    for part in told["deliverables"]:
        pdf.heading(part["title"])
        _accepted(pdf, part)
    _payments(pdf, "All payments", told["released"])
    return pdf.bytes()


def _begun(name: str, id: str, title: str, sealed: datetime) -> Printed:
    pdf = Printed(f"{name} {id}", f"{name} · {id} · {moment(sealed)}", sealed)
    pdf.line_of(name, 22, bold=True)
    pdf.line_of(title, 12)
    pdf.gap()
    return pdf


def _between(pdf: Printed, told: Told, parties: Parties) -> None:
    pdf.side_by_side(("Delivered by", parties.provider), ("Accepted by", parties.of(told["organization_id"])))
    pdf.gap()


def _agreement(pdf: Printed, told: Told) -> None:
    """What was bought, and when that was agreed."""
    scope = told["scope"]
    pdf.facts(
        [
            ("Scope", f"{scope['title']} ({scope['id']}, revision {scope['revision']})"),
            ("Desired outcome", scope["desired_outcome"]),
            ("Fixed price", amount(scope["fixed_price"], scope["currency"])),
            ("Confirmed", f"{moment(scope['confirmed_at'])} by {scope['confirmed_by']}"),
            ("Service line", told["service_line_id"]),
        ]
    )


def _accepted(pdf: Printed, told: Told) -> None:
    """One deliverable: the attempt that was accepted, and the verdict on each criterion."""
    by = "silence, as the scope provides" if told["deemed"] else told["accepted_by"]
    pdf.gap(2)
    pdf.line_of(told["description"], colour=GREY)
    pdf.gap(2)
    pdf.facts(
        [
            ("Deliverable", told["deliverable_id"]),
            ("Submitted", f"{moment(told['submitted_at'])} by {told['submitted_by']}, attempt {told['attempt']}"),
            ("Accepted", f"{moment(told['accepted_at'])} by {by}"),
            *_said("Submission notes", told["submission_notes"]),
            *_said("Review notes", told["review_notes"]),
            *(("Evidence", f"{e['title']} {e['url']}".strip()) for e in told["evidence"]),
        ]
    )
    pdf.grid(
        "Acceptance criteria",
        ["", "Criterion", "Verdict", "Evidence"],
        [[str(c["criterion"]), c["text"], _VERDICTS[c["verdict"]], c["evidence"]] for c in told["criteria"]],
        widths=(4, 52, 14, 30),
        aligned=("LEFT", "LEFT", "LEFT", "LEFT"),
    )
    _payments(pdf, "Released by this acceptance", told["released"])


def _said(label: str, text: str | None) -> list[tuple[str, str]]:
    return [(label, text)] if text else []


def _payments(pdf: Printed, title: str, released: Iterable[Told]) -> None:
    rows = [
        [p["payment_id"], p["description"], f"due {day(p['due_at'])}", amount(p["amount"], p["currency"])]
        for p in released
    ]
    if rows:
        pdf.grid(
            title,
            ["Payment", "Description", "Date", "Amount"],
            rows,
            widths=(18, 44, 18, 20),
            aligned=("LEFT", "LEFT", "LEFT", "RIGHT"),
        )


__all__ = ["deliverable_certificate_pdf", "service_line_certificate_pdf"]
