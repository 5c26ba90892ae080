"""What is not as it was written is refused by name, and leaves the store as it was: empty."""

from __future__ import annotations

import hashlib
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ods_core.basics.roles import LOCAL
from ods_core.moving import DamagedExport, NotMovable, back_up, check_archive, load
from ods_core.moving.manifest import Manifest, _digest
from ods_core.moving.places import unpack
from ods_core.service import Service
from ods_core.store import Store
from tests.moving.conftest import counts, sums
from tests.seed import SUBMITTED, seed_request


def refusal(store: Store, folder: Path, kind: type[Exception] = DamagedExport) -> str:
    """Why a folder is refused; nothing of it is in the store."""
    with pytest.raises(kind) as refused:
        load(store, folder, SUBMITTED)
    assert not any(counts(store).values())
    store.close()
    return str(refused.value)


def flip(path: Path, place: int) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["payments-0001.parquet", "events-0001.parquet", "invoice_serials-0001.parquet"])
def test_one_flipped_byte_is_refused_by_name(folder: Path, empty: Callable[[], Store], name: str) -> None:
    path = folder / name
    expected, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    flip(path, size // 2)
    said = refusal(empty(), folder)
    assert said.startswith(f"{path}: expected {size:,} bytes with the SHA-256 {expected}, found ")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in said


def test_a_file_cut_short_a_missing_one_and_one_too_many_are_refused_by_name(
    folder: Path, empty: Callable[[], Store]
) -> None:
    store, path = empty(), folder / "scopes-0001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedExport, match=rf"scopes-0001.parquet: expected .* found {len(whole) - 1:,} bytes"):
        load(store, folder, SUBMITTED)
    path.unlink()
    with pytest.raises(DamagedExport, match=r"scopes-0001.parquet: expected a file of .* bytes, found none"):
        load(store, folder, SUBMITTED)
    path.write_bytes(whole)
    shutil.copy(path, folder / "scopes-0002.parquet")
    assert "scopes-0002.parquet: a file that the manifest does not name" in refusal(store, folder)


def test_every_byte_of_the_manifest_counts(folder: Path, empty: Callable[[], Store]) -> None:
    """Wherever it is altered, it is refused: as no JSON, as no manifest, or by its own checksum."""
    path = folder / "manifest.json"
    whole, store = path.read_bytes(), empty()
    # The line's end behind the last bracket, and the white space, say nothing.
    places = [place for place in range(len(whole)) if not whole[place : place + 1].isspace()]
    for place in random.Random(7).sample(places, 60):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises((DamagedExport, NotMovable), match=r"manifest\.json"):
            load(store, folder, SUBMITTED)
    assert not any(counts(store).values())
    store.close()


def test_a_folder_without_a_manifest_is_an_unfinished_export(folder: Path, empty: Callable[[], Store]) -> None:
    (folder / "manifest.json").unlink()
    assert "expected a manifest.json, found none: the export was not finished" in refusal(empty(), folder)


def test_no_folder_is_said_to_be_none(tmp_path: Path, empty: Callable[[], Store]) -> None:
    assert "found none at" in refusal(empty(), tmp_path / "nowhere", NotMovable)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a manifest says, and give it a checksum that is right."""
    path = folder / "manifest.json"
    body = orjson.loads(path.read_bytes())
    body.pop("sha256")
    change(body)
    path.write_bytes(orjson.dumps(body | {"sha256": _digest(body)}))


def replaced(folder: Path, table: str, made: pa.Table) -> None:
    """Other rows for a table, with sizes and checksums that are right: what somebody who knows how could do."""
    path = folder / f"{table}-0001.parquet"
    pq.write_table(made, path)
    content = path.read_bytes()

    def change(body: dict[str, Any]) -> None:
        (entry,) = (e for e in body["tables"] if e["name"] == table)
        file = {"rows": made.num_rows, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        entry["files"] = [{"name": path.name} | file]

    rewrite(folder, change)


def test_a_newer_schema_is_refused_with_the_program_that_reads_it(folder: Path, empty: Callable[[], Store]) -> None:
    rewrite(folder, lambda body: body.update(migrations=[*body["migrations"], 9999], program_version="7.1.0"))
    assert "import it with version 7.1.0 of the program, or a newer one" in refusal(empty(), folder, NotMovable)


def test_another_format_is_refused(folder: Path, empty: Callable[[], Store]) -> None:
    rewrite(folder, lambda body: body.update(format="ods-export/2"))
    assert "expected the format ods-export/1, found ods-export/2" in refusal(empty(), folder)


def test_an_unknown_table_and_a_missing_one_are_refused(folder: Path, empty: Callable[[], Store]) -> None:
    rewrite(folder, lambda body: body["tables"][0].update(name="notes"))
    assert "a table that no store has: notes" in refusal(empty(), folder)


def test_a_file_name_that_leads_elsewhere_is_refused(folder: Path, empty: Callable[[], Store]) -> None:
    rewrite(folder, lambda body: body["tables"][0]["files"][0].update(name="../../etc/passwd"))
    assert "expected the manifest of an export" in refusal(empty(), folder)


def test_an_unknown_column_a_missing_one_and_another_type_are_refused(folder: Path, empty: Callable[[], Store]) -> None:
    store, rows = empty(), pq.read_table(folder / "receipts-0001.parquet")
    replaced(folder, "receipts", rows.append_column("colour", pa.array(["red"] * rows.num_rows)))
    with pytest.raises(DamagedExport, match=r"receipts-0001.parquet: a column that no store has: colour"):
        load(store, folder, SUBMITTED)
    replaced(folder, "receipts", rows.drop_columns(["amount"]))
    with pytest.raises(DamagedExport, match=r"receipts-0001.parquet: expected the column amount, found none"):
        load(store, folder, SUBMITTED)
    as_float = rows.set_column(rows.schema.get_field_index("amount"), "amount", rows["amount"].cast(pa.float64()))
    replaced(folder, "receipts", as_float)
    assert "expected amount of the type decimal128(24, 4), found double" in refusal(store, folder)


def test_rows_that_the_database_refuses_leave_nothing_behind(folder: Path, empty: Callable[[], Store]) -> None:
    """A receipt for a payment that is not there: the tables before it were full already."""
    rows = pq.read_table(folder / "receipts-0001.parquet")
    nowhere = pa.array(["PAY-26-999999"] * rows.num_rows)
    replaced(folder, "receipts", rows.set_column(rows.schema.get_field_index("payment_id"), "payment_id", nowhere))
    assert "receipts: a row that the database refuses: " in refusal(empty(), folder)


def test_rows_that_break_an_invariant_leave_nothing_behind(folder: Path, empty: Callable[[], Store]) -> None:
    """A price raised in a file: its milestones do not sum to it any more."""
    rows = pq.read_table(folder / "scopes-0001.parquet")
    place = rows.schema.get_field_index("fixed_price")
    raised = pa.array([price + 1 for price in rows["fixed_price"].to_pylist()], rows.schema.field(place).type)
    replaced(folder, "scopes", rows.set_column(place, rows.schema.field(place), raised))
    assert "the milestones of a confirmed scope sum to its price" in refusal(empty(), folder)


def test_missing_rows_are_noticed_by_the_last_number(folder: Path, empty: Callable[[], Store]) -> None:
    replaced(folder, "events", pq.read_table(folder / "events-0001.parquet").slice(0, 3))
    assert "EVT: expected " in refusal(empty(), folder)


def test_a_store_with_something_in_it_is_left_alone(folder: Path, empty: Callable[[], Store]) -> None:
    store = empty()
    Service(store).submit_request(LOCAL, seed_request())
    before = counts(store)
    with pytest.raises(NotMovable, match=r"the database is not empty: \w+ has rows"):
        load(store, folder, SUBMITTED)
    assert counts(store) == before
    store.close()


def test_a_backup_is_its_export_in_one_file(source: Store, exported: Path, tmp_path: Path) -> None:
    whole = back_up(source, tmp_path / "backup.zip", SUBMITTED)
    assert check_archive(tmp_path / "backup.zip") == whole
    with zipfile.ZipFile(tmp_path / "backup.zip") as packed:
        packed.extractall(tmp_path / "unzipped")
    assert sums(tmp_path / "unzipped") == sums(exported)
    assert whole == Manifest.of((exported / "manifest.json").read_bytes(), "")
    assert (tmp_path / "backup.zip").stat().st_mode & 0o777 == 0o600


def test_a_damaged_backup_is_refused_by_name_or_its_data_are_whole(
    source: Store, exported: Path, tmp_path: Path
) -> None:
    """A ZIP file has bytes that say nothing of its content, such as times: only those may differ unnoticed."""
    file, expected = tmp_path / "backup.zip", sums(exported)
    back_up(source, file, SUBMITTED)
    content, chance, refused = file.read_bytes(), random.Random(11), 0
    for number in range(120):
        altered = bytearray(content)
        altered[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(altered)
        into = tmp_path / f"out{number}"
        into.mkdir()
        said = why_refused(file)
        if said is None:
            unpack(file, into)
            assert sums(into) == expected
        else:
            refused += 1
            assert "backup.zip" in said
        shutil.rmtree(into)
    assert refused > 100


def why_refused(file: Path) -> str | None:
    """Why a backup is refused; None: it is whole."""
    try:
        check_archive(file)
    except DamagedExport as error:
        return str(error)
    return None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_backup_cut_short_is_refused_by_name(source: Store, tmp_path: Path, share: float) -> None:
    file = tmp_path / "backup.zip"
    back_up(source, file, SUBMITTED)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DamagedExport, match=r"backup.zip: expected a whole backup"):
        check_archive(file)


def test_a_backup_with_a_strange_file_in_it_is_refused(source: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    back_up(source, file, SUBMITTED)
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr("../elsewhere", "Dear all")
    with pytest.raises(DamagedExport, match=r"backup.zip: a file in it that no backup has: '../elsewhere'"):
        check_archive(file)
