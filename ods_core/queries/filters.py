"""The requests that a filter of outcomes names, for queries that look at them from another side."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from ods_core.queries.outcomes import OutcomeFilter, is_tagged
from ods_core.store import tables as t


def names(wanted: OutcomeFilter) -> list[ColumnElement[bool]]:
    """Conditions on `requests`: everything that the filter says, apart from its period."""
    r = t.requests.c
    given = {
        r.organization_id: wanted.organization_id,
        r.workspace_id: wanted.workspace_id,
        r.currency: wanted.currency,
    }
    tagged = [] if wanted.project_tag is None else [is_tagged(wanted.project_tag)]
    return [*(column == value for column, value in given.items() if value is not None), *tagged]
