"""A backup of the whole store, for whoever looks after the installation."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Annotated

from fastapi import Header
from fastapi.responses import Response, StreamingResponse

from ods_core.api.files import described
from ods_core.api.wiring import Asking, Running, links, router
from ods_core.basics.errors import Forbidden, NotAllowed, StoreError
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import LOCAL, Caller
from ods_core.moving import pack
from ods_core.service import Runtime, presence

MEDIA_TYPE = "application/zip"
_CHUNK = 256 * 1024
_WHY = {
    403: "Backups are for the role `admin` of the provider",
    401: "No key, or none that is good",
    409: "Another backup is being written",
    422: "An unknown query parameter",
    429: "More requests than a key or an address has a minute",
    503: "There is no room on the disk",
}

routes = router("Operation")
by_link = links("Operation")
_one_at_a_time = threading.Lock()


@routes.get("/backup.zip", responses=described((MEDIA_TYPE,), _WHY, _WHY), response_class=Response)
def get_backup(run: Running, caller: Asking) -> Response:
    """The whole store as it is at this moment: a ZIP file of Parquet files, a manifest and checksums.

    Commands go on meanwhile. What was acknowledged before the call is in it. It holds everything, secrets included.
    """
    if not caller.is_admin or caller.organization_id is not None:
        raise Forbidden("to take a backup needs the role admin of the provider")
    return _backup(run, caller)


@by_link.get("/held/backup.zip", include_in_schema=False)
def get_backup_of_the_held(run: Running, instance: Annotated[str, Header(alias=presence.HEADER)] = "") -> Response:
    """The same for the command line, which shows the word that this server left beside the database it holds."""
    if not secrets.compare_digest(instance.encode(), run.word.encode()):
        raise NotAllowed("this server holds another database than the one that is meant")
    return _backup(run, LOCAL)


def _backup(run: Runtime, caller: Caller) -> Response:
    if not _one_at_a_time.acquire(blocking=False):
        raise NotAllowed("another backup is being written; ask again when it is done")
    try:
        # Written whole before the first byte goes out: a refusal is still an answer, and no reader holds the database.
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it has been sent
        whole = pack(run.store, file, run.clock())
    except OSError as error:
        raise StoreError(f"the backup cannot be written beside the server: {error.strerror or error}") from error
    finally:
        _one_at_a_time.release()
    name = f"ods-{run.clock():%Y-%m-%d}.zip"
    run.access.note(SecurityKind.EXPORT_TAKEN, caller.actor, caller.organization_id, subject=name, rows=whole.rows)
    return _sent(file, name)


def _sent(file: IO[bytes], name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(file.seek(0, 2)),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_chunks(file), headers=headers, media_type=MEDIA_TYPE)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
