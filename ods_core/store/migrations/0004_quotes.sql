-- How a proposal's price came about: its quote, whole, as JSON.

ALTER TABLE scopes ADD COLUMN quote TEXT;
