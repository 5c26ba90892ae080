"""What operators call: `python -m ods_core COMMAND`.

Exit status 0: done; 1: refused, with the reason; 2: the call itself is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TextIO, TypeVar

import click

from ods_core import __version__
from ods_core.basics.errors import OdsError
from ods_core.basics.jsonio import dumps, loads_strict
from ods_core.basics.money import Money, MoneyError, format_money
from ods_core.basics.settings import ROOT, Settings, settings_document
from ods_core.importing import Finding, Importer
from ods_core.importing.document import document as import_document
from ods_core.lifecycle.document import document as lifecycle_document
from ods_core.payments import TermsError
from ods_core.quality import CheckedList, check_criteria
from ods_core.queries.invariants import check as check_invariants
from ods_core.service import plan, policy_of
from ods_core.service.gate import checked_resource
from ods_core.store import Store

P = ParamSpec("P")
T = TypeVar("T")


def refusals(command: Callable[P, T]) -> Callable[P, T]:
    """Let a refusal end the command with status 1 and its reason."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except OdsError as error:
            raise click.ClickException(error.detail) from None

    return guarded


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ods_core")
def main() -> None:
    """Look after an ODS installation. The database is the one that ODS_DATABASE_URL names."""


@main.command()
@refusals
def migrate() -> None:
    """Bring the database up to date."""
    store = _store()
    applied = store.migrated
    store.close()
    click.echo(f"applied {', '.join(map(str, applied))}" if applied else "already up to date")


@main.command()
@refusals
def check() -> None:
    """Check the invariants of the whole store: sums, states, sequences; print what is wrong."""
    store = _store()
    with store.read() as connection:
        findings = check_invariants(connection)
    store.close()
    for finding in findings:
        click.echo(finding)
    if findings:
        raise click.ClickException(f"{len(findings)} findings")
    click.echo("every invariant holds")


def _store() -> Store:
    settings = Settings()
    return Store(settings.database_url, settings.now)


@main.command()
@click.argument("sentence")
@click.option("--price", required=True, help="The fixed price, such as 15500.00.")
@click.option("--currency", default="USD", show_default=True, help="ISO 4217.")
@click.option("--cycles", default=1, show_default=True, type=click.IntRange(1, 104))
@click.option("--deliverables", default=1, show_default=True, type=click.IntRange(1, 200))
def terms(sentence: str, price: str, currency: str, cycles: int, deliverables: int) -> None:
    """Show what payment terms come to, or the place in them that cannot be right."""
    try:
        planned = plan(sentence, _price(price, currency), cycles, deliverables)
    except TermsError as error:
        for problem in error.problems:
            click.echo(sentence, err=True)
            click.echo(" " * problem.start + "^" * max(problem.end - problem.start, 1), err=True)
            click.echo(problem.detail, err=True)
        raise click.ClickException("these terms cannot be right") from None
    for m in planned:
        amount = format_money(Money(m.amount, m.currency))
        click.echo(f"{m.position:>3}  {amount:>18}  {m.description}, net {m.net_days} days")


def _price(text: str, currency: str) -> Money:
    try:
        price = Money(Decimal(text), currency)
    except (InvalidOperation, MoneyError) as error:
        raise click.ClickException(f"--price {text} {currency}: {error}") from None
    if price.amount <= 0:
        raise click.ClickException("--price: expected an amount above 0")
    return price


@main.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--json", "as_json", is_flag=True, help="Print what `POST …/criteria/check` answers.")
def criteria(file: TextIO, as_json: bool) -> None:
    """Check acceptance criteria: one a line, or a JSON list of texts; `-` reads standard input.

    Ends with 1 where one of them is not written yet; other findings advise.
    """
    checked = check_criteria(_criteria_in(file))
    if as_json:
        click.echo(dumps(checked_resource(checked)).decode())
    else:
        _print_checked(checked)
    blocked = sum(one.is_blocked for one in checked.criteria)
    if blocked or not checked.criteria:
        why = "criterion is" if blocked == 1 else "criteria are"
        raise click.ClickException(f"{blocked} {why} not written yet" if blocked else "there is no criterion")


def _criteria_in(file: TextIO) -> list[str]:
    try:
        text = file.read()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"not UTF-8: {error.reason} at byte {error.start}") from None
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        given = loads_strict(text.encode())
    except ValueError:
        # A criterion may begin with a bracket.
        return [line.strip() for line in text.splitlines() if line.strip()]
    found = given.get("criteria", given.get("acceptance_criteria")) if isinstance(given, dict) else given
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise click.ClickException('expected a JSON list of texts, or {"criteria": [texts]}')
    return found


def _print_checked(checked: CheckedList) -> None:
    for number, one in enumerate(checked.criteria, 1):
        click.echo(f"{number:>3}. {one.score:>3}  {one.text}")
        for f in one.findings:
            words = " ".join(one.text[f.start : f.end].split())
            click.echo(f"          {f.severity.value}: {f.code.value}, {f.start}–{f.end}: {words}")
            click.echo(f"          {f.message} {f.suggestion}")
    click.echo(f"score {checked.score}")


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
