-- +goose Up

-- The organisation's own layer of the library. library_entry is the draft: one row
-- per entry that the layer has, as YAML. A published version keeps the whole layer,
-- and library_base what it was published on: the built-in library of a later
-- program may no longer go with it.

CREATE TABLE library_state (
  id        INTEGER NOT NULL PRIMARY KEY,
  draft     BIGINT NOT NULL,
  published BIGINT NOT NULL
);

CREATE TABLE library_entry (
  kind     TEXT COLLATE "C" NOT NULL,
  ref      TEXT COLLATE "C" NOT NULL,
  version  BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  by_actor TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (kind, ref)
);

CREATE TABLE library_version (
  number   BIGINT NOT NULL PRIMARY KEY,
  name     TEXT NOT NULL,
  remark   TEXT NOT NULL,
  digest   TEXT NOT NULL,
  base     TEXT NOT NULL,
  entries  BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  by_actor TEXT NOT NULL,
  content  TEXT NOT NULL
);

CREATE TABLE library_base (
  digest  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  content BYTEA NOT NULL
);

-- Which products hold what of the library: component types, what patterns and
-- rules brought, the questionnaire, applied standards.
CREATE TABLE product_use (
  kind       TEXT COLLATE "C" NOT NULL,
  ref        TEXT COLLATE "C" NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  PRIMARY KEY (kind, ref, product_id)
);
CREATE INDEX product_use_product ON product_use (product_id);

-- It is filled in when the program starts.
UPDATE product SET listed = FALSE;
