-- How good the criteria of a scope were found when it was confirmed, 0 to 100; NULL where nobody looked.

ALTER TABLE scopes ADD COLUMN criteria_score INTEGER;
