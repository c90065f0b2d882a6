//! Dead letters are corrected beside their bodies, and go into the line as they were corrected.

use std::sync::{Arc, Mutex};

use domain::{
    Code, Phi, Stage,
    arrival::{Arrival, Came},
    clock::{Clock, SystemClock},
    content,
    envelope::{CONTENT_TYPE, Envelope, Message},
    judge::{self, Judgement},
    letter::{Again, DeadLetter},
    messages::Validated,
    ports::{NotSent, Outbox, Pending},
    seal::Keyring,
    submission::SCHEMA,
    template::{Corrections, Field},
};
use ledger::{
    letters::{EditRow, EditState},
    replay::{Forecast, Foreseen, Next, Rules, Why},
};
use ops::editing::{NoEdit, Shut};
use serde_json::json;

use crate::{
    dry::{admit, bytes, own, template_failed},
    support::{CANARY, CLINICS, Fixture, actor, all, from_clear, index, letter, meta, submission},
};

/// A rule that fails on every form.
const BAD: &str = "reason = { expr = \"form * 2\" }";

#[derive(Default)]
struct Post(Mutex<Vec<Again>>);

impl Outbox for Post {
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>> {
        self.0.lock().unwrap().push(letter);
        Box::pin(async { Ok(()) })
    }
}

async fn edit(
    f: &Fixture,
    letter: &DeadLetter,
    values: &[(Field, &str)],
) -> Result<(EditRow, Foreseen), NoEdit> {
    let corrections = Corrections::new(values.iter().map(|(field, value)| (*field, (*value).to_owned())));
    f.replay.edit(letter.id, corrections, &actor(), "by phone").await
}

/// Plans and replays all that is open, and gives the one message that was published.
async fn replayed(f: &Fixture) -> Again {
    let (plan, _) = f.replay.plan(&all(), 10, &actor(), "edited").await.unwrap();
    let rules = Rules { canary: 0, rate: 200, stop_on: 100 };
    f.store.begin_run(plan.id, rules, &actor(), "go").await.unwrap();
    let post = Post::default();
    assert_eq!(f.replay.next(plan.id, &post).await, Ok(Next::Published));
    post.0.into_inner().unwrap().remove(0)
}

fn arrival(body: &[u8], schema: &str, content_type: Option<&str>, keys: &Keyring) -> Arrival {
    let correlation = meta("x", "x").correlation;
    let received_at = SystemClock.now();
    Arrival::read(Came { body, schema: Some(schema), content_type, received_at, correlation }, keys).unwrap()
}

#[tokio::test]
async fn what_a_letter_died_of_is_corrected_and_published_as_the_same_submission() {
    let f = Fixture::new().await;
    f.template(Some(BAD));
    let form = submission("adult", "s-1");
    let dead = template_failed(&f, &form);
    f.keep(&dead).await;
    let values = [(Field::Reason, CANARY), (Field::PatientEmail, " Zebedee@Example.com ")];
    let (row, foreseen) = edit(&f, &dead, &values).await.unwrap();
    assert_eq!(
        (row.state, &row.fields),
        (EditState::InForce, &vec!["patient.email".to_owned(), "reason".to_owned()])
    );
    assert_eq!(foreseen, Foreseen::plain(Forecast::WouldCreate));
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.edit_id), (Forecast::WouldCreate, Some(row.id)));
    let kept = "SELECT e::text || convert_from(e.sealed, 'UTF8') || convert_from(l.envelope, 'UTF8')
        FROM letter_edit e JOIN dead_letter l USING (letter_id)";
    let kept: String = f.sql().await.query_one(kept, &[]).await.unwrap().get(0);
    assert!(!kept.to_lowercase().contains("zebedee") && kept.contains(str::from_utf8(&dead.body).unwrap()));

    let again = replayed(&f).await;
    assert_eq!((Some(again.message), again.schema.as_str()), (dead.message, SCHEMA));
    assert!(!String::from_utf8_lossy(&again.body).contains("ebedee"));
    let came = arrival(&again.body, &again.schema, Some(CONTENT_TYPE), &f.keys);
    let before = arrival(&bytes(&form), SCHEMA, None, &f.keys);
    assert!(came.is_corrected() && !before.is_corrected());
    let (one, other) = (content::of(&index(), &came), content::of(&index(), &before));
    assert_eq!(one.as_bytes(), other.as_bytes(), "it is the same submission");
    assert!(came.form.is_ok_and(|came| came.expose().form == form["form"]), "the form is as it came");
}

#[tokio::test]
async fn an_edit_that_cannot_be_is_refused_and_nothing_is_kept() {
    let f = Fixture::new().await;
    let form = submission("adult", "s-1");
    let dead = template_failed(&f, &form);
    let malformed = from_clear(b"{\"a\": ".to_vec(), &f.keys, Code::Malformed);
    let foreign = Keyring::new([("2020-01".to_owned(), vec![7; 32])]).unwrap();
    let shut = from_clear(bytes(&form), &foreign, Code::UnknownKey);
    let mut nowhere = form.clone();
    nowhere["clinic_id"] = json!("clinic-99");
    let strange = template_failed(&f, &nowhere);
    for letter in [&dead, &malformed, &shut, &strange] {
        f.keep(letter).await;
    }
    let unknown = template_failed(&f, &form);
    let email = [(Field::PatientEmail, "zed@example.com")];
    for (letter, values, expected) in [
        (&dead, vec![(Field::PatientEmail, "zed(at)example.com")], NoEdit::DoesNotRead(Field::PatientEmail)),
        (&dead, vec![(Field::PatientFamily, "")], NoEdit::DoesNotRead(Field::PatientFamily)),
        (&dead, vec![(Field::Language, "es")], NoEdit::NotEditable(Field::Language)),
        (&dead, vec![(Field::ConsentSms, "yes")], NoEdit::NotEditable(Field::ConsentSms)),
        (&malformed, email.to_vec(), NoEdit::Shut(Shut::Unreadable)),
        (&shut, email.to_vec(), NoEdit::Shut(Shut::KeyGone)),
        (&strange, email.to_vec(), NoEdit::Shut(Shut::Template)),
        (&unknown, email.to_vec(), NoEdit::Unknown),
    ] {
        assert_eq!(edit(&f, letter, &values).await.err(), Some(expected));
    }
    let kept = f.sql().await.query_one("SELECT count(*) FROM letter_edit", &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0);
    f.template(Some("reason = { form = 1 }"));
    assert_eq!(edit(&f, &dead, &email).await.err(), Some(NoEdit::Templates));
    // What else is wrong is no reason to refuse it: it is told.
    f.template(Some(BAD));
    let (_, foreseen) = edit(&f, &dead, &email).await.unwrap();
    let still = Foreseen::coded(Forecast::StillFails, Code::TemplateFailed, Some(Field::Reason.path()));
    assert_eq!(foreseen, still);
}

#[tokio::test]
async fn who_the_patient_is_waits_and_the_letter_with_it() {
    let f = Fixture::new().await;
    let dead = template_failed(&f, &submission("adult", "s-1"));
    f.keep(&dead).await;
    let (row, foreseen) = edit(&f, &dead, &[(Field::PatientFamily, CANARY)]).await.unwrap();
    assert_eq!((row.state, foreseen.forecast), (EditState::Waiting, Forecast::WouldCreate));
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.why, item.edit_id), (Forecast::Refused, Some(Why::EditWaits), None));
    let lead = ledger::acts::Actor { name: "lead".to_owned(), role: "approver".to_owned() };
    f.store.approve_edit(row.id, &lead, "seen").await.unwrap();
    let item = f.foreseen().await.remove(0);
    assert_eq!((item.forecast, item.edit_id), (Forecast::WouldCreate, Some(row.id)));
    let body = replayed(&f).await.body;
    let came = arrival(&body, SCHEMA, Some(CONTENT_TYPE), &f.keys);
    let clinics = runtime::clinics::load_dir(&[CLINICS]).unwrap();
    let Ok(Judgement::Sound(found)) = judge::judge(&clinics, &came) else { panic!("not sound") };
    assert!(found.intake.patient.family == CANARY);
}

#[tokio::test]
async fn of_what_was_admitted_only_what_was_not_done_is_edited() {
    let f = Fixture::new().await;
    let form = submission("adult", "s-1");
    let (message, person, admission) = admit(&f, &form).await;
    let clinics = runtime::clinics::load_dir(&[CLINICS]).unwrap();
    let came = arrival(&bytes(&form), SCHEMA, None, &f.keys);
    let Ok(Judgement::Sound(found)) = judge::judge(&clinics, &came) else { panic!("not sound") };
    let mut meta = came.meta.clone();
    (meta.admission, meta.person) = (Some(admission), Some(person));
    let secret = Phi::new(Validated { intake: found.intake });
    let envelope: Envelope = Message { meta, secret }.seal(&f.keys).unwrap();
    let dead = letter(Stage::Eligibility, &envelope, Code::StoreUnavailable);
    f.keep(&dead).await;
    for field in [Field::PatientFamily, Field::AppointmentStart, Field::AppointmentProvider] {
        assert_eq!(edit(&f, &dead, &[(field, "x")]).await.err(), Some(NoEdit::Done(field)));
    }
    // A letter that names nobody is known by its message, and by what is found in it.
    let unnamed = DeadLetter { message: Some(message), ..template_failed(&f, &form) };
    f.keep(&unnamed).await;
    let family = [(Field::PatientFamily, "Smith")];
    assert_eq!(edit(&f, &unnamed, &family).await.err(), Some(NoEdit::Done(Field::PatientFamily)));
    f.store.move_letters(&[unnamed.id], ledger::letters::Move::Archive, &actor(), "x").await.unwrap();
    // Not so the letter of another message, which nothing was admitted by.
    let mut other = own(&f, &submission("adult", "s-2"), message);
    other.message = None;
    f.keep(&other).await;
    let (row, _) = edit(&f, &other, &[(Field::PatientFamily, "Smith")]).await.unwrap();
    f.store.withdraw_edit(row.letter_id, &actor(), "x").await.unwrap();
    f.store.move_letters(&[other.id], ledger::letters::Move::Archive, &actor(), "x").await.unwrap();

    let (row, foreseen) = edit(&f, &dead, &[(Field::PatientEmail, "Zebedee@example.com")]).await.unwrap();
    assert_eq!((row.state, foreseen.forecast), (EditState::InForce, Forecast::WouldCreate));
    let again = replayed(&f).await;
    let message: Message<Validated> = Envelope::from_slice(&again.body).unwrap().open(&f.keys).unwrap();
    assert_eq!(message.secret.expose().intake.patient.email.as_deref(), Some("zebedee@example.com"));
    assert_eq!(message.meta.admission, Some(admission));
    // Whatever sends it through the line again sends it so. The letters that were put aside above were no real ones of it.
    let sql = f.sql().await;
    sql.execute("UPDATE dead_letter SET state = 'replayed'", &[]).await.unwrap();
    let original = f.store.originals(&[admission]).await.unwrap().remove(0).1.sealed.unwrap();
    let came = arrival(&original, SCHEMA, Some(CONTENT_TYPE), &f.keys);
    let Ok(Judgement::Sound(found)) = judge::judge(&clinics, &came) else { panic!("not sound") };
    assert_eq!(found.intake.patient.email.as_deref(), Some("zebedee@example.com"));
    let op = "INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts,
        searches, changed_at) VALUES (gen_random_uuid(), $1, 'patient', true, 'create', 'x', 1, 'done', 1, 0, now())";
    sql.execute(op, &[&admission.as_uuid()]).await.unwrap();
    sql.execute("UPDATE dead_letter SET state = 'open'", &[]).await.unwrap();
    let phone = [(Field::PatientPhone, "312 555 0142")];
    assert_eq!(edit(&f, &dead, &phone).await.err(), Some(NoEdit::Done(Field::PatientPhone)));
    sql.execute("UPDATE ehr_op SET state = 'unknown'", &[]).await.unwrap();
    assert_eq!(edit(&f, &dead, &phone).await.err(), Some(NoEdit::InDoubt(Field::PatientPhone)));
}

#[tokio::test]
async fn an_edit_whose_key_is_gone_keeps_its_letter_back() {
    let f = Fixture::new().await;
    let dead = template_failed(&f, &submission("adult", "s-1"));
    f.keep(&dead).await;
    edit(&f, &dead, &[(Field::Reason, "cough")]).await.unwrap();
    let later = Arc::new(Keyring::new([("2027-01".to_owned(), vec![3; 32])]).unwrap());
    let overlay = tempfile::tempdir().unwrap();
    let replay = crate::support::replay(&f.store, &later, overlay.path().to_owned());
    let (plan, _) = replay.plan(&all(), 10, &actor(), "to see").await.unwrap();
    let item = f.store.plan_items(plan.id, None, 10).await.unwrap().items.remove(0);
    assert_eq!((item.forecast, item.why), (Forecast::Refused, Some(Why::EditUnreadable)));
}
