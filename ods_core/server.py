"""What the front door opens: where the API hangs, and what happens as the server starts and stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute, Mount

from ods_core.api import build
from ods_core.basics.errors import StoreError
from ods_core.demo import load
from ods_core.service import Runtime, runtime, shut_down

log = logging.getLogger("ods.server")


def routes() -> list[BaseRoute]:
    """The API, under `/v1`."""
    return [Mount("/v1", app=build())]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Open the database, begin to fill an empty one with the demo, and let go of it at the end.

    A database that cannot be opened does not keep the server from starting: each page and each call says why.
    """
    try:
        run = runtime()
    except StoreError as error:
        log.error("%s", error.detail)
    else:
        _fill_if_empty(run)
    yield {}
    shut_down()


def _fill_if_empty(run: Runtime) -> None:
    """Fill an empty store beside the server, which can show how far it has come meanwhile."""
    if not run.settings.demo or not run.store.is_empty():
        return
    run.filling.share, run.filling.step = 0.0, "Preparing the demo"
    threading.Thread(target=_fill, args=(run,), name="ods-demo", daemon=True).start()


def _fill(run: Runtime) -> None:
    def report(share: float, step: str) -> None:
        run.filling.share, run.filling.step = min(share, 0.99), step

    try:
        load(run, report)
    except Exception as error:
        log.exception("the demo could not be loaded; the store is empty")
        run.filling.error = str(error)
    run.filling.share = 1.0
