-- +goose Up

-- Tickets that people linked by hand lack our label: each poll reads them by id.

CREATE INDEX ticket_link_foreign ON ticket_link (connection_id, ticket_id) WHERE NOT own AND state = 'live';
