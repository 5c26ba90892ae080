"""Answers that are files: written whole before the first byte goes out, sent from the disk piece by piece.

A refusal while a file is written is still a problem answer, the reader's line decides nothing about how long the
database is read, and the length is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

from ods_core.api.refusals import refused_with
from ods_core.basics.errors import Forbidden
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import EXPORTERS, Caller
from ods_core.papers import Format
from ods_core.payments import Reporting, read_exchange_rates
from ods_core.service import Make, Runtime, Written


def described(media_types: Iterable[str], why: Mapping[int, str], refusals: Iterable[int]) -> dict[int | str, Any]:
    """How an answer that is a file of one of these types, and its refusals, are described."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {200: {"description": "The file", "content": content}} | refused_with(refusals, why)


def require_exporter(caller: Caller) -> None:
    """Raise Forbidden for a caller whose roles take no lists of money away."""
    if not caller.may(EXPORTERS):
        raise Forbidden(f"to take an export needs the role {' or '.join(sorted(EXPORTERS))}")


def exported(run: Runtime, caller: Caller, make: Make, format: Format, name: str) -> StreamingResponse:
    """A paper as a file.

    Raises:
        Forbidden: exports are not for this caller's roles.
        TooManyExports: as many are being written as may be.
    """
    require_exporter(caller)
    file_name = f"{name}-{run.clock():%Y-%m-%d}.{format}"
    written = run.preparations.write(make, format)
    run.access.note(
        SecurityKind.EXPORT_TAKEN, caller.actor, caller.organization_id, subject=file_name, rows=written.rows
    )
    return sent(written, format, file_name)


def sent(written: Written, format: Format, file_name: str) -> StreamingResponse:
    """A finished file as an attachment."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Content-Length": str(written.size),
        "Cache-Control": "no-store",
        "X-Row-Count": str(written.rows),
    }
    return StreamingResponse(written.chunks(), headers=headers, media_type=format.media_type)


def reporting_in(run: Runtime, currency: str | None) -> Reporting | None:
    """The reporting currency that a caller names.

    Raises:
        NoRate: the rate table does not have it.
        ExchangeRatesError: there is no table to be used.
    """
    return read_exchange_rates(run.settings.exchange_rates_file).into(currency) if currency else None
