//! What one EHR holds of ours, asked page by page. Nothing is written.

use std::{collections::BTreeSet, time::Duration};

use adapters::ehr::{Ask, Ehr, OurPage, ReadFault, System};
use domain::{
    effect::Kind,
    reconcile::{Day, Key, Seen, Written},
};

/// The kinds that are looked for, and the system of their identifiers. Slots are the clinic's own, and are given back.
pub(super) const LOOKED_FOR: [(Kind, System); 3] = [
    (Kind::Patient, System::Patient),
    (Kind::Coverage, System::Coverage),
    (Kind::Appointment, System::Appointment),
];

/// How often a question is asked that gets no answer now.
const TRIES: u32 = 3;
/// The longest pause before it is asked again.
const PAUSE: Duration = Duration::from_secs(10);
/// A search with more pages is not followed: something is wrong with it.
const PAGES: usize = 10_000;

/// What an EHR told.
#[derive(Default)]
pub(super) struct Told {
    /// Under our identifiers.
    pub(super) seen: Vec<Seen>,
    /// Kinds of which every identifier was asked for.
    pub(super) asked: BTreeSet<Kind>,
    /// What it did not tell.
    pub(super) gaps: Vec<String>,
}

/// Asks an EHR for everything that was written to it, and for whatever of ours was changed within a time.
pub(super) async fn look(name: &str, ehr: &dyn Ehr, written: &[&Written], changed: Day) -> Told {
    let mut told = Told::default();
    for (kind, system) in LOOKED_FOR {
        let identifiers: BTreeSet<&String> =
            written.iter().filter(|one| one.key.what == kind).map(|one| &one.key.identifier).collect();
        let identifiers: Vec<String> = identifiers.into_iter().cloned().collect();
        let mut complete = true;
        for some in identifiers.chunks(Ask::MOST) {
            if let Err(fault) =
                pages((name, ehr), (kind, system), Ask::Identifiers(some), &mut told.seen).await
            {
                told.gaps.push(format!("ehr:{name}: {} when asked for each {kind}", why(fault)));
                complete = false;
                break;
            }
        }
        if complete {
            told.asked.insert(kind);
        }
        let day = Ask::Changed { from: changed.from, until: changed.until };
        if let Err(fault) = pages((name, ehr), (kind, system), day, &mut told.seen).await {
            told.gaps.push(format!("ehr:{name}: {} when asked what {kind} was changed that day", why(fault)));
        }
    }
    told
}

/// Whether a resource is there that does not carry our identifier: a patient whom the clinic had before us, or what a person made by hand
/// and named when they were asked.
pub(super) async fn is_there(ehr: &dyn Ehr, kind: Kind, id: &str) -> Result<bool, ReadFault> {
    let system = LOOKED_FOR.into_iter().find(|(one, _)| *one == kind).map(|(_, system)| system);
    let Some(system) = system else { return Ok(false) };
    let mut tries = 0;
    loop {
        tries += 1;
        match ehr.exists(system, id).await {
            Ok(there) => return Ok(there),
            Err(fault) => again(fault, tries).await?,
        }
    }
}

async fn pages(
    (name, ehr): (&str, &dyn Ehr),
    (kind, system): (Kind, System),
    ask: Ask<'_>,
    seen: &mut Vec<Seen>,
) -> Result<(), ReadFault> {
    let mut ask = ask;
    for _ in 0..PAGES {
        let OurPage { found, next } = page(ehr, system, ask).await?;
        seen.extend(found.into_iter().map(|one| Seen {
            key: Key { ehr: name.to_owned(), what: kind, identifier: one.identifier },
            resource: one.id,
            updated: one.updated,
        }));
        let Some(cursor) = next else { return Ok(()) };
        ask = Ask::Next(cursor);
    }
    Err(ReadFault::Unreadable)
}

async fn page(ehr: &dyn Ehr, system: System, ask: Ask<'_>) -> Result<OurPage, ReadFault> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ehr.ours(system, ask.clone()).await {
            Ok(page) => return Ok(page),
            Err(fault) => again(fault, tries).await?,
        }
    }
}

/// Waits, if it may be worth to ask again.
async fn again(fault: ReadFault, tries: u32) -> Result<(), ReadFault> {
    let pause = match fault {
        ReadFault::Throttled { after } => after.min(PAUSE),
        ReadFault::Unavailable => Duration::from_secs(1),
        _ => return Err(fault),
    };
    if tries >= TRIES {
        return Err(fault);
    }
    tokio::time::sleep(pause).await;
    Ok(())
}

/// A fault in words: nothing that the EHR said is in them.
pub(super) const fn why(fault: ReadFault) -> &'static str {
    match fault {
        ReadFault::Unavailable => "no answer",
        ReadFault::Throttled { .. } => "asked to wait, again and again,",
        ReadFault::Unauthorized => "does not let us in",
        ReadFault::Missing | ReadFault::Refused { .. } => "refused the question",
        ReadFault::Unreadable => "an answer that cannot be read",
    }
}
