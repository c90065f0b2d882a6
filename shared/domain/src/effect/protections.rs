//! What of the core's rules holds. Everything does, except in a drill.

#[cfg(debug_assertions)]
use crate::drill;
use crate::drill::Protection;

/// The protections that the core keeps. In a release all of them, always: there is nothing in this type then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protections {
    /// One bit for each protection that is taken away.
    #[cfg(debug_assertions)]
    lacking: u8,
}

impl Protections {
    /// All of them.
    pub const ALL: Self = Self {
        #[cfg(debug_assertions)]
        lacking: 0,
    };

    /// All but those that the process's drill takes away.
    pub fn in_force() -> Self {
        #[cfg(debug_assertions)]
        return Protection::ALL
            .iter()
            .filter(|protection| drill::lacks(**protection))
            .fold(Self::ALL, |rest, protection| rest.without(*protection));
        #[cfg(not(debug_assertions))]
        Self::ALL
    }

    /// All of these but one: to see what breaks.
    #[cfg(debug_assertions)]
    #[must_use]
    pub const fn without(self, protection: Protection) -> Self {
        Self { lacking: self.lacking | 1 << protection as u8 }
    }

    /// Whether the protection is taken away.
    #[inline]
    pub(super) const fn lack(self, protection: Protection) -> bool {
        #[cfg(debug_assertions)]
        return self.lacking & 1 << protection as u8 != 0;
        #[cfg(not(debug_assertions))]
        {
            let _ = protection;
            false
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::{Protection, Protections};

    #[test]
    fn only_what_is_taken_away_is_lacking() {
        assert_eq!(Protections::in_force(), Protections::ALL);
        for taken in Protection::ALL {
            let rest = Protections::ALL.without(*taken);
            for protection in Protection::ALL {
                assert_eq!(rest.lack(*protection), protection == taken, "{protection} without {taken}");
            }
        }
    }
}
