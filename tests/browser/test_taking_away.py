"""Finance takes the schedule away: a short one at the click, a long one once it is written."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page

from benchmarks.population import finished_store
from tests.browser.person import Person
from tests.browser.test_one_engagement import FINANCE
from tests.databases import bring_over
from tests.started import started

pytestmark = [pytest.mark.browser, pytest.mark.server]

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def saved(person: Person, name: str, target: Path) -> Path:
    """The file that a button hands over."""
    with person.page.expect_download() as caught:
        person.page.get_by_role("button", name=name).first.click()
    caught.value.save_as(target)
    return target


def fetched(person: Person, name: str, target: Path) -> Path:
    """The file behind a link, which opens in a window of its own; which of the two windows is told of it varies."""
    address = person.page.get_by_role("link", name=name).first.get_attribute("href")
    answer = person.page.request.get(f"{person.url}{address}")
    assert "attachment" in answer.headers["content-disposition"]
    target.write_bytes(answer.body())
    return target


def amounts(path: Path) -> list[float]:
    """The column of amounts of a schedule's workbook."""
    sheet = openpyxl.load_workbook(path, read_only=True)["Schedule"]
    rows = list(sheet.iter_rows(values_only=True))
    place = next(row.index("Amount") for row in rows if "Amount" in row)
    return [row[place] for row in rows if isinstance(row[place], int | float)]


@pytest.mark.parametrize(
    ("engagements", "is_long"), [(3, False), (1_100, True)][: 2 if os.environ.get("ODS_TEST_FULL") else 1]
)
def test_the_schedule_is_taken_away_as_a_workbook(page: Page, tmp_path: Path, engagements: int, is_long: bool) -> None:
    finished_store(tmp_path / "ods.duckdb", engagements)
    bring_over(tmp_path / "ods.duckdb")
    with started(tmp_path, NOW) as server:
        person = Person(page, server.url)
        person.open("payments", FINANCE)
        person.press("Download")
        if is_long:
            person.press("Prepare XLSX")
            person.sees("is ready: 2,200 rows")
            path = fetched(person, "Save payments", tmp_path / "long.xlsx")
        else:
            person.press("XLSX")
            path = saved(person, "Save payments", tmp_path / "short.xlsx")
        person.shot(f"taken-away-{engagements}")
    assert amounts(path) == [7750] * (2 * engagements)
