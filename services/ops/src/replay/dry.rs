//! The dry run: what would become of a dead letter if it were replayed now. It opens what is sealed, reads and maps it as the stage would,
//! and looks in the ledger. It writes nothing, and what it says is no PHI.

use domain::{
    ClinicId, Code, Fault, FieldPath, Meta, PersonId, Stage,
    arrival::{Arrival, Came},
    blind::IndexKey,
    content,
    envelope::{CONTENT_TYPE, Envelope, RAW_SCHEMA, Secret},
    judge::{self, Found, Judgement},
    matching::person::{Matcher, PersonRecord, Resolution, kept},
    messages::{Checked, Validated, Written},
    ports::StoreDown,
    seal::Keyring,
    template::Clinics,
};
use jiff::Timestamp;
use ledger::{
    Store,
    read::State,
    replay::{DryLetter, Forecast, Foreseen, Knows, NewItem, Why},
};

/// Persons that one letter's is compared with at most, as in an admission.
const CANDIDATES: u32 = 100;

/// What a dry run works with.
pub struct Dry<'a> {
    /// The ledger.
    pub store: &'a Store,
    /// The clinics by the present templates.
    pub clinics: &'a Clinics,
    /// Opens what is sealed.
    pub keys: &'a Keyring,
    /// Finds persons and contents.
    pub index: &'a IndexKey,
    /// Compares persons.
    pub matcher: &'a Matcher,
    /// What begins before is over.
    pub now: Timestamp,
}

/// Why a forecast is not what would be hoped for.
enum Halt {
    Says(Foreseen),
    Down,
}

impl From<Foreseen> for Halt {
    fn from(foreseen: Foreseen) -> Self {
        Self::Says(foreseen)
    }
}

impl From<StoreDown> for Halt {
    fn from(_: StoreDown) -> Self {
        Self::Down
    }
}

/// It would die of this again.
impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        let field: Option<FieldPath> = match &fault {
            Fault::Permanent { field, .. } => field.clone(),
            _ => None,
        };
        Self::Says(Foreseen::coded(Forecast::StillFails, fault.code(), field))
    }
}

impl Dry<'_> {
    /// What would become of one letter.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn run(&self, letter: &DryLetter) -> Result<NewItem, StoreDown> {
        let mut item = NewItem::new(letter.id, Foreseen::refused(Why::NotOpen));
        let foreseen = match self.foresee(letter, &mut item).await {
            Ok(foreseen) | Err(Halt::Says(foreseen)) => foreseen,
            Err(Halt::Down) => return Err(StoreDown),
        };
        Ok(NewItem { foreseen, ..item })
    }

    async fn foresee(&self, letter: &DryLetter, item: &mut NewItem) -> Result<Foreseen, Halt> {
        against(self.store.knows(letter.id).await?)?;
        if letter.stage == Stage::Validation {
            return self.validation(letter, item).await;
        }
        let meta = match letter.stage {
            Stage::Eligibility => self.opened::<Validated>(letter),
            Stage::EhrWriter => self.opened::<Checked>(letter),
            _ => self.opened::<Written>(letter),
        }?;
        item.clinic = Some(meta.clinic.clone());
        item.submission = Some(meta.submission.clone());
        if self.clinics.get(&meta.clinic).is_none() {
            return Err(Fault::permanent(Code::Misconfigured).into());
        }
        let Some(person) = meta.person else { return Err(Fault::permanent(Code::Malformed).into()) };
        self.to_come(meta.appointment_at)?;
        if letter.stage == Stage::Notification {
            return Ok(Foreseen::plain(Forecast::WouldNotify));
        }
        self.known(&meta.clinic, person).await
    }

    /// The message that a later stage reads.
    fn opened<S: Secret>(&self, letter: &DryLetter) -> Result<Meta, Fault> {
        Ok(Envelope::from_slice(&letter.body)?.open::<S>(self.keys)?.meta)
    }

    /// As validation does it.
    async fn validation(&self, letter: &DryLetter, item: &mut NewItem) -> Result<Foreseen, Halt> {
        let arrival = arrival(letter, self.keys)?;
        item.clinic = Some(arrival.meta.clinic.clone());
        item.submission = Some(arrival.meta.submission.clone());
        // The template first: with one that fails nothing is admitted, whatever is known.
        let judgement = judge::judge(self.clinics, &arrival)?;
        if let Some(foreseen) = self.before(letter, &arrival).await? {
            return Ok(foreseen);
        }
        match self.again(judgement, &arrival.meta).await? {
            Judgement::Reject { code, field } => Ok(Foreseen::coded(Forecast::WouldReject, code, field)),
            Judgement::Hold(hold, _) => Ok(Foreseen::coded(Forecast::WouldHold, hold.code, hold.field)),
            Judgement::Sound(found) => self.person(&arrival.meta, &found).await,
        }
    }

    /// As validation looks again at what is held for a consent.
    async fn again(&self, judgement: Judgement, meta: &Meta) -> Result<Judgement, StoreDown> {
        if !matches!(judgement, Judgement::Hold(..)) {
            return Ok(judgement);
        }
        let given = self.store.consents(&meta.clinic, &meta.submission).await?;
        Ok(judgement.but_for(&given, self.clinics, meta))
    }

    /// What was admitted before under the same identifier decides, if anything was.
    async fn before(&self, letter: &DryLetter, arrival: &Arrival) -> Result<Option<Foreseen>, StoreDown> {
        let known = self.store.known(&arrival.meta.clinic, &arrival.meta.submission).await?;
        if known.is_empty() {
            return Ok(None);
        }
        let content = content::of(self.index, arrival);
        let Some(same) = known.iter().find(|row| row.content == content.as_bytes()) else {
            return Ok(Some(Foreseen::coded(Forecast::WouldHold, Code::SubmissionConflict, None)));
        };
        Ok(match same.state {
            State::Completed | State::Duplicate | State::Rejected => {
                Some(Foreseen::plain(Forecast::AlreadyDone))
            }
            _ if Some(same.message) == letter.message => None,
            _ => Some(Foreseen::refused(Why::Elsewhere)),
        })
    }

    async fn person(&self, meta: &Meta, found: &Found) -> Result<Foreseen, Halt> {
        let record = PersonRecord::from(&found.intake);
        let blocks = record.block_keys(&meta.clinic, self.index);
        let candidates = self.store.candidates(&meta.clinic, &blocks, CANDIDATES).await?;
        // What a person has decided counts, as in an admission.
        let decided = self.store.persons(&meta.clinic, &meta.submission).await?;
        let likely = candidates.iter().filter(|one| !decided.others.contains(&one.person));
        let known = likely.map(|one| (one.person, &one.sealed));
        let resolution = match decided.same {
            Some(person) => Resolution::Known(person),
            None => {
                kept::find(&record, &meta.clinic, known, self.matcher, self.keys).map_err(Fault::permanent)?
            }
        };
        let visit = Some(found.intake.appointment.start);
        match resolution {
            Resolution::New => {
                self.to_come(visit)?;
                Ok(Foreseen::plain(Forecast::WouldCreate))
            }
            Resolution::Doubtful => Ok(Foreseen::coded(Forecast::WouldHold, Code::DoubtfulMatch, None)),
            Resolution::Known(person) => {
                let request = judge::request(self.index, meta, &found.intake);
                match self.store.requested(&meta.clinic, person, &request, &meta.submission).await? {
                    Some(State::Completed | State::Duplicate) => {
                        return Ok(Foreseen::plain(Forecast::AlreadyDone));
                    }
                    // Not done yet, and perhaps it never is: what becomes of the request is decided there.
                    Some(_) => return Ok(Foreseen::refused(Why::Elsewhere)),
                    None => {}
                }
                self.to_come(visit)?;
                self.known(&meta.clinic, person).await
            }
        }
    }

    /// Nobody is booked, or told, for a visit that is over.
    fn to_come(&self, visit: Option<Timestamp>) -> Result<(), Foreseen> {
        match visit {
            Some(visit) if visit < self.now => Err(Foreseen::refused(Why::VisitPast)),
            _ => Ok(()),
        }
    }

    async fn known(&self, clinic: &ClinicId, person: PersonId) -> Result<Foreseen, Halt> {
        let there = self.store.has_patient(clinic, person).await?;
        Ok(Foreseen::plain(if there { Forecast::WouldUpdate } else { Forecast::WouldCreate }))
    }
}

/// A letter of validation, read as that reads what arrives.
///
/// # Errors
/// The fault that it would die of again.
pub(crate) fn arrival(letter: &DryLetter, keys: &Keyring) -> Result<Arrival, Fault> {
    let envelope = Envelope::from_slice(&letter.body)?;
    if envelope.schema == RAW_SCHEMA && letter.code == Some(Code::UnknownSchema) {
        // The schema that its sender named is not kept: as which other it could be read nobody knows.
        return Err(Fault::permanent(Code::UnknownSchema));
    }
    let came = Came {
        body: &letter.body,
        schema: Some(&envelope.schema),
        content_type: Some(CONTENT_TYPE),
        received_at: envelope.meta.received_at,
        correlation: envelope.meta.correlation,
    };
    Arrival::read(came, keys)
}

/// What its own submission has against it.
fn against(Knows { state, in_doubt }: Knows) -> Result<(), Foreseen> {
    match state {
        Some(State::Completed | State::Duplicate | State::Rejected) => {
            Err(Foreseen::plain(Forecast::AlreadyDone))
        }
        Some(State::Held) => Err(Foreseen::refused(Why::Held)),
        _ if in_doubt => Err(Foreseen::refused(Why::InDoubt)),
        // One that the broker gave up is still counted as in flight.
        Some(State::InFlight | State::Dead) | None => Ok(()),
    }
}
