//! Finding a person by how they are reached: the same blind index as their record has.

use super::PersonRecord;
use crate::{
    ClinicId, Phi,
    blind::{BlindIndex, IndexKey},
    template::e164,
};

/// Longest text that is looked at, bytes: no address is longer.
const MAX: usize = 320;

/// A phone or an e-mail address, as a person wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    kind: ContactKind,
    /// As records have it.
    value: Phi<String>,
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
}

impl ContactKind {
    /// The name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

impl Contact {
    /// A phone number in any usual writing. `None`: it is none.
    pub fn phone(text: &str) -> Option<Self> {
        let value = e164(Some(text).filter(|text| text.len() <= MAX)?)?;
        Some(Self { kind: ContactKind::Phone, value: Phi::new(value) })
    }

    /// An e-mail address. `None`: it is none.
    pub fn email(text: &str) -> Option<Self> {
        let value = text.trim().to_lowercase();
        let (name, host) = value.rsplit_once('@')?;
        let blank = |c: char| c.is_whitespace() || c.is_control();
        if value.len() > MAX || name.is_empty() || host.is_empty() || value.contains(blank) {
            return None;
        }
        Some(Self { kind: ContactKind::Email, value: Phi::new(value) })
    }

    /// What kind of address it is.
    pub const fn kind(&self) -> ContactKind {
        self.kind
    }

    /// What a person with this address is found by at a clinic.
    pub fn index(&self, clinic: &ClinicId, key: &IndexKey) -> BlindIndex {
        let kind = match self.kind {
            ContactKind::Phone => PersonRecord::PHONE,
            ContactKind::Email => PersonRecord::EMAIL,
        };
        key.index(kind, &[clinic.as_str(), self.value.expose(), ""])
    }
}

#[cfg(test)]
mod tests {
    use super::{Contact, PersonRecord};
    use crate::{
        blind::IndexKey,
        intake::{Patient, Sex},
    };

    #[test]
    fn a_contact_is_found_by_the_key_of_its_record_however_it_is_written() {
        let patient = Patient {
            given: "Ada".to_owned(),
            middle: None,
            family: "Okafor".to_owned(),
            birth_date: jiff::civil::date(1950, 1, 3),
            sex: Sex::Female,
            phone: Some("+12025550150".to_owned()),
            email: Some("Ada@Example.com".to_owned()),
            address: None,
        };
        let (key, clinic) = (IndexKey::new(&[7; 32]), "clinic-01".parse().unwrap());
        let keys = PersonRecord::of(&patient, None).block_keys(&clinic, &key);
        for contact in [
            Contact::phone("(202) 555-0150"),
            Contact::phone("+1 202 555 0150"),
            Contact::email(" ADA@example.com "),
        ] {
            assert!(keys.contains(&contact.unwrap().index(&clinic, &key)));
        }
        let elsewhere = Contact::phone("2025550150").unwrap().index(&"clinic-02".parse().unwrap(), &key);
        assert!(!keys.contains(&elsewhere));
    }

    #[test]
    fn what_is_no_address_is_refused_and_nothing_is_shown() {
        let long = format!("{}@example.com", "x".repeat(400));
        for bad in ["", "ada", "@example.com", "ada@", "ada okafor@example.com", long.as_str()] {
            assert_eq!(Contact::email(bad), None, "{bad}");
        }
        assert_eq!(Contact::phone("ada@example.com"), None);
        let shown = format!("{:?}", Contact::email("ada@example.com"));
        assert!(shown.contains("[redacted]") && !shown.contains("ada"), "{shown}");
    }
}
