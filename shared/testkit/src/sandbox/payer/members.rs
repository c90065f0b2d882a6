//! `members.csv`: whom the payers know.

use std::collections::HashMap;
use std::io::Read;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::sandbox::error::SandboxError;
use crate::sandbox::slots;

/// What a payer says about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// Covered.
    Active,
    /// No longer covered.
    Inactive,
    /// Not known.
    NotFound,
    /// The payer does not answer for this member.
    PayerDown,
}

/// One row. A person, hence no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Member id.
    pub member_id: String,
    /// The payer's name.
    pub payer: String,
    /// What the payer says.
    pub status: MemberStatus,
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Date of birth.
    pub birth_date: Date,
}

impl Member {
    /// Reads `member_id,payer,status,first,last,birth_date` with a header row.
    ///
    /// # Errors
    /// [`SandboxError::Row`] at the first row that is not of this form.
    pub fn read_csv(source: impl Read) -> Result<Vec<Self>, SandboxError> {
        slots::read(source, "members", "member_id,payer,status,first,last,birth_date")
    }
}

/// What the payer answers, in any protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Active,
    Inactive,
    NotFound,
    Down,
}

/// All members, by id in upper case.
#[derive(Default)]
pub(crate) struct Members(HashMap<String, Vec<Member>>);

impl Members {
    pub(crate) fn new(rows: Vec<Member>) -> Self {
        let mut members = Self::default();
        members.add(rows);
        members
    }

    /// Adds rows; a row of the same member and payer takes the place of the earlier one.
    pub(crate) fn add(&mut self, rows: Vec<Member>) {
        for row in rows {
            let same = self.0.entry(row.member_id.trim().to_uppercase()).or_default();
            same.retain(|known| plain(&known.payer) != plain(&row.payer));
            same.push(row);
        }
    }

    pub(crate) fn all(&self) -> Vec<&Member> {
        let mut all: Vec<&Member> = self.0.values().flatten().collect();
        all.sort_by(|left, right| (&left.member_id, &left.payer).cmp(&(&right.member_id, &right.payer)));
        all
    }

    /// What the payer of any of these names or ids says. A payer whom nobody heard of (a clearinghouse's own id)
    /// leaves the member id to decide.
    pub(crate) fn ask(&self, member_id: &str, payers: &[&str]) -> Answer {
        let Some(rows) = self.0.get(&member_id.trim().to_uppercase()) else { return Answer::NotFound };
        let named = |row: &&Member| payers.iter().any(|payer| plain(payer) == plain(&row.payer));
        let row = rows.iter().find(named).or_else(|| {
            let other = self.0.values().flatten().any(|row| named(&row));
            if other { None } else { rows.first() }
        });
        match row.map(|row| row.status) {
            Some(MemberStatus::Active) => Answer::Active,
            Some(MemberStatus::Inactive) => Answer::Inactive,
            Some(MemberStatus::PayerDown) => Answer::Down,
            Some(MemberStatus::NotFound) | None => Answer::NotFound,
        }
    }
}

/// A payer's name without case, spaces and signs.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Member, Members};

    const CSV: &str = "member_id,payer,status,first,last,birth_date\n\
        A1,Blue Cross Blue Shield,active,Test,Person,1980-01-02\n\
        B2,Aetna,payer_down,Other,Person,1981-01-02\n\
        C3,Aetna,inactive,Third,Person,1982-01-02\n";

    #[test]
    fn asks_by_id_and_payer() -> Result<(), Box<dyn std::error::Error>> {
        let members = Members::new(Member::read_csv(CSV.as_bytes())?);
        assert_eq!(members.ask("a1", &["BLUE CROSS BLUE SHIELD"]), Answer::Active);
        assert_eq!(members.ask("A1", &["60054"]), Answer::Active);
        assert_eq!(members.ask("A1", &["Aetna"]), Answer::NotFound);
        assert_eq!(members.ask("B2", &[]), Answer::Down);
        assert_eq!(members.ask("C3", &["aetna"]), Answer::Inactive);
        assert_eq!(members.ask("Z9", &["aetna"]), Answer::NotFound);
        Ok(())
    }
}
