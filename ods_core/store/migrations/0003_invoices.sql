-- Invoices: numbered without a gap within an organisation. The counter has a row of its own for each organisation, so
-- that writers of one organisation take turns at it, and a transaction that is given up takes its number back.

CREATE TABLE invoice_serials (
    organization_id VARCHAR PRIMARY KEY,
    last_serial BIGINT NOT NULL CHECK (last_serial >= 1)
);

CREATE TABLE invoices (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    payment_id VARCHAR NOT NULL REFERENCES payments (id),
    serial BIGINT NOT NULL CHECK (serial >= 1),
    status VARCHAR NOT NULL CHECK (status IN ('open', 'paid', 'void', 'uncollectible')),
    amount DECIMAL(24, 4) NOT NULL CHECK (amount > 0),
    paid DECIMAL(24, 4) NOT NULL CHECK (paid >= 0),
    currency VARCHAR NOT NULL,
    due_on DATE NOT NULL,
    seller TEXT NOT NULL,
    buyer TEXT NOT NULL,
    note TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    issued_by VARCHAR NOT NULL,
    ended_at TIMESTAMP,
    reason TEXT,
    CHECK (paid < amount),
    CHECK ((status IN ('void', 'uncollectible')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (reason IS NULL))
);
CREATE INDEX invoices_request ON invoices (request_id);
