"""Answers that are files: written whole before the first byte goes out, sent from the disk piece by piece.

A refusal while a file is written is still a problem answer, the reader's line decides nothing about how long the
database is read, and the length is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

from ods_core.api.refusals import refused_with
from ods_core.basics.errors import Forbidden
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import EXPORTERS, Caller
from ods_core.papers import Format, Paper
from ods_core.payments import Reporting, read_exchange_rates
from ods_core.service import Runtime, Written


def described(media_types: Iterable[str], why: Mapping[int, str], refusals: Iterable[int]) -> dict[int | str, Any]:
    """How an answer that is a file of one of these types, and its refusals, are described."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {200: {"description": "The file", "content": content}} | refused_with(refusals, why)


def require_exporter(caller: Caller) -> None:
    """Raise Forbidden for a caller whose roles take no lists of money away."""
    if not caller.may(EXPORTERS):
        raise Forbidden(f"to take an export needs the role {' or '.join(sorted(EXPORTERS))}")


def as_of(moment: datetime) -> dict[str, str]:
    """The header that says as of when a figure or a file is: a replica comes a little after its database."""
    return {"X-Ods-As-Of": moment.isoformat().replace("+00:00", "Z")}


def exported(run: Runtime, caller: Caller, make: Callable[..., Paper], format: Format, name: str) -> StreamingResponse:
    """A paper as a file.

    Args:
        make: given a connection, and as `now` the moment that it tells of.

    Raises:
        Forbidden: exports are not for this caller's roles.
        TooManyExports: as many are being written as may be.
    """
    require_exporter(caller)
    file_name = f"{name}-{run.clock():%Y-%m-%d}.{format}"
    moments: list[datetime] = []

    def made(connection: Connection) -> Paper:
        moments.append(run.figures.moment(connection, run.clock()))
        return make(connection, now=moments[0])

    whole = run.preparations.write(made, format)
    run.access.note(SecurityKind.EXPORT_TAKEN, caller.actor, caller.organization_id, subject=file_name, rows=whole.rows)
    return sent(whole, format, file_name, as_of(moments[0]))


def sent(written: Written, format: Format, file_name: str, more: Mapping[str, str] | None = None) -> StreamingResponse:
    """A finished file as an attachment."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Content-Length": str(written.size),
        "Cache-Control": "no-store",
        "X-Row-Count": str(written.rows),
        **(more or {}),
    }
    return StreamingResponse(written.chunks(), headers=headers, media_type=format.media_type)


def reporting_in(run: Runtime, currency: str | None) -> Reporting | None:
    """The reporting currency that a caller names.

    Raises:
        NoRate: the rate table does not have it.
        ExchangeRatesError: there is no table to be used.
    """
    return read_exchange_rates(run.settings.exchange_rates_file).into(currency) if currency else None
