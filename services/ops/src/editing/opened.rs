//! A dead letter's body, opened.

use domain::{
    Code, Fault, Meta, Phi, Stage,
    envelope::{Envelope, Message},
    intake::Intake,
    messages::{Checked, Validated, Written},
    seal::Keyring,
    submission::SubmittedForm,
    template::{Clinic, Clinics, Corrections, Field, MapError, seen_in},
};
use ledger::replay::DryLetter;

use crate::replay::dry;

/// What a stage could not do its work with. All of it is PHI: no `Debug`.
pub(crate) enum Opened {
    Form(Message<SubmittedForm>),
    Validated(Message<Validated>),
    Checked(Message<Checked>),
    Written(Message<Written>),
}

/// Why nothing is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// The key that it was sealed with is not here.
    KeyGone,
    /// It was altered, or it is not what its stage reads.
    Unreadable,
    /// The clinic has no template, or its template does not find the field.
    Template,
}

impl From<Fault> for Shut {
    fn from(fault: Fault) -> Self {
        if fault.code() == Code::UnknownKey { Self::KeyGone } else { Self::Unreadable }
    }
}

impl Opened {
    /// Opens a letter as its stage would.
    pub(crate) fn read(letter: &DryLetter, keys: &Keyring) -> Result<Self, Shut> {
        Ok(match letter.stage {
            Stage::Validation => {
                let arrival = dry::arrival(letter, keys)?;
                let Ok(secret) = arrival.form else { return Err(Shut::Unreadable) };
                Self::Form(Message { meta: arrival.meta, secret })
            }
            Stage::Eligibility => Self::Validated(Envelope::from_slice(&letter.body)?.open(keys)?),
            Stage::EhrWriter => Self::Checked(Envelope::from_slice(&letter.body)?.open(keys)?),
            _ => Self::Written(Envelope::from_slice(&letter.body)?.open(keys)?),
        })
    }

    pub(crate) const fn meta(&self) -> &Meta {
        match self {
            Self::Form(message) => &message.meta,
            Self::Validated(message) => &message.meta,
            Self::Checked(message) => &message.meta,
            Self::Written(message) => &message.meta,
        }
    }

    /// What it has for a field: of a form, what the clinic's template finds; of an intake, what it says. `None`: nothing.
    pub(crate) fn value(&self, field: Field, clinics: &Clinics) -> Result<Option<Phi<String>>, Shut> {
        match self {
            Self::Form(message) => {
                let clinic = clinics.get(&message.meta.clinic).ok_or(Shut::Template)?;
                clinic.seen(message.secret.expose(), field).map_err(|_| Shut::Template)
            }
            Self::Validated(message) => Ok(seen_in(&message.secret.expose().intake, field)),
            Self::Checked(message) => Ok(seen_in(&message.secret.expose().intake, field)),
            Self::Written(message) => Ok(seen_in(&message.secret.expose().intake, field)),
        }
    }

    /// The same message with corrections, sealed as it was. A form keeps what it has, with the corrections beside it.
    pub(crate) fn correct(
        self,
        corrections: &Corrections,
        clinic: &Clinic,
        keys: &Keyring,
    ) -> Result<Envelope, NotCorrected> {
        let again = |intake: &Intake, meta: &Meta| clinic.correct(intake, corrections, meta.submitted_at);
        Ok(match self {
            Self::Form(message) => with(message, corrections).seal(keys)?,
            Self::Validated(Message { meta, secret }) => {
                let intake = again(&secret.expose().intake, &meta)?;
                Message { meta, secret: Phi::new(Validated { intake }) }.seal(keys)?
            }
            Self::Checked(Message { meta, secret }) => {
                let intake = again(&secret.expose().intake, &meta)?;
                let secret = secret.map(|checked| Checked { intake, ..checked });
                Message { meta, secret }.seal(keys)?
            }
            Self::Written(Message { meta, secret }) => {
                let intake = again(&secret.expose().intake, &meta)?;
                let secret = secret.map(|written| Written { intake, ..written });
                Message { meta, secret }.seal(keys)?
            }
        })
    }
}

/// Why a message was not corrected.
pub(crate) enum NotCorrected {
    /// It cannot be sealed.
    Fault(Fault),
    /// It would not be an intake any more.
    Map(MapError),
}

impl From<Fault> for NotCorrected {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<MapError> for NotCorrected {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

/// A sealed original with corrections.
pub(crate) fn original(body: &[u8], corrections: &Corrections, keys: &Keyring) -> Result<Vec<u8>, Fault> {
    let message = Envelope::from_slice(body)?.open::<SubmittedForm>(keys)?;
    with(message, corrections).seal(keys)?.to_vec()
}

fn with(message: Message<SubmittedForm>, corrections: &Corrections) -> Message<SubmittedForm> {
    let Message { meta, secret } = message;
    let secret = secret.map(|form| SubmittedForm { corrections: form.corrections.and(corrections), ..form });
    Message { meta, secret }
}
