-- +goose Up

-- Who owns an object, beside its document, so that what is assigned to a person
-- is found without reading every product. Owners that were accounts already are
-- taken from the documents; other texts are nobody's to look for.

ALTER TABLE model_object ADD COLUMN owner TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE model_object SET owner = COALESCE((SELECT MIN(a.id) FROM account a WHERE model_object.doc LIKE '%"owner":"' || a.id || '"%'), '')
  WHERE kind IN ('threat', 'countermeasure') AND doc LIKE '%"owner":"usr%';
CREATE INDEX model_object_owner ON model_object (owner, product_id, kind, id) WHERE owner <> '';

ALTER TABLE comment ADD COLUMN edited_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE comment ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
