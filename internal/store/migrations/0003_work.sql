-- +goose Up

-- Who owns an object, beside its document, so that what is assigned to a person
-- is found without reading every product. For rows written before it is taken
-- from their documents when the program starts; see DB.listProducts.

ALTER TABLE model_object ADD COLUMN owner TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX model_object_owner ON model_object (owner, product_id, kind, id) WHERE owner <> '';

ALTER TABLE comment ADD COLUMN edited_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE comment ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
