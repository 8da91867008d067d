-- +goose Up

-- The model files that products were made of or updated from, as they were given:
-- what the next one is compared with. One row per file of another tool that the
-- product follows, the newest of it; content is packed (gzip).

CREATE TABLE product_source (
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  id         TEXT COLLATE "C" NOT NULL,
  name       TEXT NOT NULL,
  format     TEXT NOT NULL,
  at         BIGINT NOT NULL,
  by_actor   TEXT NOT NULL,
  size       BIGINT NOT NULL,
  content    BYTEA NOT NULL,
  PRIMARY KEY (product_id, id)
);
