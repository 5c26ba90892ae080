"""From the files' rows to the very rows that the store will hold, identifiers and all, in the staging database.

What follows from other rows is worked out here and not asked for: payment schedules from terms, what is due from what
was accepted, what is paid from receipts, escalations from rejections. `e` counts engagements from 1 in the order of
their submission; every table stands in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ods_core.basics.ids import Prefix
from ods_core.basics.jsonio import dumps
from ods_core.basics.money import Money
from ods_core.basics.resources import planned_milestone_resource
from ods_core.importing.files import quoted
from ods_core.importing.forms import EXACT, decimals
from ods_core.importing.staging import Staging, typed
from ods_core.lifecycle import Policy
from ods_core.payments import TermsError, parse_terms, schedule

_OF_REQUESTS = "given_requests r"
_OF_SCOPES = f"given_scopes s JOIN {_OF_REQUESTS} ON r.external_id = s.request"
_OF_CYCLES = f"given_cycles c JOIN {_OF_SCOPES} ON s.external_id = c.scope"
_OF_PAYMENTS = f"given_payments p JOIN {_OF_SCOPES} ON s.external_id = p.scope"
_SOURCES = {
    Prefix.REQUEST: _OF_REQUESTS,
    Prefix.SCOPE: _OF_SCOPES,
    Prefix.CYCLE: _OF_CYCLES,
    Prefix.DELIVERABLE: f"given_deliverables d JOIN {_OF_CYCLES} ON c.external_id = d.cycle",
    Prefix.SERVICE_LINE: f"{_OF_SCOPES} AND s.confirmed_at IS NOT NULL",
    Prefix.PAYMENT: _OF_PAYMENTS,
    Prefix.RECEIPT: f"given_receipts x JOIN {_OF_PAYMENTS} ON p.external_id = x.payment",
}
"""The rows that an identifier of a prefix is given to, each with its request."""

_AT_ONCE = 20_000
"""Schedules that are worked out in Python before they go to the database."""
_MOST = 10**13
"""Above any amount: where a sum of wrong receipts stops, so that it is a finding and not an overflow."""

_MACROS = (
    """CREATE MACRO identifier(prefix, made, n) AS prefix || '-' || strftime(made, '%y') || '-'
      || CASE WHEN n < 1000000 THEN lpad(CAST(n AS VARCHAR), 6, '0') ELSE CAST(n AS VARCHAR) END""",
    "CREATE MACRO json_time(t) AS coalesce('\"' || strftime(t, '%Y-%m-%dT%H:%M:%SZ') || '\"', 'null')",
    "CREATE MACRO json_text(t) AS coalesce(CAST(to_json(t) AS VARCHAR), 'null')",
    f"""CREATE MACRO json_amount(a, places) AS CASE places
      WHEN 2 THEN CAST(CAST(CAST(a AS {EXACT}) AS DECIMAL(18, 2)) AS VARCHAR)
      WHEN 0 THEN CAST(CAST(CAST(a AS {EXACT}) AS DECIMAL(18, 0)) AS VARCHAR)
      WHEN 3 THEN CAST(CAST(CAST(a AS {EXACT}) AS DECIMAL(18, 3)) AS VARCHAR)
      ELSE CAST(CAST(a AS {EXACT}) AS VARCHAR) END""",
    f"CREATE TABLE decimals AS SELECT * FROM (VALUES {decimals()}) AS v(currency, places)",
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The last number of each prefix that is taken; an import's rows count on from there."""

    last: Mapping[Prefix, int]

    def id(self, prefix: Prefix, made: str, n: str) -> str:
        """The columns `id` and `number` of a thing made at a time, the n-th of the import."""
        number = f"{self.last[prefix]} + {n}"
        return f"identifier('{prefix}', {made}, {number}) AS id, {number} AS number"


def number(staging: Staging, before: int, reserve: Callable[[Prefix, int], int]) -> Numbers:
    """Set numbers aside for the rows of all engagements but the first `before`, which an earlier run has written.

    They count as if it had not been stopped: what is written now gets the numbers that it would have got then.
    """
    written = f"SELECT external_id FROM {typed('requests')} ORDER BY created_at, row LIMIT {before}"
    staging.run(f"CREATE TABLE written AS {written}")
    last = {}
    for prefix, source in _SOURCES.items():
        there = staging.value(f"SELECT count(*) FROM {source} WHERE r.external_id IN (FROM written)")
        last[prefix] = reserve(prefix, staging.value(f"SELECT count(*) FROM {source}") - there) - there
    return Numbers(last)


def build(staging: Staging, numbers: Numbers, policy: Policy) -> None:
    """Make the store's tables out of rows whose forms and references are right."""
    for statement in _MACROS:
        staging.run(statement)
    for statement in (*_requests(numbers), *_scopes(numbers, policy), *_cycles(numbers), *_work(numbers, policy)):
        staging.run(statement)
    _plan_payments(staging)
    for statement in (*_cycle_lists(), _planned_scopes(), *_money(numbers)):
        staging.run(statement)
    staging.connection.commit()


def _requests(numbers: Numbers) -> Iterator[str]:
    yield f"""CREATE TABLE requests AS
      SELECT *, {numbers.id(Prefix.REQUEST, "created_at", "e")}, json_text(title) AS json_title FROM (
        SELECT r.* EXCLUDE (updated_at), row_number() OVER (ORDER BY created_at, r.row) AS e, d.places,
          greatest(created_at, s.last_change, cancelled_at) AS derived_update, r.updated_at AS given_update,
          coalesce(r.updated_at, greatest(created_at, s.last_change, cancelled_at)) AS updated_at, s.scoped_at
        FROM {typed("requests")} r JOIN decimals d USING (currency)
        LEFT JOIN (SELECT request, min(proposed_at) AS scoped_at,
          greatest(max(proposed_at), max(cancelled_at) FILTER (confirmed_at IS NULL)) AS last_change
          FROM {typed("scopes")} GROUP BY request) s ON s.request = r.external_id)
      ORDER BY e"""


def _scopes(numbers: Numbers, policy: Policy) -> Iterator[str]:
    ahead = f"CAST(least({policy.reminder_days}, (valid_until - CAST(proposed_at AS DATE)) // 2) AS INTEGER)"
    yield f"""CREATE TABLE scopes_ AS
      SELECT *, {numbers.id(Prefix.SCOPE, "proposed_at", "n")}, json_text(title) AS json_title FROM (
        SELECT s.* REPLACE (coalesce(s.title, r.title) AS title, coalesce(silence_policy, 'none') AS silence_policy,
            coalesce(lead_time_days, {policy.lead_time_days}) AS lead_time_days,
            coalesce(shifted_days, 0) AS shifted_days),
          r.e, r.id AS request_id, r.organization_id, r.workspace_id, r.places,
          row_number() OVER (ORDER BY r.e, s.revision, s.row) AS n, CAST(valid_until - {ahead} AS DATE) AS remind_on,
          lead(s.proposed_at) OVER (PARTITION BY r.e ORDER BY s.revision) AS superseded_at,
          lag(coalesce(s.cancelled_at, s.proposed_at)) OVER (PARTITION BY r.e ORDER BY s.revision) AS free_at,
          r.cancelled_at AS request_cancelled_at
        FROM {typed("scopes")} s JOIN requests r ON r.external_id = s.request)
      ORDER BY n"""


def _cycles(numbers: Numbers) -> Iterator[str]:
    yield f"""CREATE TABLE cycles_ AS
      SELECT *, {numbers.id(Prefix.CYCLE, "made", "n")} FROM (
        SELECT c.* EXCLUDE (number) REPLACE (coalesce(c.kind, 'delivery') AS kind,
            coalesce(c.baseline_start, c.planned_start) AS baseline_start,
            coalesce(c.baseline_end, c.planned_end) AS baseline_end), c.number AS ordinal,
          s.e, s.request_id, s.organization_id, s.workspace_id, s.id AS scope_id, s.n AS scope_n, s.revision,
          CASE WHEN c.kind = 'remediation' THEN coalesce(c.started_at, s.proposed_at) ELSE s.proposed_at END AS made,
          row_number() OVER (ORDER BY s.n, coalesce(c.kind, 'delivery'), CASE WHEN c.kind = 'remediation' THEN 0
            ELSE c.number END, c.started_at, c.number, c.row) AS n
        FROM {typed("cycles")} c JOIN scopes_ s ON s.external_id = c.scope)
      ORDER BY n"""


def _work(numbers: Numbers, policy: Policy) -> Iterator[str]:
    yield f"""CREATE TABLE deliverables_ AS
      SELECT *, {numbers.id(Prefix.DELIVERABLE, "made", "n")}, json_text(title) AS json_title FROM (
        SELECT d.* REPLACE (coalesce(d.key, 'd' || d.position) AS key), c.e, c.request_id, c.organization_id,
          c.workspace_id, c.scope_id, c.scope_n, c.revision, c.id AS cycle_id, c.ordinal AS cycle_ordinal,
          s.proposed_at AS made, s.review_window_days, s.silence_policy, s.confirmed_at AS scope_confirmed_at,
          row_number() OVER (ORDER BY c.scope_n, d.position, d.row) AS n
        FROM {typed("deliverables")} d JOIN cycles_ c ON c.external_id = d.cycle JOIN scopes_ s ON s.n = c.scope_n)
      ORDER BY n"""
    ahead = f"least(INTERVAL '{policy.reminder_days} days', d.review_window_days * INTERVAL '12 hours')"
    yield f"""CREATE TABLE attempts AS
      SELECT a.* EXCLUDE (deliverable), d.id AS deliverable_id, d.e, d.request_id, d.organization_id, d.workspace_id,
        d.scope_id, d.n AS deliverable_n, d.cycle_id AS delivery_cycle_id, d.cycle_ordinal, d.revision,
        d.silence_policy, d.review_window_days, d.scope_confirmed_at, d.json_title, '[]' AS verdicts,
        CASE WHEN d.criteria_as_text THEN CAST(json_extract(d.acceptance_criteria, '$[0]') AS VARCHAR)
          ELSE d.acceptance_criteria END AS json_criteria,
        len(from_json(d.acceptance_criteria, '["VARCHAR"]')) AS criteria,
        m.id AS remediation_cycle_id, m.parent AS remediation_of, d.cycle AS delivery_cycle,
        coalesce(lag(m.id) OVER (PARTITION BY d.n ORDER BY a.attempt), d.cycle_id) AS cycle_id,
        lag(a.decided_at) OVER (PARTITION BY d.n ORDER BY a.attempt) AS free_at,
        a.ready_at + d.review_window_days * INTERVAL '1 day' AS decide_by,
        CASE WHEN d.review_window_days IS NULL THEN a.ready_at + INTERVAL '{policy.review_reminder_days} days'
          ELSE a.ready_at + d.review_window_days * INTERVAL '1 day' - {ahead} END AS remind_at
      FROM {typed("attempts")} a JOIN deliverables_ d ON d.external_id = a.deliverable
      LEFT JOIN cycles_ m ON m.external_id = a.remediation_cycle
      ORDER BY d.n, a.attempt"""
    # In circles: at the third rejection, or as one criterion fails for the second time.
    yield """CREATE TABLE circling AS SELECT deliverable_n, min(decided_at) AS escalated_at,
        min(attempt) AS escalated_attempt FROM (
      SELECT deliverable_n, attempt, decided_at FROM attempts WHERE decision = 'rejected'
        QUALIFY row_number() OVER (PARTITION BY deliverable_n ORDER BY attempt) = 3
      UNION ALL SELECT deliverable_n, attempt, decided_at FROM (
        SELECT deliverable_n, attempt, decided_at,
          unnest(json_extract_string(criteria_not_met, '$[*].criterion')) AS criterion
        FROM attempts WHERE decision = 'rejected' AND criteria_not_met <> '[]')
        QUALIFY row_number() OVER (PARTITION BY deliverable_n, criterion ORDER BY attempt) = 2)
      GROUP BY deliverable_n"""
    yield """CREATE TABLE deliverables AS SELECT d.*, coalesce(a.attempt, 1) AS attempt, a.started_at, a.submitted_at,
        a.ready_at, a.decided_at, c.escalated_at, c.escalated_attempt
      FROM deliverables_ d LEFT JOIN (SELECT * FROM attempts
        QUALIFY row_number() OVER (PARTITION BY deliverable_n ORDER BY attempt DESC) = 1) a ON a.deliverable_n = d.n
      LEFT JOIN circling c ON c.deliverable_n = d.n ORDER BY d.n"""


def _cycle_lists() -> Iterator[str]:
    """Cycles with the deliverables on their lists; a remediation's stand in the order in which they were rejected."""
    yield """CREATE TABLE lists AS SELECT cycle_id,
        '[' || string_agg('"' || id || '"', ',' ORDER BY place, n) || ']' AS ids,
        max(last_attempt) AS last_attempt, min(last_attempt) AS first_attempt FROM (
      SELECT cycle_id, id, CAST(NULL AS TIMESTAMP) AS place, n, 1 AS last_attempt FROM deliverables_
      UNION ALL SELECT remediation_cycle_id, deliverable_id, decided_at, deliverable_n, attempt + 1 FROM attempts
      WHERE remediation_cycle_id IS NOT NULL) GROUP BY cycle_id"""
    yield """CREATE TABLE cycles AS SELECT c.*, p.id AS parent_cycle_id, coalesce(l.ids, '[]') AS deliverable_ids,
        coalesce(l.last_attempt, 1) AS last_attempt, coalesce(l.first_attempt, 1) AS first_attempt,
        coalesce(p.ordinal, c.ordinal) AS delivery_ordinal, p.kind AS parent_kind, p.scope_id AS parent_scope_id,
        lag(c.accepted_at) OVER (PARTITION BY c.scope_n, c.kind ORDER BY c.ordinal) AS free_at
      FROM cycles_ c LEFT JOIN cycles_ p ON p.external_id = c.parent LEFT JOIN lists l ON l.cycle_id = c.id
      ORDER BY c.n"""


def _plan_payments(staging: Staging) -> None:
    """The schedule of every proposal, by the one reader of terms there is: once for all that are alike."""
    staging.run("""CREATE TABLE plans AS SELECT *, row_number() OVER () AS plan FROM (
      SELECT s.payment_terms, s.fixed_price, s.currency, s.places, coalesce(c.cycles, 0) AS cycles,
        coalesce(d.deliverables, 0) AS deliverables, list(s.n) AS scopes
      FROM scopes_ s
      LEFT JOIN (SELECT scope_n, count(*) AS cycles FROM cycles_ WHERE kind = 'delivery' GROUP BY scope_n) c
        ON c.scope_n = s.n
      LEFT JOIN (SELECT scope_n, count(*) AS deliverables FROM deliverables_ GROUP BY scope_n) d ON d.scope_n = s.n
      GROUP BY ALL)""")
    staging.run(f"""CREATE TABLE planned (plan BIGINT, position INTEGER, kind VARCHAR, trigger_kind VARCHAR,
      trigger_number INTEGER, amount {EXACT}, net_days INTEGER, description VARCHAR)""")
    staging.run("CREATE TABLE schedules (plan BIGINT, schedule VARCHAR, milestones INTEGER, problem VARCHAR)")
    for low in range(0, staging.value("SELECT count(*) FROM plans"), _AT_ONCE):
        asked = staging.connection.exec_driver_sql(
            "SELECT plan, payment_terms, fixed_price, currency, places, cycles, deliverables FROM plans "
            f"WHERE plan > {low} AND plan <= {low + _AT_ONCE}"
        ).all()
        made = [_plan(row) for row in asked]
        _copy_in(staging, "schedules", [whole for whole, _ in made])
        _copy_in(staging, "planned", [part for _, parts in made for part in parts])


_read = lru_cache(maxsize=1_000)(parse_terms)
"""Terms are often worded alike, and reading them is half of the work of a schedule."""


def _plan(row: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One schedule, whole and by its milestones; or what is wrong with its terms."""
    try:
        price = Money(row.fixed_price, row.currency)
        planned = schedule(_read(row.payment_terms), price, cycles=row.cycles, deliverables=row.deliverables)
    except TermsError as error:
        return {"plan": row.plan, "schedule": "[]", "milestones": 0, "problem": error.problems[0].detail}, []
    except ValueError as error:
        return {"plan": row.plan, "schedule": "[]", "milestones": 0, "problem": str(error)}, []
    kept = [{**planned_milestone_resource(m), "amount": str(m.amount)} for m in planned]
    whole = {"plan": row.plan, "schedule": dumps(kept).decode(), "milestones": len(kept), "problem": None}
    parts = [
        {
            "plan": row.plan,
            "position": m.position,
            "kind": m.kind.value,
            "trigger_kind": m.trigger.kind.value,
            "trigger_number": m.trigger.number,
            "amount": str(m.amount),
            "net_days": m.net_days,
            "description": m.description,
        }
        for m in planned
    ]
    return whole, parts


def _copy_in(staging: Staging, table: str, rows: list[dict[str, Any]]) -> None:
    """Rows from Python by way of a file: a statement each would take longer than all the rest."""
    if not rows:
        return
    path = staging.folder / f"{table}.json"
    path.write_bytes(b"\n".join(dumps(row) for row in rows))
    columns = ", ".join(rows[0])
    types = "{plan: 'BIGINT', schedule: 'VARCHAR', milestones: 'INTEGER', problem: 'VARCHAR'}"
    if table == "planned":
        types = (
            "{plan: 'BIGINT', position: 'INTEGER', kind: 'VARCHAR', trigger_kind: 'VARCHAR', "
            "trigger_number: 'INTEGER', amount: 'DECIMAL(18, 4)', net_days: 'INTEGER', description: 'VARCHAR'}"
        )
    reader = f"read_json({quoted(str(path))}, format = 'newline_delimited', columns = {types})"
    staging.run(f"INSERT INTO {table} SELECT {columns} FROM {reader}")


def _planned_scopes() -> str:
    return """CREATE TABLE scopes AS SELECT s.*, p.plan, x.schedule, x.milestones, x.problem, p.cycles, p.deliverables,
        coalesce(d.listed, '[]') AS listed, CAST(NULL AS VARCHAR) AS quote,
        cancelled_at IS NOT NULL AND confirmed_at IS NULL AND (
          cancelled_at IS NOT DISTINCT FROM request_cancelled_at OR cancelled_at IS NOT DISTINCT FROM superseded_at
        ) AS withdrawn
      FROM scopes_ s JOIN (SELECT * EXCLUDE (scopes), unnest(scopes) AS n FROM plans) p ON p.n = s.n
      JOIN schedules x ON x.plan = p.plan
      LEFT JOIN (SELECT scope_n,
          '[' || string_agg('{"id":"' || id || '","title":' || json_title || '}', ',' ORDER BY n) || ']' AS listed
        FROM deliverables_ GROUP BY scope_n) d ON d.scope_n = s.n
      ORDER BY s.n"""


def _money(numbers: Numbers) -> Iterator[str]:
    yield f"""CREATE TABLE service_lines AS
      SELECT *, {numbers.id(Prefix.SERVICE_LINE, "opened_at", "n")} FROM (
        SELECT row, e, revision, request_id, organization_id, workspace_id, id AS scope_id, confirmed_at AS opened_at,
          CASE WHEN status = 'active' THEN 'active' ELSE 'closed' END AS status, json_title,
          coalesce(completed_at, cancelled_at) AS closed_at, row_number() OVER (ORDER BY n) AS n
        FROM scopes WHERE confirmed_at IS NOT NULL) ORDER BY n"""
    yield f"""CREATE TABLE payments_ AS
      SELECT *, {numbers.id(Prefix.PAYMENT, "coalesce(confirmed_at, proposed_at)", "n")} FROM (
        SELECT p.*, s.e, s.revision, s.request_id, s.organization_id, s.workspace_id, s.id AS scope_id, s.places,
          s.confirmed_at, s.proposed_at, s.cancelled_at AS scope_cancelled_at, s.currency AS scope_currency,
          m.kind, m.trigger_kind, m.trigger_number, m.net_days, m.description, m.amount AS planned_amount,
          CASE m.trigger_kind WHEN 'confirmation' THEN s.confirmed_at WHEN 'cycle_acceptance' THEN c.accepted_at
            WHEN 'deliverable_acceptance' THEN CASE WHEN d.status = 'accepted' THEN d.decided_at END
            ELSE s.completed_at END AS triggered_at,
          d.cycle_ordinal AS trigger_cycle, d.attempt AS trigger_attempt,
          CASE m.trigger_kind WHEN 'cycle_acceptance' THEN c.planned_end
            WHEN 'deliverable_acceptance' THEN dc.planned_end ELSE l.planned_end END AS awaited_on,
          row_number() OVER (ORDER BY s.n, p.position, p.row) AS n
        FROM {typed("payments")} p JOIN scopes s ON s.external_id = p.scope
        LEFT JOIN planned m ON m.plan = s.plan AND m.position = p.position
        LEFT JOIN cycles c ON c.scope_n = s.n AND c.kind = 'delivery'
          AND c.ordinal = CASE m.trigger_kind WHEN 'cycle_acceptance' THEN m.trigger_number END
        LEFT JOIN deliverables d ON d.scope_n = s.n
          AND d.position = CASE m.trigger_kind WHEN 'deliverable_acceptance' THEN m.trigger_number END
        LEFT JOIN cycles dc ON dc.id = d.cycle_id
        LEFT JOIN (SELECT scope_n, max(planned_end) AS planned_end FROM cycles WHERE kind = 'delivery'
          GROUP BY scope_n) l ON l.scope_n = s.n)
      ORDER BY n"""
    yield f"""CREATE TABLE receipts_ AS
      SELECT *, {numbers.id(Prefix.RECEIPT, "recorded_at", "n")},
        CAST(greatest(least(sum(amount) OVER (PARTITION BY payment_n ORDER BY n), {_MOST}), -{_MOST}) AS {EXACT})
          AS running FROM (
        SELECT r.* EXCLUDE (payment, reverses), r.reverses AS reverses_external, p.e, p.revision, p.request_id,
          p.organization_id, p.workspace_id, p.scope_id, p.id AS payment_id, p.n AS payment_n, p.places,
          p.amount AS of_amount, p.currency AS payment_currency, p.triggered_at, p.due_at_, p.json_, p.description,
          row_number() OVER (ORDER BY p.e, r.recorded_at, r.row) AS n,
          row_number() OVER (PARTITION BY p.e ORDER BY r.recorded_at, r.row) AS place
        FROM {typed("receipts")} r JOIN (SELECT *, CAST(CAST(triggered_at AS DATE) + net_days AS TIMESTAMP) AS due_at_,
          json_text(description) AS json_ FROM payments_) p ON p.external_id = r.payment)
      ORDER BY n"""
    yield """CREATE TABLE receipts AS SELECT r.*, b.id AS reverses, b.payment_n AS reverses_of,
        b.amount AS reverses_amount, b.recorded_at AS reverses_at,
        CASE WHEN r.reverses_external IS NOT NULL THEN 'reversal' WHEN t.external IS NOT NULL THEN 'reversed'
          ELSE 'recorded' END AS status
      FROM receipts_ r LEFT JOIN receipts_ b ON b.external_id = r.reverses_external
      LEFT JOIN (SELECT DISTINCT reverses_external AS external FROM receipts_ WHERE reverses_external IS NOT NULL) t
        ON t.external = r.external_id ORDER BY r.n"""
    yield """CREATE TABLE payments AS SELECT p.*, coalesce(r.paid, 0) AS paid,
        CAST(CAST(p.triggered_at AS DATE) + p.net_days AS TIMESTAMP) AS due_at,
        CASE WHEN p.status = 'paid' THEN coalesce(r.last_at, p.triggered_at) END AS paid_at,
        CASE WHEN p.status = 'void' THEN p.scope_cancelled_at END AS voided_at,
        json_text(p.description) AS json_description,
        CASE WHEN p.triggered_at IS NOT NULL THEN
            CASE WHEN coalesce(r.paid, 0) = p.amount THEN 'paid' ELSE 'due' END
          WHEN p.scope_cancelled_at IS NOT NULL THEN 'void' ELSE 'scheduled' END AS derived_status
      FROM payments_ p LEFT JOIN (SELECT payment_n, sum(amount) AS paid, max(recorded_at) AS last_at FROM receipts_
        GROUP BY payment_n) r ON r.payment_n = p.n ORDER BY p.n"""
