"""What a caller may see, narrowed in one place for every query."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Select, Table

from ods_core.basics.roles import Caller

S = TypeVar("S", bound=Select[Any])


def narrowed(statement: S, table: Table, caller: Caller) -> S:
    """The statement, with only the rows of the caller's organisation and workspace."""
    if caller.organization_id is not None:
        statement = statement.where(table.c.organization_id == caller.organization_id)
    if caller.workspace_id is not None:
        statement = statement.where(table.c.workspace_id == caller.workspace_id)
    return statement
