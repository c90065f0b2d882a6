//! What people decide about what is held: a closed list of decisions, and which of them answers which question. What a decision does to
//! an effect in the EHR is [`crate::effect`]'s to say.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::{Code, ids::Reference};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $takes:expr;)+) => {
        /// What was decided.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Word { $($(#[doc = $doc])+ $variant),+ }

        impl Word {
            /// The closed list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in rows, commands and reports.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it names besides, if it names something. In brackets: it need not.
            pub const fn takes(self) -> Option<&'static str> {
                match self { $(Self::$variant => $takes),+ }
            }
        }
    };
}

words! {
    /// It is this one of those that it may be.
    SamePerson = "same-person", Some("PERSON");
    /// It is none of those that it may be.
    DifferentPerson = "different-person", None;
    /// The consent was given, on this paper.
    ConsentGiven = "consent-given", Some("REFERENCE");
    /// This other slot is to be booked.
    Slot = "slot", Some("SLOT");
    /// What was to be written is in the EHR, as this resource.
    Done = "done", Some("RESOURCE");
    /// What was to be written is not in the EHR: only then may it be written again.
    NotDone = "not-done", None;
    /// The patient has the message.
    Sent = "sent", Some("[CHANNEL]");
    /// The patient does not have the message: it may be sent again.
    SendAgain = "send-again", Some("[CHANNEL]");
    /// What was in the way is out of it: it is tried again as it is.
    Again = "again", None;
    /// It does not go on.
    Close = "close", None;
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Word {
    type Err = NotADecision;
    fn from_str(text: &str) -> Result<Self, NotADecision> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or(NotADecision::Unknown)
    }
}

impl Serialize for Word {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is asked of a person, and how it may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The question, for people.
    pub text: &'static str,
    /// Its answers.
    pub answers: &'static [Word],
    /// The answers in words.
    pub rule: &'static str,
}

/// What a hold with this code asks. Of a code that nobody holds by: whether to close it.
pub const fn question(code: Code) -> Question {
    use Word::{
        Again, Close, ConsentGiven, DifferentPerson, Done, NotDone, SamePerson, SendAgain, Sent, Slot,
    };
    let (text, answers, rule): (_, &'static [Word], _) = match code {
        Code::DoubtfulMatch => (
            "Is this person one of those below?",
            &[SamePerson, DifferentPerson, Close],
            "same-person PERSON, different-person or close",
        ),
        Code::ConsentMissing | Code::GuardianMissing => {
            ("Was the consent given on paper?", &[ConsentGiven, Close], "consent-given REFERENCE or close")
        }
        Code::SlotTaken => {
            ("Which other slot does the patient take?", &[Slot, Again, Close], "slot SLOT, again or close")
        }
        Code::EhrConflict | Code::EhrParked => (
            "Look into the EHR: is it there?",
            &[Done, NotDone, Again, Close],
            "done RESOURCE, not-done, again or close",
        ),
        Code::EhrCannotBook => (
            "Book the visit in the EHR by hand: which appointment is it?",
            &[Done, Close],
            "done RESOURCE or close",
        ),
        Code::NotificationParked => (
            "Does the patient have the message?",
            &[Sent, SendAgain, Close],
            "sent [CHANNEL], send-again [CHANNEL] or close",
        ),
        _ => ("Does it end here?", &[Close], "close"),
    };
    Question { text, answers, rule }
}

/// A decision and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub word: Word,
    /// What it names; as [`Word::takes`] says.
    pub names: Option<Reference>,
}

/// Why a text is no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotADecision {
    /// It is not in the list.
    #[error(
        "not a decision: same-person, different-person, consent-given, slot, done, not-done, sent, send-again, again or close"
    )]
    Unknown,
    /// It names nothing, and should.
    #[error("{word} needs {what}")]
    Incomplete {
        /// The decision.
        word: Word,
        /// What it takes.
        what: &'static str,
    },
    /// It names something, and should not.
    #[error("{0} takes nothing besides")]
    TooMuch(Word),
    /// What it names cannot be a name.
    #[error("what a decision names is 1 to 128 visible ASCII characters")]
    Name,
}

impl Verdict {
    /// A decision, if it names what it should and nothing else.
    ///
    /// # Errors
    /// [`NotADecision`].
    pub fn new(word: Word, names: Option<&str>) -> Result<Self, NotADecision> {
        let names = match (word.takes(), names) {
            (Some(_), Some(name)) => Some(Reference::parse(name).map_err(|_| NotADecision::Name)?),
            (Some(what), None) if !what.starts_with('[') => {
                return Err(NotADecision::Incomplete { word, what });
            }
            (None, Some(_)) => return Err(NotADecision::TooMuch(word)),
            (_, None) => None,
        };
        Ok(Self { word, names })
    }
}

/// Somebody whom the person in question may be. Opaque ids and names of fields: never what stands in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The id of a person, or of a patient of the EHR.
    pub id: String,
    /// The fields that agree.
    pub agrees: Vec<String>,
    /// The fields that do not, each with how it differs: `birth_date:typo`. What one side does not state is in neither list.
    pub differs: Vec<String>,
}

/// A slot that was free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The EHR's id.
    pub id: String,
    /// Its start.
    pub start: jiff::Timestamp,
    /// Its length.
    pub minutes: u16,
}

#[cfg(test)]
mod tests {
    use super::{NotADecision, Verdict, Word, question};
    use crate::Code;

    #[test]
    fn words_read_back() {
        for word in Word::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        assert_eq!("maybe".parse::<Word>(), Err(NotADecision::Unknown));
        let error = NotADecision::Unknown.to_string();
        assert!(Word::ALL.iter().all(|word| error.contains(word.as_str())), "{error}");
    }

    #[test]
    fn a_decision_names_what_it_should_and_nothing_else() {
        assert!(Verdict::new(Word::Slot, Some("s-1")).is_ok());
        assert!(Verdict::new(Word::Close, None).is_ok());
        let incomplete = NotADecision::Incomplete { word: Word::Slot, what: "SLOT" };
        assert_eq!(Verdict::new(Word::Slot, None), Err(incomplete));
        assert_eq!(Verdict::new(Word::Close, Some("x")), Err(NotADecision::TooMuch(Word::Close)));
        assert!(Verdict::new(Word::Sent, None).is_ok() && Verdict::new(Word::SendAgain, Some("sms")).is_ok());
        for bad in ["", "two words", "a\u{0}b", "Zoë", &"x".repeat(129)] {
            assert_eq!(Verdict::new(Word::Done, Some(bad)), Err(NotADecision::Name), "{bad:?}");
        }
    }

    #[test]
    fn every_question_can_be_closed_and_tells_its_answers_in_words() {
        for code in Code::ALL {
            let asked = question(*code);
            assert!(asked.answers.contains(&Word::Close), "{code}");
            let told: Vec<&str> =
                asked.rule.split([' ', ',']).filter(|text| text.parse::<Word>().is_ok()).collect();
            let listed: Vec<&str> = asked.answers.iter().map(|word| word.as_str()).collect();
            assert_eq!(told, listed, "{code}");
            for word in asked.answers {
                let named = word.takes().is_none_or(|what| asked.rule.contains(&format!("{word} {what}")));
                assert!(named, "{code} {word}");
            }
        }
    }
}
