-- Schema 2: how old a program may be, the last outage, and the nodes.

-- The oldest schema whose programs work with this one: a step that they can read leaves it as it is.
ALTER TABLE meta ADD COLUMN oldest integer NOT NULL DEFAULT 2;
-- Last moment before the outage that ended at recovered_at.
ALTER TABLE meta ADD COLUMN outage_began bigint NOT NULL DEFAULT 0;

-- A row for each node, renewed each second.
CREATE TABLE node (
    id bytea PRIMARY KEY,          -- random, new with each start
    name text NOT NULL,
    version text NOT NULL,
    settings text NOT NULL,        -- digest of the settings that all nodes should share
    master_keys text[] NOT NULL,   -- digests of the master keys, in the order of the file
    seen timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);
