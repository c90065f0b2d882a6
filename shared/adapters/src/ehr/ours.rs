//! What an EHR holds under our identifiers: how it is asked for, and what is told of it. No PHI: opaque values, record numbers and times.

use jiff::Timestamp;

/// What to ask for.
#[derive(Clone)]
pub enum Ask<'a> {
    /// Those that carry one of these values; at most [`Ask::MOST`], none of them empty.
    Identifiers(&'a [String]),
    /// Those that carry any value of the system, and were changed within a time.
    Changed {
        /// At or after.
        from: Timestamp,
        /// Before.
        until: Timestamp,
    },
    /// What comes after a page.
    Next(Cursor),
}

impl Ask<'_> {
    /// Values of one question: each is about a hundred bytes of a form.
    pub const MOST: usize = 50;
}

/// Where the next page is, as the server says. Opaque.
#[derive(Clone)]
pub struct Cursor(pub(crate) String);

/// A page.
pub struct OurPage {
    /// What is on it. A resource with several values of ours is there once for each.
    pub found: Vec<Ours>,
    /// What comes after it; `None`: it is the last.
    pub next: Option<Cursor>,
}

/// A resource that carries an identifier of ours.
#[derive(Clone, PartialEq, Eq)]
pub struct Ours {
    /// The EHR's id.
    pub id: String,
    /// Our value.
    pub identifier: String,
    /// When it was changed last, if the server says.
    pub updated: Option<Timestamp>,
}
