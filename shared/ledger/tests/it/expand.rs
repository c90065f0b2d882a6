//! Every migration only expands: what ran on the schema before it runs on the schema after it. So the version before goes on while the next
//! one is rolled out, and can be gone back to.
//!
//! The database itself is asked what each step changed, so that however a step is written it is judged by what it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use ledger::grants::GRANTS;
use testkit::env::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// What contracts, and why it may: no version that may still run uses it. The number of the step, and what is told of it.
const CONTRACTS: [(u32, &str); 0] = [];

/// What writers meet in a schema.
#[derive(Default)]
struct Schema {
    columns: BTreeMap<(String, String), Column>,
    /// What rows must fulfil, as SQL has it.
    rules: BTreeMap<String, Rule>,
}

struct Column {
    kind: String,
    /// Whether it may not be null.
    full: bool,
    /// Whether who inserts must give it.
    given: bool,
}

struct Rule {
    table: String,
    columns: BTreeSet<String>,
    /// The table whose rows cannot be deleted as long as a row here names them.
    keeps: Option<String>,
}

const COLUMNS: &str = "SELECT t.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped";

/// Constraints, unique indexes that are none, triggers.
const RULES: &str = "SELECT t.relname::text, t.relname || ': ' || pg_get_constraintdef(c.oid),
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (c.conkey)),
        CASE WHEN c.contype = 'f' AND c.confdeltype IN ('a', 'r') THEN c.confrelid::regclass::text END
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    WHERE t.relnamespace = 'public'::regnamespace AND c.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT t.relname::text, pg_get_indexdef(i.indexrelid),
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (i.indkey::int2[])), NULL
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND i.indisunique
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT t.relname::text, pg_get_triggerdef(g.oid), '{}', NULL
    FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
    WHERE t.relnamespace = 'public'::regnamespace AND NOT g.tgisinternal";

impl Schema {
    async fn of(client: &Client) -> Self {
        let columns = client.query(COLUMNS, &[]).await.unwrap();
        let rules = client.query(RULES, &[]).await.unwrap();
        Self {
            columns: columns
                .iter()
                .map(|row| {
                    let column = Column { kind: row.get(2), full: row.get(3), given: row.get(4) };
                    ((row.get(0), row.get(1)), column)
                })
                .collect(),
            rules: rules
                .iter()
                .map(|row| {
                    let columns = row.get::<_, Vec<String>>(2).into_iter().collect();
                    (row.get(1), Rule { table: row.get(0), columns, keeps: row.get(3) })
                })
                .collect(),
        }
    }

    fn has(&self, table: &str) -> bool {
        self.columns.keys().any(|(known, _)| known == table)
    }

    /// What somebody who knows only the schema before runs into in this one.
    fn breaks(&self, before: &Self) -> Vec<String> {
        let mut all = Vec::new();
        for (column @ (table, name), Column { kind, .. }) in &before.columns {
            match self.columns.get(column) {
                None => all.push(format!("{table}.{name} is gone")),
                Some(now) if now.kind != *kind => {
                    all.push(format!("{table}.{name} is {} and was {kind}", now.kind));
                }
                Some(_) => {}
            }
        }
        for (column @ (table, name), now) in &self.columns {
            let more = match before.columns.get(column) {
                None => now.given && before.has(table),
                Some(was) => now.full && !was.full || now.given && !was.given,
            };
            if more {
                all.push(format!("{table}.{name} must be given"));
            }
        }
        for (text, rule) in self.rules.iter().filter(|(text, _)| !before.rules.contains_key(*text)) {
            let Rule { table, columns, keeps } = rule;
            let new = |column: &String| !before.columns.contains_key(&(table.clone(), column.clone()));
            // Of what they do not know older versions write nothing: a rule about that alone they cannot break.
            let about_new = !columns.is_empty() && columns.iter().all(new) && !text.contains("IS NOT NULL");
            if before.has(table) && !about_new {
                all.push(format!("a rule that was not there: {text}"));
            }
            if keeps.as_ref().is_some_and(|kept| before.has(kept) && is_deleted_from(kept)) {
                all.push(format!("rows can no longer be deleted: {text}"));
            }
        }
        all
    }
}

/// Whether any service deletes rows of the table.
fn is_deleted_from(table: &str) -> bool {
    let mut grants = GRANTS.iter().flat_map(|grants| grants.all());
    grants.any(|grant| grant.table == table && grant.privileges.contains(&"DELETE"))
}

/// The steps, in order: number and SQL.
fn steps() -> Vec<(u32, String)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    let mut steps: Vec<(u32, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let number = name.strip_prefix('V').and_then(|name| name.split_once("__")?.0.parse().ok());
            (number.unwrap_or_else(|| panic!("{name}")), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    steps.sort();
    steps
}

async fn client(database: &TestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn what_ran_before_a_migration_runs_after_it() {
    let database = TestDatabase::create().await.unwrap();
    let client = client(&database).await;
    let (mut before, mut found) = (Schema::default(), Vec::new());
    for (number, sql) in steps() {
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("V{number}: {error}"));
        let after = Schema::of(&client).await;
        assert!(after.columns.len() >= before.columns.len(), "V{number}");
        found.extend(after.breaks(&before).into_iter().map(|what| (number, what)));
        before = after;
    }
    assert!(before.columns.len() > 100 && before.rules.len() > 20);
    let judged: Vec<(u32, String)> =
        CONTRACTS.iter().map(|(number, what)| (*number, (*what).to_owned())).collect();
    assert_eq!(
        found, judged,
        "expand first; contract when no version runs that needs it (docs/operations.md)"
    );
}

#[tokio::test]
async fn what_takes_away_or_asks_for_more_is_found() {
    let database = TestDatabase::create().await.unwrap();
    let client = client(&database).await;
    for (_, sql) in steps() {
        client.batch_execute(&sql).await.unwrap();
    }
    let before = Schema::of(&client).await;
    for (sql, told) in [
        ("DROP TABLE notification", "notification.admission_id is gone"),
        ("ALTER TABLE submission DROP COLUMN code CASCADE", "submission.code is gone"),
        ("ALTER TABLE submission RENAME COLUMN code TO why", "submission.code is gone"),
        (
            "ALTER TABLE submission ALTER COLUMN code TYPE varchar(9)",
            "submission.code is character varying(9)",
        ),
        ("ALTER TABLE submission ALTER COLUMN code SET NOT NULL", "submission.code must be given"),
        ("ALTER TABLE switch ADD COLUMN n integer NOT NULL", "switch.n must be given"),
        ("ALTER TABLE submission ADD CHECK (code <> 'x')", "a rule that was not there: submission: CHECK"),
        (
            "ALTER TABLE submission ADD COLUMN n integer CHECK (n IS NOT NULL)",
            "a rule that was not there: submission: CHECK",
        ),
        ("CREATE UNIQUE INDEX ON submission (code)", "a rule that was not there: CREATE UNIQUE INDEX"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON switch FOR EACH ROW EXECUTE FUNCTION append_only()",
            "a rule that was not there: CREATE TRIGGER",
        ),
        (
            "CREATE TABLE more (scope text REFERENCES switch)",
            "rows can no longer be deleted: more: FOREIGN KEY",
        ),
        ("ALTER TABLE submission ADD COLUMN n integer CHECK (n > 0)", ""),
        ("ALTER TABLE submission ADD COLUMN n integer NOT NULL DEFAULT 0", ""),
        ("CREATE TABLE more (n integer PRIMARY KEY, scope text REFERENCES switch ON DELETE CASCADE)", ""),
        ("CREATE INDEX ON submission (code)", ""),
        ("ALTER TABLE submission ALTER COLUMN received_at DROP NOT NULL", ""),
    ] {
        client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let breaks = Schema::of(&client).await.breaks(&before);
        client.batch_execute("ROLLBACK").await.unwrap();
        match told {
            "" => assert!(breaks.is_empty(), "{sql}: {breaks:?}"),
            told => assert!(breaks.iter().any(|one| one.starts_with(told)), "{sql}: {breaks:?}"),
        }
    }
}
