//! Dead letters: each kept once, listed by time to the visit, grouped by what they died of.

use domain::{
    Code, CorrelationId, Endpoint, FieldPath, Stage,
    clock::{Clock, SystemClock},
    ids::LetterId,
    letter::DeadLetter,
    meta::TemplateRef,
    ports::LetterBox,
};
use jiff::Timestamp;
use ledger::{Store, letters::LetterFilter};

use crate::support::{Fixture, fresh_message};

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}:00Z").parse().unwrap()
}

pub(crate) fn letter(clinic: Option<&str>, died_at: &str, visit: Option<&str>) -> DeadLetter {
    let (message, died_at) = (fresh_message(), at(died_at));
    DeadLetter {
        id: LetterId::of("ehr-writer.default.dlq", Some(message), died_at, b"sealed"),
        message: Some(message),
        stage: Stage::EhrWriter,
        lane: "default".parse().unwrap(),
        code: Some(Code::EhrRejected),
        field: Some(FieldPath::known("patient.given")),
        endpoint: None,
        template: Some(TemplateRef { id: "base".into(), version: 2 }),
        admission: None,
        submission: Some("s-1".parse().unwrap()),
        clinic: clinic.map(|id| id.parse().unwrap()),
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".into()),
        attempt: 3,
        first_failed_at: Some(at("06:00")),
        died_at,
        collected_at: at("09:00"),
        appointment_at: visit.map(at),
        schema: "intake.checked.v1".into(),
        body: b"sealed".to_vec(),
    }
}

/// One that nobody could read.
fn poison(died_at: &str) -> DeadLetter {
    DeadLetter {
        stage: Stage::Validation,
        lane: "north".parse().unwrap(),
        code: Some(Code::Malformed),
        field: None,
        template: None,
        submission: None,
        message: None,
        ..letter(None, died_at, None)
    }
}

pub(crate) async fn keep(store: &Store, letters: &[DeadLetter]) {
    for letter in letters {
        store.keep(letter.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn a_letter_that_comes_again_is_one_row() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let first = letter(Some("clinic-01"), "08:30", None);
    // In one batch, by another process, and after a restart.
    let (a, b, c) = tokio::join!(one.keep(first.clone()), one.keep(first.clone()), other.keep(first.clone()));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let late = DeadLetter { collected_at: at("10:00"), ..first.clone() };
    fixture.store().await.keep(late).await.unwrap();
    assert_eq!(one.letters_kept().await.unwrap(), 1);
    let row = one.letter(first.id).await.unwrap().unwrap();
    assert_eq!((row.collected_at, row.message_id, row.attempts), (at("09:00"), first.message, 3));
    assert_eq!(row.fingerprint, "ehr-writer/ehr_rejected/patient.given/base@2");
    assert_eq!(row.template.as_deref(), Some("base@2"));
    let body: Vec<u8> =
        fixture.sql().await.query_one("SELECT envelope FROM dead_letter", &[]).await.unwrap().get(0);
    assert_eq!(body, first.body);
    // The same message, dead again after it was sent anew.
    let died_at = at("11:00");
    let id = LetterId::of("ehr-writer.default.dlq", first.message, died_at, &first.body);
    one.keep(DeadLetter { id, died_at, ..first }).await.unwrap();
    assert_eq!(one.letters_kept().await.unwrap(), 2);
    assert_eq!(one.letter(LetterId::from_uuid(SystemClock.fresh_id())).await.unwrap(), None);
}

#[tokio::test]
async fn letters_are_listed_by_time_to_the_visit_page_by_page() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [
        poison("08:50"),
        letter(Some("clinic-01"), "08:40", Some("15:00")),
        letter(Some("clinic-02"), "08:30", Some("11:00")),
        poison("08:20"),
        letter(Some("clinic-02"), "08:10", Some("15:00")),
    ];
    keep(&store, &letters).await;
    let wanted: Vec<LetterId> = [2, 4, 1, 3, 0].map(|nth: usize| letters[nth].id).into();
    let mut seen = Vec::new();
    let mut after = None;
    for size in [2, 2, 1, 0] {
        let page = store.letters(&LetterFilter::default(), after, 2).await.unwrap();
        assert_eq!(page.letters.len(), size);
        seen.extend(page.letters.iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn every_filter_selects() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(Some("clinic-01"), "08:40", None), poison("08:20")];
    keep(&store, &letters).await;
    let none = LetterFilter::default;
    for (filter, expected) in [
        (LetterFilter { clinic: Some("clinic-01".parse().unwrap()), ..none() }, vec![letters[0].id]),
        (LetterFilter { clinic: Some("clinic-02".parse().unwrap()), ..none() }, vec![]),
        (LetterFilter { stage: Some(Stage::Validation), ..none() }, vec![letters[1].id]),
        (LetterFilter { lane: Some("north".parse().unwrap()), ..none() }, vec![letters[1].id]),
        (LetterFilter { code: Some(Code::EhrRejected), ..none() }, vec![letters[0].id]),
        (
            LetterFilter { fingerprint: Some("validation/malformed/-/-".into()), ..none() },
            vec![letters[1].id],
        ),
        (LetterFilter { since: Some(at("08:30")), ..none() }, vec![letters[0].id]),
        (LetterFilter { since: Some(Timestamp::MIN), ..none() }, vec![letters[1].id, letters[0].id]),
    ] {
        let page = store.letters(&filter, None, 10).await.unwrap();
        assert_eq!(page.letters.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
        let grouped: u64 = store.letter_groups(&filter).await.unwrap().iter().map(|group| group.count).sum();
        assert_eq!(grouped, expected.len() as u64, "{filter:?}");
    }
}

#[tokio::test]
async fn groups_show_how_many_since_when_how_fast_and_who_waits() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let down = |died_at| DeadLetter {
        code: Some(Code::EhrUnavailable),
        endpoint: Some(Endpoint::ehr("main")),
        ..letter(Some("clinic-03"), died_at, Some("10:00"))
    };
    // The clock stands at 9:00.
    let letters = [
        letter(Some("clinic-02"), "06:00", Some("16:00")),
        letter(Some("clinic-01"), "07:30", Some("14:00")),
        letter(Some("clinic-01"), "08:00", None),
        letter(Some("clinic-01"), "08:59", Some("15:00")),
        poison("05:00"),
        poison("05:30"),
        down("08:30"),
    ];
    keep(&store, &letters).await;
    let groups = store.letter_groups(&LetterFilter::default()).await.unwrap();
    let fingerprints: Vec<_> = groups.iter().map(|group| group.fingerprint.as_str()).collect();
    assert_eq!(
        fingerprints,
        [
            "ehr-writer/ehr_unavailable/ehr:main/base@2",
            "ehr-writer/ehr_rejected/patient.given/base@2",
            "validation/malformed/-/-"
        ]
    );
    let refused = &groups[1];
    assert_eq!((refused.count, refused.last_hour, refused.hour_before), (4, 2, 1));
    assert_eq!((refused.first_seen, refused.last_seen), (at("06:00"), at("08:59")));
    assert_eq!(refused.soonest_appointment, Some(at("14:00")));
    assert_eq!(refused.clinics, ["clinic-01", "clinic-02"]);
    let unread = &groups[2];
    assert_eq!((unread.count, unread.soonest_appointment, unread.clinics.len()), (2, None, 0));
}
