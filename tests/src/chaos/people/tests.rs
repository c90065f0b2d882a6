//! The plan is what it says, each form maps to what was asked for, and no two persons are alike.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use domain::{
    ClinicId,
    blind::IndexKey,
    intake::{Address, Coverage, Patient, Sex},
    matching::person::{Matcher, PersonRecord, Verdict},
    rules,
    submission::Submission,
};
use jiff::Timestamp;
use testkit::sandbox::{Member, SlotRow};

use super::{Clinic, Dispatch, Door, Parcel, Person, offers, plan};

fn samples() -> Vec<Clinic> {
    Clinic::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")).unwrap()
}

fn begin() -> Timestamp {
    "2026-11-22T10:11:12Z".parse().unwrap()
}

fn dispatches(seed: u64, count: u64) -> Vec<Dispatch> {
    plan(seed, count, begin(), samples()).unwrap().collect()
}

fn submissions(dispatches: &[Dispatch]) -> Vec<&Parcel> {
    let all = dispatches.iter().flat_map(|dispatch| match dispatch {
        Dispatch::One(parcel) => vec![parcel],
        Dispatch::Pair(one, other) => vec![one, other],
        Dispatch::Again(_) | Dispatch::Poison(_) => vec![],
    });
    all.collect()
}

#[test]
fn a_seed_gives_the_same_plan_and_another_seed_another() {
    let bodies = |seed| dispatches(seed, 50).iter().map(body).collect::<Vec<_>>();
    fn body(dispatch: &Dispatch) -> Vec<u8> {
        match dispatch {
            Dispatch::One(parcel) | Dispatch::Pair(parcel, _) | Dispatch::Again(parcel) => {
                parcel.body.to_vec()
            }
            Dispatch::Poison(poison) => poison.body.clone(),
        }
    }
    assert!(bodies(1) == bodies(1));
    assert!(bodies(1) != bodies(2));
}

#[test]
fn every_kind_is_there_about_as_often_as_it_should_be() {
    const COUNT: usize = 20_000;
    let all = dispatches(3, COUNT as u64);
    let one_by_one = submissions(&all);
    assert_eq!(one_by_one.len(), COUNT);
    let ids: HashSet<_> = one_by_one.iter().map(|parcel| &parcel.asked.submission).collect();
    let slots: HashSet<_> =
        one_by_one.iter().map(|parcel| (&parcel.asked.provider, parcel.asked.start)).collect();
    let streets: HashSet<_> = one_by_one.iter().map(|parcel| &parcel.asked.street).collect();
    assert_eq!((ids.len(), slots.len(), streets.len()), (COUNT, COUNT, COUNT));
    assert!(one_by_one.iter().all(|parcel| parcel.asked.start > begin()));
    let count = |wanted: fn(&Dispatch) -> bool| all.iter().filter(|one| wanted(one)).count();
    let among = |wanted: fn(&Parcel) -> bool| one_by_one.iter().filter(|one| wanted(one)).count();
    for (what, counted, share) in [
        ("poison", count(|one| matches!(one, Dispatch::Poison(_))), 0.01),
        ("pairs", count(|one| matches!(one, Dispatch::Pair(..))), 0.048),
        ("retries", count(|one| matches!(one, Dispatch::Again(_))), 0.05),
        ("gateway", among(|one| one.door == Door::Gateway), 0.2),
        ("twice", among(|one| one.deliveries == 2), 0.1),
        ("texts", among(|one| one.asked.sms), 0.3),
    ] {
        let wanted = COUNT as f64 * share;
        assert!((counted as f64 - wanted).abs() < wanted * 0.3, "{what}: {counted}, not about {wanted}");
    }
    let persons: HashSet<_> = one_by_one.iter().map(|parcel| parcel.asked.person).collect();
    assert!((15_000..18_500).contains(&persons.len()), "{} persons", persons.len());
    let twice_at_gateway = among(|one| one.door == Door::Gateway && one.deliveries != 1);
    assert_eq!(twice_at_gateway, 0);
}

#[test]
fn a_retry_is_the_same_body_by_the_same_door_later() {
    let all = dispatches(4, 2_000);
    let mut seen = HashMap::new();
    let mut retries = 0;
    for dispatch in &all {
        match dispatch {
            Dispatch::Again(again) => {
                let first: &Parcel = seen[&again.asked.submission];
                assert!(first.body == again.body && first.door == again.door);
                retries += 1;
            }
            other => {
                let parcels = submissions(std::slice::from_ref(other));
                seen.extend(parcels.into_iter().map(|parcel| (parcel.asked.submission.clone(), parcel)));
            }
        }
    }
    assert!(retries > 50, "{retries}");
}

#[test]
fn every_clinics_template_reads_what_was_asked_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clinics");
    let clinics = runtime::clinics::load_dir(&[folder]).unwrap();
    let (mut shapes, mut people) = (HashSet::new(), HashMap::new());
    let all = dispatches(5, 2_000);
    let listed = samples();
    for Parcel { asked, body, .. } in submissions(&all) {
        let submission: Submission = serde_json::from_slice(body).unwrap();
        let clinic = clinics.get(&submission.clinic_id).unwrap();
        let read = clinic.map(&submission.form, &submission.form_version, submission.submitted_at);
        let Ok(intake) = read else { panic!("{}: cannot be mapped", asked.submission) };
        assert!(rules::check(&intake, clinic, submission.submitted_at).is_none(), "{}", asked.submission);
        let patient = &intake.patient;
        let street = patient.address.as_ref().unwrap().lines.join(" ").to_lowercase();
        assert!(patient.email.as_deref() == Some(&asked.email), "{}", asked.submission);
        assert!(patient.phone.as_deref() == Some(&asked.phone), "{}", asked.submission);
        assert!(street == asked.street.to_lowercase(), "{}", asked.submission);
        assert_eq!(intake.coverage.as_ref().unwrap().member_id, asked.member_id);
        assert_eq!((&intake.appointment.provider, intake.appointment.start), (&asked.provider, asked.start));
        assert_eq!((intake.consents.sms, intake.consents.email), (asked.sms, asked.mail));
        let person = Person::of(5, asked.person, listed.len());
        assert!(patient.given == person.given && patient.family == person.family, "{}", asked.submission);
        assert_eq!(patient.birth_date, person.birth_date);
        // The person who comes again is the same to the matcher.
        let record = PersonRecord::from(&intake);
        if let Some(before) = people.insert(asked.person, record.clone()) {
            assert_eq!(Matcher::bundled().unwrap().compare(&before, &record), Verdict::Same);
        }
        shapes.insert(submission.clinic_id);
    }
    assert_eq!(shapes.len(), listed.len());
}

#[test]
fn no_two_persons_are_alike() {
    const SEED: u64 = 6;
    const COUNT: u32 = 40_000;
    let matcher = Matcher::bundled().unwrap();
    let (clinic, key) = (ClinicId::parse("clinic-01").unwrap(), IndexKey::new(&[3; 32]));
    let record = |number| {
        // As if all went to one clinic: harder than it will be.
        let person = Person::of(SEED, number, 1);
        let address = Address {
            lines: vec![format!("{} Linden Street", number + 1)],
            city: "Fairhaven".to_owned(),
            state: "UT".to_owned(),
            postal_code: "20411".to_owned(),
        };
        let patient = Patient {
            phone: Some(person.e164()),
            email: Some(person.email.clone()),
            sex: if person.female { Sex::Female } else { Sex::Male },
            birth_date: person.birth_date,
            given: person.given,
            middle: None,
            family: person.family,
            address: Some(address),
        };
        let coverage = Coverage { payer: person.payer.to_owned(), member_id: person.member_id, group: None };
        PersonRecord::of(&patient, Some(&coverage))
    };
    let records: Vec<_> = (0..COUNT).map(record).collect();
    let mut sharing: HashMap<_, Vec<usize>> = HashMap::new();
    for (place, record) in records.iter().enumerate() {
        for block in record.block_keys(&clinic, &key) {
            sharing.entry(block).or_default().push(place);
        }
    }
    let (mut compared, mut alike) = (0_u32, 0_u32);
    for group in sharing.values() {
        for (nth, one) in group.iter().enumerate() {
            for other in &group[nth + 1..] {
                compared += 1;
                alike += u32::from(matcher.compare(&records[*one], &records[*other]) != Verdict::Different);
            }
        }
    }
    assert_eq!(alike, 0, "of {compared} pairs that share a key");
    // And pairs that share none.
    for step in 1..2_000 {
        let verdict = matcher.compare(&records[step], &records[step * 17 % records.len()]);
        assert!(step * 17 % records.len() == step || verdict == Verdict::Different);
    }
}

#[test]
fn the_sandbox_is_offered_every_slot_and_every_member() {
    let (mut slots, mut members) = (Vec::new(), HashSet::new());
    for offer in offers(7, 6_000, begin(), &samples()).unwrap() {
        let offer = offer.unwrap();
        slots.extend(SlotRow::read_csv(offer.slots.as_bytes()).unwrap());
        let read = Member::read_csv(offer.members.as_bytes()).unwrap();
        members.extend(read.into_iter().map(|member| member.member_id));
    }
    let offered: HashSet<_> = slots.iter().map(|row| (row.provider.clone(), row.start)).collect();
    let all = dispatches(7, 6_000);
    let parcels = submissions(&all);
    assert_eq!(offered.len(), parcels.len());
    for parcel in parcels {
        assert!(offered.contains(&(parcel.asked.provider.clone(), parcel.asked.start)));
        assert!(members.contains(&parcel.asked.member_id));
    }
}
