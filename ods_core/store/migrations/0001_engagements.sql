-- Engagements: requests and all that comes of them, and the events that tell of it.
-- Written for DuckDB and PostgreSQL alike: no index or UNIQUE on a column that changes (DuckDB would rewrite the row
-- under its foreign keys), no partial index, times in UTC without a zone, money as DECIMAL(24, 4).

CREATE TABLE requests (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('scoping', 'scoped', 'requires_negotiation', 'cancelled')),
    subscription_id VARCHAR,
    project_tags TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    desired_outcome TEXT NOT NULL,
    acceptance_criteria TEXT NOT NULL,
    timeline_weeks INTEGER CHECK (timeline_weeks > 0),
    budget_max DECIMAL(24, 4) CHECK (budget_max > 0),
    currency VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    scoped_at TIMESTAMP,
    negotiation_reason TEXT,
    negotiation_price DECIMAL(24, 4),
    negotiation_weeks INTEGER,
    cancelled_at TIMESTAMP,
    cancellation_reason TEXT
);

CREATE TABLE scopes (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    status VARCHAR NOT NULL CHECK (status IN ('pending_confirmation', 'active', 'completed', 'cancelled')),
    title TEXT NOT NULL,
    fixed_price DECIMAL(24, 4) NOT NULL CHECK (fixed_price > 0),
    currency VARCHAR NOT NULL,
    timeline_weeks INTEGER NOT NULL CHECK (timeline_weeks > 0),
    payment_terms TEXT NOT NULL,
    schedule TEXT NOT NULL,
    valid_until DATE NOT NULL,
    lead_time_days INTEGER NOT NULL,
    review_window_days INTEGER CHECK (review_window_days > 0),
    silence_policy VARCHAR NOT NULL CHECK (silence_policy IN ('none', 'deemed_accepted', 'deemed_rejected')),
    proposed_at TIMESTAMP NOT NULL,
    proposed_by VARCHAR NOT NULL,
    confirmed_at TIMESTAMP,
    confirmed_by VARCHAR,
    shifted_days INTEGER NOT NULL CHECK (shifted_days >= 0),
    completed_at TIMESTAMP,
    cancelled_at TIMESTAMP,
    cancelled_by VARCHAR,
    cancellation_reason TEXT
);
CREATE INDEX scopes_request ON scopes (request_id);

CREATE TABLE cycles (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    kind VARCHAR NOT NULL CHECK (kind IN ('delivery', 'remediation')),
    parent_cycle_id VARCHAR,
    ordinal INTEGER NOT NULL CHECK (ordinal > 0),
    name TEXT NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('planned', 'in_progress', 'completed', 'accepted', 'cancelled')),
    planned_start DATE NOT NULL,
    planned_end DATE NOT NULL,
    baseline_start DATE NOT NULL,
    baseline_end DATE NOT NULL,
    deliverable_ids TEXT NOT NULL,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    accepted_at TIMESTAMP,
    cancelled_at TIMESTAMP,
    CHECK (planned_end >= planned_start),
    CHECK ((kind = 'remediation') = (parent_cycle_id IS NOT NULL))
);
CREATE INDEX cycles_request ON cycles (request_id);

CREATE TABLE deliverables (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    cycle_id VARCHAR NOT NULL REFERENCES cycles (id),
    position INTEGER NOT NULL CHECK (position > 0),
    key VARCHAR NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    acceptance_criteria TEXT NOT NULL,
    criteria_as_text BOOLEAN NOT NULL,
    status VARCHAR NOT NULL CHECK (
        status IN (
            'pending', 'in_progress', 'completed', 'ready_for_acceptance', 'accepted', 'rejected', 'cancelled'
        )
    ),
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    started_at TIMESTAMP,
    submitted_at TIMESTAMP,
    ready_at TIMESTAMP,
    decided_at TIMESTAMP,
    escalated_at TIMESTAMP,
    cancelled_at TIMESTAMP
);
CREATE INDEX deliverables_request ON deliverables (request_id);

CREATE TABLE attempts (
    deliverable_id VARCHAR NOT NULL REFERENCES deliverables (id),
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    cycle_id VARCHAR NOT NULL REFERENCES cycles (id),
    started_at TIMESTAMP NOT NULL,
    submitted_at TIMESTAMP,
    submitted_by VARCHAR,
    notes TEXT,
    evidence TEXT NOT NULL,
    ready_at TIMESTAMP,
    decision VARCHAR CHECK (decision IN ('accepted', 'rejected')),
    decided_at TIMESTAMP,
    reviewer_id VARCHAR,
    review_notes TEXT,
    rejection_reason TEXT,
    criteria_not_met TEXT NOT NULL,
    deemed BOOLEAN NOT NULL,
    remediation_cycle_id VARCHAR REFERENCES cycles (id),
    PRIMARY KEY (deliverable_id, attempt),
    CHECK ((decision IS NULL) = (decided_at IS NULL)),
    CHECK ((decision = 'rejected') = (rejection_reason IS NOT NULL))
);
CREATE INDEX attempts_request ON attempts (request_id);

CREATE TABLE service_lines (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    status VARCHAR NOT NULL CHECK (status IN ('active', 'closed')),
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP
);
CREATE INDEX service_lines_request ON service_lines (request_id);

CREATE TABLE payments (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL,
    request_id VARCHAR NOT NULL REFERENCES requests (id),
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    scope_id VARCHAR NOT NULL REFERENCES scopes (id),
    position INTEGER NOT NULL CHECK (position > 0),
    kind VARCHAR NOT NULL CHECK (kind IN ('upfront', 'milestone', 'final')),
    trigger_kind VARCHAR NOT NULL CHECK (
        trigger_kind IN ('confirmation', 'cycle_acceptance', 'deliverable_acceptance', 'final_acceptance')
    ),
    trigger_number INTEGER CHECK (trigger_number > 0),
    status VARCHAR NOT NULL CHECK (status IN ('scheduled', 'due', 'paid', 'void')),
    amount DECIMAL(24, 4) NOT NULL CHECK (amount >= 0),
    currency VARCHAR NOT NULL,
    paid DECIMAL(24, 4) NOT NULL CHECK (paid >= 0),
    net_days INTEGER NOT NULL CHECK (net_days >= 0),
    description TEXT NOT NULL,
    triggered_at TIMESTAMP,
    due_at TIMESTAMP,
    paid_at TIMESTAMP,
    voided_at TIMESTAMP,
    CHECK (paid <= amount)
);
CREATE INDEX payments_request ON payments (request_id);

CREATE TABLE events (
    sequence BIGINT PRIMARY KEY,
    id VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    actor_kind VARCHAR NOT NULL,
    actor_id VARCHAR NOT NULL,
    subject_kind VARCHAR NOT NULL,
    subject_id VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    scope_id VARCHAR,
    organization_id VARCHAR NOT NULL,
    workspace_id VARCHAR NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX events_request ON events (request_id);
