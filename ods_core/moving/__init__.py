"""Moving a whole store: out into files and in again, kept safe and brought back."""

from ods_core.moving.copying import Copied, checksums, copy
from ods_core.moving.filling import Filled
from ods_core.moving.manifest import Manifest
from ods_core.moving.places import check_archive, new_file
from ods_core.moving.reading import load, read_manifest
from ods_core.moving.refusals import DamagedExport, NotMovable
from ods_core.moving.restoring import restore
from ods_core.moving.writing import Progress, back_up, export, pack

__all__ = [
    "Copied",
    "DamagedExport",
    "Filled",
    "Manifest",
    "NotMovable",
    "Progress",
    "back_up",
    "check_archive",
    "checksums",
    "copy",
    "export",
    "load",
    "new_file",
    "pack",
    "read_manifest",
    "restore",
]
