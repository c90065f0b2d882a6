//! What people corrected in a submission: values beside the form, which itself stays as it came.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Field, item::Item};
use crate::intake::Intake;

/// Longest value of a correction, bytes. What a field takes is shorter.
pub const MAX_CORRECTION: usize = 16 * 1024;

/// Values for fields of the canonical intake that count instead of what the form has. A blank one takes the field's value away.
///
/// They are read as every value of the field is, but no rule and no step of a template is applied to them. They are PHI: the `Debug` names
/// fields only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Corrections(BTreeMap<Field, String>);

impl Corrections {
    /// These values. Of two for one field the later counts.
    pub fn new(values: impl IntoIterator<Item = (Field, String)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// Whether nothing was corrected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in canonical order.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.0.keys().copied()
    }

    /// With others over them.
    #[must_use]
    pub fn and(mut self, later: &Self) -> Self {
        self.0.extend(later.0.iter().map(|(field, value)| (*field, value.clone())));
        self
    }
}

impl fmt::Debug for Corrections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Serialize for Corrections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, value)| (field.as_str(), value)))
    }
}

impl<'de> Deserialize<'de> for Corrections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whoever wrote a field that we do not know meant something that would be lost here unseen.
        let field =
            |path: String| Field::parse(&path).ok_or_else(|| D::Error::custom("not a canonical field"));
        let values = BTreeMap::<String, String>::deserialize(deserializer)?.into_iter();
        values.map(|(path, value)| Ok((field(path)?, value))).collect::<Result<_, _>>().map(Self)
    }
}

/// What is given for fields, whatever the form has.
#[derive(Clone, Default)]
pub(super) struct Given(BTreeMap<Field, Item>);

impl Given {
    pub(super) fn get(&self, field: Field) -> Option<&Item> {
        self.0.get(&field)
    }

    pub(super) fn over(mut self, corrections: &Corrections) -> Self {
        let items = corrections.0.iter().map(|(field, value)| (*field, Item::text(value.clone())));
        self.0.extend(items);
        self
    }

    /// All that an intake says, so that reading it gives the same intake.
    pub(super) fn by(intake: &Intake) -> Self {
        let Intake { patient, guardian, coverage, appointment, consents, reason, communication, referral } =
            intake;
        let text = |text: &str| Item::text(text.to_owned());
        let maybe = |text: Option<&String>| text.cloned().map_or(Item::Nothing, Item::text);
        let address = patient.address.as_ref();
        let guardians = guardian.as_ref().and_then(|guardian| guardian.phone.as_ref());
        Self(BTreeMap::from([
            (Field::PatientGiven, text(&patient.given)),
            (Field::PatientMiddle, maybe(patient.middle.as_ref())),
            (Field::PatientFamily, text(&patient.family)),
            (Field::PatientBirthDate, Item::text(patient.birth_date.to_string())),
            (Field::PatientSex, text(patient.sex.as_str())),
            (Field::PatientPhone, maybe(patient.phone.as_ref())),
            (Field::PatientEmail, maybe(patient.email.as_ref())),
            (Field::AddressLines, address.map_or(Item::Nothing, |address| Item::list(address.lines.clone()))),
            (Field::AddressCity, maybe(address.map(|address| &address.city))),
            (Field::AddressState, maybe(address.map(|address| &address.state))),
            (Field::AddressPostalCode, maybe(address.map(|address| &address.postal_code))),
            (Field::GuardianName, maybe(guardian.as_ref().map(|guardian| &guardian.name))),
            // One that is the patient's own goes on being so.
            (Field::GuardianPhone, maybe(guardians.filter(|phone| Some(*phone) != patient.phone.as_ref()))),
            (Field::CoveragePayer, maybe(coverage.as_ref().map(|coverage| &coverage.payer))),
            (Field::CoverageMemberId, maybe(coverage.as_ref().map(|coverage| &coverage.member_id))),
            (Field::CoverageGroup, maybe(coverage.as_ref().and_then(|coverage| coverage.group.as_ref()))),
            (Field::AppointmentKind, text(appointment.kind.as_str())),
            (Field::AppointmentProvider, text(&appointment.provider)),
            (Field::AppointmentStart, Item::text(appointment.start.to_string())),
            (Field::ConsentTreatment, Item::Flag(consents.treatment)),
            (Field::ConsentSms, Item::Flag(consents.sms)),
            (Field::ConsentEmail, Item::Flag(consents.email)),
            (Field::ConsentPart2, consents.part2.map_or(Item::Nothing, Item::Flag)),
            (Field::Reason, maybe(reason.as_ref())),
            (Field::Language, maybe(communication.language.as_ref())),
            (Field::ReferralPractitioner, maybe(referral.as_ref().map(|referral| &referral.practitioner))),
            (Field::ReferralNpi, maybe(referral.as_ref().and_then(|referral| referral.npi.as_ref()))),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Corrections, Field, Given};

    #[test]
    fn they_read_back_and_an_unknown_field_is_refused() {
        let some = Corrections::new([(Field::PatientEmail, "zed@example.com".to_owned())]);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"{"patient.email":"zed@example.com"}"#);
        assert!(serde_json::from_str::<Corrections>(&text).unwrap() == some);
        let error = serde_json::from_str::<Corrections>(r#"{"clinic_id":"zed"}"#).err().unwrap().to_string();
        assert!(error.contains("not a canonical field") && !error.contains("zed"), "{error}");
        assert_eq!(format!("{some:?}"), "{PatientEmail}");
    }

    #[test]
    fn later_ones_lie_over_earlier_ones() {
        let one = |text: &str| Corrections::new([(Field::Reason, text.to_owned())]);
        assert!(one("a").and(&one("b")) == one("b"));
        let given = Given::default().over(&one("  "));
        assert!(given.get(Field::Reason).is_some_and(super::Item::is_nothing));
    }
}
