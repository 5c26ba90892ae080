"""What operators call: `python -m ods_core COMMAND`; one module a family of commands.

Exit status 0: done; 1: refused, with the reason; 2: the call itself is wrong.
"""

# A family's commands join the group as its module is imported.
from ods_core.cli import documents, histories, keys, moving, upkeep, wording
from ods_core.cli.documents import DOCUMENTS
from ods_core.cli.front import main

__all__ = ["DOCUMENTS", "documents", "histories", "keys", "main", "moving", "upkeep", "wording"]
