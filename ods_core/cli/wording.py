"""Trying out what people write: payment terms and acceptance criteria; no store is needed."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TextIO

import click

from ods_core.basics.jsonio import dumps, loads_strict
from ods_core.basics.money import Money, MoneyError, format_money
from ods_core.cli.front import main
from ods_core.payments import TermsError
from ods_core.quality import CheckedList, check_criteria
from ods_core.service import plan
from ods_core.service.gate import checked_resource


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
