"""Keeping a store in order: bring it up to date, check it, and look after what its outcomes are measured from."""

from __future__ import annotations

import click

from ods_core.cli.front import main, open_store, refusals
from ods_core.queries import facts
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
        findings = [*check_invariants(connection), *facts.check(connection)]
    store.close()
    for finding in findings:
        click.echo(finding)
    if findings:
        raise click.ClickException(f"{len(findings)} findings")
    click.echo("every invariant holds")


@main.group(name="facts")
def facts_group() -> None:
    """The rows that the outcomes are measured from; they follow from the store and keep themselves up to date."""


@facts_group.command()
@refusals
def rebuild() -> None:
    """Make all of them anew."""
    store = open_store()
    kept = facts.keep_up(store, wait=True, anew=True)
    store.checkpoint()
    store.close()
    click.echo(f"made anew for {kept.engagements if kept else 0:,} engagements")


@facts_group.command(name="check")
@refusals
def check_facts() -> None:
    """Compare them with what the store comes to; print the engagements where they differ."""
    store = open_store()
    with store.read() as connection:
        findings, mark = facts.check(connection), facts.mark_of(connection)
    store.close()
    for finding in findings:
        click.echo(finding)
    if findings:
        raise click.ClickException(f"{len(findings)} findings; run python -m ods_core facts rebuild")
    click.echo(f"they are what the store comes to, up to event {mark.sequence:,}")
