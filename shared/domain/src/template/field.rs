//! The closed list of fields that a template can fill, in canonical order: of several problems the first is reported.

use crate::FieldPath;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $path:literal,)*) => {
        /// A field of the canonical intake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// Every field, in canonical order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The field's path, as in templates, codes and documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $path),* }
            }
        }
    };
}

fields! {
    /// Given name; required.
    PatientGiven = "patient.given",
    /// Middle name or initial.
    PatientMiddle = "patient.middle",
    /// Family name; required.
    PatientFamily = "patient.family",
    /// Date of birth; required.
    PatientBirthDate = "patient.birth_date",
    /// Administrative sex; required.
    PatientSex = "patient.sex",
    /// Phone.
    PatientPhone = "patient.phone",
    /// E-mail.
    PatientEmail = "patient.email",
    /// Street lines.
    AddressLines = "patient.address.lines",
    /// City.
    AddressCity = "patient.address.city",
    /// State.
    AddressState = "patient.address.state",
    /// Postal code.
    AddressPostalCode = "patient.address.postal_code",
    /// The guardian's full name.
    GuardianName = "guardian.name",
    /// The guardian's phone.
    GuardianPhone = "guardian.phone",
    /// The payer's name; required with a member id.
    CoveragePayer = "coverage.payer",
    /// Member id; without it there is no coverage.
    CoverageMemberId = "coverage.member_id",
    /// Group number.
    CoverageGroup = "coverage.group",
    /// Kind of visit; required.
    AppointmentKind = "appointment.kind",
    /// The practitioner; required.
    AppointmentProvider = "appointment.provider",
    /// Start; required.
    AppointmentStart = "appointment.start",
    /// Consent to treatment.
    ConsentTreatment = "consents.treatment",
    /// Consent to text messages.
    ConsentSms = "consents.sms",
    /// Consent to e-mail.
    ConsentEmail = "consents.email",
    /// Consent to disclosure under 42 CFR Part 2.
    ConsentPart2 = "consents.part2",
    /// Why they come.
    Reason = "reason",
    /// Language.
    Language = "communication.language",
    /// The referring practitioner.
    ReferralPractitioner = "referral.practitioner",
    /// Their NPI.
    ReferralNpi = "referral.npi",
}

impl Field {
    /// The field's path.
    pub const fn path(self) -> FieldPath {
        FieldPath::known(self.as_str())
    }

    /// The field of a path, if it is one.
    pub fn parse(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == path)
    }

    /// Whether it says who the patient is: a wrong one makes another person of them.
    pub const fn is_identity(self) -> bool {
        matches!(
            self,
            Self::PatientGiven
                | Self::PatientMiddle
                | Self::PatientFamily
                | Self::PatientBirthDate
                | Self::PatientSex
        )
    }

    /// Whether it is something that only the patient can agree to.
    pub const fn is_consent(self) -> bool {
        matches!(self, Self::ConsentTreatment | Self::ConsentSms | Self::ConsentEmail | Self::ConsentPart2)
    }

    /// Position in [`Field::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn every_path_reads_back_and_indexes_stand_in_order() {
        for (n, field) in Field::ALL.iter().enumerate() {
            assert_eq!(Field::parse(field.as_str()), Some(*field));
            assert_eq!(field.index(), n);
        }
        assert_eq!(Field::parse("patient"), None);
    }
}
