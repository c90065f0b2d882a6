//! What the sandbox has to know before a plan is sent: the slots that it offers and the members that its payers have.

use jiff::Timestamp;
use testkit::sandbox::{Control, SlotRow};

use super::{
    calendar::MINUTES,
    clinic::Clinic,
    person::Person,
    plan::{Dispatch, Parcel, plan},
};

/// Submissions of one part: some hundred kilobytes of text.
const PART: usize = 5_000;

/// A part of both lists, each with its header.
pub struct Offer {
    /// For `Control::load_slots`.
    pub slots: String,
    /// For `Control::load_members`.
    pub members: String,
}

/// The lists for a plan of these numbers, in parts.
///
/// # Errors
/// As [`plan`]; of a part, if it cannot be written.
pub fn offers(
    seed: u64,
    count: u64,
    begin: Timestamp,
    clinics: &[Clinic],
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Offer>>> {
    let clinics_known = clinics.len();
    let mut submissions = plan(seed, count, begin, clinics)?.flat_map(|dispatch| match dispatch {
        Dispatch::One(parcel) => vec![parcel],
        Dispatch::Pair(one, other) => vec![one, other],
        Dispatch::Again(_) | Dispatch::Poison(_) => Vec::new(),
    });
    Ok(std::iter::from_fn(move || {
        let part: Vec<Parcel> = submissions.by_ref().take(PART).collect();
        (!part.is_empty()).then(|| offer(seed, clinics_known, &part))
    }))
}

/// Makes the lists known to a sandbox.
///
/// # Errors
/// If a part cannot be written, or the sandbox does not take it.
pub async fn load(
    sandbox: &Control,
    offers: impl Iterator<Item = anyhow::Result<Offer>>,
) -> anyhow::Result<()> {
    for offer in offers {
        let Offer { slots, members } = offer?;
        sandbox.load_slots(slots).await?;
        sandbox.load_members(members).await?;
    }
    Ok(())
}

fn offer(seed: u64, clinics: usize, part: &[Parcel]) -> anyhow::Result<Offer> {
    let (mut slots, mut members) =
        (csv::Writer::from_writer(Vec::new()), csv::Writer::from_writer(Vec::new()));
    for Parcel { asked, .. } in part {
        slots.serialize(SlotRow {
            clinic_id: asked.clinic.clone(),
            provider: asked.provider.clone(),
            start: asked.start,
            minutes: MINUTES,
        })?;
        members.serialize(Person::of(seed, asked.person, clinics).member())?;
    }
    Ok(Offer { slots: text(slots)?, members: text(members)? })
}

fn text(writer: csv::Writer<Vec<u8>>) -> anyhow::Result<String> {
    let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))?;
    Ok(String::from_utf8(bytes)?)
}
