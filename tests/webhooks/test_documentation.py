"""What docs/webhooks.md shows works, and its table of retries is the schedule."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ods_core.basics.settings import ROOT
from ods_core.webhooks import RetrySchedule, new_secret, signed_headers

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"type":"ods.payment.due","data":{"subject":{"kind":"payment","id":"PAY-26-000001"}}}'


def test_the_receiver_shown_takes_what_is_signed_once_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, now = new_secret(), datetime.now(UTC)
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code
    room: dict[str, Any] = {}
    # Without the future import of this page, which would make texts of its annotations.
    exec(compile(code[1], "receiver.py", "exec", dont_inherit=True), room)
    client = TestClient(room["app"])
    for _ in range(2):
        headers = signed_headers("EVT-26-000001", now, BODY, [new_secret(), secret])
        assert client.post("/hooks/ods", content=BODY, headers=headers).status_code == 204
    assert capsys.readouterr().out == "ods.payment.due PAY-26-000001\n"
    for headers in (
        signed_headers("EVT-26-000001", now, BODY, [new_secret()]),
        signed_headers("EVT-26-000001", now - timedelta(minutes=6), BODY, [secret]),
        {},
    ):
        assert client.post("/hooks/ods", content=BODY, headers=headers).status_code == 400


def test_the_table_of_retries_is_the_schedule() -> None:
    def words(wait: timedelta) -> str:
        seconds = round(wait.total_seconds())
        days, rest = divmod(seconds, 86_400)
        if days:
            return f"{days} d" + (f" {words(timedelta(seconds=rest))}" if rest >= 60 else "")
        if seconds < 60:
            return f"{seconds} s"
        hours, minutes = divmod(seconds // 60, 60)
        return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "")))

    rows = [(n, wait, since) for n, wait, since in RetrySchedule().table() if n > 1]
    for number, wait, since in (*rows[:8], rows[-1]):
        assert f"| {number} | {words(wait)} | {words(since)} |" in PAGE
    assert all(wait == timedelta(hours=8) for number, wait, _ in rows if 10 <= number <= 17)
    assert f"| 10–17 | 8 h each | to {words(rows[-2][2])} |" in PAGE
