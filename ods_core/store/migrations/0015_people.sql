-- Which people act for whom: what a sign-in says of them, and the roles that follow.

CREATE TABLE people (
    number BIGINT PRIMARY KEY,
    claim VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    organization_id VARCHAR,
    workspace_id VARCHAR,
    roles VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL
);
