-- Version 1. Times are nanoseconds since 1970, UTC. Rows of `detection` and `track_update` leave when their hour is sealed.

CREATE TABLE station (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE template (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- AUTOINCREMENT: sealed files name runs, so that a number must never come back.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    station INTEGER NOT NULL REFERENCES station(id),
    status TEXT NOT NULL,          -- 'running', then as in run.json; 'interrupted' after a repair
    source TEXT NOT NULL,
    sample_rate_hz REAL NOT NULL,
    first_sample INTEGER NOT NULL,
    start_ns INTEGER,
    configuration TEXT NOT NULL,   -- JSON
    report TEXT,                   -- run.json
    detections INTEGER NOT NULL DEFAULT 0,
    tracks INTEGER NOT NULL DEFAULT 0,
    first_ns INTEGER,              -- of its detections
    last_ns INTEGER,
    dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE detection (
    id INTEGER PRIMARY KEY,
    station INTEGER NOT NULL,
    time_ns INTEGER,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,       -- line of detections.jsonl, from 0
    cpi INTEGER,
    sample INTEGER NOT NULL,
    sample_fraction REAL NOT NULL,
    channel INTEGER NOT NULL,
    template INTEGER NOT NULL,
    delay_s REAL,
    range_m REAL,
    doppler_hz REAL,
    velocity_mps REAL,
    azimuth_deg REAL,
    snr_db REAL,
    power_db REAL,
    after_gap INTEGER NOT NULL
) STRICT;
CREATE INDEX detection_time ON detection(station, time_ns);

CREATE TABLE track_update (
    id INTEGER PRIMARY KEY,
    station INTEGER NOT NULL,
    time_ns INTEGER,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,       -- line of tracks.jsonl, from 0
    track INTEGER NOT NULL,
    cpi INTEGER,
    range_m REAL,
    range_rate_mps REAL,
    azimuth_deg REAL,
    elevation_deg REAL,
    latitude_deg REAL,
    longitude_deg REAL,
    height_m REAL,
    quality REAL,
    coasting INTEGER,
    hits INTEGER,
    line TEXT NOT NULL             -- the line itself
) STRICT;
CREATE INDEX track_update_time ON track_update(station, time_ns);

CREATE TABLE gap (
    run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    first_sample INTEGER NOT NULL, -- first that is missing
    samples INTEGER NOT NULL,
    time_ns INTEGER
) STRICT;
CREATE INDEX gap_run ON gap(run);

CREATE TABLE health (
    run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    time_ns INTEGER,
    sample INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL
) STRICT;
CREATE INDEX health_run ON health(run);

-- Detections a minute, sealed or not, so that a time line over years is one look.
CREATE TABLE density (
    station INTEGER NOT NULL,
    minute INTEGER NOT NULL,       -- since 1970
    detections INTEGER NOT NULL,
    max_snr_db REAL,
    PRIMARY KEY (station, minute)
) STRICT, WITHOUT ROWID;

-- The sealed files that are in force.
CREATE TABLE sealed (
    kind TEXT NOT NULL,
    station INTEGER NOT NULL REFERENCES station(id),
    hour INTEGER NOT NULL,         -- since 1970
    part INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    min_ns INTEGER NOT NULL,
    max_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (kind, station, hour, part)
) STRICT, WITHOUT ROWID;

-- What `rangegate query --sql` sees, together with sealed hours.
CREATE VIEW runs AS
    SELECT run.id AS run, station.name AS station, status, source, sample_rate_hz, first_sample, start_ns,
           configuration, report, detections, tracks, first_ns, last_ns, dropped
    FROM run JOIN station ON station.id = run.station;
CREATE VIEW live_detections AS
    SELECT station.name AS station, run, number, time_ns, cpi, sample, sample_fraction, channel,
           template.name AS template, delay_s, range_m, doppler_hz, velocity_mps, azimuth_deg, snr_db, power_db, after_gap
    FROM detection JOIN station ON station.id = detection.station JOIN template ON template.id = detection.template;
CREATE VIEW live_tracks AS
    SELECT station.name AS station, run, number, time_ns, track, cpi, range_m, range_rate_mps, azimuth_deg,
           elevation_deg, latitude_deg, longitude_deg, height_m, quality, coasting, hits, line
    FROM track_update JOIN station ON station.id = track_update.station;
