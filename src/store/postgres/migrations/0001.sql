-- Schema 1. Times are milliseconds since the Unix epoch, but for `due` and `keep_until`: whole seconds.

CREATE TABLE meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema integer NOT NULL,
    deployment text NOT NULL,
    cell integer NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    recovered_at bigint NOT NULL DEFAULT 0
);

-- Families, devices and missed codes: updated in place for months.
CREATE TABLE family (
    key bytea PRIMARY KEY,       -- a byte for the kind of row, then 16 bytes
    due bigint NOT NULL,         -- when the sweep looks at the row; indexed, so no rotation moves it
    fence bytea,                 -- key of its subject's fence (a not-before moment), which a read brings along
    fixed bytea NOT NULL,        -- the part that no rotation changes
    stamp bigint NOT NULL,       -- the version: random, new with every write
    keep_until bigint NOT NULL,  -- when the row may be deleted
    moving bytea NOT NULL        -- the rest of the row; a CRC-32 over key, fixed and moving at its end
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_vacuum_cost_delay = 0);
-- sealed bytes do not compress
ALTER TABLE family ALTER fixed SET STORAGE EXTERNAL, ALTER moving SET STORAGE EXTERNAL;
CREATE INDEX family_due ON family (due);

-- Revoked tokens and used assertions: written once, gone in minutes.
CREATE TABLE mark (LIKE family INCLUDING STORAGE, PRIMARY KEY (key)) WITH (autovacuum_vacuum_cost_delay = 0);
CREATE INDEX mark_due ON mark (due);

-- Not-before moments: few, and read with every operation, so their index stays small and hot.
CREATE TABLE fence (LIKE family INCLUDING STORAGE, PRIMARY KEY (key)) WITH (fillfactor = 90);
CREATE INDEX fence_due ON fence (due);

CREATE TABLE user_code (LIKE family INCLUDING STORAGE, PRIMARY KEY (key)) WITH (autovacuum_vacuum_cost_delay = 0);
CREATE INDEX user_code_due ON user_code (due);

-- A counter for each kind of document and for the keys: its row is locked until a writer's commit is visible, so that
-- versions become visible in their order.
CREATE TABLE feed (topic text PRIMARY KEY, version bigint NOT NULL);

-- Names are bytes: their order is that of the bytes, whatever the database collates by.
CREATE TABLE document (
    kind text NOT NULL,
    name bytea NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    body text,
    PRIMARY KEY (kind, name)
);
CREATE INDEX document_changes ON document (kind, version);

CREATE TABLE signing_key (
    ring text NOT NULL,
    generation bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (ring, generation)
);
