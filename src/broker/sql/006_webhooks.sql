-- What webhooks are still to be told of jobs that have ended: a row each, in the order of the ends.
CREATE TABLE webhooks (
  seq      INTEGER PRIMARY KEY,
  id       TEXT    NOT NULL,  -- the same in every try
  owner    TEXT    NOT NULL,
  url      TEXT    NOT NULL,
  made     INTEGER NOT NULL,  -- ms since 1970, as next_try
  tries    INTEGER NOT NULL DEFAULT 0,
  next_try INTEGER NOT NULL,
  body     TEXT    NOT NULL   -- JSON
);
