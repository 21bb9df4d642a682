-- Node schemas that workers told, by their build, so that a start need not wait for a worker.
CREATE TABLE schemas (
  owner   TEXT    NOT NULL,
  key     TEXT    NOT NULL,
  saved   INTEGER NOT NULL,  -- ms since 1970
  schemas TEXT    NOT NULL,  -- JSON
  PRIMARY KEY (owner, key)
);
