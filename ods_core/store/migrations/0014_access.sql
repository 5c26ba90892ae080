-- Who may come in, what each key was answered first, and what happened at the door.

CREATE TABLE api_keys (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    lookup VARCHAR NOT NULL UNIQUE,
    digest VARCHAR NOT NULL,
    roles VARCHAR NOT NULL,
    organization_id VARCHAR,
    workspace_id VARCHAR,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    expires_at TIMESTAMP,
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP,
    revoked_by VARCHAR
);

CREATE TABLE first_answers (
    holder VARCHAR NOT NULL,
    idempotency_key VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    status INTEGER NOT NULL,
    headers VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    answered_at TIMESTAMP NOT NULL,
    PRIMARY KEY (holder, idempotency_key)
);

CREATE TABLE security_events (
    number BIGINT PRIMARY KEY,
    kind VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    actor_kind VARCHAR NOT NULL,
    actor_id VARCHAR NOT NULL,
    organization_id VARCHAR,
    subject VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    data VARCHAR NOT NULL
);
