"""Exports over HTTP: the filters of the list, a file at the end, refusals as everywhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook

from tests.api.conftest import Engagement
from tests.started import started

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    lines = [*csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))]
    head = lines.index([]) + 1
    return [dict(zip(lines[head], line, strict=True)) for line in lines[head + 1 :]]


def test_payments_as_csv_have_the_filters_of_the_list(api: httpx.Client, engagement: Engagement) -> None:
    engagement.submitted(title="=1+1").confirmed()
    scope = engagement.scope["id"]
    answer = api.get("/payments.csv", params={"scope_id": scope})
    found = rows(answer)
    listed = engagement.get(f"/payments?scope_id={scope}")
    assert {(r["Payment"], float(r["Amount"]), r["Status"]) for r in found} == {
        (p["id"], p["amount"], p["status"]) for p in listed
    }
    assert {r["Title"] for r in found} == {"'=1+1"}
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="payments-')
    assert answer.headers["x-row-count"] == "2"
    plain = api.get("/payments.csv", params={"scope_id": scope}, headers={"Accept-Encoding": "identity"})
    assert int(plain.headers["content-length"]) == len(plain.content)
    for status in ("due", "scheduled", "paid"):
        one = rows(api.get("/payments.csv", params={"scope_id": scope, "status": status}))
        assert len(one) == len(engagement.get(f"/payments?scope_id={scope}&status={status}"))
    for overdue in ("true", "false"):
        one = rows(api.get("/payments.csv", params={"scope_id": scope, "overdue": overdue}))
        assert len(one) == len(engagement.get(f"/payments?scope_id={scope}&overdue={overdue}"))


def test_payments_as_a_workbook_in_a_reporting_currency(api: httpx.Client, engagement: Engagement) -> None:
    engagement.confirmed()
    params = {"scope_id": engagement.scope["id"], "reporting_currency": "JPY"}
    answer = api.get("/payments.xlsx", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX)
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Cover", "Schedule", "Rates"]
    head = [cell.value for cell in book["Schedule"][1]]
    assert book["Schedule"].cell(2, head.index("Amount") + 1).value == 7750
    assert isinstance(book["Schedule"].cell(2, head.index("Amount in JPY") + 1).value, int)


def test_receipts_ageing_and_a_statement(api: httpx.Client, engagement: Engagement) -> None:
    engagement.confirmed()
    scope = engagement.scope["id"]
    payment = rows(api.get("/payments.csv", params={"scope_id": scope, "status": "due"}))[0]["Payment"]
    body = {"amount": 10.01, "received_on": "2026-06-01", "reference": "=SEPA"}
    engagement.post(f"/payments/{payment}/receipts", body, 201)
    (receipt,) = rows(api.get("/receipts.csv", params={"scope_id": scope, "from": "2026-06-01", "to": "2026-06-01"}))
    assert (receipt["Amount"], receipt["Reference"]) == ("10.01", "'=SEPA")
    assert rows(api.get("/receipts.csv", params={"scope_id": scope, "from": "2026-06-02"})) == []
    assert rows(api.get("/ageing.csv"))[0]["Organisation"]
    assert len(rows(api.get(f"/scopes/{scope}/statement.csv"))) == 2
    book = load_workbook(io.BytesIO(api.get(f"/scopes/{scope}/statement.xlsx").content))
    assert book["Receipts"].max_row == 2


@pytest.mark.parametrize(
    ("path", "status", "code", "pointer"),
    [
        ("/payments.pdf", 422, "invalid", "/format"),
        ("/payments.csv?reporting_currency=XYZ", 422, "invalid", "/reporting_currency"),
        ("/payments.csv?limit=5", 422, "invalid", "/limit"),
        ("/payments.csv?status=lost", 422, "invalid", "/status"),
        ("/receipts.csv?from=yesterday", 422, "invalid", "/from"),
        ("/receipts.csv?from=2026-06-02&to=2026-06-01", 422, "invalid", "/to"),
        ("/scopes/OSCOPE-26-999999/statement.csv", 404, "not_found", None),
        ("/downloads/nothing", 404, "not_found", None),
    ],
)
def test_what_cannot_be_exported_is_refused(
    api: httpx.Client, path: str, status: int, code: str, pointer: str | None
) -> None:
    answer = api.get(path)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    if pointer:
        assert [e["pointer"] for e in body["errors"]] == [pointer]


def test_rates_that_cannot_be_used_are_told_at_start_and_stop_nothing_else(tmp_path: Path) -> None:
    rates = tmp_path / "exchange.toml"
    rates.write_text('base = "EUR"\nas_of = 2026-01-02\nsource = "A test"\n[rates]\nUSD = 0\n', encoding="utf-8")
    with started(tmp_path, ODS_EXCHANGE_RATES=str(rates)) as server:
        with server.client() as client:
            refused = client.get("/payments.csv?reporting_currency=USD")
            assert (refused.status_code, refused.json()["code"]) == (503, "exchange_rates_unusable")
            assert client.get("/payments.csv").status_code == 200
        assert "ODS_EXCHANGE_RATES: exchange.toml: rates.USD: expected a rate from" in server.log()


def test_invoices_as_csv_have_the_filters_of_the_list(api: httpx.Client, engagement: Engagement) -> None:
    engagement.submitted(title="@cmd").confirmed()
    scope = engagement.scope["id"]
    due = engagement.get(f"/payments?scope_id={scope}&status=due")[0]["id"]
    wrong = api.post(f"/payments/{due}/invoice").json()["data"]
    api.post(f"/invoices/{wrong['id']}/void", json={"reason": "=A1"})
    right = api.post(f"/payments/{due}/invoice").json()["data"]
    found = rows(api.get("/invoices.csv", params={"scope_id": scope}))
    assert [(r["Number"], r["Status"], r["Claimed"]) for r in found] == [
        (wrong["number"], "void", "7750.00"),
        (right["number"], "open", "7750.00"),
    ]
    assert (found[0]["Title"], found[0]["Reason"]) == ("'@cmd", "'=A1")
    for status in ("open", "void", "paid"):
        one = rows(api.get("/invoices.csv", params={"scope_id": scope, "status": status}))
        assert len(one) == len(engagement.get(f"/invoices?scope_id={scope}&status={status}"))
    assert rows(api.get("/invoices.csv", params={"scope_id": scope, "from": right["issued_on"]})) == found
    assert rows(api.get("/invoices.csv", params={"scope_id": scope, "to": "2020-01-01"})) == []
    book = load_workbook(io.BytesIO(api.get("/invoices.xlsx", params={"scope_id": scope}).content))
    assert book["Invoices"].max_row == 3
