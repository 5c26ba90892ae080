"""Keeping a store in order: bring it up to date, and check it."""

from __future__ import annotations

import click

from ods_core.cli.front import main, open_store, refusals
from ods_core.queries.invariants import check as check_invariants


@main.command()
@refusals
def migrate() -> None:
    """Bring the database up to date."""
    store = open_store()
    applied = store.migrated
    store.close()
    click.echo(f"applied {', '.join(map(str, applied))}" if applied else "already up to date")


@main.command()
@refusals
def check() -> None:
    """Check the invariants of the whole store: sums, states, sequences; print what is wrong."""
    store = open_store()
    with store.read() as connection:
        findings = check_invariants(connection)
    store.close()
    for finding in findings:
        click.echo(finding)
    if findings:
        raise click.ClickException(f"{len(findings)} findings")
    click.echo("every invariant holds")
