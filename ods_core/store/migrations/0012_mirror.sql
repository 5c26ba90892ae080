-- Another server that this store follows: how far its log has been read, and what is known of its requests.

CREATE TABLE mirror (
    url VARCHAR PRIMARY KEY,
    way VARCHAR NOT NULL,
    cursor VARCHAR,
    followed_at TIMESTAMP
);

CREATE TABLE mirror_requests (
    request_id VARCHAR PRIMARY KEY,
    read_through BIGINT NOT NULL,
    is_over BOOLEAN NOT NULL,
    read_at TIMESTAMP NOT NULL,
    untold VARCHAR,
    told VARCHAR
);
