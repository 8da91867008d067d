-- +goose Up

-- Who did what is asked of trails of any length.

CREATE INDEX audit_actor ON audit (stream, actor, seq);
CREATE INDEX audit_action ON audit (stream, action, seq);
