//! The cost of an intake does not grow with history: the real statements, on tables that are full, counted in rows that the database looks at.
//!
//! `cargo nextest run -p ledger --run-ignored all history` does it with a million rows of journal and of effects, too.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Stage,
    effect::Resource,
    hop::{Event, Transition},
    ids::{ProcessId, SuspectId},
    messages::Channel,
    outcome::Settled,
    ports::{HopLog, StageLog},
    reconcile::Accepted,
    suspect::Suspect,
};
use jiff::SignedDuration;
use ledger::{
    Begin, BeginEffect, Decision, EffectResult, Store, Target,
    eligibility::AnswerKey,
    letters::LetterFilter,
    notifications::{BeginSend, SendResult},
};
use testkit::wait;

use crate::support::{Fixture, admit, blind, clinic, fresh_message, hop, policy, request, submission};

/// A history of `$N` submissions that went through the line.
const FILL: &str = "
    CREATE TEMP TABLE old AS SELECT n, gen_random_uuid() AS admission, gen_random_uuid() AS person, gen_random_uuid() AS message,
        gen_random_uuid() AS correlation, timestamptz '2026-11-22T08:00:00Z' - interval '2 minutes' * n AS at FROM generate_series(1, $N) AS n;
    INSERT INTO submission (admission_id, clinic, submission_id, copy, content, message_id, correlation_id, source, submitted_at, received_at,
            admitted_at, appointment_at, decision, person_id, new_person, state, settled_at, patient, appointment)
        SELECT admission, 'clinic-0' || n % 9, 'old-' || n, false, sha256(n::text::bytea), message, correlation, 'web_form', at, at, at,
            at + interval '9 days', 'admitted', person, true, 'completed', at, 'p-' || n, 'a-' || n FROM old ORDER BY n DESC;
    INSERT INTO submission_body SELECT admission, sha256('x') FROM old;
    INSERT INTO person SELECT person, 'clinic-0' || n % 9, at FROM old;
    INSERT INTO person_record SELECT person, admission, sha256('x') FROM old;
    INSERT INTO person_block SELECT 'clinic-0' || n % 9, sha256((n || 'b' || b)::bytea), person FROM old, generate_series(1, 2) AS b;
    INSERT INTO request SELECT 'clinic-0' || n % 9, person, sha256(n::text::bytea), admission, 'old-' || n FROM old;
    INSERT INTO journal (at, started_at, admission_id, submission_id, clinic, correlation_id, message_id, stage, lane, event, attempt, trace_id)
        SELECT at, at, admission, 'old-' || n, 'clinic-01', correlation, message, s, 'default', 'emitted', 1, replace(correlation::text, '-', '')
        FROM old, unnest(ARRAY['validation', 'eligibility', 'ehr-writer', 'notification']) AS s;
    INSERT INTO ehr_slot SELECT gen_random_uuid(), 'clinic-0' || n % 9, person, 'patient', '', gen_random_uuid(), 'p-' || n, NULL, n FROM old;
    INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts, searches, resource_id, changed_at)
        SELECT gen_random_uuid(), admission, k, true, 'create', sha256((n || k)::bytea), n, 'done', 1, 0, 'r-' || n, at
        FROM old, unnest(ARRAY['patient', 'coverage', 'slot', 'appointment']) AS k;
    INSERT INTO ehr_attempt SELECT op_id, admission_id, kind, 1, 'intent', 'intent', NULL, changed_at FROM ehr_op;
    INSERT INTO notification SELECT admission, 'email', 'sent', 1, NULL, 'x', NULL, at FROM old;
    INSERT INTO accepted SELECT 'old-' || n, 'clinic-0' || n % 9, 'web_form', at, true FROM old;
    INSERT INTO eligibility_answer SELECT sha256(n::text::bytea), at::date, 'active', NULL, at FROM old;
    INSERT INTO suspect (suspect_id, message_id, stage, lane, comebacks, process, began_at, seen_at)
        SELECT gen_random_uuid(), message, 'validation', 'default', 3, message, at, at FROM old WHERE n % 10 = 0;
    INSERT INTO dead_letter (letter_id, message_id, stage, lane, fingerprint, admission_id, submission_id, clinic, correlation_id, attempts, died_at,
            collected_at, schema, envelope, state)
        SELECT gen_random_uuid(), message, 'ehr-writer', 'default', 'f', admission, 'old-' || n, 'clinic-0' || n % 9, correlation, 1, at, at, 'x', '', 'discarded'
        FROM old WHERE n % 10 = 0;";

/// Rows that were looked at until now, by table: by scanning, and by an index.
async fn looked_at(fixture: &Fixture) -> BTreeMap<String, i64> {
    const SQL: &str = "SELECT relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables";
    let rows = fixture.sql().await.query(SQL, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// One intake through the line, as its stages ask the ledger for it, with what may happen on the way; and one that is sent again.
async fn intake(store: &Store, id: &str) {
    let asked = request(id, &format!("Ada New{id}"), "9:00");
    let admission = admit(store, &asked).await;
    assert!(!admit(store, &asked).await.decision.eq(&Decision::Repeat));
    let Decision::Admitted { person, .. } = admission.decision else { panic!("{:?}", admission.decision) };
    let again = admit(store, &request(&format!("{id}-again"), &format!("Ada New{id}"), "9:00")).await;
    assert_eq!(again.decision, Decision::Duplicate { of: submission(id) });
    let id_of = admission.admission;
    store.append(hop(id_of, Stage::Validation, Event::Emitted)).await.unwrap();
    let day = "2026-11-22".parse().unwrap();
    assert!(store.cached_answer(AnswerKey { member: blind(id), day }).await.unwrap().is_none());
    store.append(hop(id_of, Stage::Eligibility, Event::Emitted)).await.unwrap();
    for (n, target) in [Target::Patient, Target::Slot, Target::Appointment].into_iter().enumerate() {
        let idempotency = blind(&format!("{id} {n}"));
        let wish =
            BeginEffect { admission: id_of, clinic: clinic(), person, target, idempotency, policy: policy() };
        let Begin::Go(permit) = store.begin(wish.clone()).await.unwrap() else { panic!("no permit") };
        let done = EffectResult::Done(Resource { id: format!("{id}-{n}"), version: None });
        store.settle(&permit, done).await.unwrap();
        assert!(matches!(store.begin(wish).await.unwrap(), Begin::Done(_)));
    }
    store.append(hop(id_of, Stage::EhrWriter, Event::Emitted)).await.unwrap();
    let lease = SignedDuration::from_secs(30);
    let BeginSend::Go(permit) = store.begin_send(id_of, Channel::Email, lease).await.unwrap() else {
        panic!("no permit")
    };
    store.settle_send(&permit, SendResult::Sent { provider_id: None }).await.unwrap();
    let mut told = hop(id_of, Stage::Notification, Event::Settled);
    told.transition = Some(Transition::Settle(Settled::Completed));
    store.append(told).await.unwrap();
    // At the doors, and beside the line.
    store.submission(Some(&clinic()), &submission(id)).await.unwrap();
    let at = "2026-11-22T08:59:00Z".parse().unwrap();
    let accepted = Accepted {
        submission: submission(id),
        clinic: clinic(),
        source: "web_form".parse().unwrap(),
        received_at: at,
    };
    store.note_accepted(&[accepted]).await.unwrap();
    store.pauses().await.unwrap();
    store.timeline(id_of).await.unwrap();
    let suspect = SuspectId::from_uuid(fresh_message().as_uuid());
    let process = ProcessId::from_uuid(fresh_message().as_uuid());
    let alone = Suspect {
        id: suspect,
        message: fresh_message(),
        stage: Stage::Validation,
        lane: "default".parse().unwrap(),
        comebacks: 3,
        process,
        at,
    };
    store.begin_alone(alone).await.unwrap();
    store.end_alone(suspect, process).await.unwrap();
}

/// What ops looks at every few seconds, and what a person asks for by a name. Not what passed in the last minutes: that is read by blocks of the journal.
async fn look(store: &Store) {
    let now = "2026-11-22T09:00:00Z".parse().unwrap();
    store.open_work().await.unwrap();
    store.on_the_way(now, true).await.unwrap();
    store.pauses().await.unwrap();
    store.unfinished_plans().await.unwrap();
    store.releases(0, 10).await.unwrap();
    store.due_rechecks(10, SignedDuration::from_secs(60)).await.unwrap();
    assert_eq!(store.named("old-7", None, 10).await.unwrap().len(), 1);
    assert_eq!(store.named("a-7", None, 10).await.unwrap().len(), 1);
    assert_eq!(store.letters(&LetterFilter::default(), None, 10).await.unwrap().letters.len(), 10);
}

async fn cost(submissions: u32) -> BTreeMap<String, i64> {
    let fixture = Fixture::new().await;
    let sql = fixture.sql().await;
    sql.batch_execute(&FILL.replace("$N", &submissions.to_string())).await.unwrap();
    sql.batch_execute("VACUUM ANALYZE").await.unwrap();
    drop(sql);
    let store = fixture.store().await;
    let before = looked_at(&fixture).await;
    for n in 0..10 {
        intake(&store, &format!("s-{n}")).await;
        look(&store).await;
    }
    // What a connection has counted is told when it goes.
    drop(store);
    let counted = |after: &BTreeMap<String, i64>| after["submission"] > before["submission"];
    wait::until(Duration::from_secs(20), async || counted(&looked_at(&fixture).await)).await.unwrap();
    wait::until(Duration::from_secs(20), async || {
        fixture.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontdesk'").await == 0
    })
    .await
    .unwrap();
    let after = looked_at(&fixture).await;
    after
        .into_iter()
        .map(|(table, rows)| (table.clone(), rows - before.get(&table).copied().unwrap_or(0)))
        .filter(|one| one.1 > 0)
        .collect()
}

/// Rows of all tables that ten intakes look at, at most. Each looks at a few dozen of its own.
const MOST: i64 = 3_000;

#[tokio::test]
async fn an_intake_looks_at_its_own_rows_only() {
    let cost = cost(20_000).await;
    assert!(cost.values().sum::<i64>() < MOST, "{cost:?}");
    assert!(cost.len() > 5, "nothing is counted any more: {cost:?}");
}

#[tokio::test]
#[ignore = "takes minutes and gigabytes: for whoever changes a statement of the line"]
async fn an_intake_looks_at_its_own_rows_only_after_years() {
    let cost = cost(250_000).await;
    assert!(cost.values().sum::<i64>() < MOST, "{cost:?}");
}
