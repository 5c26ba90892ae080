"""What a board is handed: the workbook's figures against the query, the printed report's words, empty and full."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.roles import LOCAL
from ods_core.papers import Amount, board_pdf
from ods_core.queries.board import board_report, outcomes_paper
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import OutcomeFilter, Step, outcomes
from ods_core.service import Service
from ods_core.store import Store
from tests.papers.reading import opened
from tests.queries.history import RandomHistory, Teller, at


@pytest.fixture
def lived(service: Service, teller: Teller) -> Teller:
    """Random engagements of three organisations in three currencies."""
    RandomHistory(service, teller.clock, seed=11).run(engagements=20, steps=340)
    return teller


def test_the_workbook_has_every_figure_and_every_part_of_its_series(store: Store, lived: Teller) -> None:
    wanted, now = OutcomeFilter(), lived.clock()
    with store.read() as connection:
        answer = outcomes(connection, LOCAL, wanted, now, Step.QUARTER)["metrics"]
        paper = outcomes_paper(connection, LOCAL, wanted, now, Step.QUARTER)
        rows = {sheet.name: [*sheet.rows] for sheet in paper.sheets}
    assert len(rows["Figures"]) == len(answer)
    for row, entry in zip(rows["Figures"], answer, strict=True):
        _, key, _, currency, value, amount, n = row
        assert (key, currency, n) == (entry["key"], entry.get("currency"), entry["n"])
        if METRICS[key].per_currency and entry["value"] is not None and isinstance(entry["value"], Decimal):
            assert amount == Amount(entry["value"], currency)
        else:
            assert value is None if entry["value"] is None else abs(float(value) - entry["value"]) < 1e-6
    assert len(rows["Series"]) == sum(len(entry["series"]) for entry in answer)
    assert any("-Q" in str(row[2]) for row in rows["Series"])
    assert sum(row[2] for row in rows["Rejections"] if row[0] == "reason") > 0
    assert rows["Organisations"]


def test_the_workbook_opens_with_all_its_sheets(store: Store, lived: Teller) -> None:
    with store.read() as connection:
        book = opened(outcomes_paper(connection, LOCAL, OutcomeFilter(), lived.clock()))
    assert book.sheetnames == ["Cover", "Figures", "Series", "Organisations", "Rejections", "Criteria", "Forecast"]


def test_the_report_says_value_change_and_n_of_every_figure(store: Store, lived: Teller) -> None:
    with store.read() as connection:
        report = board_report(connection, LOCAL, OutcomeFilter(), lived.clock())
        answer = {e["key"]: e for e in outcomes(connection, LOCAL, OutcomeFilter(), lived.clock())["metrics"]}
    told = {one.label: one for figures in report.figures.values() for one in figures}
    rate = answer["rejection_rate"]
    assert (told["Rejection rate"].value, told["Rejection rate"].n) == (f"{rate['value']:.0%}", f"{rate['n']:,}")
    assert told["Rejection rate"].parts == [part["value"] for part in rate["series"]]
    assert {label.split(", ")[-1] for label in told if label.startswith("Value delivered")} == {"USD", "JPY", "KWD"}
    assert report.organizations[1]
    assert len(report.definitions) == len({m.label for m in METRICS.values()})


def test_the_same_report_is_the_same_to_the_byte(store: Store, lived: Teller) -> None:
    with store.read() as connection:
        report = board_report(connection, LOCAL, OutcomeFilter(), lived.clock())
    first, again = board_pdf(report), board_pdf(report)
    assert first == again
    assert first.startswith(b"%PDF-")


def test_a_store_without_anything_can_be_printed(store: Store, teller: Teller) -> None:
    teller.clock.move_to(at(6, 1))
    with store.read() as connection:
        report = board_report(connection, LOCAL, OutcomeFilter(), teller.clock())
        paper = outcomes_paper(connection, LOCAL, OutcomeFilter(), teller.clock())
        figures = [*paper.sheets[0].rows]
    assert report.forecast == ("Nothing is forecast: no scope is active.", [])
    assert all(row[-1] == 0 and row[4] is None for row in figures)
    assert board_pdf(report).startswith(b"%PDF-")


def test_a_period_that_is_none_is_refused(store: Store, teller: Teller) -> None:
    with store.read() as connection, pytest.raises(Invalid):
        board_report(connection, LOCAL, OutcomeFilter("2026-13"), teller.clock())
