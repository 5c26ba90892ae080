-- The review clock: until when a reviewer has, when somebody is to be reminded, and when that happened; and what was
-- found of each criterion.

ALTER TABLE attempts ADD COLUMN decide_by TIMESTAMP;
ALTER TABLE attempts ADD COLUMN remind_at TIMESTAMP;
ALTER TABLE attempts ADD COLUMN reminded_at TIMESTAMP;
ALTER TABLE attempts ADD COLUMN verdicts TEXT DEFAULT '[]';
ALTER TABLE scopes ADD COLUMN remind_on DATE;
ALTER TABLE scopes ADD COLUMN reminded_at TIMESTAMP;

UPDATE attempts SET
    decide_by = attempts.ready_at + s.review_window_days * INTERVAL '1 day',
    remind_at = attempts.ready_at + CASE
        WHEN s.review_window_days IS NULL THEN 5 * INTERVAL '1 day'
        WHEN s.review_window_days < 4 THEN s.review_window_days * INTERVAL '12 hours'
        ELSE (s.review_window_days - 2) * INTERVAL '1 day'
    END
FROM scopes AS s WHERE s.id = attempts.scope_id AND attempts.ready_at IS NOT NULL;

UPDATE scopes SET remind_on = valid_until - 2;
