-- What senders asked for beside the pictures, and the numbered events of jobs that are over.
ALTER TABLE jobs    ADD COLUMN terms  TEXT NOT NULL DEFAULT '';  -- JSON or empty
ALTER TABLE history ADD COLUMN terms  TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN events TEXT NOT NULL DEFAULT '';  -- JSON or empty; only API v2 reads it
-- Keys of submissions that made a job: the second one with a key makes none.
CREATE TABLE submission_keys (
  owner       TEXT    NOT NULL,
  scope       TEXT    NOT NULL,  -- the route that it was sent to
  key         TEXT    NOT NULL,
  created     INTEGER NOT NULL,  -- ms since 1970
  fingerprint TEXT    NOT NULL,  -- of what was sent with it
  job_id      TEXT    NOT NULL,
  number      NOT NULL,          -- of the job
  PRIMARY KEY (owner, scope, key)
) WITHOUT ROWID;
CREATE INDEX submission_keys_by_age ON submission_keys (created);
-- Files of users that API v2 knows by id and by their bytes. Several may name the same file.
CREATE TABLE assets (
  id             TEXT    PRIMARY KEY,
  owner          TEXT    NOT NULL,
  hash           TEXT    NOT NULL,  -- blake3:<hex>
  size           INTEGER NOT NULL,
  content_type   TEXT    NOT NULL,
  file_path      TEXT    NOT NULL,  -- as its sender calls it
  file           TEXT    NOT NULL,  -- where it is, in the owner's input folder
  created        INTEGER NOT NULL,  -- ms since 1970
  submission_key TEXT               -- NULL: none was given
) WITHOUT ROWID;
CREATE INDEX assets_by_hash ON assets (owner, hash);
CREATE UNIQUE INDEX assets_by_key ON assets (owner, submission_key) WHERE submission_key IS NOT NULL;
