-- +goose Up

-- Lines of reports were to be kept one by one; what became of them stands with the
-- evidence and in the run's own document, and nothing was ever stored here.

DROP TABLE run_result;
