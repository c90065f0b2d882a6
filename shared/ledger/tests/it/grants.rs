//! Each service's role may do what the table of grants says, and the database refuses the rest.

use std::collections::{BTreeMap, BTreeSet};

use ledger::grants::{GRANTS, Permitted, make_roles, permit, role};
use tokio_postgres::{Client, NoTls, error::SqlState};

use crate::support::Fixture;

const PASSWORD: &str = "a password of the test's own";
/// The migrations' own record: only the owner sees it.
const OWNERS: &str = "refinery_schema_history";

impl Fixture {
    /// Roles of the database's own name, which go when it goes.
    async fn roles(&self) -> Permitted {
        let passwords: BTreeMap<String, String> =
            GRANTS.iter().map(|grants| (grants.service.to_owned(), PASSWORD.to_owned())).collect();
        make_roles(&self.config(), self.database.name(), &passwords).await.unwrap();
        permit(&self.config(), self.database.name(), true).await.unwrap()
    }

    async fn sql_as(&self, service: &str) -> Client {
        let mut config: tokio_postgres::Config = self.database.url().parse().unwrap();
        config.user(role(self.database.name(), service)).password(PASSWORD);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// All tables but partitions, which are reached through what they are parts of.
    async fn tables(&self) -> BTreeSet<String> {
        let sql = "SELECT relname::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition";
        self.sql().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

async fn refuses(client: &Client, sql: &str) {
    let error = client.batch_execute(sql).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
}

#[tokio::test]
async fn every_role_may_do_what_the_table_says_and_no_more() {
    let f = Fixture::new().await;
    let permitted = f.roles().await;
    assert_eq!((permitted.granted.len(), permitted.missing.len()), (GRANTS.len(), 0));
    let sql = f.sql().await;
    let mut wrong = Vec::new();
    for grants in GRANTS {
        let role = role(f.database.name(), grants.service);
        for table in f.tables().await {
            for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] {
                let given: Vec<&str> = grants
                    .all()
                    .filter(|grant| grant.table == table)
                    .flat_map(|grant| grant.privileges)
                    .copied()
                    .filter(|given| given.split(' ').next() == Some(privilege))
                    .collect();
                let whole = given.contains(&privilege);
                let row = sql
                    .query_one("SELECT has_table_privilege($1, $2, $3)", &[&role, &table, &privilege])
                    .await
                    .unwrap();
                let mut may = vec![(row.get::<_, bool>(0), whole)];
                if ["SELECT", "INSERT", "UPDATE"].contains(&privilege) {
                    let any = "SELECT has_any_column_privilege($1, $2, $3)";
                    let row = sql.query_one(any, &[&role, &table, &privilege]).await.unwrap();
                    may.push((row.get(0), !given.is_empty()));
                }
                if may.iter().any(|(is, must)| is != must) {
                    wrong.push(format!("{} {privilege} {table}: {may:?}", grants.service));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_table_names_every_table_that_there_is() {
    let f = Fixture::new().await;
    let named: BTreeSet<String> =
        GRANTS.iter().flat_map(|grants| grants.all()).map(|grant| grant.table.to_owned()).collect();
    let mut there = f.tables().await;
    assert!(there.remove(OWNERS));
    assert_eq!(named, there, "shared/ledger/src/grants/table.rs says who may do what in each table");
}

#[tokio::test]
async fn what_a_service_does_not_need_is_refused() {
    let f = Fixture::new().await;
    f.roles().await;
    let eligibility = f.sql_as("eligibility").await;
    for table in
        ["ehr_op", "ehr_slot", "ehr_attempt", "submission_body", "person_record", "dead_letter", "act"]
    {
        refuses(&eligibility, &format!("SELECT FROM {table}")).await;
    }
    eligibility.batch_execute("SELECT FROM submission; SELECT FROM eligibility_answer").await.unwrap();
    refuses(&eligibility, "UPDATE submission SET decision = 'admitted'").await;
    let gateway = f.sql_as("gateway").await;
    refuses(&gateway, "UPDATE submission SET state = 'completed'").await;
    refuses(
        &gateway,
        "INSERT INTO switch (scope, actor, reason, since) VALUES ('stage:validation', 'a', 'b', now())",
    )
    .await;
    for grants in GRANTS {
        let client = f.sql_as(grants.service).await;
        for table in ["journal", "journal_default", "ehr_attempt", "act", "hold_decision"] {
            refuses(&client, &format!("DELETE FROM {table}")).await;
            refuses(&client, &format!("TRUNCATE {table}")).await;
        }
        refuses(&client, "UPDATE journal SET actor = 'nobody'").await;
        refuses(&client, "ALTER TABLE journal DISABLE TRIGGER ALL").await;
        refuses(&client, "CREATE TABLE mine (n integer)").await;
        refuses(&client, "DROP TABLE journal").await;
        refuses(&client, &format!("SELECT FROM {OWNERS}")).await;
        refuses(&client, "CREATE ROLE another").await;
    }
}

#[tokio::test]
async fn eligibility_may_ask_again_and_reads_no_more_of_the_journal_than_that_takes() {
    let f = Fixture::new().await;
    f.roles().await;
    let role = role(f.database.name(), "eligibility");
    let password = PASSWORD.replace(' ', "%20").replace('\'', "%27");
    let host = f.database.url().split_once('@').unwrap().1.to_owned();
    let config = ledger::Config::with_url(format!("postgres://{role}:{password}@{host}"));
    let store = ledger::Store::connect(&config, f.clock.clone()).await.unwrap();
    assert!(store.due_rechecks(1, jiff::SignedDuration::from_secs(60)).await.unwrap().is_empty());
    let eligibility = f.sql_as("eligibility").await;
    refuses(&eligibility, "SELECT actor FROM journal").await;
}

#[tokio::test]
async fn an_older_version_keeps_what_it_needs_until_it_is_gone() {
    let f = Fixture::new().await;
    f.roles().await;
    let role = role(f.database.name(), "eligibility");
    f.sql().await.batch_execute(&format!("GRANT SELECT ON ehr_op TO {role}")).await.unwrap();
    let older = f.sql_as("eligibility").await;
    permit(&f.config(), f.database.name(), false).await.unwrap();
    older.batch_execute("SELECT FROM ehr_op").await.unwrap();
    permit(&f.config(), f.database.name(), true).await.unwrap();
    refuses(&older, "SELECT FROM ehr_op").await;
}

#[tokio::test]
async fn roles_that_are_not_there_are_told_and_passwords_are_kept_as_verifiers() {
    let f = Fixture::new().await;
    let name = f.database.name();
    let permitted = permit(&f.config(), name, false).await.unwrap();
    assert_eq!((permitted.granted.len(), permitted.missing.len()), (0, GRANTS.len()));
    f.roles().await;
    // Again, as when a password is changed.
    f.roles().await;
    let sql = "SELECT count(*) FROM pg_authid WHERE starts_with(rolname::text, $1) AND rolpassword LIKE 'SCRAM-SHA-256$%'
        AND rolcanlogin AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb";
    let kept: i64 = f.sql().await.query_one(sql, &[&format!("{name}_")]).await.unwrap().get(0);
    assert_eq!(usize::try_from(kept).unwrap(), GRANTS.len());
    for wrong in ["", "1a", "a-b", "a; DROP TABLE journal"] {
        let error = permit(&f.config(), wrong, false).await.unwrap_err();
        assert!(error.to_string().contains("small letter"), "{error}");
    }
}
