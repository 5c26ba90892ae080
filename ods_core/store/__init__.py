"""The database: engine, tables, migrations, and the one door through which writers go."""

from ods_core.store.database import Store, UnitOfWork, find_request

__all__ = ["Store", "UnitOfWork", "find_request"]
