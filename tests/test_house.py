"""The house is in order: style, types, floors, and documents that are made from the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ods_core.cli import DOCUMENTS

ROOT = Path(__file__).resolve().parents[1]
PAGE_LIBRARIES = {"streamlit", "pandas", "plotly", "ods_core"}
CORE_ROOMS = {"ui", "service", "queries", "lifecycle", "payments", "quality", "basics"}


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_style_is_kept() -> None:
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")


def test_the_types_hold() -> None:
    run("mypy")


def test_imports_only_go_down() -> None:
    # The module has no `__main__`: run with `-m` it would look at nothing and be content.
    lint = "from importlinter.cli import import_linter; import_linter(['lint'])"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_made_from_the_code_is_current(name: str) -> None:
    """`python -m ods_core document` writes them again."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == DOCUMENTS[name]()


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_imports_only_what_pages_may(page: Path) -> None:
    """A page reads choices, asks the core and draws; it knows no table, no SQL and no HTTP."""
    for node in ast.walk(ast.parse(page.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            first, _, rest = name.partition(".")
            assert first in PAGE_LIBRARIES | sys.stdlib_module_names, f"{page.name} imports {name}"
            assert first != "ods_core" or not rest or rest.split(".")[0] in CORE_ROOMS, f"{page.name} imports {name}"


@pytest.mark.parametrize("package", ["papers", "payments", "quality", "lifecycle", "service", "store", "demo"])
def test_a_front_door_offers_what_it_lists(package: str) -> None:
    """Their order is the linter's business."""
    module = __import__(f"ods_core.{package}", fromlist=["*"])
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
