"""What operators call: `python -m ods_core COMMAND`.

Exit status 0: done; 1: refused, with the reason; 2: the call itself is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from ods_core import __version__
from ods_core.basics.errors import OdsError
from ods_core.basics.money import Money, MoneyError, format_money
from ods_core.basics.settings import ROOT, Settings, settings_document
from ods_core.lifecycle.document import document as lifecycle_document
from ods_core.payments import TermsError
from ods_core.queries.invariants import check as check_invariants
from ods_core.service import plan
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


DOCUMENTS: dict[str, Callable[[], str]] = {"lifecycle.md": lifecycle_document, "settings.md": settings_document}


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
