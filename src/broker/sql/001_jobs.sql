-- Jobs that wait or run. `ticket` is their order of arrival; prompt ids may repeat.
CREATE TABLE jobs (
  ticket          INTEGER PRIMARY KEY,
  owner           TEXT    NOT NULL,
  id              TEXT    NOT NULL,
  number          NOT NULL,                    -- no type: an integer stays one, a double too
  explicit_number INTEGER NOT NULL,
  client_id       TEXT,                        -- NULL: none was given
  state           INTEGER NOT NULL DEFAULT 0,  -- 0 waits, 1 runs
  attempt         INTEGER NOT NULL DEFAULT 0,  -- claims so far: the fencing token
  losses          INTEGER NOT NULL DEFAULT 0,  -- workers lost
  create_time     INTEGER NOT NULL,            -- ms since 1970
  workflow_id     TEXT    NOT NULL,
  job_check       INTEGER NOT NULL,            -- XXH3 of the three texts below, to tell a damaged row
  output_ids      TEXT    NOT NULL,            -- JSON
  extra_data      TEXT    NOT NULL,            -- JSON, without secrets
  prompt          TEXT    NOT NULL,            -- JSON
  secrets         TEXT    NOT NULL             -- JSON; gone with the row
);
