//! The statements, as texts by which connections know them when they are prepared.
//!
//! Rows of all kinds go in one array, keys ascending, with the kind as the first byte of the key; a statement goes to the
//! tables one after the other in that order, so two of them never wait for each other. Inserts and changes are never
//! one statement: an insert waits for a transaction that changes the existing row.

use std::sync::LazyLock;

use crate::state::Key;
use crate::store::codec::key_bytes;

/// The tables of rows, with the first byte of their keys, see [`key_bytes`].
pub(super) const TABLES: [(&str, u8); 4] = [("family", 1), ("mark", 2), ("fence", 3), ("user_code", 4)];

/// Number of the sets of tables. A statement names only the tables that it needs: to open one of them costs more than to
/// look for a few rows in it.
const SETS: usize = 1 << TABLES.len();

/// Returns the set of the tables of these keys, a bit for each.
pub(super) fn set_of<'a>(keys: impl IntoIterator<Item = &'a Key>) -> usize {
    keys.into_iter().fold(0, |set, key| set | bit(key_bytes(key)[0]))
}

fn bit(kind: u8) -> usize {
    TABLES.iter().position(|(_, own)| *own == kind).map_or(0, |table| 1 << table)
}

fn tables(set: usize) -> impl Iterator<Item = (&'static str, u8)> {
    TABLES.into_iter().filter(move |(_, kind)| set & bit(*kind) != 0)
}

/// Reads rows, by the set of tables: a parameter for each of them holds the keys. The first row holds the server's time;
/// rows that name a fence bring it along, with no stamp if it is absent.
pub(super) static READS: LazyLock<[String; SETS]> = LazyLock::new(|| {
    std::array::from_fn(|set| {
        let time = "SELECT NULL::bytea, NULL::bigint, NULL::bytea, NULL::bytea, NULL::bytea, NULL::bigint, NULL::bytea, \
                    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let of_table = |(index, (table, _)): (usize, (&str, u8))| {
            let rows = format!("unnest(${}::bytea[]) AS k(key) JOIN {table} r ON r.key = k.key", index + 1);
            match table {
                "family" => format!(
                    " UNION ALL SELECT r.key, r.stamp, r.fixed, r.moving, r.fence, f.stamp, f.moving, NULL \
                     FROM {rows} LEFT JOIN fence f ON f.key = r.fence"
                ),
                _ => format!(" UNION ALL SELECT r.key, r.stamp, r.fixed, r.moving, NULL, NULL, NULL, NULL FROM {rows}"),
            }
        };
        std::iter::once(time.to_owned()).chain(tables(set).enumerate().map(of_table)).collect()
    })
});

/// Inserts rows that are absent, unless a fence stands that was guessed to be absent; by the set of tables. `$1` to `$6`
/// are the rows, `$7` the fences, `$8` and `$9` pairs of a row and a fence that voids its guess. Returns the keys that were
/// inserted.
pub(super) static INSERTS: LazyLock<[String; SETS]> = LazyLock::new(|| {
    let guesses = "s AS MATERIALIZED (SELECT f.key FROM unnest($7::bytea[]) AS k(key) JOIN fence f ON f.key = k.key), \
        b AS MATERIALIZED (SELECT g.key FROM unnest($8::bytea[], $9::bytea[]) AS g(key, fence) JOIN s ON s.key = g.fence), \
        u AS MATERIALIZED (SELECT u.* FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], \
        $6::bytea[]) AS u(key, stamp, keep, fence, fixed, moving) WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.key = u.key))";
    let insert = |table: &str, kind: u8| {
        format!(
            "INSERT INTO {table} AS r (key, due, fence, fixed, stamp, keep_until, moving) \
             SELECT u.key, u.keep, u.fence, u.fixed, u.stamp, u.keep, u.moving FROM u WHERE get_byte(u.key, 0) = {kind} \
             ON CONFLICT (key) DO NOTHING RETURNING r.key"
        )
    };
    std::array::from_fn(|set| in_each_table(set, guesses, insert))
});

/// Changes rows that still have the stamp `$2`, by the set of tables. Returns the keys that were changed.
///
/// `due` moves only when the row may go sooner, so that it is in its place in the index after a rotation; `fixed` stays the
/// stored value if it is the same, so that a long one is not written again.
pub(super) static CHANGES: LazyLock<[String; SETS]> = LazyLock::new(|| {
    let rows = "u AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], \
        $5::bytea[], $6::bytea[], $7::bytea[]) AS u(key, expected, stamp, keep, fence, fixed, moving))";
    let change = |table: &str, kind: u8| {
        format!(
            "UPDATE {table} r SET stamp = u.stamp, keep_until = u.keep, due = LEAST(r.due, u.keep), moving = u.moving, \
             fence = u.fence, fixed = CASE WHEN r.fixed = u.fixed THEN r.fixed ELSE u.fixed END \
             FROM u WHERE get_byte(u.key, 0) = {kind} AND r.key = u.key AND r.stamp = u.expected RETURNING r.key"
        )
    };
    std::array::from_fn(|set| in_each_table(set, rows, change))
});

fn in_each_table(set: usize, first: &str, change: impl Fn(&str, u8) -> String) -> String {
    let changes: Vec<_> = tables(set).map(|(table, kind)| format!("w{kind} AS ({})", change(table, kind))).collect();
    let keys: Vec<_> = tables(set).map(|(_, kind)| format!("SELECT key FROM w{kind}")).collect();
    format!("WITH {first}, {} {}", changes.join(", "), keys.join(" UNION ALL "))
}

/// Deletes rows of a table whose time is over, looking at `$2` of them, in second `$1` or the server's own. Returns how
/// many were looked at and how many deleted. It waits for no row; a row that is kept is looked at again in its time.
pub(super) static SWEEPS: LazyLock<[String; TABLES.len()]> = LazyLock::new(|| {
    TABLES.map(|(table, _)| {
        format!(
            "WITH n AS MATERIALIZED (SELECT COALESCE($1::bigint, floor(extract(epoch FROM clock_timestamp()))::bigint) AS at), \
             d AS MATERIALIZED (SELECT key FROM {table} WHERE due <= (SELECT at FROM n) ORDER BY due LIMIT $2 \
             FOR UPDATE SKIP LOCKED), \
             gone AS (DELETE FROM {table} f USING d WHERE f.key = d.key AND f.keep_until <= (SELECT at FROM n) RETURNING 1), \
             kept AS (UPDATE {table} f SET due = f.keep_until FROM d WHERE f.key = d.key \
             AND f.keep_until > (SELECT at FROM n) RETURNING 1) \
             SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM gone), (SELECT count(*) FROM kept)"
        )
    })
});

/// Commits a message to the log, and nothing else. A commit that wrote nothing waits for no standby; this one does.
pub(super) const CONFIRM: &str = "SELECT pg_logical_emit_message(true, 'jeton', '')::text";

/// Writes down an outage that ends now: its length, the time within which a later one belongs to the one before, and the time
/// or null for the server's, all in milliseconds. Returns the beginning and the end of the outage that counts.
pub(super) const NOTE_OUTAGE: &str = "UPDATE meta SET outage_began = CASE \
    WHEN n.at - $1::bigint <= recovered_at + $2::bigint THEN least(outage_began, n.at - $1) ELSE n.at - $1 END, \
    recovered_at = greatest(recovered_at, n.at) \
    FROM (SELECT COALESCE($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at) AS n \
    RETURNING outage_began, recovered_at";

/// Says that a node lives: id, name, version, settings, master keys, seconds until a node counts no more. Returns the other
/// nodes that count (name, null, id, version, settings, master keys), the versions of what is followed (topic, version), and
/// the time (null, milliseconds).
pub(super) const BEAT: &str = "WITH own AS (INSERT INTO node AS n (id, name, version, settings, master_keys, seen) \
    VALUES ($1::bytea, $2::text, $3::text, $4::text, $5::text[], clock_timestamp()) ON CONFLICT (id) DO UPDATE \
    SET settings = excluded.settings, master_keys = excluded.master_keys, seen = excluded.seen), \
    old AS (SELECT id FROM node WHERE seen < clock_timestamp() - interval '1 day' FOR UPDATE SKIP LOCKED), \
    gone AS (DELETE FROM node USING old WHERE node.id = old.id) \
    SELECT name, NULL::bigint, id, version, settings, master_keys FROM node \
    WHERE id <> $1 AND seen > clock_timestamp() - make_interval(secs => $6::bigint) \
    UNION ALL SELECT topic, version, NULL, NULL, NULL, NULL FROM feed \
    UNION ALL SELECT NULL, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, NULL, NULL, NULL, NULL";

/// Removes a node: id.
pub(super) const LEAVE: &str = "DELETE FROM node WHERE id = $1";

/// Creates a document, or revives a deleted one: kind, name, body. The counter's row is locked until the commit is
/// visible, so versions become visible in their order; a lost comparison leaves a gap.
pub(super) const CREATE_DOCUMENT: &str = "WITH v AS (INSERT INTO feed AS f VALUES ($1::text, 1) ON CONFLICT (topic) DO UPDATE \
    SET version = f.version + 1 RETURNING version) \
    INSERT INTO document AS d (kind, name, version, changed_at, body) SELECT $1::text, $2::bytea, v.version, now(), $3::text FROM v \
    ON CONFLICT (kind, name) DO UPDATE \
    SET version = excluded.version, changed_at = excluded.changed_at, body = excluded.body WHERE d.body IS NULL \
    RETURNING d.version";

/// Changes or deletes a document: kind, name, body, expected version.
pub(super) const CHANGE_DOCUMENT: &str = "WITH v AS (INSERT INTO feed AS f VALUES ($1::text, 1) ON CONFLICT (topic) DO UPDATE \
    SET version = f.version + 1 RETURNING version) \
    UPDATE document d SET version = v.version, changed_at = now(), body = $3::text FROM v \
    WHERE d.kind = $1 AND d.name = $2 AND d.version = $4 AND d.body IS NOT NULL RETURNING d.version";

/// Creates a document whose kind nobody follows, or revives a deleted one: kind, name, body, version. Another one never gets
/// that version: it is random.
pub(super) const CREATE_UNFOLLOWED: &str = "INSERT INTO document AS d (kind, name, version, changed_at, body) \
    VALUES ($1::text, $2::bytea, $4::bigint, now(), $3::text) ON CONFLICT (kind, name) DO UPDATE \
    SET version = excluded.version, changed_at = excluded.changed_at, body = excluded.body WHERE d.body IS NULL \
    RETURNING d.version";

/// Changes or deletes a document whose kind nobody follows: kind, name, body, version, expected version.
pub(super) const CHANGE_UNFOLLOWED: &str = "UPDATE document SET version = $4::bigint, changed_at = now(), \
    body = $3::text WHERE kind = $1 AND name = $2 AND version = $5::bigint AND body IS NOT NULL RETURNING version";

/// Returns the counter of a kind first (without a name), then the documents of the kind that are not deleted.
pub(super) const LIST_DOCUMENTS: &str = "SELECT NULL::bytea, COALESCE((SELECT version FROM feed WHERE topic = $1), 0), \
    NULL::text UNION ALL SELECT name, version, body FROM document WHERE kind = $1 AND body IS NOT NULL";

/// Returns the document of a kind and a name.
pub(super) const GET_DOCUMENT: &str =
    "SELECT name, version, body FROM document WHERE kind = $1 AND name = $2 AND body IS NOT NULL";

/// Returns a page of documents: kind, first name, name before the first, name behind the last or null, limit.
pub(super) const PAGE_OF_DOCUMENTS: &str = "SELECT name, version, body FROM document WHERE kind = $1 AND name >= $2 \
    AND name > $3 AND ($4::bytea IS NULL OR name < $4) AND body IS NOT NULL ORDER BY name LIMIT $5";

/// Returns the counter of a kind first (without a name), then what changed after a version, oldest first.
pub(super) const CHANGED_DOCUMENTS: &str = "SELECT * FROM (SELECT NULL::bytea AS name, \
    COALESCE((SELECT version FROM feed WHERE topic = $1), 0) AS version, NULL::text AS body UNION ALL \
    SELECT name, version, body FROM document WHERE kind = $1 AND version > $2) AS c \
    ORDER BY name IS NOT NULL, version";

/// Returns all keys.
pub(super) const KEYS: &str = "SELECT ring, generation, body FROM signing_key";

/// Adds a key to its ring: ring, newest generation so far or null, body.
pub(super) const PUBLISH_KEY: &str = "WITH v AS (INSERT INTO feed AS f VALUES ('keys', 1) ON CONFLICT (topic) DO UPDATE \
    SET version = f.version + 1 RETURNING version) \
    INSERT INTO signing_key (ring, generation, body) SELECT $1::text, COALESCE($2::bigint, 0) + 1, $3::bytea FROM v \
    WHERE (SELECT max(generation) FROM signing_key WHERE ring = $1) IS NOT DISTINCT FROM $2::bigint \
    ON CONFLICT (ring, generation) DO NOTHING RETURNING generation";

/// Removes keys of a ring: ring, last generation.
pub(super) const DROP_KEYS: &str = "WITH v AS (INSERT INTO feed AS f VALUES ('keys', 1) ON CONFLICT (topic) DO UPDATE \
    SET version = f.version + 1 RETURNING version) \
    DELETE FROM signing_key USING v WHERE ring = $1 AND generation <= $2";
