"""Importing a history: files of engagements, checked as a whole, written as the store holds them.

This room speaks DuckDB's own SQL, since it reads files with the database: the one place above the store that does.
"""

from ods_core.importing.columns import ENTITIES, Column, Form
from ods_core.importing.files import Finding
from ods_core.importing.importer import Importer, Outcome
from ods_core.importing.running import Imports, Run, Stage, clear, imports_of, journal

__all__ = [
    "ENTITIES",
    "Column",
    "Finding",
    "Form",
    "Importer",
    "Imports",
    "Outcome",
    "Run",
    "Stage",
    "clear",
    "imports_of",
    "journal",
]
