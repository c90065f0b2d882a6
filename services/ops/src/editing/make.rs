//! Making an edit: what may be corrected is corrected, the result is dry-run, and all of it is kept sealed.

use domain::{
    Fault, Meta, Phi,
    ids::LetterId,
    ports::StoreDown,
    template::{Clinics, Corrections, Field, MapError},
};
use ledger::{
    acts::Actor,
    letters::{EditRow, Edited, LetterState, NewEdit, Part},
    replay::{DryLetter, Foreseen, NewBody},
};

use super::{
    effects::{self, Late},
    opened::{self, NotCorrected, Opened, Shut},
    patch::Patch,
};
use crate::replay::{NoPlan, Replay, Tools, dry::Dry};

/// Why nothing was edited, or nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEdit {
    /// There is no such dead letter.
    Unknown,
    /// It is not open.
    NotOpen,
    /// Its body is not seen.
    Shut(Shut),
    /// The clinics' templates cannot be used as they are.
    Templates,
    /// The clinic's template does not let the field be edited.
    NotEditable(Field),
    /// What the field goes into was done.
    Done(Field),
    /// What the field goes into may have been done.
    InDoubt(Field),
    /// The field does not take the value.
    DoesNotRead(Field),
    /// The original of what was admitted is no longer kept.
    OriginalGone,
    /// No edit of it stands.
    None,
    /// The database did not answer.
    Down,
}

impl From<StoreDown> for NoEdit {
    fn from(_: StoreDown) -> Self {
        Self::Down
    }
}

impl From<Shut> for NoEdit {
    fn from(shut: Shut) -> Self {
        Self::Shut(shut)
    }
}

impl From<Fault> for NoEdit {
    fn from(fault: Fault) -> Self {
        Self::Shut(fault.into())
    }
}

impl From<NoPlan> for NoEdit {
    fn from(why: NoPlan) -> Self {
        match why {
            NoPlan::Down(_) => Self::Down,
            NoPlan::Templates | NoPlan::NothingMatched => Self::Templates,
        }
    }
}

impl Replay {
    /// Corrects a letter, and says what would become of it now. Nothing is kept if that is refused.
    ///
    /// # Errors
    /// [`NoEdit`].
    pub async fn edit(
        &self,
        letter: LetterId,
        corrections: Corrections,
        actor: &Actor,
        reason: &str,
    ) -> Result<(EditRow, Foreseen), NoEdit> {
        let Tools { store, keys, index, matcher, clock, .. } = self.tools();
        let clinics = self.templates().await?;
        let dead = store.dry_letter(letter).await?.ok_or(NoEdit::Unknown)?;
        let opened = Opened::read(&dead, keys)?;
        let Meta { clinic, submission, submitted_at, .. } = opened.meta().clone();
        let ground = store.ground(letter, &clinic, &submission).await?.ok_or(NoEdit::Unknown)?;
        if ground.stands != LetterState::Open {
            return Err(NoEdit::NotOpen);
        }
        let clinic = clinics.get(&clinic).ok_or(Shut::Template)?;
        for field in corrections.fields() {
            if !clinic.editable.contains(&field) {
                return Err(NoEdit::NotEditable(field));
            }
            match effects::late(field, &ground) {
                Some(Late::Done) => return Err(NoEdit::Done(field)),
                Some(Late::InDoubt) => return Err(NoEdit::InDoubt(field)),
                None => {}
            }
        }
        clinic.reads(&corrections, submitted_at).map_err(refused)?;
        let body = opened.correct(&corrections, clinic, keys).map_err(|error| match error {
            NotCorrected::Fault(fault) => fault.into(),
            NotCorrected::Map(error) => refused(error),
        })?;
        let edited = DryLetter { body: body.to_vec()?, ..dead };
        // What is missing because of the edit is the edit's fault; what else is wrong is told by the dry run.
        if let Opened::Form(message) = Opened::read(&edited, keys)?
            && let Err(error) = clinic.map_form(message.secret.expose(), submitted_at)
            && let NoEdit::DoesNotRead(field) = refused(error)
            && corrections.fields().any(|one| one == field)
        {
            return Err(NoEdit::DoesNotRead(field));
        }
        let dry = Dry { store, clinics: &clinics, keys, index, matcher, now: clock.now() };
        let foreseen = dry.run(&edited).await?.foreseen;
        let original = match ground.admitted {
            Some((_, Some(original))) => Some(opened::original(&original, &corrections, keys)?),
            Some((_, None)) => return Err(NoEdit::OriginalGone),
            None => None,
        };
        let fields: Vec<Field> = corrections.fields().collect();
        let new = NewEdit {
            letter,
            effects: fields.iter().flat_map(|field| effects::of(*field)).copied().collect(),
            needs_approval: fields.iter().any(|field| field.is_identity()),
            sealed: Patch { corrections, body }.seal(letter, keys)?,
            fields,
            original,
        };
        match store.put_edit(&new, actor, reason).await? {
            Edited::Done(row) => Ok((row, foreseen)),
            Edited::NotOpen(_) => Err(NoEdit::NotOpen),
            Edited::SamePerson | Edited::Unknown => Err(NoEdit::Unknown),
        }
    }

    /// What a letter, or the edit of it that stands, has for a field. It is in memory only: nobody has seen it yet. `None`: nothing.
    ///
    /// # Errors
    /// [`NoEdit`].
    pub(crate) async fn value(
        &self,
        letter: LetterId,
        part: Part,
        field: Field,
    ) -> Result<Option<Phi<String>>, NoEdit> {
        let Tools { store, keys, .. } = self.tools();
        let mut dead = store.dry_letter(letter).await?.ok_or(NoEdit::Unknown)?;
        if part == Part::Edit {
            let standing = store.standing_edit(letter).await?.ok_or(NoEdit::None)?;
            let patch = Patch::open(letter, &standing.sealed, keys);
            dead.body = patch.map_err(Fault::permanent)?.into_body()?.body;
        }
        let clinics: Clinics = self.templates().await?;
        Ok(Opened::read(&dead, keys)?.value(field, &clinics)?)
    }

    /// What is published of a sealed edit; `None`: it cannot be opened.
    pub(crate) fn opened_edit(&self, letter: LetterId, sealed: &[u8]) -> Option<NewBody> {
        let patch = Patch::open(letter, sealed, &self.tools().keys);
        let body = patch.map_err(Fault::permanent).and_then(Patch::into_body);
        body.map_err(
            |fault| tracing::warn!(error = %fault, frontdesk.letter = %letter, "replay.edit_unreadable"),
        )
        .ok()
    }
}

/// A field that does not take its value. What a template is at fault for cannot be the value's.
fn refused(error: MapError) -> NoEdit {
    match error {
        MapError::Rejected { field, .. } => match Field::parse(field.as_str()) {
            Some(field) => NoEdit::DoesNotRead(field),
            None => NoEdit::Shut(Shut::Template),
        },
        MapError::TemplateFailed { .. } => NoEdit::Shut(Shut::Template),
    }
}
