-- The planned end of the cycle that a payment waits for, kept beside it: the schedule of all payments is ordered by it.

ALTER TABLE payments ADD COLUMN awaited_on DATE;

UPDATE payments SET awaited_on = last.planned_end
FROM (SELECT scope_id, max(planned_end) AS planned_end FROM cycles WHERE kind = 'delivery' GROUP BY scope_id) AS last
WHERE last.scope_id = payments.scope_id;

UPDATE payments SET awaited_on = c.planned_end
FROM cycles AS c
WHERE payments.trigger_kind = 'cycle_acceptance' AND c.scope_id = payments.scope_id AND c.kind = 'delivery'
    AND c.ordinal = payments.trigger_number;

UPDATE payments SET awaited_on = c.planned_end
FROM deliverables AS d JOIN cycles AS c ON c.id = d.cycle_id
WHERE payments.trigger_kind = 'deliverable_acceptance' AND d.scope_id = payments.scope_id
    AND d.position = payments.trigger_number;
