-- +goose Up

-- What is remembered of a run is read with every look at the evidence; what its
-- upload changed, which is much more, with the upload alone. They stood in one text.

ALTER TABLE run ADD COLUMN record TEXT NOT NULL DEFAULT '';
