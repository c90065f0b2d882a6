//! The guard rules: the most that a pair can be, whatever its score.
//!
//! | birth date | given name | family name | also | at most |
//! | --- | --- | --- | --- | --- |
//! | equal | equal | equal, part of it, or nearly | contact data agree; middle name and suffix not in conflict | same |
//! | equal | equal | equal, part of it, or nearly | otherwise | doubtful |
//! | equal | equal, variant, initial or nearly | differs (a new family name) | contact data agree | doubtful |
//! | equal | variant, initial or nearly | equal, part of it, or nearly | | doubtful |
//! | equal | differs (twins) | equal, part of it, or nearly | contact data agree | doubtful |
//! | close | not different | not different | contact data agree, or both names equal; suffix not in conflict | doubtful |
//! | differs | equal | equal | phone, e-mail or member id equal; suffix not in conflict | doubtful |
//! | anything else | | | | different |
//!
//! *Contact data agree*: phone, e-mail, member id or address (the unit aside) is equal. Families share all of them, so they
//! support a verdict and never make one. *Close*: one digit other, two neighbours or day and month exchanged, or two of year, month and day
//! equal. Given and family name exchanged for one another count as both equal.

use super::{
    levels::Likeness,
    names::{Family, Given},
};
use crate::matching::model::Verdict;

/// The most that the pair can be.
pub(super) fn ceiling(likeness: &Likeness) -> Verdict {
    let possible = match likeness.birth_date {
        0 => return equal_birth_date(likeness),
        1..=3 => close_birth_date(likeness),
        _ => names_equal(likeness) && reachable(likeness),
    };
    if possible && !likeness.suffix_conflict { Verdict::Doubtful } else { Verdict::Different }
}

/// Names, birth date, and phone or e-mail are equal and nothing contradicts: the same person without any scoring.
pub(super) fn certain(likeness: &Likeness) -> bool {
    let direct = likeness.phone == Some(0) || likeness.email == Some(0);
    ceiling(likeness) == Verdict::Same && names_equal(likeness) && !likeness.crossed && direct
}

fn equal_birth_date(likeness: &Likeness) -> Verdict {
    let given_differs = likeness.given == Given::Different && !likeness.crossed;
    let family_differs = likeness.family == Family::Different && !likeness.crossed;
    let given_equal = likeness.given == Given::Exact || likeness.crossed;
    let conflict = likeness.suffix_conflict || likeness.middle == Some(2);
    match (given_differs, family_differs) {
        (true, true) => Verdict::Different,
        (true, false) | (false, true) if contact(likeness) => Verdict::Doubtful,
        (true, false) | (false, true) => Verdict::Different,
        (false, false) if given_equal && contact(likeness) && !conflict => Verdict::Same,
        (false, false) => Verdict::Doubtful,
    }
}

fn close_birth_date(likeness: &Likeness) -> bool {
    let alike = likeness.given != Given::Different && likeness.family != Family::Different;
    (alike || likeness.crossed) && (contact(likeness) || names_equal(likeness))
}

fn names_equal(likeness: &Likeness) -> bool {
    likeness.crossed || (likeness.given == Given::Exact && likeness.family == Family::Exact)
}

/// Phone, e-mail or member id is equal.
fn reachable(likeness: &Likeness) -> bool {
    [likeness.phone, likeness.email, likeness.member_id].contains(&Some(0))
}

fn contact(likeness: &Likeness) -> bool {
    reachable(likeness) || matches!(likeness.address, Some(0 | 1))
}
