"""The pages there are: one table for navigation, links and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ods_core.basics.states import Kind


@dataclass(frozen=True, slots=True)
class Place:
    """One page: its script beside `main.py`, its word in the address, and what it is for.

    `mainly_for` are the personas whose daily work it is; everybody else may open it too.
    """

    key: str
    file: str
    title: str
    icon: str
    question: str
    mainly_for: tuple[str, ...]

    @property
    def url_path(self) -> str:
        """Its word in the address; the first page has none."""
        return "" if self.key == "today" else self.key

    @property
    def material_icon(self) -> str:
        """Its icon, as Streamlit writes one."""
        return f":material/{self.icon}:"


PLACES: Mapping[str, Place] = {
    place.key: place
    for place in (
        Place(
            "today",
            "today.py",
            "Today",
            "today",
            "What waits for me?",
            ("delivery_lead", "finance", "executive", "provider", "administrator"),
        ),
        Place(
            "requests",
            "intake.py",
            "Requests",
            "inbox",
            "What have we asked for?",
            ("delivery_lead", "provider", "administrator"),
        ),
        Place(
            "scopes",
            "scopes.py",
            "Scopes",
            "description",
            "What exactly are we buying?",
            ("delivery_lead", "provider", "administrator"),
        ),
        Place(
            "cycles",
            "cycles.py",
            "Cycles",
            "view_timeline",
            "Where is it, and is it late?",
            ("delivery_lead", "provider", "administrator", "executive"),
        ),
        Place(
            "deliverables",
            "deliverables.py",
            "Deliverables",
            "fact_check",
            "What do I decide?",
            ("delivery_lead", "provider", "administrator"),
        ),
        Place(
            "payments",
            "payments.py",
            "Payments",
            "payments",
            "Who owes what, when?",
            ("finance", "administrator"),
        ),
        Place(
            "outcomes",
            "outcomes.py",
            "Outcomes",
            "monitoring",
            "Are we getting what we pay for?",
            ("executive", "administrator"),
        ),
        Place("activity", "activity.py", "Activity", "history", "What happened, and who did it?", ("administrator",)),
        Place("settings", "settings.py", "Settings", "tune", "How is it wired?", ("administrator",)),
    )
}
"""In the order of the work: asked, bought, delivered, decided, paid, measured."""

PLACE_OF: Mapping[Kind, tuple[str, str]] = {
    Kind.REQUEST: ("requests", "request"),
    Kind.SCOPE: ("scopes", "scope"),
    Kind.SERVICE_LINE: ("scopes", "scope"),
    Kind.CYCLE: ("cycles", "cycle"),
    Kind.DELIVERABLE: ("deliverables", "deliverable"),
    Kind.PAYMENT: ("payments", "payment"),
    Kind.INVOICE: ("payments", "invoice"),
    Kind.WEBHOOK_ENDPOINT: ("settings", "endpoint"),
}
"""Where a thing is shown: the page, and the parameter that opens it there."""
