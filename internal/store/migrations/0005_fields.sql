-- +goose Up

-- What products store in custom fields, kept beside the product so that lists
-- are filtered by it: one row per value, a choice of several options has several.
-- Long values are cut; see Tx.setFields.

CREATE TABLE product_field (
  key        TEXT COLLATE "C" NOT NULL,
  value      TEXT COLLATE "C" NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  PRIMARY KEY (key, value, product_id)
);
CREATE INDEX product_field_product ON product_field (product_id);

-- Those that store something are listed anew when the program starts.
UPDATE product SET listed = FALSE WHERE doc LIKE '%"custom":{%';
