"""The reporting currency of a page: chosen in the address, and always shown with the rates behind it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from ods_core.basics.errors import OdsError
from ods_core.basics.settings import Settings
from ods_core.payments import ROUNDING, RateTable, ReportedTotal, Reporting, read_exchange_rates, reported_total
from ods_core.service import runtime
from ods_core.ui import tables
from ods_core.ui.formats import away, day, money, plain
from ods_core.ui.session import choose, today

NAME = "reporting"
NONE = "none"


def rate_table() -> RateTable | None:
    """The exchange rates; where they cannot be used, the page says why, and None."""
    try:
        return read_exchange_rates(runtime().settings.exchange_rates_file)
    except OdsError as error:
        st.caption(f":material/warning: {plain(f'{error.title}: {error.detail}')}")
        return None


def choose_reporting() -> Reporting | None:
    """The choice of a reporting currency; None: amounts of two currencies are not added."""
    table = rate_table()
    if table is None:
        return None
    chosen = choose(
        NAME,
        "Reporting currency",
        _options(table, runtime().settings),
        everything=None,
        help="Totals across currencies are told only in a currency that is chosen here, with the rates they are made "
        f"with. {ROUNDING}",
        resets=(),
    )
    return None if chosen == NONE else table.into(chosen)


def _options(table: RateTable, settings: Settings) -> dict[str, str]:
    """The choices, the default of this installation first."""
    first = settings.reporting_currency if settings.reporting_currency in table.currencies else NONE
    others = [NONE, *table.currencies]
    others.remove(first)
    return {code: "None" if code == NONE else code for code in [first, *others]}


def show_rates(reporting: Reporting, amounts: Mapping[str, Decimal]) -> None:
    """The rates that a sum was made with, their day and source, and the currencies that had none."""
    table, told = reporting.table, reported_total(amounts, reporting)
    used = " · ".join(_rate(reporting, code) for code, _, _ in told.parts if code != reporting.currency)
    when = f"Rates of {day(table.as_of)} ({away(table.as_of, today())})"
    st.caption(plain(f"{when}: {used or 'none needed'}. Source: {table.source}."))
    if told.left_out:
        st.warning(
            plain(f"No rate for {', '.join(told.left_out)}: left out of what is told in {reporting.currency}."),
            icon=":material/warning:",
        )


def _rate(reporting: Reporting, code: str) -> str:
    return f"1 {code} = {reporting.one(code):f} {reporting.currency}"


def parts_table(told: ReportedTotal, key: str) -> None:
    """How a sum came about: what each currency added to it."""
    label = f"In {told.currency}"
    rows = [
        {"Currency": code, "Amount": money(amount, code), label: money(converted, told.currency)}
        for code, amount, converted in told.parts
    ]
    rows.append({"Currency": "All", "Amount": "", label: money(told.amount, told.currency)})
    columns = {name: tables.right_aligned(name) for name in ("Amount", label)}
    tables.grid(rows, alt=f"What each currency comes to in {told.currency}", columns=columns, key=key)


__all__ = ["choose_reporting", "parts_table", "rate_table", "show_rates"]
