-- Money that came in. A wrong receipt is never edited: an entry of the negated amount takes it back.

CREATE TABLE receipts (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    payment_id VARCHAR NOT NULL REFERENCES payments (id),
    status VARCHAR NOT NULL CHECK (status IN ('recorded', 'reversed', 'reversal')),
    amount DECIMAL(24, 4) NOT NULL CHECK (amount <> 0),
    currency VARCHAR NOT NULL,
    received_on DATE NOT NULL,
    reference TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by VARCHAR NOT NULL,
    reverses VARCHAR,
    reason TEXT,
    CHECK ((status = 'reversal') = (reverses IS NOT NULL)),
    CHECK ((status = 'reversal') = (amount < 0))
);
CREATE INDEX receipts_request ON receipts (request_id);
