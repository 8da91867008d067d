-- +goose Up

-- What the list of products shows and is sorted by, kept beside the product so
-- that a page of it reads nothing per product. Rows written before are listed
-- when the program starts; see DB.listProducts.

ALTER TABLE product ADD COLUMN team TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE product ADD COLUMN template BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX product_unlisted ON product (id) WHERE NOT listed;
CREATE INDEX product_updated ON product (updated_at, id);

CREATE TABLE product_tag (
  tag        TEXT COLLATE "C" NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, product_id)
);
CREATE INDEX product_tag_product ON product_tag (product_id);

ALTER TABLE product_summary ADD COLUMN trend TEXT NOT NULL DEFAULT '';
ALTER TABLE product_summary ADD COLUMN last_test BIGINT NOT NULL DEFAULT 0;
CREATE INDEX product_summary_vulnerabilities ON product_summary (vulnerabilities, product_id);
CREATE INDEX product_summary_last_test ON product_summary (last_test, product_id);

CREATE INDEX ticket_link_failing ON ticket_link (product_id) WHERE state = 'live' AND failures > 0;
CREATE INDEX ticket_intent_waiting ON ticket_intent (product_id, state) WHERE state <> 'linked';
CREATE INDEX evidence_waiting ON evidence (product_id) WHERE triage IN ('unmatched', 'ambiguous') AND NOT retired;

CREATE TABLE visit (
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  at         BIGINT NOT NULL,
  PRIMARY KEY (user_id, product_id)
);
