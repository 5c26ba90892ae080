"""Documents that are made from the code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from ods_core.basics.settings import ROOT, settings_document
from ods_core.cli.front import main
from ods_core.importing.document import document as import_document
from ods_core.lifecycle.document import document as lifecycle_document

DOCUMENTS: dict[str, Callable[[], str]] = {
    "import.md": import_document,
    "lifecycle.md": lifecycle_document,
    "settings.md": settings_document,
}


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Only say whether they are current.")
def document(only_check: bool) -> None:
    """Write the documents that are made from the code."""
    stale = [name for name, make in DOCUMENTS.items() if _differs(ROOT / "docs" / name, make())]
    if only_check and stale:
        raise click.ClickException(f"not current: {', '.join(stale)}; run python -m ods_core document")
    for name in () if only_check else stale:
        (ROOT / "docs" / name).write_text(DOCUMENTS[name](), encoding="utf-8")
        click.echo(f"wrote docs/{name}")


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text
