-- +goose Up

-- One dialect for SQLite and PostgreSQL: times are BIGINT Unix microseconds (0
-- is unset), documents are TEXT that SQL never looks into, text that is
-- compared or sorted is COLLATE "C", keyset columns are NOT NULL.

CREATE TABLE product (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name       TEXT COLLATE "C" NOT NULL,
  folded     TEXT COLLATE "C" NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL DEFAULT '',
  archived   BOOLEAN NOT NULL DEFAULT FALSE,
  version    BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX product_folded ON product (folded, id);

CREATE TABLE model_object (
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  kind       TEXT COLLATE "C" NOT NULL,
  id         TEXT COLLATE "C" NOT NULL,
  pos        BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  doc        TEXT NOT NULL,
  PRIMARY KEY (product_id, kind, id)
);

CREATE TABLE product_summary (
  product_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES product (id) ON DELETE CASCADE,
  current_max     DOUBLE PRECISION NOT NULL DEFAULT 0,
  verified_max    DOUBLE PRECISION NOT NULL DEFAULT 0,
  projected_max   DOUBLE PRECISION NOT NULL DEFAULT 0,
  inherent_max    DOUBLE PRECISION NOT NULL DEFAULT 0,
  current_sum     DOUBLE PRECISION NOT NULL DEFAULT 0,
  low             BIGINT NOT NULL DEFAULT 0,
  medium          BIGINT NOT NULL DEFAULT 0,
  high            BIGINT NOT NULL DEFAULT 0,
  critical        BIGINT NOT NULL DEFAULT 0,
  unrated         BIGINT NOT NULL DEFAULT 0,
  exceeding       BIGINT NOT NULL DEFAULT 0,
  vulnerabilities BIGINT NOT NULL DEFAULT 0,
  at              BIGINT NOT NULL DEFAULT 0,
  recompute_at    BIGINT NOT NULL DEFAULT 0,
  change_seq      BIGINT NOT NULL DEFAULT 0,
  doc             TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX product_summary_current ON product_summary (current_max, product_id);
CREATE INDEX product_summary_recompute ON product_summary (recompute_at, product_id);

CREATE TABLE rating_change (
  product_id       TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  seq              BIGINT NOT NULL,
  threat_id        TEXT COLLATE "C" NOT NULL,
  at               BIGINT NOT NULL,
  inherent_before  DOUBLE PRECISION NOT NULL,
  verified_before  DOUBLE PRECISION NOT NULL,
  current_before   DOUBLE PRECISION NOT NULL,
  projected_before DOUBLE PRECISION NOT NULL,
  inherent_after   DOUBLE PRECISION NOT NULL,
  verified_after   DOUBLE PRECISION NOT NULL,
  current_after    DOUBLE PRECISION NOT NULL,
  projected_after  DOUBLE PRECISION NOT NULL,
  cause_kind       TEXT NOT NULL,
  cause_text       TEXT NOT NULL,
  cause_ref        TEXT NOT NULL,
  PRIMARY KEY (product_id, seq)
);
CREATE INDEX rating_change_threat ON rating_change (product_id, threat_id, seq);

CREATE TABLE product_rating (
  product_id      TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  seq             BIGINT NOT NULL,
  at              BIGINT NOT NULL,
  inherent_max    DOUBLE PRECISION NOT NULL,
  verified_max    DOUBLE PRECISION NOT NULL,
  current_max     DOUBLE PRECISION NOT NULL,
  projected_max   DOUBLE PRECISION NOT NULL,
  current_sum     DOUBLE PRECISION NOT NULL,
  low             BIGINT NOT NULL,
  medium          BIGINT NOT NULL,
  high            BIGINT NOT NULL,
  critical        BIGINT NOT NULL,
  vulnerabilities BIGINT NOT NULL,
  PRIMARY KEY (product_id, seq)
);
CREATE INDEX product_rating_at ON product_rating (product_id, at, seq);

CREATE TABLE term (
  term       TEXT COLLATE "C" NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  kind       TEXT COLLATE "C" NOT NULL,
  id         TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (term, product_id, kind, id)
);
CREATE INDEX term_object ON term (product_id, kind, id);

CREATE TABLE run (
  id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  product_id   TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  source       TEXT COLLATE "C" NOT NULL,
  branch       TEXT COLLATE "C" NOT NULL,
  environment  TEXT COLLATE "C" NOT NULL,
  format       TEXT NOT NULL,
  tool         TEXT NOT NULL,
  complete     BOOLEAN NOT NULL,
  reasons      TEXT NOT NULL,
  counts       TEXT NOT NULL,
  client_key   TEXT COLLATE "C" NOT NULL,
  content_hash TEXT COLLATE "C" NOT NULL,
  state        TEXT COLLATE "C" NOT NULL,
  error        TEXT NOT NULL,
  blob_id      TEXT COLLATE "C" NOT NULL,
  at           BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  by_actor     TEXT NOT NULL,
  doc          TEXT NOT NULL
);
CREATE INDEX run_product ON run (product_id, at, id);
CREATE INDEX run_state ON run (state, at, id);
CREATE INDEX run_content ON run (product_id, content_hash);
CREATE UNIQUE INDEX run_client_key ON run (product_id, client_key) WHERE client_key <> '';

CREATE TABLE run_result (
  run_id      TEXT COLLATE "C" NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  n           BIGINT NOT NULL,
  test        TEXT COLLATE "C" NOT NULL,
  verdict     TEXT COLLATE "C" NOT NULL,
  outcome     TEXT COLLATE "C" NOT NULL,
  evidence_id TEXT COLLATE "C" NOT NULL,
  doc         TEXT NOT NULL,
  PRIMARY KEY (run_id, n)
);
CREATE INDEX run_result_outcome ON run_result (run_id, outcome, n);

CREATE TABLE evidence (
  product_id  TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  id          TEXT COLLATE "C" NOT NULL,
  branch      TEXT COLLATE "C" NOT NULL,
  environment TEXT COLLATE "C" NOT NULL,
  source      TEXT COLLATE "C" NOT NULL,
  test        TEXT COLLATE "C" NOT NULL,
  component   TEXT COLLATE "C" NOT NULL,
  location    TEXT COLLATE "C" NOT NULL,
  name        TEXT NOT NULL,
  verdict     TEXT COLLATE "C" NOT NULL,
  verdict_at  BIGINT NOT NULL,
  verdict_run TEXT COLLATE "C" NOT NULL,
  attempt     TEXT COLLATE "C" NOT NULL,
  attempt_at  BIGINT NOT NULL,
  attempt_run TEXT COLLATE "C" NOT NULL,
  fingerprint TEXT COLLATE "C" NOT NULL,
  match_reason TEXT NOT NULL,
  triage      TEXT COLLATE "C" NOT NULL,
  retired     BOOLEAN NOT NULL,
  doc         TEXT NOT NULL,
  PRIMARY KEY (product_id, id)
);
CREATE INDEX evidence_source ON evidence (product_id, branch, environment, source, id);
CREATE INDEX evidence_triage ON evidence (product_id, triage, id);

CREATE TABLE evidence_match (
  product_id  TEXT COLLATE "C" NOT NULL,
  evidence_id TEXT COLLATE "C" NOT NULL,
  kind        TEXT COLLATE "C" NOT NULL,
  target_id   TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (product_id, evidence_id, kind, target_id),
  FOREIGN KEY (product_id, evidence_id) REFERENCES evidence (product_id, id) ON DELETE CASCADE
);
CREATE INDEX evidence_match_target ON evidence_match (product_id, kind, target_id, evidence_id);

CREATE TABLE pin (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  product_id TEXT COLLATE "C" NOT NULL,
  tool       TEXT COLLATE "C" NOT NULL,
  rule       TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  target     TEXT COLLATE "C" NOT NULL,
  decision   TEXT COLLATE "C" NOT NULL,
  reason     TEXT NOT NULL,
  by_actor   TEXT NOT NULL,
  at         BIGINT NOT NULL,
  UNIQUE (product_id, tool, rule, kind, target)
);

CREATE TABLE blob (
  id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  size     BIGINT NOT NULL,
  complete BOOLEAN NOT NULL,
  at       BIGINT NOT NULL
);
CREATE TABLE blob_chunk (
  blob_id TEXT COLLATE "C" NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
  n       BIGINT NOT NULL,
  data    BYTEA NOT NULL,
  PRIMARY KEY (blob_id, n)
);

CREATE TABLE audit (
  stream     TEXT COLLATE "C" NOT NULL,
  seq        BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  actor      TEXT COLLATE "C" NOT NULL,
  actor_kind TEXT COLLATE "C" NOT NULL,
  source     TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL,
  action     TEXT COLLATE "C" NOT NULL,
  object     TEXT COLLATE "C" NOT NULL,
  old_doc    TEXT NOT NULL,
  new_doc    TEXT NOT NULL,
  prev_hash  TEXT NOT NULL,
  hash       TEXT NOT NULL,
  PRIMARY KEY (stream, seq)
);
CREATE INDEX audit_object ON audit (stream, object, seq);
CREATE TABLE audit_head (
  stream TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  seq    BIGINT NOT NULL,
  hash   TEXT NOT NULL
);

CREATE TABLE account (
  id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  email         TEXT COLLATE "C" NOT NULL,
  folded        TEXT COLLATE "C" NOT NULL UNIQUE,
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  admin         BOOLEAN NOT NULL,
  disabled      BOOLEAN NOT NULL,
  created_at    BIGINT NOT NULL,
  version       BIGINT NOT NULL,
  doc           TEXT NOT NULL
);
CREATE TABLE session (
  hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  user_agent TEXT NOT NULL,
  ip         TEXT NOT NULL
);
CREATE INDEX session_account ON session (user_id, created_at, hash);
CREATE INDEX session_expires ON session (expires_at);
CREATE TABLE api_token (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hash       TEXT COLLATE "C" NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  scopes     TEXT NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL
);
CREATE INDEX api_token_account ON api_token (user_id, id);
CREATE TABLE membership (
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  role       TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, product_id)
);
CREATE INDEX membership_product ON membership (product_id, user_id);
CREATE TABLE secret (
  address TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  sealed  BYTEA NOT NULL,
  at      BIGINT NOT NULL
);
CREATE TABLE setting (
  key     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  at      BIGINT NOT NULL,
  doc     TEXT NOT NULL
);
CREATE TABLE idempotency (
  actor        TEXT COLLATE "C" NOT NULL,
  key          TEXT COLLATE "C" NOT NULL,
  request_hash TEXT NOT NULL,
  status       BIGINT NOT NULL,
  headers      TEXT NOT NULL,
  body         BYTEA NOT NULL,
  at           BIGINT NOT NULL,
  PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_at ON idempotency (at);
CREATE TABLE comment (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  object     TEXT COLLATE "C" NOT NULL,
  author     TEXT COLLATE "C" NOT NULL,
  body       TEXT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE INDEX comment_object ON comment (product_id, object, at, id);
CREATE TABLE login_throttle (
  key           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  failures      BIGINT NOT NULL,
  first_at      BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL
);

CREATE TABLE lease (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  token   TEXT COLLATE "C" NOT NULL,
  beat    BIGINT NOT NULL,
  holder  TEXT NOT NULL
);
CREATE TABLE work_due (
  kind            TEXT COLLATE "C" NOT NULL,
  subject         TEXT COLLATE "C" NOT NULL,
  generation      BIGINT NOT NULL,
  done_generation BIGINT NOT NULL,
  not_before      BIGINT NOT NULL,
  failures        BIGINT NOT NULL,
  error           TEXT NOT NULL,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX work_due_open ON work_due (not_before, kind, subject) WHERE generation > done_generation;
