"""The front of the command line: the group that commands join, how refusals end them, and the store they look after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from ods_core import __version__
from ods_core.basics.errors import OdsError
from ods_core.basics.settings import Settings
from ods_core.store import Store

# What they log of a database that cannot be used, a command says as the reason of its end.
for name in ("ods.store", "sqlalchemy.pool"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

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


def open_store() -> Store:
    """The store that the settings name."""
    settings = Settings()
    return Store(settings.database_url, settings.now)
