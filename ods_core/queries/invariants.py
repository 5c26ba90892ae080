"""What holds in every store, whatever was done to it: asked of the database as a whole.

Each invariant is a statement that finds what breaks it, as the thing's id and what is wrong with it; in a store that is
in order all of them find nothing. They are written from the contract and not from the rules, so that a mistake in the
rules is a finding here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ods_core.basics.ids import Prefix
from ods_core.basics.jsonio import loads
from ods_core.basics.money import MoneyError, exponent

MOST_FINDINGS = 100
"""Of one invariant; a store that breaks one more often is not described better by more of them."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise, and the SELECT of `thing` and `detail` that finds what breaks it."""

    promise: str
    sql: str


def check(connection: Connection) -> list[str]:
    """What is wrong in a store, one finding a line, each naming its thing; empty when all is in order."""
    found: list[str] = []
    for invariant in (*INVARIANTS, *_identifiers(), *_owners(), *_decimals(connection)):
        found += _broken(connection, invariant)
    return [*found, *_lists(connection)]


def _broken(connection: Connection, invariant: Invariant) -> Iterator[str]:
    # No text of these statements comes from outside; ordered, so that two looks find the same.
    statement = text(f"SELECT thing, detail FROM ({invariant.sql}) AS broken ORDER BY thing LIMIT {MOST_FINDINGS}")
    rows = connection.execute(statement).all()
    yield from (f"{row.thing}: {row.detail} ({invariant.promise})" for row in rows)
    if len(rows) == MOST_FINDINGS:
        yield f"only the first {MOST_FINDINGS} findings are listed ({invariant.promise})"


# Read only from what has the form; what has not is a finding of its own.
_NUMBER = "CAST(CASE WHEN id ~ '^[A-Z]+-[0-9]{2}-[0-9]{6,18}$' THEN split_part(id, '-', 3) ELSE '0' END AS BIGINT)"

_LIVE = "('pending_confirmation', 'active', 'completed')"

_REQUESTS = (
    Invariant(
        "a request has at most one live scope",
        f"""SELECT request_id AS thing, 'has ' || count(*) || ' scopes that are pending, active or completed' AS detail
        FROM scopes WHERE status IN {_LIVE} GROUP BY request_id HAVING count(*) > 1""",
    ),
    Invariant(
        "a request is scoped exactly while it has a live or a terminated scope",
        f"""SELECT r.id AS thing, 'is ' || r.status || ' and has ' || count(s.id) || ' such scopes' AS detail
        FROM requests r LEFT JOIN scopes s
          ON s.request_id = r.id AND (s.status IN {_LIVE} OR s.confirmed_at IS NOT NULL)
        GROUP BY r.id, r.status HAVING (r.status = 'scoped') <> (count(s.id) > 0)""",
    ),
    Invariant(
        "the revisions of a request's scopes count from 1 without a gap",
        """SELECT request_id AS thing, 'has ' || count(*) || ' scopes, the last is revision ' || max(revision) AS detail
        FROM scopes GROUP BY request_id
        HAVING min(revision) <> 1 OR max(revision) <> count(*) OR count(DISTINCT revision) <> count(*)""",
    ),
    Invariant(
        "a request's times agree with its state",
        """SELECT id AS thing, 'is ' || status AS detail FROM requests
        WHERE (status = 'cancelled') <> (cancelled_at IS NOT NULL) OR (status = 'scoped' AND scoped_at IS NULL)
          OR (status = 'requires_negotiation' AND negotiation_reason IS NULL)""",
    ),
)

_SCOPES = (
    Invariant(
        "a scope's times agree with its state",
        """SELECT id AS thing, 'is ' || status AS detail FROM scopes
        WHERE (status = 'cancelled') <> (cancelled_at IS NOT NULL)
          OR (status = 'completed') <> (completed_at IS NOT NULL)
          OR (status IN ('active', 'completed') AND confirmed_at IS NULL)
          OR (status = 'pending_confirmation' AND confirmed_at IS NOT NULL)""",
    ),
    Invariant(
        "a confirmed scope has one service line, active exactly while the scope is",
        """SELECT s.id AS thing, 'is ' || s.status || ' and has ' || count(l.id) || ' service lines, '
          || count(CASE WHEN l.status = 'active' THEN 1 END) || ' of them active' AS detail
        FROM scopes s LEFT JOIN service_lines l ON l.scope_id = s.id GROUP BY s.id, s.status, s.confirmed_at
        HAVING count(l.id) <> CASE WHEN s.confirmed_at IS NULL THEN 0 ELSE 1 END
          OR count(CASE WHEN l.status = 'active' THEN 1 END) <> CASE WHEN s.status = 'active' THEN 1 ELSE 0 END""",
    ),
    Invariant(
        "a service line has an end exactly when it is closed",
        "SELECT id AS thing, 'is ' || status AS detail FROM service_lines "
        "WHERE (status = 'closed') <> (closed_at IS NOT NULL)",
    ),
    Invariant(
        "the milestones of a confirmed scope sum to its price, and others have none",
        """SELECT s.id AS thing, 'is ' || s.status || ' for ' || s.fixed_price || ' with milestones of '
          || coalesce(sum(p.amount), 0) AS detail
        FROM scopes s LEFT JOIN payments p ON p.scope_id = s.id GROUP BY s.id, s.status, s.fixed_price, s.confirmed_at
        HAVING coalesce(sum(p.amount), 0) <> CASE WHEN s.confirmed_at IS NULL THEN 0 ELSE s.fixed_price END""",
    ),
    Invariant(
        "a scope is completed exactly when all its delivery cycles are accepted",
        """SELECT s.id AS thing, 'is ' || s.status || ' with ' || count(CASE WHEN c.status <> 'accepted' THEN 1 END)
          || ' delivery cycles not accepted' AS detail
        FROM scopes s JOIN cycles c ON c.scope_id = s.id AND c.kind = 'delivery' GROUP BY s.id, s.status
        HAVING (s.status = 'completed') <> (count(CASE WHEN c.status <> 'accepted' THEN 1 END) = 0)""",
    ),
    Invariant(
        "a scope has at least one cycle and one deliverable",
        """SELECT s.id AS thing, 'lacks them' AS detail FROM scopes s
        WHERE NOT EXISTS (SELECT 1 FROM cycles c WHERE c.scope_id = s.id)
        UNION SELECT s.id, 'lacks them' FROM scopes s
        WHERE NOT EXISTS (SELECT 1 FROM deliverables d WHERE d.scope_id = s.id)""",
    ),
)

_SUBMITTED = "('completed', 'ready_for_acceptance', 'accepted')"
_WORK = "SELECT c.id, c.status, d.status AS of_deliverable, d.attempt FROM cycles c JOIN deliverables d"

_CYCLES = (
    Invariant(
        "the delivery cycles of a scope are numbered from 1, in date order, without overlap",
        """SELECT id AS thing, 'starts on ' || planned_start || ' as number ' || ordinal AS detail FROM (
          SELECT id, planned_start, ordinal, row_number() OVER (PARTITION BY scope_id ORDER BY number) AS place,
            lag(planned_end) OVER (PARTITION BY scope_id ORDER BY number) AS before
          FROM cycles WHERE kind = 'delivery') AS placed
        WHERE ordinal <> place OR planned_start <= before""",
    ),
    Invariant(
        "at most one delivery cycle of a scope is being worked on or reviewed",
        """SELECT scope_id AS thing, 'has ' || count(*) || ' of them' AS detail FROM cycles
        WHERE kind = 'delivery' AND status IN ('in_progress', 'completed') GROUP BY scope_id HAVING count(*) > 1""",
    ),
    Invariant(
        "a cycle's times agree with its state",
        """SELECT id AS thing, 'is ' || status AS detail FROM cycles
        WHERE (status = 'cancelled') <> (cancelled_at IS NOT NULL) OR (status = 'accepted') <> (accepted_at IS NOT NULL)
          OR (status = 'planned' AND started_at IS NOT NULL) OR (status = 'in_progress' AND started_at IS NULL)
          OR (status IN ('planned', 'in_progress') AND completed_at IS NOT NULL)
          OR (status IN ('completed', 'accepted') AND completed_at IS NULL)
          OR accepted_at < completed_at OR completed_at < started_at""",
    ),
    Invariant(
        "open cycles and deliverables belong to a scope that goes on",
        """SELECT w.id AS thing, 'is ' || w.status || ' in ' || s.id || ', which is ' || s.status AS detail FROM (
          SELECT id, scope_id, status FROM cycles WHERE status NOT IN ('accepted', 'cancelled')
          UNION ALL SELECT id, scope_id, status FROM deliverables WHERE status NOT IN ('accepted', 'cancelled')) AS w
        JOIN scopes s ON s.id = w.scope_id
        WHERE s.status IN ('completed', 'cancelled') OR (s.status = 'pending_confirmation' AND w.status NOT IN
          ('planned', 'pending'))""",
    ),
    Invariant(
        "a planned cycle's deliverables are pending",
        f"""SELECT id AS thing, 'is planned with a deliverable that is ' || of_deliverable AS detail
        FROM ({_WORK} ON d.cycle_id = c.id) AS w WHERE status = 'planned' AND of_deliverable <> 'pending'""",
    ),
    Invariant(
        "a delivery cycle in progress waits for a submission, and nothing of it is reviewed yet",
        f"""SELECT id AS thing, 'is in progress with all deliverables submitted or one reviewed' AS detail
        FROM ({_WORK} ON d.cycle_id = c.id) AS w WHERE status = 'in_progress' GROUP BY id
        HAVING count(CASE WHEN of_deliverable NOT IN {_SUBMITTED} THEN 1 END) = 0
          OR count(CASE WHEN of_deliverable IN ('ready_for_acceptance', 'accepted', 'rejected') OR attempt > 1
            THEN 1 END) > 0""",
    ),
    Invariant(
        "a completed delivery cycle has had all its deliverables submitted, and still waits for an acceptance",
        f"""SELECT id AS thing, 'is completed with a deliverable not submitted, or with all of them accepted' AS detail
        FROM ({_WORK} ON d.cycle_id = c.id) AS w WHERE status = 'completed' GROUP BY id
        HAVING count(CASE WHEN attempt = 1 AND of_deliverable IN ('pending', 'in_progress', 'completed') THEN 1 END) > 0
          OR count(CASE WHEN of_deliverable <> 'accepted' THEN 1 END) = 0""",
    ),
    Invariant(
        "an accepted cycle's deliverables are all accepted",
        f"""SELECT id AS thing, 'is accepted with a deliverable that is ' || of_deliverable AS detail
        FROM ({_WORK} ON d.cycle_id = c.id
          UNION ALL {_WORK} JOIN attempts a ON a.deliverable_id = d.id ON a.remediation_cycle_id = c.id)
        AS w WHERE status = 'accepted' AND of_deliverable <> 'accepted'""",
    ),
    Invariant(
        "a remediation cycle follows a delivery cycle of its scope, for which it stays open alone",
        """SELECT c.id AS thing, 'follows ' || c.parent_cycle_id AS detail FROM cycles c
        LEFT JOIN cycles p ON p.id = c.parent_cycle_id AND p.scope_id = c.scope_id AND p.kind = 'delivery'
        WHERE c.kind = 'remediation' AND p.id IS NULL
        UNION ALL SELECT parent_cycle_id AS thing, 'has ' || count(*) || ' remediations in progress' AS detail
        FROM cycles WHERE kind = 'remediation' AND status = 'in_progress'
        GROUP BY parent_cycle_id HAVING count(*) > 1""",
    ),
    Invariant(
        "a remediation cycle in progress waits for a submission, and no other does",
        """SELECT c.id AS thing, 'is ' || c.status || ' with ' || count(CASE WHEN a.submitted_at IS NULL THEN 1 END)
          || ' submissions missing' AS detail
        FROM cycles c JOIN attempts r ON r.remediation_cycle_id = c.id
        LEFT JOIN attempts a ON a.deliverable_id = r.deliverable_id AND a.attempt = r.attempt + 1
        WHERE c.status <> 'cancelled' GROUP BY c.id, c.status
        HAVING (c.status = 'in_progress') <> (count(CASE WHEN a.submitted_at IS NULL THEN 1 END) > 0)""",
    ),
)

_LAST = """SELECT d.id, d.status, d.attempt, a.attempt AS number, a.submitted_at, a.ready_at, a.decision
  FROM deliverables d LEFT JOIN attempts a ON a.deliverable_id = d.id AND a.attempt = d.attempt"""

_DELIVERABLES = (
    Invariant(
        "a deliverable's state is that of its last attempt",
        f"""SELECT id AS thing, 'is ' || status || ' at attempt ' || attempt AS detail FROM ({_LAST}) AS l
        WHERE NOT CASE status
          WHEN 'pending' THEN number IS NULL
          WHEN 'in_progress' THEN number IS NOT NULL AND submitted_at IS NULL
          WHEN 'completed' THEN submitted_at IS NOT NULL AND ready_at IS NULL
          WHEN 'ready_for_acceptance' THEN ready_at IS NOT NULL AND decision IS NULL
          WHEN 'cancelled' THEN coalesce(decision, '') <> 'accepted'
          ELSE coalesce(decision, '') = status END""",
    ),
    Invariant(
        "attempts count from 1 without a gap up to the deliverable's own number",
        """SELECT d.id AS thing, 'is at attempt ' || d.attempt || ' and has had ' || count(a.attempt) AS detail
        FROM deliverables d LEFT JOIN attempts a ON a.deliverable_id = d.id GROUP BY d.id, d.attempt
        HAVING count(a.attempt) > 0 AND (min(a.attempt) <> 1 OR max(a.attempt) <> count(*) OR d.attempt <> count(*))
          OR count(a.attempt) = 0 AND d.attempt <> 1""",
    ),
    Invariant(
        "every attempt but the last is rejected, and at most one waits for a decision",
        """SELECT a.deliverable_id AS thing, 'attempt ' || a.attempt || ' has a successor and is '
          || coalesce(a.decision, 'undecided') AS detail
        FROM attempts a JOIN attempts n ON n.deliverable_id = a.deliverable_id AND n.attempt = a.attempt + 1
        WHERE coalesce(a.decision, '') <> 'rejected'""",
    ),
    Invariant(
        "an attempt is started, submitted, reviewable and decided in this order",
        """SELECT deliverable_id AS thing, 'attempt ' || attempt || ' has its times out of order' AS detail
        FROM attempts WHERE submitted_at < started_at OR ready_at < submitted_at OR decided_at < ready_at
          OR (ready_at IS NOT NULL AND submitted_at IS NULL) OR (decided_at IS NOT NULL AND ready_at IS NULL)""",
    ),
    Invariant(
        "a decision has its reviewer, and a rejection its remediation cycle",
        """SELECT deliverable_id AS thing, 'attempt ' || attempt || ' is ' || decision AS detail FROM attempts
        WHERE decision IS NOT NULL AND reviewer_id IS NULL
          OR decision = 'rejected' AND remediation_cycle_id IS NULL""",
    ),
    Invariant(
        "an attempt has its review window from when it was ready, exactly where its scope has one",
        """SELECT a.deliverable_id AS thing, 'attempt ' || a.attempt || ' is to be decided by '
          || coalesce(CAST(a.decide_by AS VARCHAR), 'no time') AS detail
        FROM attempts a JOIN scopes s ON s.id = a.scope_id WHERE a.ready_at IS NOT NULL AND a.decide_by IS DISTINCT FROM
          a.ready_at + s.review_window_days * INTERVAL '1 day' OR a.ready_at IS NULL AND a.decide_by IS NOT NULL""",
    ),
    Invariant(
        "silence decides as the scope provides, at the end of the window, and by the system alone",
        """SELECT a.deliverable_id AS thing, 'attempt ' || a.attempt || ' was ' || a.decision || ' by ' || a.reviewer_id
          || CASE WHEN a.deemed THEN ', deemed' ELSE '' END AS detail
        FROM attempts a JOIN scopes s ON s.id = a.scope_id WHERE a.decision IS NOT NULL AND (
          a.deemed <> (a.reviewer_id = 'system') OR a.deemed AND (a.decide_by IS NULL OR a.decided_at < a.decide_by
            OR s.silence_policy <> 'deemed_' || a.decision))""",
    ),
    Invariant(
        "a reminder is told once, and only where one was given",
        """SELECT d.id AS thing, 'was reminded of ' || coalesce(a.reminders, 0) || ' times, told '
          || coalesce(e.told, 0) || ' times' AS detail
        FROM deliverables d
        LEFT JOIN (SELECT deliverable_id, count(reminded_at) AS reminders FROM attempts GROUP BY deliverable_id) a
          ON a.deliverable_id = d.id
        LEFT JOIN (SELECT subject_id, count(*) AS told FROM events WHERE type = 'ods.deliverable.review_reminder'
          GROUP BY subject_id) e ON e.subject_id = d.id
        WHERE coalesce(a.reminders, 0) <> coalesce(e.told, 0)
        UNION ALL SELECT s.id, 'was reminded of at ' || coalesce(CAST(s.reminded_at AS VARCHAR), 'no time') || ', told '
          || coalesce(e.told, 0) || ' times'
        FROM scopes s LEFT JOIN (SELECT subject_id, count(*) AS told FROM events WHERE type = 'ods.scope.expiring'
          GROUP BY subject_id) e ON e.subject_id = s.id
        WHERE coalesce(e.told, 0) <> CASE WHEN s.reminded_at IS NULL THEN 0 ELSE 1 END""",
    ),
    Invariant(
        "each decision, and an escalation, is told once",
        """SELECT d.id AS thing, 'has ' || coalesce(a.decisions, 0) || ' decisions and ' || coalesce(e.told, 0)
          || ' events of them' AS detail
        FROM deliverables d
        LEFT JOIN (SELECT deliverable_id, count(decision) AS decisions FROM attempts GROUP BY deliverable_id) a
          ON a.deliverable_id = d.id
        LEFT JOIN (SELECT subject_id,
            count(CASE WHEN type <> 'ods.deliverable.escalated' THEN 1 END) AS told,
            count(CASE WHEN type = 'ods.deliverable.escalated' THEN 1 END) AS escalations
          FROM events WHERE type IN
            ('ods.deliverable.accepted', 'ods.deliverable.rejected', 'ods.deliverable.escalated') GROUP BY subject_id) e
          ON e.subject_id = d.id
        WHERE coalesce(a.decisions, 0) <> coalesce(e.told, 0)
          OR (d.escalated_at IS NULL AND coalesce(e.escalations, 0) <> 0)
          OR (d.escalated_at IS NOT NULL AND coalesce(e.escalations, 0) <> 1)""",
    ),
    Invariant(
        "a deliverable and its cycle belong to one scope",
        """SELECT d.id AS thing, 'is of ' || d.scope_id || ', its cycle of ' || c.scope_id AS detail
        FROM deliverables d JOIN cycles c ON c.id = d.cycle_id
        WHERE c.scope_id <> d.scope_id OR c.kind <> 'delivery'""",
    ),
)

_AWAITED = """SELECT p.*, s.status AS of_scope, s.confirmed_at AS scope_confirmed, c.accepted_at AS cycle_accepted,
  d.status AS of_deliverable, coalesce(c.planned_end, within.planned_end, last.planned_end) AS awaited_end
  FROM payments p JOIN scopes s ON s.id = p.scope_id
  LEFT JOIN (SELECT scope_id, max(planned_end) AS planned_end FROM cycles WHERE kind = 'delivery'
    GROUP BY scope_id) last ON last.scope_id = p.scope_id
  LEFT JOIN cycles c ON c.scope_id = p.scope_id AND c.kind = 'delivery'
    AND c.ordinal = CASE p.trigger_kind WHEN 'cycle_acceptance' THEN p.trigger_number END
  LEFT JOIN deliverables d ON d.scope_id = p.scope_id
    AND d.position = CASE p.trigger_kind WHEN 'deliverable_acceptance' THEN p.trigger_number END
  LEFT JOIN cycles within ON within.id = d.cycle_id"""

_PAYMENTS = (
    Invariant(
        "a milestone is due exactly once what it waits for has happened",
        f"""SELECT id AS thing, 'is ' || status || ' on ' || trigger_kind AS detail FROM ({_AWAITED}) AS p
        WHERE (status IN ('due', 'paid')) <> CASE trigger_kind
          WHEN 'confirmation' THEN scope_confirmed IS NOT NULL
          WHEN 'cycle_acceptance' THEN cycle_accepted IS NOT NULL
          WHEN 'deliverable_acceptance' THEN coalesce(of_deliverable, '') = 'accepted'
          ELSE of_scope = 'completed' END""",
    ),
    Invariant(
        "a milestone knows the planned end of what it waits for",
        f"""SELECT id AS thing, 'has ' || coalesce(CAST(awaited_on AS VARCHAR), 'none') || ', the plan ' || awaited_end
          AS detail FROM ({_AWAITED}) AS p WHERE awaited_on IS NULL OR awaited_on <> awaited_end""",
    ),
    Invariant(
        "a milestone is void only where its scope was terminated, and none is scheduled there",
        f"""SELECT id AS thing, 'is ' || status || ' and its scope ' || of_scope AS detail FROM ({_AWAITED}) AS p
        WHERE status = 'void' AND of_scope <> 'cancelled'
          OR status = 'scheduled' AND of_scope <> 'active'""",
    ),
    Invariant(
        "a milestone's times and sums agree with its state",
        """SELECT id AS thing, 'is ' || status || ', ' || paid || ' of ' || amount || ' paid' AS detail FROM payments
        WHERE (status IN ('due', 'paid')) <> (triggered_at IS NOT NULL) OR (triggered_at IS NULL) <> (due_at IS NULL)
          OR (status = 'void') <> (voided_at IS NOT NULL) OR (status = 'paid') <> (paid_at IS NOT NULL)
          OR (status = 'paid' AND paid <> amount) OR (status IN ('scheduled', 'void') AND paid <> 0)
          OR (status = 'due' AND paid >= amount)""",
    ),
    Invariant(
        "milestones stand at places from 1 without a gap, in their scope's currency",
        """SELECT p.scope_id AS thing, 'has ' || count(*) || ' milestones, the last at ' || max(p.position) AS detail
        FROM payments p JOIN scopes s ON s.id = p.scope_id GROUP BY p.scope_id
        HAVING min(p.position) <> 1 OR max(p.position) <> count(*) OR count(DISTINCT p.position) <> count(*)
          OR count(CASE WHEN p.currency <> s.currency THEN 1 END) > 0""",
    ),
    Invariant(
        "a scope is priced in its request's currency",
        """SELECT s.id AS thing, 'is in ' || s.currency || ', its request in ' || r.currency AS detail
        FROM scopes s JOIN requests r ON r.id = s.request_id WHERE s.currency <> r.currency""",
    ),
)

_STORED = """SELECT 'request' AS kind, id, status FROM requests UNION ALL SELECT 'scope', id, status FROM scopes
  UNION ALL SELECT 'cycle', id, status FROM cycles UNION ALL SELECT 'deliverable', id, status FROM deliverables
  UNION ALL SELECT 'service_line', id, status FROM service_lines UNION ALL SELECT 'payment', id, status FROM payments
  UNION ALL SELECT 'invoice', id, status FROM invoices"""

# A decline takes the request back to `scoping`, and is told once, of the scope: its data has the request's state.
_TOLD = """SELECT subject_kind AS kind, subject_id AS id, sequence, CAST(data AS JSON) ->> 'status' AS status
  FROM events
  UNION ALL SELECT 'request', request_id, sequence, CAST(data AS JSON) ->> 'request_status' FROM events
  WHERE type = 'ods.scope.declined'"""

_EVENTS = (
    Invariant(
        "the last event of a thing tells the state that it is in",
        f"""SELECT s.id AS thing, 'is ' || s.status || ', its last event says ' || coalesce(e.status, 'nothing')
          AS detail FROM ({_STORED}) AS s JOIN (SELECT kind, id, status, row_number() OVER (PARTITION BY kind, id
          ORDER BY sequence DESC) AS place FROM ({_TOLD}) AS t) AS e
        ON e.kind = s.kind AND e.id = s.id AND e.place = 1 WHERE coalesce(e.status, '') <> s.status""",
    ),
    Invariant(
        "whatever is no longer in its first state has an event",
        f"""SELECT s.id AS thing, 'is ' || s.status || ' and no event tells of it' AS detail FROM ({_STORED}) AS s
        WHERE s.status NOT IN ('pending_confirmation', 'planned', 'pending')
          AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject_id = s.id)""",
    ),
    Invariant(
        "an event is about something of its engagement that is there",
        f"""SELECT e.id AS thing, 'is about ' || e.subject_kind || ' ' || e.subject_id AS detail FROM events e
        LEFT JOIN ({_STORED}) AS s ON s.id = e.subject_id AND s.kind = e.subject_kind
        LEFT JOIN requests r ON r.id = e.request_id
        WHERE e.subject_kind IN ('request', 'scope', 'cycle', 'deliverable', 'service_line', 'payment', 'invoice')
          AND (s.id IS NULL OR r.id IS NULL OR r.organization_id <> e.organization_id
            OR r.workspace_id <> e.workspace_id)""",
    ),
    Invariant(
        "an event's number is its place in the log",
        f"""SELECT id AS thing, 'has sequence ' || sequence AS detail FROM events
        WHERE sequence < 1 OR {_NUMBER} <> sequence""",
    ),
)

_RECEIPTS = (
    Invariant(
        "what is paid on a milestone is what its receipts come to",
        """SELECT p.id AS thing, p.paid || ' paid, receipts of ' || coalesce(sum(r.amount), 0) AS detail
        FROM payments p LEFT JOIN receipts r ON r.payment_id = p.id GROUP BY p.id, p.paid
        HAVING p.paid <> coalesce(sum(r.amount), 0)""",
    ),
    Invariant(
        "a receipt is in its milestone's currency",
        """SELECT r.id AS thing, 'is in ' || r.currency || ', its payment in ' || p.currency AS detail
        FROM receipts r JOIN payments p ON p.id = r.payment_id WHERE r.currency <> p.currency""",
    ),
    Invariant(
        "a receipt is reversed by exactly one entry of its negated amount, if it is reversed",
        """SELECT r.id AS thing, 'is ' || r.status || ', ' || count(b.id) || ' entries take it back' AS detail
        FROM receipts r LEFT JOIN receipts b
          ON b.reverses = r.id AND b.amount = -r.amount AND b.payment_id = r.payment_id
        GROUP BY r.id, r.status HAVING count(b.id) <> CASE r.status WHEN 'reversed' THEN 1 ELSE 0 END""",
    ),
    Invariant(
        "a reversal takes back a receipt that is there",
        """SELECT b.id AS thing, 'takes back ' || b.reverses AS detail FROM receipts b
        WHERE b.reverses IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.id = b.reverses)""",
    ),
)

_INVOICES = (
    Invariant(
        "an organisation's invoices are numbered from 1 without a gap",
        """SELECT i.organization_id AS thing, 'has ' || count(*) || ' invoices, the last is number ' || max(i.serial)
          || ', the counter says ' || coalesce(max(c.last_serial), 0) AS detail
        FROM invoices i LEFT JOIN invoice_serials c ON c.organization_id = i.organization_id
        GROUP BY i.organization_id HAVING min(i.serial) <> 1 OR max(i.serial) <> count(*)
          OR count(DISTINCT i.serial) <> count(*) OR coalesce(max(c.last_serial), 0) <> count(*)""",
    ),
    Invariant(
        "at most one invoice of a payment was not voided",
        """SELECT payment_id AS thing, 'has ' || count(*) || ' of them' AS detail FROM invoices
        WHERE status <> 'void' GROUP BY payment_id HAVING count(*) > 1""",
    ),
    Invariant(
        "an invoice is of its payment's amount, and paid exactly while the payment is",
        """SELECT i.id AS thing, 'is ' || i.status || ' for ' || i.amount || ', its payment ' || p.status || ' of '
          || p.amount AS detail FROM invoices i JOIN payments p ON p.id = i.payment_id
        WHERE i.amount <> p.amount OR i.currency <> p.currency OR i.scope_id <> p.scope_id
          OR p.status NOT IN ('due', 'paid') OR (i.status <> 'void' AND (i.status = 'paid') <> (p.status = 'paid'))""",
    ),
)

INVARIANTS: tuple[Invariant, ...] = (
    *_REQUESTS,
    *_SCOPES,
    *_CYCLES,
    *_DELIVERABLES,
    *_PAYMENTS,
    *_RECEIPTS,
    *_INVOICES,
    *_EVENTS,
)
"""Those that need no knowledge of the store beforehand."""

_TABLES = {
    "requests": Prefix.REQUEST,
    "scopes": Prefix.SCOPE,
    "cycles": Prefix.CYCLE,
    "deliverables": Prefix.DELIVERABLE,
    "service_lines": Prefix.SERVICE_LINE,
    "payments": Prefix.PAYMENT,
    "receipts": Prefix.RECEIPT,
    "invoices": Prefix.INVOICE,
}


def _identifiers() -> Iterator[Invariant]:
    form = "an identifier is PREFIX-YY-NNNNNN"
    for table, prefix in (_TABLES | {"events": Prefix.EVENT}).items():
        yield Invariant(
            f"{form}, with {prefix}",
            f"SELECT id AS thing, 'stands in {table}' AS detail FROM {table} "
            f"WHERE id !~ '^{prefix}-[0-9]{{2}}-[0-9]{{6,18}}$'",
        )
    for table, prefix in _TABLES.items():
        yield Invariant(
            f"the number of a {prefix} never repeats and is the one it is listed by",
            "SELECT min(id) AS thing, 'number ' || number || ' stands ' || count(*) || ' times' AS detail "
            f"FROM {table} GROUP BY number HAVING count(*) > 1 "
            f"UNION ALL SELECT id, 'is listed as ' || number FROM {table} "
            f"WHERE {_NUMBER} <> number",
        )


def _owners() -> Iterator[Invariant]:
    for table in ("scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts", "invoices"):
        thing = "deliverable_id" if table == "attempts" else "id"
        yield Invariant(
            "everything of an engagement has its request's owner",
            f"SELECT o.{thing} AS thing, 'is of ' || o.organization_id || ' and ' || o.workspace_id AS detail "
            f"FROM {table} o JOIN requests r ON r.id = o.request_id "
            "WHERE o.organization_id <> r.organization_id OR o.workspace_id <> r.workspace_id",
        )
    for table in ("cycles", "deliverables", "attempts", "service_lines", "payments", "receipts", "invoices"):
        thing = "deliverable_id" if table == "attempts" else "id"
        yield Invariant(
            "everything of a scope is of its request",
            f"SELECT o.{thing} AS thing, 'is of ' || o.request_id || ', its scope of ' || s.request_id AS detail "
            f"FROM {table} o JOIN scopes s ON s.id = o.scope_id WHERE o.request_id <> s.request_id",
        )


_AMOUNTS = (
    ("requests", "budget_max"),
    ("requests", "negotiation_price"),
    ("scopes", "fixed_price"),
    ("payments", "amount"),
    ("payments", "paid"),
    ("receipts", "amount"),
    ("invoices", "amount"),
    ("invoices", "paid"),
)


def _decimals(connection: Connection) -> Iterator[Invariant]:
    """Amounts with no more decimals than their currency has, for each currency that the store knows."""
    codes = connection.execute(text("SELECT DISTINCT currency FROM requests ORDER BY 1")).scalars().all()
    for code in codes:
        places = _places(code)
        for table, column in _AMOUNTS:
            yield Invariant(
                f"{code} has {places} decimals",
                f"SELECT id AS thing, '{column} is ' || {column} AS detail FROM {table} "
                f"WHERE currency = '{code}' AND round({column}, {places}) <> {column}",
            )


def _places(code: str) -> int:
    """The decimals of a currency; a code that is none has none, and its amounts are found to be wrong."""
    try:
        return exponent(code)
    except MoneyError:
        return 0


def _lists(connection: Connection) -> Iterator[str]:
    """What cycles list against what deliverables and attempts say: lists are JSON texts, which SQL does not compare."""
    stand: dict[str, set[str]] = {}
    for id, cycle_id in connection.execute(text("SELECT id, cycle_id FROM deliverables")):
        stand.setdefault(cycle_id, set()).add(id)
    sent = "SELECT deliverable_id, remediation_cycle_id FROM attempts WHERE remediation_cycle_id IS NOT NULL"
    for id, cycle_id in connection.execute(text(sent)):
        stand.setdefault(cycle_id, set()).add(id)
    for id, listed in connection.execute(text("SELECT id, deliverable_ids FROM cycles ORDER BY id")):
        ids = loads(listed)
        if len(ids) != len(set(ids)) or set(ids) != stand.get(id, set()):
            yield f"{id}: lists {', '.join(ids) or 'nothing'} (a cycle lists the deliverables it delivers, each once)"
