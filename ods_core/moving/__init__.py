"""Moving a whole store: out into files and in again, kept safe and brought back."""

from ods_core.moving.manifest import Manifest
from ods_core.moving.places import check_archive, new_file
from ods_core.moving.reading import load, read_manifest
from ods_core.moving.refusals import DamagedExport, NotMovable
from ods_core.moving.restoring import Restored, restore
from ods_core.moving.writing import Progress, back_up, export, pack

__all__ = [
    "DamagedExport",
    "Manifest",
    "NotMovable",
    "Progress",
    "Restored",
    "back_up",
    "check_archive",
    "export",
    "load",
    "new_file",
    "pack",
    "read_manifest",
    "restore",
]
