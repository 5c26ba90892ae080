-- Private links to calendars: of each only a digest is kept.

CREATE TABLE calendar_links (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    digest VARCHAR NOT NULL UNIQUE,
    organization_id VARCHAR,
    workspace_id VARCHAR,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    last_read_at TIMESTAMP,
    revoked_at TIMESTAMP,
    revoked_by VARCHAR
);
