-- Finished jobs. `place` is their order; a prompt id that comes again keeps the place of the first.
CREATE TABLE history (
  place         INTEGER PRIMARY KEY,
  owner         TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  ticket        INTEGER NOT NULL,
  number        NOT NULL,
  state         TEXT    NOT NULL,  -- completed, failed, cancelled
  create_time   INTEGER NOT NULL,  -- ms since 1970, as the other times
  started       INTEGER NOT NULL,
  ended         INTEGER NOT NULL,
  workflow_id   TEXT    NOT NULL,
  outputs_count INTEGER NOT NULL,
  job_check     INTEGER NOT NULL,  -- as in jobs
  result_check  INTEGER NOT NULL,  -- XXH3 of the texts of the result
  preview       TEXT    NOT NULL,  -- JSON or empty, as error
  error         TEXT    NOT NULL,
  status        TEXT    NOT NULL,  -- JSON from here on
  meta          TEXT    NOT NULL,
  outputs       TEXT    NOT NULL,
  output_ids    TEXT    NOT NULL,
  extra_data    TEXT    NOT NULL,
  prompt        TEXT    NOT NULL
);
CREATE UNIQUE INDEX history_by_id ON history (owner, id);
-- Covers what a list of jobs sorts and filters by.
CREATE INDEX history_listing ON history (owner, place, ticket, state, workflow_id, create_time, started, ended, number);
