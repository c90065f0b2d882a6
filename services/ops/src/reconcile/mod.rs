//! Reconciliation: what the senders say, what the gateways counted, the journal, the ledger and the EHRs' own contents, held against each other for one day.
//!
//! The rules are [`domain::reconcile`]'s; here the facts are gathered. The order matters: what the ledger says is done is read before the EHR
//! is asked for it, and whose a resource is after it was seen. So what happens meanwhile is no difference.

mod daily;
mod ehr;
mod redrive;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use adapters::ehr::EhrDirectory;
use domain::{
    ClinicId,
    clock::Clock,
    ids::SourceName,
    ports::{StoreDown, SwitchScope},
    reconcile::{self, Compared, Day, Difference, Key, Origin, Seen, Sent, Written},
    template::{Clinic, Clinics},
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use ledger::{
    Store,
    read::{Counts, OutcomeFilter, State},
    reconcile::Run,
};
use runtime::{again::Again, topology::Lanes};

use crate::{config::ReconciliationConfig, ports::Queues};

pub use redrive::{Left, NotRedriven, Redriven, Why};

/// Submissions of a clinic that are open are looked at up to this number, the oldest first.
const MOST_OPEN: u32 = 10_000;
/// Identifiers that one statement asks for.
const AT_ONCE: usize = 1000;
/// Beside its search lag, an EHR has so long to show what was written.
const MARGIN: SignedDuration = SignedDuration::from_secs(1);

/// Everything that a reconciliation asks.
pub struct Reconciler {
    /// The ledger and the journal.
    pub store: Store,
    /// The clinics, each with its time zone and the name of its EHR.
    pub clinics: Arc<Clinics>,
    /// The EHRs, as the ehr-writer reaches them.
    pub ehrs: EhrDirectory,
    /// The broker's queues.
    pub queues: Arc<dyn Queues>,
    /// The lanes.
    pub lanes: Lanes,
    /// Where submissions are published again; `None`: there is no broker.
    pub again: Option<Again>,
    /// The time, and names.
    pub clock: Arc<dyn Clock>,
    /// When what is a difference.
    pub config: ReconciliationConfig,
}

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The day, at each clinic by its own clock.
    pub day: Date,
    /// One clinic's, or all clinics'.
    pub clinic: Option<ClinicId>,
    /// What the senders say.
    pub sent: Vec<Sent>,
    /// Who asks.
    pub actor: String,
    /// Whether it is the daily run.
    pub daily: bool,
}

/// What one clinic's part of the ledger says.
struct Side<'c> {
    clinic: &'c Clinic,
    day: Day,
    counts: Counts,
    sources: BTreeMap<SourceName, u64>,
    accepted: Option<u64>,
    written: Vec<Written>,
}

impl Reconciler {
    /// Compares, and keeps the result. `None`: another process has kept the day's daily run already.
    ///
    /// # Errors
    /// [`StoreDown`]. What an EHR does not tell is no error, but a gap of the run.
    pub async fn run(&self, wish: &Wish) -> Result<Option<(Run, Vec<Difference>)>, StoreDown> {
        let begun_at = self.clock.now();
        let late = begun_at.checked_sub(self.config.sla()).unwrap_or(Timestamp::MIN);
        let (mut found, mut gaps) = (Vec::new(), Vec::new());
        let mut sides = Vec::new();
        for clinic in self.chosen(wish) {
            let Some(day) = Day::of(wish.day, &clinic.time_zone) else { continue };
            let side = self.side(clinic, day, begun_at).await?;
            let open = self.store.open(&clinic.id, day.until, MOST_OPEN).await?;
            if u32::try_from(open.len()).is_ok_and(|len| len == MOST_OPEN) {
                gaps.push(format!(
                    "clinic:{}: more than {MOST_OPEN} are open, the oldest are told",
                    clinic.id
                ));
            }
            let odd = self.store.ended_oddly(&clinic.id, day).await?;
            found.extend(open.iter().chain(&odd).filter_map(|one| reconcile::open(one, late)));
            let lost = self.store.never_admitted(&clinic.id, day.until, late, MOST_OPEN).await?;
            if u32::try_from(lost.len()).is_ok_and(|len| len == MOST_OPEN) {
                gaps.push(format!(
                    "clinic:{}: more than {MOST_OPEN} were accepted and not admitted, the oldest are told",
                    clinic.id
                ));
            }
            found.extend(lost);
            sides.push(side);
        }
        if let Some(all) = span(sides.iter().map(|side| side.day)) {
            found.extend(self.store.died_unread(wish.clinic.as_ref(), all, late).await?);
            let untold = self.store.untold(all).await?.into_iter();
            gaps.extend(untold.map(|one| {
                let (gateway, since) = (one.gateway, one.since.strftime("%Y-%m-%d %H:%M:%S UTC"));
                if one.since > begun_at {
                    format!(
                        "gateway:{gateway}: its clock ran ahead, to {since}: what it tells cannot be placed"
                    )
                } else {
                    format!("gateway:{gateway}: has not told what it accepted since {since}")
                }
            }));
        }
        let admitted = sides.iter().flat_map(|side| {
            let clinic = &side.clinic.id;
            side.sources.iter().map(move |(source, count)| ((clinic.clone(), source.clone()), *count))
        });
        found.extend(reconcile::counted(&wish.sent, &admitted.collect()));
        let there = self.outside(wish, &sides, (&mut found, &mut gaps)).await?;
        let compared = sides.iter().map(|side| compared(side, wish, there.get(&side.clinic.id).copied()));
        let run = Run {
            id: self.clock.fresh_id(),
            day: wish.day,
            clinic: wish.clinic.clone(),
            daily: wish.daily,
            actor: wish.actor.clone(),
            begun_at,
            compared: compared.collect(),
            gaps,
            ended_at: self.clock.now(),
        };
        let rank = |kind| reconcile::Kind::ALL.iter().position(|one| *one == kind);
        found.sort_by(|a, b| {
            (rank(a.kind), &a.clinic_id, a.since).cmp(&(rank(b.kind), &b.clinic_id, b.since))
        });
        let kept = self.store.keep_run(&run, &found).await?;
        tracing::info!(
            frontdesk.reconciliation = %run.id,
            frontdesk.day = %run.day,
            frontdesk.differences = found.len(),
            frontdesk.gaps = run.gaps.len(),
            "ops.reconciled"
        );
        Ok(kept.then_some((run, found)))
    }

    fn chosen<'a>(&'a self, wish: &'a Wish) -> impl Iterator<Item = &'a Clinic> {
        self.clinics.iter().filter(|clinic| wish.clinic.as_ref().is_none_or(|one| *one == clinic.id))
    }

    /// The ledger's side.
    async fn side<'c>(&self, clinic: &'c Clinic, day: Day, now: Timestamp) -> Result<Side<'c>, StoreDown> {
        let filter = OutcomeFilter {
            clinic: Some(clinic.id.clone()),
            state: None,
            from: Some(day.from),
            until: Some(day.until),
        };
        let lag = self.ehrs.get(&clinic.ehr).map_or(SignedDuration::ZERO, |ehr| {
            SignedDuration::try_from(ehr.profile().search_lag).unwrap_or(SignedDuration::ZERO)
        });
        let before = now.checked_sub(lag.saturating_add(MARGIN)).unwrap_or(Timestamp::MIN);
        Ok(Side {
            counts: self.store.counts(&filter).await?,
            sources: self.store.admitted_by_source(&clinic.id, day).await?,
            accepted: self.store.accepted_on(&clinic.id, day).await?,
            written: self.store.written((&clinic.id, &clinic.ehr), day, before).await?,
            clinic,
            day,
        })
    }

    /// The EHRs' side: adds what is found there, and gives how much of what was written is there, for each clinic whose EHR told all.
    async fn outside(
        &self,
        wish: &Wish,
        sides: &[Side<'_>],
        (found, gaps): (&mut Vec<Difference>, &mut Vec<String>),
    ) -> Result<BTreeMap<ClinicId, u64>, StoreDown> {
        let paused: Vec<SwitchScope> =
            self.store.pauses().await?.into_iter().map(|pause| pause.scope).collect();
        let names: BTreeSet<&str> = sides.iter().map(|side| side.clinic.ehr.as_str()).collect();
        let (mut seen, mut there) = (Vec::new(), BTreeMap::new());
        for name in names {
            let own: Vec<&Side<'_>> = sides.iter().filter(|side| side.clinic.ehr == name).collect();
            let Some(days) = span(own.iter().map(|side| side.day)) else { continue };
            let Some(ehr) = self.ehrs.get(name) else {
                gaps.push(format!("ehr:{name}: not configured"));
                continue;
            };
            if paused.contains(&SwitchScope::Endpoint(domain::Endpoint::ehr(name))) {
                gaps.push(format!("ehr:{name}: paused"));
                continue;
            }
            let written: Vec<&Written> = own.iter().flat_map(|side| &side.written).collect();
            let told = ehr::look(name, ehr.as_ref(), &written, days).await;
            let whole = told.asked.len() == ehr::LOOKED_FOR.len();
            gaps.extend(told.gaps);
            for side in own {
                let asked: Vec<Written> =
                    side.written.iter().filter(|one| told.asked.contains(&one.key.what)).cloned().collect();
                let mut absent = reconcile::absent(&asked, &told.seen);
                let mut sure = whole;
                for one in absent.clone() {
                    let Some(id) = &one.resource else { continue };
                    match ehr::is_there(ehr.as_ref(), one.key.what, id).await {
                        Ok(false) => {}
                        Ok(true) => absent.retain(|other| other.key != one.key),
                        Err(fault) => {
                            let what = one.key.what;
                            gaps.push(format!("ehr:{name}: {} when asked for one {what}", ehr::why(fault)));
                            absent.retain(|other| other.key != one.key);
                            sure = false;
                        }
                    }
                }
                found.extend(reconcile::missing(&absent));
                let things: BTreeSet<&Key> = asked.iter().map(|one| &one.key).collect();
                if sure {
                    there.insert(side.clinic.id.clone(), (things.len() - absent.len()) as u64);
                }
            }
            seen.extend(told.seen);
        }
        let known = self.known(&seen).await?;
        // An EHR that several clinics share tells of all of them. Whose a stray resource is, nobody knows: it is everybody's.
        let wanted = |one: &Difference| {
            wish.clinic.is_none() || one.clinic_id.is_none() || one.clinic_id == wish.clinic
        };
        found.extend(reconcile::twice(&seen, &known).into_iter().filter(wanted));
        found.extend(reconcile::stray(&seen, &known));
        Ok(there)
    }

    /// Whose writes the resources are.
    async fn known(&self, seen: &[Seen]) -> Result<BTreeMap<Key, Origin>, StoreDown> {
        let identifiers: BTreeSet<&String> = seen.iter().map(|one| &one.key.identifier).collect();
        let identifiers: Vec<String> = identifiers.into_iter().cloned().collect();
        let mut origins = BTreeMap::new();
        for some in identifiers.chunks(AT_ONCE) {
            origins.extend(self.store.origins(some).await?);
        }
        let known = seen.iter().filter_map(|one| {
            let origin = origins.get(&(one.key.what, one.key.identifier.clone()))?;
            // One clinic's identifier in another clinic's EHR is as strange as one that nobody wrote.
            let home = self.clinics.get(&origin.clinic).is_none_or(|clinic| clinic.ehr == one.key.ehr);
            home.then(|| (one.key.clone(), origin.clone()))
        });
        Ok(known.collect())
    }
}

/// From the first moment of any day to the last of any.
fn span(days: impl Iterator<Item = Day>) -> Option<Day> {
    days.reduce(|a, b| Day { from: a.from.min(b.from), until: a.until.max(b.until) })
}

fn compared(side: &Side<'_>, wish: &Wish, in_ehr: Option<u64>) -> Compared {
    let clinic = &side.clinic.id;
    let told: Vec<u64> = wish.sent.iter().filter(|one| one.clinic == *clinic).map(|one| one.count).collect();
    let state = |state| side.counts.states.iter().filter(|one| one.state == state).map(|one| one.count).sum();
    let written: BTreeSet<&Key> = side.written.iter().map(|one| &one.key).collect();
    let notified = side.counts.notifications.iter().filter(|(_, state, _)| state == "sent");
    Compared {
        clinic_id: clinic.clone(),
        from: side.day.from,
        until: side.day.until,
        sent: (!told.is_empty()).then(|| told.iter().sum()),
        accepted: side.accepted,
        journalled: side.counts.journal_submissions,
        admitted: side.counts.submissions + side.counts.copies,
        in_flight: state(State::InFlight),
        completed: state(State::Completed),
        duplicate: state(State::Duplicate),
        rejected: state(State::Rejected),
        held: state(State::Held),
        dead: state(State::Dead),
        written: written.len() as u64,
        in_ehr,
        notified: notified.map(|(_, _, count)| count).sum(),
    }
}
