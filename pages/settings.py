"""Settings: how this installation is wired, read from what is running."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

import ods_core
from ods_core.basics.events import EVENT_LABELS, EventType
from ods_core.basics.roles import PERSONAS
from ods_core.basics.settings import Settings
from ods_core.basics.states import LOOKS, Kind
from ods_core.lifecycle import RULES, TRANSITIONS
from ods_core.payments import RateCardError, read_rate_card
from ods_core.queries.census import counts, kind_and_place, schema_version, shown_address, versions
from ods_core.service import runtime
from ods_core.ui import (
    calendar_settings,
    cards,
    importing,
    key_settings,
    live,
    mirroring,
    people,
    people_settings,
    quotes,
    tables,
    webhook_settings,
)
from ods_core.ui.formats import NOTHING, away, count, day, moment, plain
from ods_core.ui.reporting import rate_table
from ods_core.ui.session import caller, choose_view, now, param, reading, set_params, today

API_DOCS = "/v1/docs"
VIEWS = {
    "wiring": "Wiring",
    "rates": "Rates",
    "rate_card": "Rate card",
    "people": "People",
    "keys": "API keys",
    "security": "Security",
    "webhooks": "Webhooks",
    "calendars": "Calendars",
    "roles": "Roles",
    "lifecycle": "States",
    "events": "Events",
    "import": "Import",
    "about": "About",
}
NOUNS = {
    "request": "Requests",
    "scope": "Scopes",
    "cycle": "Cycles",
    "deliverable": "Deliverables",
    "service_line": "Service lines",
    "payment": "Payments",
    "receipt": "Receipts",
    "invoice": "Invoices",
    "event": "Events",
}


def show_wiring() -> None:
    """Database, clock, policy and counts, as they are in this process."""
    run = runtime()
    policy = run.service.policy
    with reading() as connection:
        schema, found = schema_version(connection), counts(connection, caller())
    st.header("Running now", anchor=False)
    with st.container(border=True):
        cards.facts(
            {
                "Time by the program's clock": moment(now()),
                "Clock": run.settings.clock or "this machine's",
                "Lead time before cycle 1": count(policy.lead_time_days, "working day"),
                "Length of a remediation": count(policy.remediation_days, "day"),
                "A proposal is valid for": count(policy.proposal_days, "day"),
                "Sign-in": "asked of everybody" if people.is_needed() else "none: this machine only",
            }
        )
    mirroring.show_wiring()
    if looks_after_all():
        show_database(schema)
    st.header("What is kept", anchor=False)
    with st.container(border=True):
        cards.facts({NOUNS[name]: f"{number:,}" for name, number in found.items()})
    st.header("For programs", anchor=False)
    st.markdown("Everything the pages do can be done by a program, under `/v1/capabilities/ods` on this server.")
    st.link_button("API reference", API_DOCS, icon=":material/api:", key="api_docs")


def looks_after_all() -> bool:
    """Whether the person looks after the whole installation, not one organisation's part of it."""
    who = caller()
    return who.organization_id is None and who.is_admin


def show_database(schema: int) -> None:
    """Where the data is, for whoever looks after it; and every setting with what it is for."""
    run = runtime()
    kind, place = kind_and_place(run.settings.database_url)
    st.header("Database", anchor=False)
    with st.container(border=True):
        cards.facts(
            {
                "Kind": kind,
                "Place": place,
                "Schema version": str(schema),
                "Last event": f"number {run.store.last_sequence:,}",
            }
        )
    st.header("Settings", anchor=False)
    st.caption("Read once, at start, from the environment.")
    tables.sheet(
        [setting_row(run.settings, name) for name in Settings.model_fields],
        alt="Every setting, its value and what it is for",
    )


def setting_row(settings: Settings, name: str) -> dict[str, str]:
    """One setting: its variable, its value (a password in an address hidden), its meaning."""
    value = str(getattr(settings, name))
    shown = shown_address(value) if value and name.endswith("_url") else value
    meaning = (Settings.model_fields[name].description or "").replace("`", "")
    return {"Variable": f"ODS_{name.upper()}", "Value": shown or NOTHING, "Meaning": meaning}


def show_rates() -> None:
    """The exchange rates, their day and source, and the currency that sums are told in unless another is chosen."""
    table = rate_table()
    if table is None:
        return
    default = runtime().settings.reporting_currency
    st.header("Exchange rates", anchor=False)
    st.caption("Used for sums across currencies on the Payments page and in exports, and for nothing else.")
    with st.container(border=True):
        cards.facts(
            {
                "As of": f"{day(table.as_of)} ({away(table.as_of, today())})",
                "Source": table.source,
                "Reporting currency": default or "none: chosen on the page",
                "Base": table.base,
            }
        )
    if default and default not in table.currencies:
        st.warning(f"There is no rate for {default}, the reporting currency of this installation.")
    figure = f"Units for 1 {table.base}"
    tables.grid(
        [{"Currency": code, figure: f"{table.rate(code):f}"} for code in table.currencies],
        alt=f"How many units of each currency one {table.base} buys",
        columns={figure: tables.right_aligned(figure)},
        key="rates",
    )


def show_rate_card() -> None:
    """The rate card that quotes are made from; for the provider's side alone."""
    st.header("Rate card", anchor=False)
    if not caller().calculates:
        st.caption("What the provider's people cost a day is shown to the provider and to administrators.")
        return
    try:
        card = read_rate_card()
    except RateCardError as error:
        st.warning(plain(error.detail), icon=":material/price_change:")
        return
    quotes.show_rate_card(card)
    st.caption("Read anew from data/rates/rate_card.toml for each quote. A scope keeps the quote it was made with.")


def show_roles() -> None:
    """Who may give which command, and which roles the persona switch stands for."""
    st.header("Commands and who may give them", anchor=False)
    tables.sheet(
        [
            {
                "Command": rule.label,
                "By": " or ".join(side.value for side in rule.sides),
                "Roles": ", ".join(sorted(rule.roles)) or "nobody: the clock gives it",
                "On": rule.subject.replace("_", " "),
                "While it is": ", ".join(state.replace("_", " ") for state in rule.states) or "not there yet",
                "And only if": rule.condition.replace("`", "").replace("_", " ") or NOTHING,
            }
            for rule in RULES.values()
        ],
        alt="Each command with the side, the roles and the states that allow it",
    )
    st.header("Personas", anchor=False)
    st.caption(
        "Without sign-in, the switch in the side bar chooses one of these. With it, the roles follow from the mapping "
        "under People."
    )
    tables.sheet(
        [{"Persona": p.label, "Roles": ", ".join(sorted(p.roles))} for p in PERSONAS],
        alt="Each persona and its roles",
    )


def show_lifecycle() -> None:
    """Every state as the pages show it, and what leads to it."""
    for kind, transitions in TRANSITIONS.items():
        st.header(kind.replace("_", " ").capitalize(), anchor=False)
        states = next(looks for enumeration, looks in LOOKS.items() if type(transitions[0].target) is enumeration)
        st.markdown(" ".join(cards.state_text(state) for state in states))
        tables.grid(
            [
                {
                    "From": looks_of(kind, t.source),
                    "To": looks_of(kind, t.target),
                    "When": t.cause.replace("_", " "),
                    "Event": t.event.value if t.event else NOTHING,
                }
                for t in transitions
            ],
            alt=f"How a {kind.replace('_', ' ')} moves from state to state",
            key=f"transitions_{kind}",
        )


def looks_of(kind: Kind, state: StrEnum | None) -> str:
    """A state's label; creation has none."""
    return LOOKS[type(state)][state].label if state else f"(new {kind.replace('_', ' ')})"


def show_events() -> None:
    """The catalogue of events."""
    st.header("Event catalogue", anchor=False)
    st.caption("Each state change writes one. Programs follow them at /v1/events; people read them under Activity.")
    tables.grid(
        [{"Event": e.value, "Said as": EVENT_LABELS[e], "About": e.value.split(".")[1]} for e in EventType],
        alt="Every type of event and its label",
        key="events_table",
    )


def show_about() -> None:
    """Versions."""
    st.header("About", anchor=False)
    st.text("The system of record for outcome-based delivery: fixed scope, fixed price, formal acceptance.")
    with st.container(border=True):
        cards.facts(
            {
                "Version": ods_core.__version__,
                **versions(),
            }
        )
    st.caption("Typefaces: Inter and JetBrains Mono, under the SIL Open Font License; served by this server.")


SHOW = {
    "wiring": show_wiring,
    "rates": show_rates,
    "rate_card": show_rate_card,
    "people": people_settings.show_people,
    "keys": key_settings.show_keys,
    "security": key_settings.show_security,
    "webhooks": webhook_settings.show_webhooks,
    "calendars": calendar_settings.show_calendars,
    "roles": show_roles,
    "lifecycle": show_lifecycle,
    "events": show_events,
    "import": importing.show,
    "about": show_about,
}

cards.heading("settings")
live.watch()
if not looks_after_all():
    st.caption("An administrator of the installation sees where the database is and how each setting stands, too.")
if param("endpoint") and not param("view"):
    # A link to an endpoint, from wherever it is told of.
    set_params(view="webhooks")
SHOW[choose_view("view", "Section", VIEWS)]()
