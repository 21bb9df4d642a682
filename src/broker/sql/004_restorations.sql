-- Jobs that are watched as restorations. `record` is JSON that only the photo service reads.
CREATE TABLE restorations (
  place    INTEGER PRIMARY KEY,  -- order of arrival
  owner    TEXT    NOT NULL,
  id       TEXT    NOT NULL,
  ended    INTEGER NOT NULL,     -- ms since 1970; 0: not yet
  record   TEXT    NOT NULL
);
CREATE UNIQUE INDEX restorations_by_id ON restorations (owner, id);
CREATE INDEX restorations_by_end ON restorations (ended);
-- Their numbered messages, without words.
CREATE TABLE restoration_messages (
  place INTEGER NOT NULL,        -- of the restoration
  seq   INTEGER NOT NULL,
  body  TEXT    NOT NULL,        -- JSON
  PRIMARY KEY (place, seq)
) WITHOUT ROWID;
