-- +goose Up

-- Rows here outlive the objects and products they name: a ticket whose object
-- is gone must still be closed. Nothing refers to product for that reason.

CREATE TABLE tracker_connection (
  id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name         TEXT COLLATE "C" NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  doc          TEXT NOT NULL,
  credential   TEXT NOT NULL,
  state        TEXT COLLATE "C" NOT NULL,
  reason       TEXT NOT NULL,
  paused_until BIGINT NOT NULL,
  failures     BIGINT NOT NULL,
  last_success BIGINT NOT NULL,
  last_poll    BIGINT NOT NULL,
  polled_to    BIGINT NOT NULL,
  last_sweep   BIGINT NOT NULL,
  sweep_due    BIGINT NOT NULL,
  adopt        BOOLEAN NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL
);

CREATE TABLE ticket_intent (
  product_id    TEXT COLLATE "C" NOT NULL,
  object_id     TEXT COLLATE "C" NOT NULL,
  purpose       TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL,
  marker        TEXT COLLATE "C" NOT NULL,
  generation    BIGINT NOT NULL,
  state         TEXT COLLATE "C" NOT NULL,
  attempts      BIGINT NOT NULL,
  lookups       BIGINT NOT NULL,
  project       TEXT NOT NULL,
  target        TEXT NOT NULL,
  high_water    BIGINT NOT NULL,
  sent_at       BIGINT NOT NULL,
  due_at        BIGINT NOT NULL,
  settle_at     BIGINT NOT NULL,
  kind          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (product_id, object_id, purpose)
);
CREATE UNIQUE INDEX ticket_intent_marker ON ticket_intent (marker);
CREATE INDEX ticket_intent_open ON ticket_intent (connection_id, created_at, product_id, object_id, purpose) WHERE state <> 'linked';

CREATE TABLE ticket_link (
  connection_id TEXT COLLATE "C" NOT NULL,
  ticket_id     TEXT COLLATE "C" NOT NULL,
  product_id    TEXT COLLATE "C" NOT NULL,
  object_id     TEXT COLLATE "C" NOT NULL,
  purpose       TEXT COLLATE "C" NOT NULL,
  ticket_key    TEXT COLLATE "C" NOT NULL,
  url           TEXT NOT NULL,
  marker        TEXT COLLATE "C" NOT NULL,
  own           BOOLEAN NOT NULL,
  state         TEXT COLLATE "C" NOT NULL,
  reason        TEXT NOT NULL,
  failures      BIGINT NOT NULL,
  retry_at      BIGINT NOT NULL,
  objects       TEXT NOT NULL,
  snapshot      TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL,
  PRIMARY KEY (connection_id, ticket_id, product_id, object_id, purpose)
);
CREATE INDEX ticket_link_product ON ticket_link (product_id, object_id, purpose);
CREATE INDEX ticket_link_key ON ticket_link (connection_id, ticket_key);

CREATE TABLE ticket_note (
  connection_id TEXT COLLATE "C" NOT NULL,
  ticket_id     TEXT COLLATE "C" NOT NULL,
  note_key      TEXT COLLATE "C" NOT NULL,
  done          BOOLEAN NOT NULL,
  sent_at       BIGINT NOT NULL,
  PRIMARY KEY (connection_id, ticket_id, note_key)
);

CREATE TABLE ticket_delivery (
  connection_id TEXT COLLATE "C" NOT NULL,
  delivery      TEXT COLLATE "C" NOT NULL,
  at            BIGINT NOT NULL,
  PRIMARY KEY (connection_id, delivery)
);

CREATE TABLE ticket_inbox (
  connection_id TEXT COLLATE "C" NOT NULL,
  ticket_id     TEXT COLLATE "C" NOT NULL,
  at            BIGINT NOT NULL,
  PRIMARY KEY (connection_id, ticket_id)
);

-- The built-in tracker. A ticket's id is its project and number.

CREATE TABLE board_project (
  connection_id TEXT COLLATE "C" NOT NULL,
  project       TEXT COLLATE "C" NOT NULL,
  last_number   BIGINT NOT NULL,
  PRIMARY KEY (connection_id, project)
);

CREATE TABLE board_ticket (
  connection_id TEXT COLLATE "C" NOT NULL,
  id            TEXT COLLATE "C" NOT NULL,
  project       TEXT COLLATE "C" NOT NULL,
  number        BIGINT NOT NULL,
  marker        TEXT COLLATE "C" NOT NULL,
  status        TEXT COLLATE "C" NOT NULL,
  updated_at    BIGINT NOT NULL,
  doc           TEXT NOT NULL,
  PRIMARY KEY (connection_id, id)
);
CREATE UNIQUE INDEX board_ticket_marker ON board_ticket (connection_id, marker) WHERE marker <> '';
CREATE INDEX board_ticket_updated ON board_ticket (connection_id, updated_at, id);
CREATE INDEX board_ticket_number ON board_ticket (connection_id, project, number);

CREATE TABLE board_comment (
  connection_id TEXT COLLATE "C" NOT NULL,
  ticket_id     TEXT COLLATE "C" NOT NULL,
  seq           BIGINT NOT NULL,
  author        TEXT NOT NULL,
  at            BIGINT NOT NULL,
  text          TEXT NOT NULL,
  PRIMARY KEY (connection_id, ticket_id, seq)
);
