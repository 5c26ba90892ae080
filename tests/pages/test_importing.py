"""The Import section of the Settings page: who may, what is asked for, what is told of bad files, what comes of it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.settings import Settings
from ods_core.importing import Run, Stage, clear, imports_of
from ods_core.service import Runtime, Service, using
from ods_core.store import Store
from ods_core.ui import importing
from tests.pages.test_reading import opened, words

EXAMPLE = Path("data/import-example")
FILES = sorted(EXAMPLE.glob("*.csv"))


@pytest.fixture
def empty(tmp_path: Path, clock: MovingClock) -> Iterator[Runtime]:
    """A running program with an empty database in a file, long after the example's history."""
    clock.advance(days=900)
    store = Store(f"duckdb:///{tmp_path / 'ods.duckdb'}", clock)
    settings = Settings(database_url=store.url, demo=False)
    with using(Runtime(settings, store, Service(store, clock), clock)) as replacement:
        yield replacement
    imports_of(store).forget()
    store.close()


def section(**more: str) -> AppTest:
    return opened("settings", view="import", **({"as": "administrator"} | more))


def send(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Choose files in the browser."""
    return (
        app.file_uploader(key="import_sent").set_value([(name, content, "text/csv") for name, content in files]).run()
    )


def example(**changed: Callable[[bytes], bytes]) -> list[tuple[str, bytes]]:
    """The example's files, some changed."""
    return [(path.name, changed.get(path.stem, bytes)(path.read_bytes())) for path in FILES]


def ended(app: AppTest, run: Runtime) -> AppTest:
    """The page once the import under way has ended."""
    latest = imports_of(run.store).latest
    assert latest
    give_up = time.monotonic() + 60
    while latest.stage == Stage.RUNNING:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return app.run()


def press(app: AppTest, key: str, run: Runtime) -> AppTest:
    """Press a button that begins something, and look again once that has ended."""
    return ended(app.button(key=key).click().run(), run)


def alerts(app: AppTest) -> str:
    parts = [*app.error, *app.warning, *app.success]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("*", "")


def findings(app: AppTest) -> list[dict[str, Any]]:
    return app.dataframe[0].value.to_dict("records")


def written(run: Runtime) -> int:
    return run.store.last_sequence


def test_only_an_administrator_imports(empty: Runtime) -> None:
    app = section(**{"as": "finance"})
    assert "An administrator of the installation brings in the history" in words(app)
    assert not app.file_uploader


def test_files_are_sent_checked_and_then_imported_without_sending_them_again(empty: Runtime) -> None:
    app = send(section(), *example())
    press(app, "import_check", empty)
    assert "3 engagements can be imported" in alerts(app)
    assert "Nothing was written" in alerts(app)
    assert written(empty) == 0
    press(app, "import_again", empty)
    assert "3 engagements imported" in alerts(app)
    assert written(empty) > 20
    assert app.table[0].value["Engagements"].tolist() == ["3 of 3"]


def test_the_same_files_are_refused_the_second_time(empty: Runtime) -> None:
    press(send(section(), *example()), "import_run", empty)
    before = written(empty)
    imports_of(empty.store).forget()
    app = press(send(section(), *example()), "import_run", empty)
    assert "These files were imported already" in alerts(app)
    assert written(empty) == before


@pytest.mark.parametrize(
    ("changed", "file", "row", "column", "expected", "found"),
    [
        (
            {"scopes": lambda b: b.replace(b"payment_terms", b"terms")},
            "scopes.csv",
            0,
            "terms",
            "one of external_id",
            "",
        ),
        ({"scopes": lambda b: b""}, "scopes.csv", 0, "", "a file with a header", "an empty file"),
        ({"requests": lambda b: b.replace(b"USD", b"XXX")}, "requests.csv", 1, "currency", "ISO 4217", "XXX"),
        ({"requests": lambda b: b.split(b"\n")[0] + b"\n"}, "requests.csv", 0, "", "at least one row", "none"),
        ({"receipts": lambda b: b"PAR1" + b"\xff" + b}, "receipts.csv", 0, "", "UTF-8", "0xff"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_all_of_it_can_be_taken_away(
    empty: Runtime,
    changed: dict[str, Callable[[bytes], bytes]],
    file: str,
    row: int,
    column: str,
    expected: str,
    found: str,
) -> None:
    app = press(send(section(), *example(**changed)), "import_run", empty)
    assert "nothing was imported" in alerts(app)
    told = next(f for f in findings(app) if f["File"] == file and f["Column"] == column)
    assert (0 if told["Row"] != told["Row"] or told["Row"] is None else told["Row"]) == row
    assert expected in told["Expected"]
    assert found in told["Found"]
    assert written(empty) == 0
    app.button(key="import_report").click().run()
    _, report = app.session_state["import_report_made"]
    assert report.decode().startswith("file,row,column,expected,found")
    assert len(report.decode().splitlines()) == len(findings(app)) + 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["notes.csv"], "notes.csv: expected .csv or .parquet, and a name of these: requests"),
        (["scopes.csv"], "requests: expected requests.csv or requests.parquet among the files; found neither"),
        (["requests.csv", "requests.parquet"], "requests: expected one file of it; found two"),
    ],
)
def test_files_that_are_none_of_an_import_are_named(empty: Runtime, names: list[str], said: str) -> None:
    app = send(section(), *((name, b"x") for name in names))
    app.button(key="import_run").click().run()
    assert said in alerts(app)
    assert imports_of(empty.store).latest is None


def test_a_folder_on_the_server_is_imported_and_one_that_is_not_there_is_named(empty: Runtime) -> None:
    app = section(**{"from": "folder"})
    assert app.button(key="import_run").disabled
    app.text_input(key="import_folder").set_value("/nowhere/at/all").run()
    press(app, "import_check", empty)
    assert "expected a folder with requests.csv or requests.parquet, found none at /nowhere/at/all" in alerts(app)
    app.button(key="import_other").click().run()
    app.text_input(key="import_folder").set_value(str(EXAMPLE)).run()
    press(app, "import_run", empty)
    assert "3 engagements imported" in alerts(app)


def test_one_that_runs_shows_how_far_it_is_stops_when_asked_and_goes_on(
    empty: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stopped behind the first of three batches; the rest is written by going on, and nothing twice."""
    shutil.copytree(EXAMPLE, tmp_path / "history")
    monkeypatch.setattr(importing, "BATCH", 1)
    reached, go_on, note = threading.Event(), threading.Event(), Run.note

    def held(run: Run, share: float, step: str) -> None:
        if "engagements 2 to 2" in step:
            run.share, run.step = share, step
            reached.set()
            go_on.wait(30)
        note(run, share, step)

    monkeypatch.setattr(Run, "note", held)
    app = section(**{"from": "folder"})
    app.text_input(key="import_folder").set_value(str(tmp_path / "history")).run()
    app.button(key="import_run").click().run()
    assert reached.wait(30)
    app.run()
    assert "Writing engagements 2 to 2" in app.get("progress")[0].proto.text
    assert not app.text_input
    app.button(key="import_stop").click().run()
    assert "Stopping" in app.get("progress")[0].proto.text
    go_on.set()
    ended(app, empty)
    assert "Stopped." in alerts(app)
    assert app.table[0].value["Engagements"].tolist() == ["1 of 3"]
    press(app, "import_again", empty)
    assert "3 engagements imported" in alerts(app)
    assert "1 of them were there from an earlier run" in alerts(app)
    assert app.table[0].value["Engagements"].tolist() == ["3 of 3"]


def test_nothing_is_left_beside_the_database_once_a_server_starts_anew(empty: Runtime, tmp_path: Path) -> None:
    press(send(section(), *example()), "import_check", empty)
    (tmp_path / "ods.duckdb.import").mkdir()
    assert {"ods.duckdb.import", "ods.duckdb.import-files"} <= {path.name for path in tmp_path.iterdir()}
    clear(empty.store)
    assert not [path.name for path in tmp_path.iterdir() if "import" in path.name]
