-- Webhooks: who is told of events, how far each has been told, what is tried again, and what came of each attempt.
-- The log of events is the outbox: a command writes nothing here. Courses and lanes are changed by the courier alone.
-- No foreign keys between these tables: the courier writes beside the commands, and a row that one of them changes
-- must not be one that the other refers to.

CREATE TABLE webhook_endpoints (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    organization_id VARCHAR,
    url TEXT NOT NULL,
    event_types TEXT NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('enabled', 'disabled')),
    generation INTEGER NOT NULL,
    secret VARCHAR NOT NULL,
    previous_secret VARCHAR,
    previous_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    disabled_at TIMESTAMP,
    disabled_reason TEXT,
    deleted_at TIMESTAMP,
    CHECK ((status = 'disabled') = (disabled_at IS NOT NULL))
);

CREATE TABLE webhook_courses (
    id VARCHAR PRIMARY KEY,
    endpoint_id VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    last_sequence BIGINT,
    occurred_from TIMESTAMP,
    occurred_until TIMESTAMP,
    any_type BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE webhook_lanes (
    id VARCHAR PRIMARY KEY,
    course_id VARCHAR NOT NULL,
    lane VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    failing_since TIMESTAMP,
    next_at TIMESTAMP NOT NULL,
    generation INTEGER NOT NULL
);

CREATE TABLE webhook_attempts (
    number BIGINT PRIMARY KEY,
    endpoint_id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    event_type VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    is_replay BOOLEAN NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('delivered', 'failed', 'given_up')),
    response_status INTEGER,
    error TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    attempted_at TIMESTAMP NOT NULL,
    next_attempt_at TIMESTAMP
);
