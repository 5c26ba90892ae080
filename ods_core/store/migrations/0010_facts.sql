-- What the outcomes are measured from: one narrow row each time something that is measured ended, and one for each
-- amount. All of it follows from the other tables and can be made anew from them at any time. No keys and no indexes:
-- rows are found by scanning, and an engagement's are replaced as one.

CREATE TABLE fact_work (
    kind SMALLINT NOT NULL,
    request BIGINT NOT NULL,
    scope BIGINT,
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    ended_on DATE NOT NULL,
    days DOUBLE PRECISION NOT NULL,
    hit SMALLINT,
    first SMALLINT,
    ratio DOUBLE PRECISION,
    remediations INTEGER,
    deliverables INTEGER,
    score INTEGER
);

CREATE TABLE fact_money (
    kind SMALLINT NOT NULL,
    request BIGINT NOT NULL,
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    ended_on DATE,
    due_at TIMESTAMP,
    -- Amounts are below 10^12; so many digits are added up in half the time that 24 take.
    amount DECIMAL(18, 4) NOT NULL,
    days INTEGER
);

-- Up to which event they were made, and by which definition.
CREATE TABLE fact_mark (
    id INTEGER PRIMARY KEY,
    sequence BIGINT NOT NULL,
    definition VARCHAR NOT NULL
);
