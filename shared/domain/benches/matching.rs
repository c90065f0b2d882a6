//! What matching costs: comparing pairs, the whole linkage of FEBRL 1, and one comparison of persons.
//!
//!     cargo bench -p domain --bench matching

#![allow(missing_docs, reason = "criterion's macros make items without")]
#![allow(clippy::expect_used, reason = "tests read the same files")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{
    intake::{AppointmentRequest, Communication, Consents, Intake, Patient, Sex, VisitKind},
    matching::{
        FEBRL_1, FEBRL_SPEC, Linker, Spec, Table,
        link::Scope,
        person::{Matcher, PersonRecord},
    },
};
use jiff::{Timestamp, civil::Date};

fn febrl(c: &mut Criterion) {
    let table = Table::from_csv(FEBRL_1).expect("bundled records");
    let spec = Spec::from_toml(FEBRL_SPEC).expect("bundled specification");
    let linker = Linker::new(&table, &spec, Scope::Within);
    let pairs: Vec<(u32, u32)> =
        (0..1000).flat_map(|a| (a + 1..1000).step_by(50).map(move |b| (a, b))).collect();

    let mut group = c.benchmark_group("febrl1");
    group.throughput(Throughput::Elements(pairs.len() as u64));
    group.bench_function("compare pairs", |b| {
        b.iter(|| pairs.iter().map(|pair| linker.pattern(*pair)).max());
    });
    group.throughput(Throughput::Elements(table.len() as u64));
    group.bench_function("candidates", |b| b.iter(|| black_box(linker.candidates())));
    group.sample_size(10);
    group.bench_function("whole linkage", |b| {
        b.iter(|| {
            let candidates = linker.candidates();
            let estimate = linker.estimate(&candidates);
            estimate.map(|estimate| linker.score(&estimate.model, &candidates).count())
        });
    });
    group.finish();
}

fn person(given: &str) -> PersonRecord {
    PersonRecord::from(&Intake {
        patient: Patient {
            given: given.to_owned(),
            middle: None,
            family: "Müller".to_owned(),
            birth_date: Date::constant(1984, 3, 12),
            sex: Sex::Female,
            phone: Some("+18595550112".to_owned()),
            email: Some("k.muller@example.com".to_owned()),
            address: None,
        },
        guardian: None,
        coverage: None,
        appointment: AppointmentRequest {
            kind: VisitKind::FollowUp,
            provider: "prov-1".to_owned(),
            start: Timestamp::UNIX_EPOCH,
        },
        consents: Consents::default(),
        reason: None,
        communication: Communication::default(),
        referral: None,
    })
}

fn persons(c: &mut Criterion) {
    let matcher = Matcher::bundled().expect("bundled weights");
    let (a, b, twin) = (person("Katharina"), person("KATHARINA"), person("Sophie"));
    let mut group = c.benchmark_group("person");
    group.bench_function("same", |bench| bench.iter(|| matcher.compare(black_box(&a), black_box(&b))));
    group.bench_function("twin", |bench| bench.iter(|| matcher.compare(black_box(&a), black_box(&twin))));
    group.finish();
}

criterion_group!(benches, febrl, persons);
criterion_main!(benches);
