"""The example of docs/client.md runs as it is printed."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.started import ROOT, StartedServer

pytestmark = pytest.mark.server

DOCUMENT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def code(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


def test_the_five_minutes(
    server: StartedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code("run").replace("http://127.0.0.1:8501", server.url), "docs/client.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"OREQ-\d\d-\d{6} scoping", lines[0])
    assert lines[1].startswith("7750.00 USD 20")
    assert lines[2] == "not_allowed active"
    assert lines[3:5] == ["completed", "15500.00"]
    assert [line.split()[1] for line in lines[5:]][:2] == ["ods.request.submitted", "ods.request.scoped"]
    assert (tmp_path / "statement.pdf").read_bytes().startswith(b"%PDF-")


def test_the_awaited_one(server: StartedServer) -> None:
    names: dict[str, object] = {}
    exec(compile(code("run async"), "docs/client.md", "exec"), names)
    waiting = names["waiting"]
    assert callable(waiting)
    assert isinstance(asyncio.run(waiting(server.url)), list)
