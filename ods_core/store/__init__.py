"""The database: engine, tables, migrations, and the one door through which writers go."""

from ods_core.store.database import NUMBERED, Store, UnitOfWork, find_request

__all__ = ["NUMBERED", "Store", "UnitOfWork", "find_request"]
