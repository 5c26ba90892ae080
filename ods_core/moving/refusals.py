"""Why something cannot be moved: each says which file it is about, and what was expected of it."""

from __future__ import annotations

from ods_core.basics.errors import OdsError


class NotMovable(OdsError):
    """What is to be moved, or the place it is to go to, is not in a state for it."""

    code, status, title = "not_movable", 409, "It cannot be moved"


class DamagedExport(OdsError):
    """A file that is not what its manifest says, or a manifest that is not whole."""

    code, status, title = "damaged_export", 422, "The export is damaged"
