"""Moving a whole store: out into files and in again, kept safe and brought back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import click
import httpx

from ods_core.basics.errors import StoreHeld
from ods_core.basics.settings import Settings
from ods_core.cli.front import main, open_store, refusals
from ods_core.moving import Manifest, NotMovable, back_up, check_archive, copy, load, new_file, restore
from ods_core.moving import export as export_store
from ods_core.service import presence

_CALL = "/v1/capabilities/ods/held/backup.zip"
_PATIENCE = httpx.Timeout(10, read=3600)
"""Seconds; a server writes the whole backup before it sends the first byte."""

_keep_webhooks = click.option(
    "--keep-webhooks", is_flag=True, help="Go on sending webhooks from here: the other store sends no more."
)

Place = click.Path(path_type=Path)
File = click.Path(path_type=Path, dir_okay=False)


@main.command("export")
@click.argument("folder", type=Place)
@refusals
def export_command(folder: Path) -> None:
    """Write the whole store into a new FOLDER: Parquet files with a manifest and checksums.

    The same store gives the same files, to the byte. They hold everything, secrets of webhooks included.
    """
    try:
        store = open_store()
    except StoreHeld as held:
        raise NotMovable(
            f"{held.detail} Or take a backup, which goes while the server serves: `python -m ods_core backup FILE`. "
            f"It is a ZIP file, and what is in it is the export: `unzip FILE -d {folder}`"
        ) from None
    try:
        whole = export_store(store, folder, Settings().now(), _say)
    finally:
        store.close()
    click.echo(f"{_told(whole)} written to {folder}")


@main.command("import")
@click.argument("folder", type=Place)
@_keep_webhooks
@refusals
def import_command(folder: Path, keep_webhooks: bool) -> None:
    """Bring a FOLDER that `export` wrote into an empty store: all of it, or nothing."""
    store = open_store()
    try:
        whole = load(store, folder, Settings().now(), _say, keep_webhooks=keep_webhooks)
        store.checkpoint()
    finally:
        store.close()
    click.echo(f"{_told(whole)} imported; every invariant holds")


@main.command("backup")
@click.argument("file", type=File)
@refusals
def backup_command(file: Path) -> None:
    """Write the whole store, as it is at this moment, into one new FILE; also while a server serves it."""
    settings = Settings()
    try:
        store = open_store()
    except StoreHeld as held:
        whole = _from_server(settings, file, held)
    else:
        try:
            whole = back_up(store, file, settings.now(), _say)
        finally:
            store.close()
    click.echo(f"{_told(whole)} kept in {file}")


@main.command("restore")
@click.argument("file", type=File)
@click.option("--replace", is_flag=True, help="Also where there is a database with something in it; it is kept aside.")
@_keep_webhooks
@refusals
def restore_command(file: Path, replace: bool, keep_webhooks: bool) -> None:
    """Put what `backup` kept in FILE in the place of the database, once it is made and checked."""
    settings = Settings()
    url, now = settings.database_url, settings.now()
    done = restore(url, file, now, replace=replace, keep_webhooks=keep_webhooks, progress=_say)
    click.echo(f"{_told(done.manifest)} restored; every invariant holds")
    if done.kept:
        click.echo(f"the database that stood there is kept at {done.kept}")


@main.command("copy")
@click.option("--to", "url", required=True, metavar="URL", help="The empty database, as in ODS_DATABASE_URL.")
@_keep_webhooks
@refusals
def copy_command(url: str, keep_webhooks: bool) -> None:
    """Copy the whole store into an empty database, DuckDB or PostgreSQL, and compare both by checksum.

    All of it, or nothing: a copy that is killed leaves a database that says so, and is refused until it is filled.
    """
    settings = Settings()
    store = open_store()
    try:
        done = copy(store, url, settings.now(), keep_webhooks=keep_webhooks, progress=_say)
    finally:
        store.close()
    click.echo(f"{_told(done.manifest)} copied; every invariant holds, and both come to {done.checksum}")
    if done.disabled_webhooks:
        click.echo(
            f"{done.disabled_webhooks} webhook endpoints are disabled in the copy, since this store may still send"
        )


def _from_server(settings: Settings, file: Path, held: StoreHeld) -> Manifest:
    """Ask the server that holds the database."""
    server = presence.found(settings.database_url)
    if server is None:
        raise held
    _say(0.0, f"Asking the server at {server.url}, which holds the database")
    try:
        with new_file(file) as into, _answer(server) as answer:
            if answer.status_code != 200:
                answer.read()
                raise NotMovable(f"the server at {server.url} refuses: {_why(answer)}")
            for chunk in answer.iter_bytes():
                into.write(chunk)
            into.flush()
            return check_archive(Path(into.name))
    except httpx.HTTPError as error:
        raise NotMovable(f"{held.detail} The server that was at {server.url} does not answer: {error}") from None


def _answer(server: presence.Presence) -> AbstractContextManager[httpx.Response]:
    headers = {presence.HEADER: server.word}
    return httpx.stream("GET", server.url + _CALL, headers=headers, timeout=_PATIENCE, trust_env=False)


def _why(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"


def _told(whole: Manifest) -> str:
    engagements = next(table.rows for table in whole.tables if table.name == "requests")
    return f"{engagements:,} engagements, {whole.rows:,} rows"


def _say(share: float, step: str) -> None:
    click.echo(f"{share:4.0%}  {step}", err=True)
