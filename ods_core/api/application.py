"""The REST API as one ASGI application, to be mounted at `/v1`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from ods_core import __version__
from ods_core.api import problems
from ods_core.api.guard import LocalOnly
from ods_core.api.refusals import problem_schemas
from ods_core.api.routes import (
    backups,
    calendars,
    delivery,
    events,
    exports,
    metrics,
    money,
    operation,
    prints,
    quality,
    quotes,
    requests,
    scopes,
    trust,
    webhooks,
)
from ods_core.api.tracing import RequestIds

_ABOUT = """
Outcome-based delivery, from the request to the final acceptance.

Money is a JSON number with its currency beside it, exact to the minor unit. Times are UTC (`2026-04-15T10:00:00Z`),
dates are plain (`2026-05-01`). Lists are continued with `cursor`. Refusals are `application/problem+json` with a
stable `code`; a decision that came too late is a 409 that says what the state is now.
"""


def build(*, local_only: bool = True) -> FastAPI:
    """The application; it opens the process's runtime at the first request that needs it.

    Args:
        local_only: answer this machine alone, and no foreign page. Where people sign in every call needs a key, which
            a browser does not send by itself; then it answers whoever has one.
    """
    # Its documentation page brings its own scripts: a self-hosted server shows it without reaching anybody.
    app = FastAPIOffline(
        title="On-Demand Sprints",
        version=__version__,
        description=_ABOUT,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    problems.install(app)
    _describe_problems(app)
    # `{id}.pdf` stands before `{id}`: the first path that fits is taken.
    rooms = (prints, requests, scopes, delivery, exports, money, quotes, quality, metrics, events, trust, webhooks)
    for module in (*rooms, backups, calendars):
        app.include_router(module.routes)
    for module in (exports, backups, calendars):
        app.include_router(module.by_link)
    app.include_router(operation.routes)
    app.include_router(operation.closed)
    if local_only:
        app.add_middleware(LocalOnly)
    app.add_middleware(RequestIds)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Let the application's description have the schemas that the refusals of every call point at."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        description = describe()
        description["components"]["schemas"] |= problem_schemas()
        return description

    app.openapi = described  # type: ignore[method-assign]  # as the framework has it done
