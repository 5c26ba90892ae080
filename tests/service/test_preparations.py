"""Files that take a while: watched, stopped, handed over, and gone afterwards."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import NotFound, StoreError
from ods_core.papers import Column, Format, Paper, Row, Sheet
from ods_core.service import Preparation, Preparations, Stage, TooManyExports, preparations
from ods_core.store import Store


class Source:
    """A paper of 1,500 rows whose second half waits until it is let go."""

    def __init__(self, clock: MovingClock) -> None:
        self.moment, self.go, self.half = clock(), threading.Event(), threading.Event()

    def rows(self) -> Iterator[Row]:
        for number in range(1_500):
            if number == 700:
                self.half.set()
                assert self.go.wait(30)
            yield (f"row {number}",)

    def __call__(self, connection: Connection) -> Paper:
        return Paper("A list", self.moment, {}, [Sheet("List", [Column("Row")], self.rows())])


@pytest.fixture
def prepared(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preparations]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Preparations(store)
    yield made
    made.close()


def started(prepared: Preparations, source: Source, format: Format = Format.CSV) -> Preparation:
    made = prepared.start(source, format, label="A list", file_name="list.csv", total=1_500)
    assert source.half.wait(30)
    return made


def ended(made: Preparation) -> Stage:
    deadline = time.monotonic() + 30
    while made.stage == Stage.WRITING and time.monotonic() < deadline:
        time.sleep(0.01)
    return made.stage


@pytest.mark.parametrize("format", Format)
def test_progress_is_seen_and_the_file_is_whole(
    prepared: Preparations, clock: MovingClock, tmp_path: Path, format: Format
) -> None:
    source = Source(clock)
    made = started(prepared, source, format)
    assert (made.stage, made.rows) == (Stage.WRITING, 500)
    source.go.set()
    assert ended(made) == Stage.DONE
    found = prepared.find(made.token).written
    assert found is not None
    content = b"".join(found.chunks())
    assert (len(content), found.rows) == (found.size, 1_500)
    assert content == b"".join(found.chunks()), "it can be fetched again"
    assert list(tmp_path.iterdir()) == [], "no file of it has a name"


def test_several_readers_get_the_whole_file_each(
    prepared: Preparations, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparations, "_CHUNK", 100)
    source = Source(clock)
    source.go.set()
    made = prepared.write(source, Format.CSV)
    one, other = made.chunks(), made.chunks()
    mixed = [part for pair in zip(one, other, strict=True) for part in pair]
    assert b"".join(mixed[::2]) == b"".join(mixed[1::2])
    assert mixed[0].startswith(b"\xef\xbb\xbfA list")


def test_a_stopped_one_ends_soon_and_leaves_nothing(prepared: Preparations, clock: MovingClock, tmp_path: Path) -> None:
    source = Source(clock)
    made = started(prepared, source, Format.XLSX)
    prepared.discard(made.token)
    source.go.set()
    assert ended(made) == Stage.STOPPED
    assert (made.rows, made.written) == (1_000, None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFound):
        prepared.find(made.token)


def test_a_refusal_and_a_defect_are_told_apart(prepared: Preparations) -> None:
    def refuse(connection: Connection) -> Paper:
        raise StoreError("the disk is full")

    def fail(connection: Connection) -> Paper:
        raise RuntimeError("a secret")

    made = [prepared.start(m, Format.CSV, label="", file_name="", total=1) for m in (refuse, fail)]
    assert [ended(m) for m in made] == [Stage.FAILED, Stage.FAILED]
    assert made[0].error == "the disk is full"
    assert "secret" not in made[1].error


def test_only_so_many_are_written_at_once_and_a_place_is_given_back(
    prepared: Preparations, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [Source(clock) for _ in range(preparations.AT_ONCE)]
    running = [started(prepared, source) for source in sources]
    with pytest.raises(TooManyExports):
        prepared.write(sources[0], Format.CSV)
    with pytest.raises(TooManyExports):
        prepared.start(sources[0], Format.CSV, label="", file_name="", total=1)
    for source in sources:
        source.go.set()
    assert {ended(made) for made in running} == {Stage.DONE}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            assert prepared.write(sources[0], Format.CSV).rows == 1_500
            break
        except TooManyExports:
            time.sleep(0.01)


def test_a_finished_one_is_kept_for_a_while(
    prepared: Preparations, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(clock)
    source.go.set()
    made = prepared.start(source, Format.CSV, label="", file_name="", total=1)
    assert ended(made) == Stage.DONE
    assert prepared.find(made.token) is made
    monkeypatch.setattr(preparations, "KEPT_SECONDS", -1)
    with pytest.raises(NotFound):
        prepared.find(made.token)
