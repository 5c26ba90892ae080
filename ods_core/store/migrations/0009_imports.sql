-- What was imported, by what is in the files: to go on after a stop, and to take nothing twice.

CREATE TABLE imports (
    fingerprint VARCHAR PRIMARY KEY,
    engagements BIGINT NOT NULL,
    done BIGINT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP
);
