//! What the ledger brings to a reconciliation, and that its results are kept, once a day, by one of several.

use std::time::Duration;

use domain::{
    AdmissionId, Code, CorrelationId, PersonId, Stage,
    clock::{Clock, SystemClock},
    effect::{Kind as What, Resource},
    hop::{Event, Hop, Transition},
    ids::LetterId,
    letter::DeadLetter,
    outcome::Settled,
    ports::{HopLog, LetterBox},
    reconcile::{Compared, Day, Difference, Kind, Standing},
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Begin, BeginEffect, Decision, EffectResult, Store, Target,
    acts::{ActFilter, Actor, Outcome, What as Act},
    letters::Move,
    reconcile::Run,
};
use testkit::wait;

use crate::support::{Fixture, admit, bare, blind, clinic, fresh_message, hop, policy, request};

pub(crate) const DAY: Day = Day {
    from: Timestamp::constant(1_795_323_600, 0), // 2026-11-22T05:00:00Z
    until: Timestamp::constant(1_795_410_000, 0), // 2026-11-23T05:00:00Z
};

pub(crate) async fn admitted(store: &Store, id: &str, name: &str) -> (AdmissionId, PersonId) {
    let admission = admit(store, &request(id, name, "9:00")).await;
    let Decision::Admitted { person, .. } = admission.decision else { panic!("{:?}", admission.decision) };
    (admission.admission, person)
}

pub(crate) async fn effect(
    store: &Store,
    (admission, person): (AdmissionId, PersonId),
    (target, name): (Target, &str),
    result: EffectResult,
) {
    let wish = BeginEffect {
        admission,
        clinic: clinic(),
        person,
        target,
        idempotency: blind(name),
        policy: policy(),
    };
    let Begin::Go(permit) = store.begin(wish).await.unwrap() else { panic!("no permit") };
    store.settle(&permit, result).await.unwrap();
}

fn done(id: &str) -> EffectResult {
    EffectResult::Done(Resource { id: id.to_owned(), version: None })
}

pub(crate) fn moved(admission: AdmissionId, stage: Stage, event: Event, transition: Transition) -> Hop {
    Hop { transition: Some(transition), ..hop(admission, stage, event) }
}

#[tokio::test]
async fn what_was_written_is_told_and_whose_a_name_is() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (one, two, three) = (
        admitted(&store, "s-1", "Ada Name1").await,
        admitted(&store, "s-2", "Ada Name2").await,
        admitted(&store, "s-3", "Ada Name3").await,
    );
    effect(&store, one, (Target::Patient, "patient"), done("p-1")).await;
    effect(&store, one, (Target::Slot, "slot"), done("slot-1")).await;
    effect(&store, one, (Target::Appointment, "visit"), done("a-1")).await;
    effect(&store, two, (Target::Appointment, "doubt"), EffectResult::Unknown).await;
    effect(
        &store,
        three,
        (Target::Appointment, "refused"),
        EffectResult::Rejected { code: Code::EhrRejected },
    )
    .await;

    let here = clinic();
    let of = async |day, before| store.written((&here, "main"), day, before).await.unwrap();
    let later = fixture.clock.now() + SignedDuration::from_secs(1);
    let written = of(DAY, later).await;
    let told: Vec<_> = written.iter().map(|one| (one.key.what, one.resource.as_deref())).collect();
    assert_eq!(told, [(What::Appointment, Some("a-1")), (What::Patient, Some("p-1"))]);
    assert_eq!((written[0].key.ehr.as_str(), &written[0].key.identifier), ("main", &blind("visit").to_hex()));
    assert_eq!((written[0].origin.admission, written[0].origin.submission.as_str()), (one.0, "s-1"));
    assert!(of(DAY, fixture.clock.now()).await.is_empty(), "a search may not show it yet");
    assert!(of(Day { from: DAY.until, until: DAY.until }, later).await.is_empty(), "another day");

    let names: Vec<String> = ["visit", "doubt", "refused", "nobody"].map(|name| blind(name).to_hex()).into();
    let asked = [names.clone(), vec!["zelda".to_owned(), names[0].to_uppercase()]].concat();
    let origins = store.origins(&asked).await.unwrap();
    let known: Vec<_> = origins.iter().map(|((_, name), origin)| (name.clone(), origin.admission)).collect();
    let mut expected = vec![(names[0].clone(), one.0), (names[1].clone(), two.0)];
    expected.sort();
    assert_eq!(known, expected, "what is in doubt may be there; what was refused may not");
    assert!(store.origins(&["zelda".to_owned()]).await.unwrap().is_empty());

    let sources = store.admitted_by_source(&clinic(), DAY).await.unwrap();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), [("web_form".parse().unwrap(), 3)]);
}

#[tokio::test]
async fn what_is_open_is_told_with_what_is_in_doubt() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let flying = admitted(&store, "s-1", "Ada Name1").await;
    let held = admitted(&store, "s-2", "Ada Name2").await;
    let dead = admitted(&store, "s-3", "Ada Name3").await;
    let ended = admitted(&store, "s-4", "Ada Name4").await;
    let silent = admit(&store, &bare("s-5", "none")).await.admission;
    effect(&store, held, (Target::Appointment, "doubt"), EffectResult::Unknown).await;
    let hold = Transition::Hold { code: Code::EhrParked, field: None };
    let die = Transition::Die { code: Code::EhrRejected, field: None };
    for hop in [
        hop(flying.0, Stage::Validation, Event::Emitted),
        Hop { parked: Some(b"sealed".to_vec()), ..moved(held.0, Stage::EhrWriter, Event::Held, hold) },
        moved(dead.0, Stage::EhrWriter, Event::Died, die),
        moved(ended.0, Stage::Notification, Event::Settled, Transition::Settle(Settled::Completed)),
    ] {
        store.append(hop).await.unwrap();
    }
    let open = store.open(&clinic(), DAY.until, 10).await.unwrap();
    let told: Vec<_> =
        open.iter().map(|one| (one.admission, one.standing, one.in_doubt, one.answered)).collect();
    assert_eq!(
        told,
        [
            (flying.0, Standing::InFlight, false, true),
            (held.0, Standing::Held, true, true),
            (dead.0, Standing::Dead, false, true),
        ]
    );
    assert_eq!((open[1].code, open[0].settled_at), (Some(Code::EhrParked), None));
    assert_eq!(store.open(&clinic(), DAY.until, 2).await.unwrap().len(), 2);
    assert!(
        store.open(&clinic(), open[0].received_at, 10).await.unwrap().is_empty(),
        "received at that moment"
    );
    assert!(store.open(&"clinic-99".parse().unwrap(), DAY.until, 10).await.unwrap().is_empty());

    let odd = store.ended_oddly(&clinic(), DAY).await.unwrap();
    assert_eq!(odd.iter().map(|one| (one.admission, one.answered)).collect::<Vec<_>>(), [(silent, false)]);

    let waiting = store.waiting(&[flying.0, held.0, ended.0, silent]).await.unwrap();
    let places: Vec<_> =
        waiting.iter().map(|one| (one.unfinished.admission, one.at.clone().map(|at| at.0))).collect();
    assert_eq!(places, [(flying.0, Some(Stage::Eligibility)), (silent, None)], "where the last hop sent it");
}

fn letter(message: domain::MessageId) -> DeadLetter {
    let at: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
    DeadLetter {
        id: LetterId::of("validation.default.dlq", Some(message), at, b"sealed"),
        message: Some(message),
        stage: Stage::Validation,
        lane: "default".parse().unwrap(),
        code: Some(Code::Malformed),
        field: None,
        endpoint: None,
        template: None,
        admission: None,
        submission: None,
        clinic: None,
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        trace_id: None,
        attempt: 1,
        first_failed_at: None,
        died_at: at,
        collected_at: at,
        appointment_at: None,
        schema: "frontdesk.raw.v1".into(),
        body: b"sealed".to_vec(),
    }
}

#[tokio::test]
async fn what_died_unread_is_told_collected_or_not() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (message, here) = (fresh_message(), clinic());
    let any = AdmissionId::from_uuid(SystemClock.fresh_id());
    let died = Hop {
        admission: None,
        submission: None,
        clinic: None,
        message,
        code: Some(Code::Malformed),
        ..hop(any, Stage::Validation, Event::Died)
    };
    store.append(died).await.unwrap();
    let of = async |clinic, late: &str| {
        let found = store.died_unread(clinic, DAY, late.parse().unwrap()).await.unwrap();
        found.into_iter().map(|one| (one.kind, one.letter_id.is_some(), one.code)).collect::<Vec<_>>()
    };
    assert_eq!(of(None, "2026-11-22T10:00:00Z").await, [(Kind::Lost, false, Some(Code::Malformed))]);
    assert!(of(None, "2026-11-22T08:00:00Z").await.is_empty(), "it may still be collected");
    assert!(of(Some(&here), "2026-11-22T10:00:00Z").await.is_empty(), "it is of no clinic");
    let letter = letter(message);
    let id = letter.id;
    store.keep(letter).await.unwrap();
    assert_eq!(of(None, "2026-11-22T10:00:00Z").await, [(Kind::Dead, true, Some(Code::Malformed))]);
    let ann = Actor { name: "ann".to_owned(), role: "operator".to_owned() };
    store.move_letters(&[id], Move::Archive, &ann, "not ours").await.unwrap();
    assert!(of(None, "2026-11-22T10:00:00Z").await.is_empty(), "it was put aside, and it was collected");
    store.move_letters(&[id], Move::Restore, &ann, "ours after all").await.unwrap();
    assert_eq!(of(None, "2026-11-22T10:00:00Z").await, [(Kind::Dead, true, Some(Code::Malformed))]);
}

fn run(now: Timestamp, daily: bool) -> Run {
    Run {
        id: SystemClock.fresh_id(),
        day: jiff::civil::date(2026, 11, 21),
        clinic: None,
        daily,
        actor: "ops".to_owned(),
        begun_at: now,
        ended_at: now,
        compared: vec![Compared {
            clinic_id: clinic(),
            from: DAY.from,
            until: DAY.until,
            sent: None,
            accepted: Some(1),
            journalled: 3,
            admitted: 3,
            in_flight: 1,
            completed: 2,
            duplicate: 0,
            rejected: 0,
            held: 0,
            dead: 0,
            written: 6,
            in_ehr: Some(5),
            notified: 2,
        }],
        gaps: vec!["ehr:other: paused".to_owned()],
    }
}

#[tokio::test]
async fn results_are_kept_and_a_day_has_one_daily_run() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let now = fixture.clock.now();
    let id = AdmissionId::from_uuid(SystemClock.fresh_id());
    let overdue = Difference {
        clinic_id: Some(clinic()),
        admission_id: Some(id),
        submission_id: Some("s-1".parse().unwrap()),
        since: Some(now),
        ..Difference::of(Kind::Overdue)
    };
    let stray = Difference { resources: vec!["Patient/1".to_owned()], ..Difference::of(Kind::NotInLedger) };
    let (first, asked) = (run(now, true), run(now + SignedDuration::from_secs(1), false));
    let last = async |day| store.last_daily(day).await.unwrap();
    assert_eq!(last(first.day).await, None);
    assert!(store.keep_run(&first, &[overdue.clone(), stray.clone()]).await.unwrap());
    assert!(!store.keep_run(&run(now, true), std::slice::from_ref(&stray)).await.unwrap(), "the day has one");
    assert!(store.keep_run(&asked, &[]).await.unwrap());

    let (kept, rows) = store.run(first.id).await.unwrap().unwrap();
    assert_eq!(kept, first);
    let differences: Vec<_> = rows.into_iter().map(|row| (row.difference, row.redriven_at)).collect();
    assert_eq!(differences, [(overdue, None), (stray, None)]);
    assert_eq!(store.run(id.as_uuid()).await.unwrap(), None);
    let listed = store.runs(10).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.run.id).collect::<Vec<_>>(), [asked.id, first.id]);
    assert_eq!(last(first.day.yesterday().unwrap()).await, None, "what is ahead does not count");
    let daily = last(first.day.tomorrow().unwrap()).await.unwrap();
    assert_eq!(daily.differences, [(Kind::NotInLedger, None, 1), (Kind::Overdue, Some(clinic()), 1)]);

    let actor = Actor { name: "on-call".to_owned(), role: "operator".to_owned() };
    assert_eq!(store.redrive(first.id, &[id], &actor, "stuck").await.unwrap(), Outcome::Done);
    assert_eq!(store.redrive(asked.id, &[id], &actor, "again").await.unwrap(), Outcome::Nothing);
    let (_, rows) = store.run(first.id).await.unwrap().unwrap();
    assert!(rows.iter().all(|row| row.redriven_at.is_none()), "the broker has not confirmed it");
    store.redriven(first.id, id).await.unwrap();
    let (_, rows) = store.run(first.id).await.unwrap().unwrap();
    assert_eq!(rows.iter().map(|row| row.redriven_at).collect::<Vec<_>>(), [Some(now), None]);
    let acts = store.acts(&ActFilter::default(), None, 10).await.unwrap();
    let told: Vec<_> =
        acts.iter().map(|act| (act.what, act.scope.clone(), act.reason.as_str(), act.outcome)).collect();
    let scope = |id| format!("reconciliation:{id}");
    assert_eq!(
        told,
        [
            (Act::Redriven, scope(asked.id), "again", Outcome::Nothing),
            (Act::Redriven, scope(first.id), "stuck", Outcome::Done),
        ]
    );
}

#[tokio::test]
async fn one_of_several_has_the_turn() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let turn = one.take_turn().await.unwrap();
    assert!(turn.is_some());
    assert!(other.take_turn().await.unwrap().is_none() && one.take_turn().await.unwrap().is_none());
    drop(turn);
    let free = || async { other.take_turn().await.unwrap().is_some() };
    wait::until(Duration::from_secs(10), free).await.unwrap();
}

#[tokio::test]
async fn arrivals_are_told_by_source_and_hour() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    for (n, (source, at)) in [
        ("web_form", "08:59:59"),
        ("web_form", "08:00:00"),
        ("kiosk", "08:30:00"),
        ("web_form", "09:00:00"),
        ("web_form", "07:10:00"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut one = request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00");
        one.source = source.parse().unwrap();
        one.received_at = format!("2026-11-22T{at}Z").parse().unwrap();
        admit(&store, &one).await;
    }
    let found = store.arrivals("2026-11-22T08:00:00Z".parse().unwrap()).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|(_, source, one)| (source.as_str(), one.hour.to_string(), one.count, one.last.to_string()))
        .collect();
    let at = |text: &str| format!("2026-11-22T{text}Z");
    assert_eq!(
        told,
        [
            ("kiosk", at("08:00:00"), 1, at("08:30:00")),
            ("web_form", at("08:00:00"), 2, at("08:59:59")),
            ("web_form", at("09:00:00"), 1, at("09:00:00")),
        ]
    );
}
