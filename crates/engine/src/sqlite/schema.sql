CREATE TABLE stream (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Prefixes of ids, for each stream.
CREATE TABLE prefix (
    id     INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES stream (id),
    text   TEXT NOT NULL,
    UNIQUE (stream, text)
) STRICT;

-- AUTOINCREMENT: a sequence never comes again, though the last message be trimmed.
CREATE TABLE log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    stream   INTEGER NOT NULL REFERENCES stream (id),
    prefix   INTEGER NOT NULL REFERENCES prefix (id),
    number   INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    time_ns  INTEGER NOT NULL,
    payload  BLOB NOT NULL,
    UNIQUE (prefix, number)
) STRICT;
CREATE INDEX log_of_stream ON log (stream, sequence);

-- Ids of trimmed messages: a bit for each of 32,768 numbers.
CREATE TABLE trimmed (
    prefix INTEGER NOT NULL REFERENCES prefix (id),
    block  INTEGER NOT NULL,
    bits   BLOB NOT NULL,
    PRIMARY KEY (prefix, block)
) STRICT, WITHOUT ROWID;

-- The sequence up to and with which a reader has acknowledged.
CREATE TABLE cursor (
    stream   INTEGER NOT NULL REFERENCES stream (id),
    name     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (stream, name)
) STRICT, WITHOUT ROWID;

-- state: 0 waits (or is leased, while lease_until_ns lies ahead), 1 done, 2 set aside.
CREATE TABLE job (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue          TEXT NOT NULL,
    id             TEXT NOT NULL,
    payload        BLOB NOT NULL,
    state          INTEGER NOT NULL DEFAULT 0,
    attempts       INTEGER NOT NULL DEFAULT 0,
    lease_until_ns INTEGER NOT NULL DEFAULT 0,
    worker         TEXT,
    reason         TEXT,
    UNIQUE (queue, id)
) STRICT;
CREATE INDEX job_to_do ON job (queue, number) WHERE state = 0;
