//! Which refusal each reason of others is.

use domain::ports::StoreDown;
use ledger::holds::Undecided;

use super::Refusal;
use crate::editing::{NoEdit, Shut};

impl From<StoreDown> for Refusal {
    fn from(_: StoreDown) -> Self {
        Self::StoreUnavailable
    }
}

impl From<Undecided> for Refusal {
    fn from(why: Undecided) -> Self {
        match why {
            Undecided::Down(_) => Self::StoreUnavailable,
            Undecided::Unknown => Self::UnknownHold,
            Undecided::NotHeld => Self::NotHeld,
            Undecided::NotAllowed(code) => Self::NotAllowed(code),
            Undecided::NotOffered => Self::NotOffered,
            Undecided::NothingInDoubt => Self::NothingInDoubt,
            Undecided::UnderWay => Self::UnderWay,
            Undecided::AnotherResource => Self::AnotherResource,
            Undecided::OriginalGone => Self::OriginalGone,
        }
    }
}

impl From<NoEdit> for Refusal {
    fn from(why: NoEdit) -> Self {
        match why {
            NoEdit::Unknown => Self::UnknownLetter,
            NoEdit::NotOpen => Self::LetterNotOpen,
            NoEdit::Shut(Shut::KeyGone) => Self::KeyGone,
            NoEdit::Shut(Shut::Unreadable) => Self::Unreadable,
            NoEdit::Shut(Shut::Template) => Self::TemplateFails,
            NoEdit::Templates => Self::Templates,
            NoEdit::NotEditable(field) => Self::NotEditable(field),
            NoEdit::Done(field) => Self::EffectDone(field),
            NoEdit::InDoubt(field) => Self::EffectInDoubt(field),
            NoEdit::DoesNotRead(field) => Self::ValueRefused(field),
            NoEdit::OriginalGone => Self::OriginalGone,
            NoEdit::None => Self::NoEdit,
            NoEdit::Down => Self::StoreUnavailable,
        }
    }
}
