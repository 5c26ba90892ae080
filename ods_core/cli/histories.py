"""Bringing a history in."""

from __future__ import annotations

from pathlib import Path

import click

from ods_core.basics.settings import Settings
from ods_core.cli.front import main, refusals
from ods_core.importing import Finding, Importer
from ods_core.queries.facts import keep_up
from ods_core.service import policy_of
from ods_core.store import Store


@main.command("import-history")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Only say whether it could be imported.")
@click.option("--show", default=20, show_default=True, type=click.IntRange(0), help="How many findings to print.")
@click.option(
    "--report",
    default=Path("import-report.csv"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where all findings go, as CSV, if there are any.",
)
@refusals
def import_history(folder: Path, only_check: bool, show: int, report: Path) -> None:
    """Import a FOLDER of engagements, CSV or Parquet; docs/import.md has the columns.

    All of it is checked first, and with any finding nothing is written. Once stopped, the same call goes on.
    """
    settings = Settings()
    store = Store(settings.database_url, settings.now)
    importer = Importer(store, settings.now, policy_of(settings))
    try:
        go = importer.check if only_check else importer.run
        outcome = go(folder, most=show, report=report, progress=_say)
        if not only_check:
            keep_up(store)
    finally:
        store.close()
    for finding in outcome.findings:
        click.echo(_found(finding))
    if outcome.found:
        raise click.ClickException(f"{outcome.found:,} findings, all of them in {report}; nothing was imported")
    if only_check:
        click.echo(f"{outcome.engagements:,} engagements can be imported")
    else:
        behind = f", {outcome.before:,} of them before" if outcome.before else ""
        click.echo(f"{outcome.engagements:,} engagements imported{behind}")


def _say(share: float, step: str) -> None:
    click.echo(f"{share:4.0%}  {step}", err=True)


def _found(finding: Finding) -> str:
    place = f"{finding.file}" + (f", row {finding.row:,}" if finding.row else "")
    column = f", {finding.column}" if finding.column else ""
    return f"{place}{column}: expected {finding.expected}; found {finding.found}"
