"""API keys: made, listed, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from ods_core.basics.clock import parse_time
from ods_core.basics.errors import Invalid
from ods_core.basics.keys import ApiKey
from ods_core.basics.roles import LOCAL, Role
from ods_core.basics.settings import Settings
from ods_core.cli.front import main, refusals
from ods_core.service import Access, NewKey
from ods_core.store import Store


@main.group()
def keys() -> None:
    """Make, list and revoke API keys. While a server holds the database, its Settings page and REST API do this."""


@contextmanager
def _access() -> Iterator[Access]:
    settings = Settings()
    store = Store(settings.database_url, settings.now)
    try:
        yield Access(store, settings.now)
    finally:
        store.close()


@keys.command()
@click.option("--organization", help="The organisation whose key it is, such as ORG-26-090500.")
@click.option("--provider", is_flag=True, help="The provider's key: it sees every organisation.")
@click.option("--workspace", help="Narrow it to one workspace, such as WS-26-000021.")
@click.option("--roles", required=True, help=f"One or more of {', '.join(Role)}; commas or blanks between them.")
@click.option("--name", default="", help="What it is for.")
@click.option("--expires", help="When it ends, such as 2027-01-01T00:00:00Z.")
@refusals
def add(
    organization: str | None, provider: bool, workspace: str | None, roles: str, name: str, expires: str | None
) -> None:
    """Make a key and print it, this once; standard output has the key alone."""
    if bool(organization) == provider:
        raise click.UsageError("expected one of --organization ORG-… and --provider")
    given = tuple(roles.replace(",", " ").split())
    whose = organization or "the provider"
    wanted = NewKey(name or f"made for {whose}", given, organization, workspace, _moment(expires))
    try:
        with _access() as access:
            key, text = access.make_key(LOCAL, wanted)
    except Invalid as error:
        raise click.ClickException("; ".join(_told(p.pointer, p.detail) for p in error.problems)) from None
    click.echo(text)
    click.echo(f"{key.id}, {', '.join(sorted(key.roles))}, for {whose}. It is shown this once.", err=True)


def _told(pointer: str, detail: str) -> str:
    """A problem at the option that has it."""
    place = pointer.split("/")[1].removesuffix("_id").replace("expires_at", "expires")
    return f"--{place}: {detail}"


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise click.UsageError(f"--expires: expected a time such as 2027-01-01T00:00:00Z, found {text!r}") from None


@keys.command("list")
@refusals
def list_keys() -> None:
    """Print every key, newest first: never the key itself, but how it begins."""
    with _access() as access:
        found, now = access.keys(LOCAL), access.clock()
    for key in found:
        click.echo(_line(key, now))
    if not found:
        click.echo("no key was made here; the API is open to this machine", err=True)


def _line(key: ApiKey, now: datetime) -> str:
    whose = key.organization_id or "provider"
    where = f" {key.workspace_id}" if key.workspace_id else ""
    used = f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never"
    roles = ",".join(sorted(key.roles))
    return f"{key.id}  {key.status(now):8}  ods_{key.lookup}…  {whose}{where}  {roles}  used {used}  {key.name}"


@keys.command()
@click.argument("id")
@refusals
def revoke(id: str) -> None:
    """End the key with this ID (KEY-…), at once and for good."""
    with _access() as access:
        key = access.revoke_key(LOCAL, id)
    click.echo(f"{key.id} is revoked")
