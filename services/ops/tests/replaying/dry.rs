//! What the dry run says, on real templates and a real ledger.

use std::sync::Arc;

use domain::{
    Code, MessageId, PersonId, Phi, Stage,
    arrival::{Arrival, Came},
    clock::{Clock, SystemClock},
    content,
    envelope::{Envelope, Message},
    hold::{Candidate, Verdict, Word},
    hop::{Event, Facts, Hop, Transition},
    judge::{self, Judgement},
    letter::DeadLetter,
    matching::person::{PersonRecord, kept},
    messages::Validated,
    outcome::Settled,
    ports::HopLog,
    seal::Keyring,
    submission::SCHEMA,
};
use ledger::{
    Admission, AdmissionRequest, Decision, MatchDecision, MatchRequest, Matcher, Proposed,
    holds::NewDecision,
    letters::LetterState,
    replay::{Forecast, ItemRow, Why},
};
use ops::replay::NoPlan;
use serde_json::{Value, json};

use crate::support::{
    CANARY, CLINICS, Fixture, actor, all, fresh_admission, from_clear, index, letter, meta, submission,
};

pub(crate) fn bytes(submission: &Value) -> Vec<u8> {
    serde_json::to_vec(submission).unwrap()
}

pub(crate) fn template_failed(f: &Fixture, submission: &Value) -> DeadLetter {
    from_clear(bytes(submission), &f.keys, Code::TemplateFailed)
}

/// Has a submission decided about as validation would, whose person is found to be so; gives its message.
async fn decided(f: &Fixture, submission: &Value, person: MatchDecision) -> (MessageId, Admission) {
    let body = bytes(submission);
    let came = Came {
        body: &body,
        schema: Some(SCHEMA),
        content_type: Some("application/json"),
        received_at: SystemClock.now(),
        correlation: meta("x", "x").correlation,
    };
    let arrival = Arrival::read(came, &f.keys).unwrap();
    let clinics = runtime::clinics::load_dir(&[CLINICS]).unwrap();
    let proposed = match judge::judge(&clinics, &arrival) {
        Ok(Judgement::Sound(found)) => {
            let (meta, record) = (&arrival.meta, PersonRecord::from(&found.intake));
            Proposed::Match(MatchRequest {
                blocks: record.block_keys(&meta.clinic, &index()),
                person: kept::seal(&record, &meta.clinic, &f.keys).unwrap(),
                request: judge::request(&index(), meta, &found.intake),
            })
        }
        Ok(Judgement::Hold(hold, _)) => Proposed::Hold { code: hold.code, field: hold.field },
        _ => panic!("rejected"),
    };
    let (meta, message) = (&arrival.meta, MessageId::from_uuid(SystemClock.fresh_id()));
    let request = AdmissionRequest {
        submission: meta.submission.clone(),
        clinic: meta.clinic.clone(),
        message,
        correlation: meta.correlation,
        source: meta.source.clone(),
        submitted_at: meta.submitted_at,
        received_at: meta.received_at,
        appointment_at: None,
        template: None,
        content: content::of(&index(), &arrival),
        corrected: false,
        original: arrival.original.to_vec().unwrap(),
        proposed,
    };
    let found: Arc<Matcher> = Arc::new(move |_: &AdmissionRequest, _: &[_]| person.clone());
    (message, f.store.admit(request, found).await.unwrap())
}

/// Admits a sound submission for a new person; gives message, person and admission.
pub(crate) async fn admit(f: &Fixture, submission: &Value) -> (MessageId, PersonId, domain::AdmissionId) {
    let (message, admission) = decided(f, submission, MatchDecision::New).await;
    let Decision::Admitted { person, .. } = admission.decision else { panic!("not admitted") };
    (message, person, admission.admission)
}

/// Has the person's patient written to the EHR.
async fn in_ehr(f: &Fixture, person: PersonId) {
    let slot =
        "INSERT INTO ehr_slot (slot_id, clinic, person_id, kind, key, owner_op, resource_id, written_seq)
        VALUES (gen_random_uuid(), 'clinic-01', $1, 'patient', '', gen_random_uuid(), 'p1', 1)";
    f.sql().await.execute(slot, &[&person.as_uuid()]).await.unwrap();
}

/// Validation says that it holds, and a person decides.
async fn say(f: &Fixture, held: &Admission, word: Word, names: Option<&str>) {
    let Decision::Held { code, field } = held.decision.clone() else { panic!("not held") };
    f.store
        .append(Hop {
            event: Event::Held,
            code: Some(code),
            field: field.clone(),
            stage: Stage::Validation,
            transition: Some(Transition::Hold { code, field }),
            ..settled(held.admission)
        })
        .await
        .unwrap();
    let verdict = Verdict::new(word, names).unwrap();
    let (admission, reason) = (held.admission, "seen".to_owned());
    f.store.decide(&NewDecision { admission, verdict, actor: actor(), reason }).await.unwrap();
}

async fn settle(f: &Fixture, admission: domain::AdmissionId) {
    f.store.append(settled(admission)).await.unwrap();
}

fn settled(admission: domain::AdmissionId) -> Hop {
    let now = SystemClock.now();
    Hop {
        admission: Some(admission),
        submission: None,
        clinic: None,
        correlation: None,
        message: MessageId::from_uuid(SystemClock.fresh_id()),
        stage: Stage::Notification,
        lane: "default".parse().unwrap(),
        event: Event::Settled,
        code: None,
        field: None,
        endpoint: None,
        template: None,
        attempt: 1,
        trace_id: None,
        started_at: now,
        finished_at: now,
        transition: Some(Transition::Settle(Settled::Completed)),
        facts: Facts::default(),
        parked: None,
    }
}

/// The letter of a message that was admitted.
pub(crate) fn own(f: &Fixture, submission: &Value, message: MessageId) -> DeadLetter {
    let text = |key: &str| submission[key].as_str().unwrap();
    DeadLetter {
        message: Some(message),
        clinic: Some(text("clinic_id").parse().unwrap()),
        submission: Some(text("submission_id").parse().unwrap()),
        ..template_failed(f, submission)
    }
}

#[tokio::test]
async fn a_template_that_fails_and_is_mended_shows_in_the_next_plan() {
    let f = Fixture::new().await;
    let mut form = submission("adult", "s-1");
    form["form"]["q3_fullName"]["first"] = json!(CANARY);
    f.keep(&template_failed(&f, &form)).await;
    f.template(Some("reason = { expr = \"form * 2\" }"));
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.code), (Forecast::StillFails, Some(Code::TemplateFailed)));
    assert_eq!(item.field.as_deref(), Some("reason"));
    f.template(None);
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.code, item.why), (Forecast::WouldCreate, None, None));
    let named = (item.clinic_id.unwrap().to_string(), item.submission_id.unwrap().to_string());
    assert_eq!(named, ("clinic-01".to_owned(), "s-1".to_owned()));
    f.template(Some("reason = { form = 1 }"));
    assert!(matches!(f.replay.plan(&all(), 10, &actor(), "x").await, Err(NoPlan::Templates)));
    let rows = f.sql().await.query("SELECT p::text || i::text FROM plan p, plan_item i", &[]).await.unwrap();
    assert!(rows.iter().all(|row| !row.get::<_, String>(0).contains(CANARY)));
}

#[tokio::test]
async fn each_letter_is_told_what_would_become_of_it() {
    let f = Fixture::new().await;
    // Somebody whom the EHR has, and who asks for something else this time.
    let known = submission("adult", "s-known");
    let (_, person, _) = admit(&f, &known).await;
    in_ehr(&f, person).await;
    let mut another = submission("adult", "s-again");
    another["form"]["q16_slot"] = json!("2027-02-02T14:20:00Z");
    // The same request under another name; the same submission with other content.
    let mut conflict = known.clone();
    conflict["form"]["q17_reason"] = json!("something else");
    let mut nowhere = submission("adult", "s-nowhere");
    nowhere["clinic_id"] = json!("clinic-99");
    let foreign = Keyring::new([("2020-01".to_owned(), vec![7; 32])]).unwrap();
    let mut minor = submission("minor-without-guardian", "s-minor");
    minor["form"]["q3_fullName"]["first"] = json!("Newcomer");
    let letters = [
        (template_failed(&f, &another), Forecast::WouldUpdate, None),
        (template_failed(&f, &submission("adult", "s-twin")), Forecast::Refused, None),
        (template_failed(&f, &conflict), Forecast::WouldHold, Some(Code::SubmissionConflict)),
        (template_failed(&f, &minor), Forecast::WouldHold, Some(Code::GuardianMissing)),
        (
            template_failed(&f, &submission("no-family-name", "s-nameless")),
            Forecast::WouldReject,
            Some(Code::MissingField),
        ),
        (template_failed(&f, &nowhere), Forecast::WouldReject, Some(Code::UnknownClinic)),
        (
            from_clear(b"{\"a\": ".to_vec(), &f.keys, Code::Malformed),
            Forecast::StillFails,
            Some(Code::Malformed),
        ),
        (
            from_clear(bytes(&known), &f.keys, Code::UnknownSchema),
            Forecast::StillFails,
            Some(Code::UnknownSchema),
        ),
        (from_clear(bytes(&known), &foreign, Code::UnknownKey), Forecast::StillFails, Some(Code::UnknownKey)),
    ];
    for (letter, ..) in &letters {
        f.keep(letter).await;
    }
    let items = f.foreseen().await;
    assert_eq!(items.len(), letters.len());
    for (letter, forecast, code) in &letters {
        let item = items.iter().find(|item| item.letter_id == letter.id).unwrap();
        assert_eq!((item.forecast, item.code), (*forecast, *code), "{item:?}");
    }
}

#[tokio::test]
async fn what_was_admitted_before_decides() {
    let f = Fixture::new().await;
    let form = submission("adult", "s-1");
    let (message, _, admission) = admit(&f, &form).await;
    let own = own(&f, &form, message);
    let other = template_failed(&f, &form);
    f.keep(&own).await;
    f.keep(&other).await;
    let of = |items: &[ItemRow], letter: &DeadLetter| {
        let item = items.iter().find(|item| item.letter_id == letter.id).unwrap();
        (item.forecast, item.why)
    };
    let items = f.foreseen().await;
    assert_eq!(
        of(&items, &own),
        (Forecast::WouldCreate, None),
        "its own person and request are no hindrance"
    );
    assert_eq!(of(&items, &other), (Forecast::Refused, Some(Why::Elsewhere)));
    settle(&f, admission).await;
    // The one is seen as ended, and is in no plan any more; of the other nothing is left to do.
    let items = f.foreseen().await;
    assert_eq!(items.len(), 1);
    assert_eq!(of(&items, &other), (Forecast::AlreadyDone, None));
}

#[tokio::test]
async fn a_consent_that_a_person_has_seen_on_paper_is_not_missed() {
    let f = Fixture::new().await;
    let form = submission("minor-without-guardian", "s-minor");
    let (message, held) = decided(&f, &form, MatchDecision::New).await;
    assert!(matches!(held.decision, Decision::Held { code: Code::GuardianMissing, .. }));
    let own = own(&f, &form, message);
    f.keep(&own).await;
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::Refused, Some(Why::Held)), "a person has not said yet");
    say(&f, &held, Word::ConsentGiven, Some("paper-7")).await;
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.code, item.why), (Forecast::WouldCreate, None, None));
}

#[tokio::test]
async fn who_somebody_is_and_is_not_is_what_a_person_said() {
    let f = Fixture::new().await;
    let (_, person, _) = admit(&f, &submission("adult", "s-known")).await;
    in_ehr(&f, person).await;
    let id = person.to_string();
    let candidate = Candidate { id: id.clone(), agrees: vec![], differs: vec![] };
    let said = [
        ("s-same", Word::SamePerson, Some(id.as_str()), Forecast::WouldUpdate),
        ("s-other", Word::DifferentPerson, None, Forecast::WouldCreate),
    ];
    for (name, word, names, forecast) in said {
        // The same person, born a day later, who wants another slot.
        let mut form = submission("adult", name);
        form["form"]["q4_birthDate"]["day"] = json!("04");
        form["form"]["q16_slot"] = json!("2027-02-02T14:20:00Z");
        let stranger = template_failed(&f, &form);
        f.keep(&stranger).await;
        let of = |items: &[ItemRow], letter: &DeadLetter| {
            let item = items.iter().find(|item| item.letter_id == letter.id).unwrap();
            (item.forecast, item.code)
        };
        let doubtful = (Forecast::WouldHold, Some(Code::DoubtfulMatch));
        assert_eq!(of(&f.foreseen().await, &stranger), doubtful, "{word}: nobody has said anything");
        let found = MatchDecision::Doubtful(vec![candidate.clone()]);
        let (message, held) = decided(&f, &form, found).await;
        let own = own(&f, &form, message);
        f.keep(&own).await;
        say(&f, &held, word, names).await;
        assert_eq!(of(&f.foreseen().await, &own), (forecast, None), "{word}");
    }
}

#[tokio::test]
async fn letters_of_later_stages_are_opened_and_looked_up() {
    let f = Fixture::new().await;
    let clinics = runtime::clinics::load_dir(&[CLINICS]).unwrap();
    let body = bytes(&submission("adult", "s-1"));
    let came = Came {
        body: &body,
        schema: Some(SCHEMA),
        content_type: None,
        received_at: SystemClock.now(),
        correlation: meta("x", "x").correlation,
    };
    let arrival = Arrival::read(came, &f.keys).unwrap();
    let Ok(Judgement::Sound(found)) = judge::judge(&clinics, &arrival) else { panic!("not sound") };
    let (admission, person) = (fresh_admission(), PersonId::from_uuid(SystemClock.fresh_id()));
    let sealed = |clinic: &str| -> Envelope {
        let mut meta = meta(clinic, "s-1");
        (meta.admission, meta.person) = (Some(admission), Some(person));
        let secret = Phi::new(Validated { intake: found.intake.clone() });
        Message { meta, secret }.seal(&f.keys).unwrap()
    };
    let sound = letter(Stage::Eligibility, &sealed("clinic-01"), Code::StoreUnavailable);
    let strange = letter(Stage::Eligibility, &sealed("clinic-99"), Code::Misconfigured);
    // A message of another stage.
    let astray = letter(Stage::EhrWriter, &sealed("clinic-01"), Code::UnknownSchema);
    for letter in [&sound, &strange, &astray] {
        f.keep(letter).await;
    }
    let items = f.foreseen().await;
    let of = |letter: &DeadLetter| {
        let item = items.iter().find(|item| item.letter_id == letter.id).unwrap();
        (item.forecast, item.code, item.why)
    };
    assert_eq!(of(&sound), (Forecast::WouldCreate, None, None));
    assert_eq!(of(&strange), (Forecast::StillFails, Some(Code::Misconfigured), None));
    assert_eq!(of(&astray), (Forecast::StillFails, Some(Code::UnknownSchema), None));
    let op = "INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts,
        searches, changed_at) VALUES (gen_random_uuid(), $1, 'patient', true, 'create', 'x', 1, 'unknown', 1, 0, now())";
    f.sql().await.execute(op, &[&admission.as_uuid()]).await.unwrap();
    let items = f.foreseen().await;
    assert!(items.iter().all(|item| (item.forecast, item.why) == (Forecast::Refused, Some(Why::InDoubt))));
}

#[tokio::test]
async fn a_request_is_done_once_the_other_submission_of_it_is() {
    let f = Fixture::new().await;
    let (_, person, admission) = admit(&f, &submission("adult", "s-known")).await;
    in_ehr(&f, person).await;
    let twin = template_failed(&f, &submission("adult", "s-twin"));
    f.keep(&twin).await;
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::Refused, Some(Why::Elsewhere)), "it is on its way");
    let die = Transition::Die { code: Code::EhrRejected, field: None };
    let died =
        Hop { event: Event::Died, stage: Stage::EhrWriter, transition: Some(die), ..settled(admission) };
    f.store.append(died).await.unwrap();
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::Refused, Some(Why::Elsewhere)), "it is dead");
    settle(&f, admission).await;
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::AlreadyDone, None));
    // Nobody has to do anything about it any more.
    assert!(matches!(f.replay.plan(&all(), 10, &actor(), "x").await, Err(NoPlan::NothingMatched)));
    let letter = f.store.letter(twin.id).await.unwrap().unwrap();
    assert_eq!(letter.state, LetterState::Ended);
}

#[tokio::test]
async fn a_visit_that_is_over_is_not_replayed() {
    let f = Fixture::new().await;
    let mut past = submission("adult", "s-past");
    past["form"]["q16_slot"] = json!("2026-02-02T14:20:00Z");
    let letter = template_failed(&f, &past);
    f.keep(&letter).await;
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::Refused, Some(Why::VisitPast)));
}
