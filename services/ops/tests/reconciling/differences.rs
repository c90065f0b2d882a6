//! A clean day, and each mischief.

use adapters::ehr::{Ehr as _, ReadFault, System, WriteOutcome, conformance};
use domain::{
    clock::{Clock as _, SystemClock},
    effect::Policy,
    reconcile::{Accepted, Difference, Kind, Sent},
};
use jiff::SignedDuration;
use ledger::{Begin, BeginEffect, EffectResult, Target, reconcile::Run};

use crate::support::Desk;

#[tokio::test]
async fn a_clean_day_has_no_difference_and_each_mischief_is_its_kind() {
    let desk = Desk::new().await;
    let mut all = Vec::new();
    for n in 0..5 {
        let one = desk.admit(n, "2026-11-22T17:00:00Z").await;
        desk.write(&one).await;
        desk.complete(&one).await;
        all.push(one);
    }
    // What the ledger has only just been told may not show in a search yet; then it does.
    desk.clock.put("2026-11-22T20:01:00Z");
    let (run, found) = desk.run(Vec::new()).await;
    assert_eq!((found, run.gaps.clone()), (vec![], vec![]));
    let counts = run.compared.iter().find(|one| one.clinic_id.as_str() == "clinic-01").unwrap();
    assert_eq!((counts.admitted, counts.journalled, counts.completed), (5, 5, 5));
    assert_eq!((counts.written, counts.in_ehr, counts.sent), (15, Some(15), None));

    desk.ehr.delete(System::Appointment, &desk.visit_of(&all[0]));
    desk.ehr.create_appointment(&desk.visit(&desk.visit_of(&all[1]))).await;
    desk.ehr.create_appointment(&desk.visit(&"ab".repeat(32))).await;
    desk.ehr.create_appointment(&desk.visit("Zelda O'Conform")).await;
    let (run, found) = desk.run(Vec::new()).await;
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.kind, one.submission_id.as_ref().map(|id| id.as_str()), one.resources.len()))
        .collect();
    assert_eq!(
        told,
        [
            (Kind::MissingInEhr, Some("s-0"), 1),
            (Kind::TwiceInEhr, Some("s-1"), 2),
            (Kind::NotInLedger, None, 1),
            (Kind::NotInLedger, None, 1),
        ]
    );
    assert!(!format!("{found:?}").contains("Zelda"), "what stands in a stranger's identifier is not told");
    let counts = run.compared.iter().find(|one| one.clinic_id.as_str() == "clinic-01").unwrap();
    assert_eq!(counts.in_ehr, Some(14));
    let kept = desk.store().run(run.id).await.unwrap().unwrap();
    assert_eq!(kept.1.into_iter().map(|row| row.difference).collect::<Vec<_>>(), found);
}

#[tokio::test]
async fn a_patient_whom_the_clinic_had_before_is_not_missing() {
    let desk = Desk::new().await;
    let one = desk.admit(1, "2026-11-22T17:00:00Z").await;
    // The writer took a record over that does not carry our identifier.
    let WriteOutcome::Done { id, .. } = desk.ehr.create_patient(&conformance::patient("theirs")).await else {
        panic!("not created")
    };
    let wish = BeginEffect {
        admission: one.id,
        clinic: "clinic-01".parse().unwrap(),
        person: one.person,
        target: Target::Patient,
        idempotency: desk.index.index("patient", &["s-1"]),
        policy: Policy {
            class: domain::effect::Class::B,
            lease: SignedDuration::from_secs(30),
            lateness: SignedDuration::ZERO,
            index_lag: SignedDuration::ZERO,
        },
    };
    let Begin::Go(permit) = desk.store().begin(wish).await.unwrap() else { panic!("no permit") };
    let taken = EffectResult::Done(domain::effect::Resource { id, version: None });
    desk.store().settle(&permit, taken).await.unwrap();
    desk.complete(&one).await;
    desk.clock.put("2026-11-22T20:01:00Z");
    let kinds = |found: Vec<(Kind, Option<String>)>| found.into_iter().map(|one| one.0).collect::<Vec<_>>();
    // (It carries what the fake takes for an identifier of ours, which nobody wrote.)
    assert_eq!(kinds(desk.found().await), [Kind::NotInLedger]);
    desk.ehr.delete(System::Patient, "theirs");
    assert_eq!(kinds(desk.found().await), [Kind::MissingInEhr]);
}

#[tokio::test]
async fn what_a_person_made_by_hand_and_named_is_not_missing() {
    let desk = Desk::new().await;
    let one = desk.admit(1, "2026-11-22T17:00:00Z").await;
    let coverage = desk.ehr.create_coverage(&conformance::coverage("by hand", "p")).await;
    let visit = desk.ehr.create_appointment(&desk.visit("by hand")).await;
    let key = desk.index.index("member", &["s-1"]);
    for (target, outcome) in [(Target::Coverage { key }, coverage), (Target::Appointment, visit)] {
        let WriteOutcome::Done { id, .. } = outcome else { panic!("not created") };
        let wish = BeginEffect {
            admission: one.id,
            clinic: "clinic-01".parse().unwrap(),
            person: one.person,
            target,
            idempotency: desk.index.index(target.kind().as_str(), &["s-1"]),
            policy: Policy {
                class: domain::effect::Class::B,
                lease: SignedDuration::from_secs(30),
                lateness: SignedDuration::ZERO,
                index_lag: SignedDuration::ZERO,
            },
        };
        let Begin::Go(permit) = desk.store().begin(wish).await.unwrap() else { panic!("no permit") };
        let named = EffectResult::Done(domain::effect::Resource { id, version: None });
        desk.store().settle(&permit, named).await.unwrap();
    }
    desk.complete(&one).await;
    desk.clock.put("2026-11-22T20:01:00Z");
    // (The fake takes what they carry for identifiers of ours, which nobody wrote.)
    let missing = async || {
        let found = desk.found().await;
        found.into_iter().filter(|one| one.0 == Kind::MissingInEhr).count()
    };
    assert_eq!(missing().await, 0);
    desk.ehr.delete(System::Coverage, "by hand");
    assert_eq!(missing().await, 1);
    desk.ehr.delete(System::Appointment, "by hand");
    assert_eq!(missing().await, 2);
}

#[tokio::test]
async fn an_ehr_that_does_not_tell_is_a_gap_and_no_difference() {
    let desk = Desk::new().await;
    let one = desk.admit(1, "2026-11-22T17:00:00Z").await;
    desk.write(&one).await;
    desk.complete(&one).await;
    desk.clock.put("2026-11-22T20:01:00Z");
    desk.ehr.delete(System::Appointment, &desk.visit_of(&one));
    // The patients are told, the coverages are refused; the appointment is asked for, and missed.
    desk.ehr.read_fault_after(2, ReadFault::Refused { status: 400, issue: None });
    let (run, found) = desk.run(Vec::new()).await;
    assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [Kind::MissingInEhr]);
    assert_eq!(run.gaps.len(), 1);
    assert!(run.gaps[0].contains("refused the question when asked for each coverage"), "{:?}", run.gaps);
    let counts = run.compared.iter().find(|one| one.clinic_id.as_str() == "clinic-01").unwrap();
    assert_eq!(counts.in_ehr, None, "not all was asked for");
}

#[tokio::test]
async fn what_the_senders_say_is_held_against_what_was_admitted() {
    let desk = Desk::new().await;
    // Nine in the evening before is of the day before; ten in the morning is not.
    let before = desk.admit(1, "2026-11-22T03:00:00Z").await;
    let own = desk.admit(2, "2026-11-22T16:00:00Z").await;
    desk.complete(&before).await;
    desk.complete(&own).await;
    let sent = |source: &str, count| Sent {
        clinic: "clinic-01".parse().unwrap(),
        source: source.parse().unwrap(),
        count,
    };
    let (run, found) = desk.run(vec![sent("web_form", 1)]).await;
    assert_eq!(found, []);
    let counts = run.compared.iter().find(|one| one.clinic_id.as_str() == "clinic-01").unwrap();
    assert_eq!((counts.sent, counts.admitted), (Some(1), 1));
    let (_, found) = desk.run(vec![sent("web_form", 4), sent("kiosk", 0)]).await;
    let told: Vec<_> = found.iter().map(|one| (one.kind, one.count)).collect();
    assert_eq!(told, [(Kind::Lost, 3)]);
    let (_, found) = desk.run(vec![sent("web_form", 0)]).await;
    assert_eq!(found.iter().map(|one| (one.kind, one.count)).collect::<Vec<_>>(), [(Kind::Unreported, 1)]);
}

#[tokio::test]
async fn what_the_gateways_accepted_is_held_against_what_was_admitted() {
    let desk = Desk::new().await;
    desk.admit(1, "2026-11-22T17:00:00Z").await;
    let accepted = |id: &str| Accepted {
        submission: id.parse().unwrap(),
        clinic: "clinic-01".parse().unwrap(),
        source: "web_form".parse().unwrap(),
        received_at: "2026-11-22T17:00:00Z".parse().unwrap(),
    };
    let count =
        |run: &Run| run.compared.iter().find(|one| one.clinic_id.as_str() == "clinic-01").unwrap().accepted;
    let lost = |found: Vec<Difference>| {
        let rows = found.into_iter().filter(|one| one.kind == Kind::Lost);
        rows.map(|one| one.submission_id.unwrap().to_string()).collect::<Vec<_>>()
    };
    let (run, found) = desk.run(Vec::new()).await;
    assert_eq!((count(&run), lost(found)), (None, vec![]), "no gateway counts");

    let gateway = SystemClock.fresh_id();
    desk.store().note_accepted(&[accepted("s-1"), accepted("s-2")]).await.unwrap();
    desk.store().counted_until(gateway, "2026-11-22T19:59:30Z".parse().unwrap(), false).await.unwrap();
    let (run, found) = desk.run(Vec::new()).await;
    assert_eq!((count(&run), lost(found), run.gaps), (Some(2), vec!["s-2".to_owned()], vec![]));
    desk.admit(2, "2026-11-22T17:00:00Z").await;
    desk.clock.put("2026-11-22T20:05:00Z");
    let (run, found) = desk.run(Vec::new()).await;
    let gap = format!("gateway:{gateway}: has not told what it accepted since 2026-11-22 19:59:30 UTC");
    assert_eq!((count(&run), lost(found), run.gaps), (Some(2), vec![], vec![gap]));
    desk.store().counted_until(gateway, "2026-11-22T21:00:00Z".parse().unwrap(), false).await.unwrap();
    let (run, _) = desk.run(Vec::new()).await;
    let gap = format!(
        "gateway:{gateway}: its clock ran ahead, to 2026-11-22 21:00:00 UTC: what it tells cannot be placed"
    );
    assert_eq!(run.gaps, vec![gap]);
}
