//! From a compiled template and a form to the canonical intake: every field is read as its type, in canonical order, and
//! the first problem is reported. What is asked of a value here is asked at every clinic, whatever its template says.

use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::Value;

use super::{
    Field, MapError,
    corrections::Given,
    expr::Form,
    item::{Bad, Item},
    plan::Plan,
    step::{phone, text},
};
use crate::intake::{
    Address, AppointmentRequest, Communication, Consents, Coverage, Guardian, Intake, Patient, Referral, Sex,
    VisitKind,
};

/// Nobody is older, full years.
const MAX_AGE_YEARS: i16 = 130;
/// Longest name, address part or number, characters.
const MAX_TEXT: usize = 200;
/// Longest reason, characters.
const MAX_REASON: usize = 4_000;
/// Most street lines.
const MAX_LINES: usize = 5;
/// Longest identifier of a practitioner, bytes.
const MAX_PROVIDER: usize = 128;

/// Makes the intake. What is given counts instead of what the form has. `today` is the day of submission at the clinic.
pub(super) fn intake(plan: &Plan, form: &Value, given: &Given, today: Date) -> Result<Intake, MapError> {
    let reader = Reader { plan, form: Form::new(form), given };
    // In canonical order: a rejection names the first problem.
    let patient = reader.patient(today)?;
    let guardian = reader.guardian(patient.phone.as_deref())?;
    let coverage = reader.coverage()?;
    let appointment = reader.appointment()?;
    let consents = reader.consents()?;
    let reason = reader.bounded(Field::Reason, MAX_REASON)?;
    let communication = Communication { language: reader.text(Field::Language)? };
    let referral = reader.referral()?;
    Ok(Intake { patient, guardian, coverage, appointment, consents, reason, communication, referral })
}

/// Whether what is given for these fields can be read, each by itself.
pub(super) fn reads(
    plan: &Plan,
    given: &Given,
    mut fields: impl Iterator<Item = Field>,
    today: Date,
) -> Result<(), MapError> {
    let reader = Reader { plan, form: Form::new(&Value::Null), given };
    fields.try_for_each(|field| reader.reads(field, today))
}

/// A sex by its FHIR code.
pub(super) fn sex(word: &str) -> Option<Sex> {
    [Sex::Female, Sex::Male, Sex::Other, Sex::Unknown].into_iter().find(|sex| sex.as_str() == word)
}

/// A kind of visit by its name.
pub(super) fn kind(word: &str) -> Option<VisitKind> {
    [VisitKind::NewPatient, VisitKind::FollowUp, VisitKind::Procedure, VisitKind::Telehealth]
        .into_iter()
        .find(|kind| kind.as_str() == word)
}

/// An identifier has no spaces.
fn provider(text: &str) -> Option<String> {
    let text = text::clean(text);
    (text.len() <= MAX_PROVIDER && !text.contains(' ')).then_some(text)
}

struct Reader<'a> {
    plan: &'a Plan,
    form: Form<'a>,
    given: &'a Given,
}

impl Reader<'_> {
    fn patient(&self, today: Date) -> Result<Patient, MapError> {
        Ok(Patient {
            given: self.required(Field::PatientGiven, self.name(Field::PatientGiven)?)?,
            middle: self.text(Field::PatientMiddle)?,
            family: self.required(Field::PatientFamily, self.name(Field::PatientFamily)?)?,
            birth_date: self.required(Field::PatientBirthDate, self.birth_date(today)?)?,
            sex: self.required(Field::PatientSex, self.sex()?)?,
            phone: self.parsed(Field::PatientPhone, phone::e164)?,
            email: self.parsed(Field::PatientEmail, text::email)?,
            address: self.address()?,
        })
    }

    /// Reads one field, as the intake does it.
    fn reads(&self, field: Field, today: Date) -> Result<(), MapError> {
        match field {
            Field::PatientGiven | Field::PatientFamily | Field::GuardianName => self.name(field).map(drop),
            Field::PatientBirthDate => self.birth_date(today).map(drop),
            Field::PatientSex => self.sex().map(drop),
            Field::PatientPhone | Field::GuardianPhone => self.parsed(field, phone::e164).map(drop),
            Field::PatientEmail => self.parsed(field, text::email).map(drop),
            Field::AddressLines => self.lines().map(drop),
            Field::AppointmentKind => self.kind().map(drop),
            Field::AppointmentProvider => self.parsed(field, provider).map(drop),
            Field::AppointmentStart => self.start().map(drop),
            Field::ConsentTreatment | Field::ConsentSms | Field::ConsentEmail | Field::ConsentPart2 => {
                self.flag(field).map(drop)
            }
            Field::Reason => self.bounded(field, MAX_REASON).map(drop),
            _ => self.text(field).map(drop),
        }
    }

    fn sex(&self) -> Result<Option<Sex>, MapError> {
        self.parsed(Field::PatientSex, |text| sex(&text::folded(text)))
    }

    fn kind(&self) -> Result<Option<VisitKind>, MapError> {
        self.parsed(Field::AppointmentKind, |text| kind(&text::folded(text)))
    }

    fn start(&self) -> Result<Option<Timestamp>, MapError> {
        self.parsed(Field::AppointmentStart, |text| text.trim().parse::<Timestamp>().ok())
    }

    fn birth_date(&self, today: Date) -> Result<Option<Date>, MapError> {
        let oldest = today.saturating_sub(MAX_AGE_YEARS.years());
        self.parsed(Field::PatientBirthDate, |text| {
            text.trim().parse::<Date>().ok().filter(|date| (oldest..=today).contains(date))
        })
    }

    /// Present if any part is; a part that the form does not have is empty.
    fn address(&self) -> Result<Option<Address>, MapError> {
        let address = Address {
            lines: self.lines()?,
            city: self.text(Field::AddressCity)?.unwrap_or_default(),
            state: self.text(Field::AddressState)?.unwrap_or_default().to_uppercase(),
            postal_code: self.text(Field::AddressPostalCode)?.unwrap_or_default(),
        };
        let any = !address.lines.is_empty()
            || [&address.city, &address.state, &address.postal_code].iter().any(|part| !part.is_empty());
        Ok(any.then_some(address))
    }

    fn lines(&self) -> Result<Vec<String>, MapError> {
        let field = Field::AddressLines;
        let texts = match self.item(field)? {
            Item::Nothing => return Ok(Vec::new()),
            Item::Text(text) => vec![text],
            Item::List(texts) => texts,
            Item::Flag(_) => return Err(MapError::invalid(field)),
        };
        let lines: Vec<String> =
            texts.iter().map(|line| text::clean(line)).filter(|line| !line.is_empty()).collect();
        let fit = lines.len() <= MAX_LINES && lines.iter().all(|line| line.chars().count() <= MAX_TEXT);
        if fit { Ok(lines) } else { Err(MapError::invalid(field)) }
    }

    fn guardian(&self, patient_phone: Option<&str>) -> Result<Option<Guardian>, MapError> {
        let Some(name) = self.name(Field::GuardianName)? else { return Ok(None) };
        let own = self.parsed(Field::GuardianPhone, phone::e164)?;
        Ok(Some(Guardian { name, phone: own.or_else(|| patient_phone.map(str::to_owned)) }))
    }

    fn coverage(&self) -> Result<Option<Coverage>, MapError> {
        let Some(member_id) = self.text(Field::CoverageMemberId)? else { return Ok(None) };
        let payer = self.required(Field::CoveragePayer, self.text(Field::CoveragePayer)?)?;
        Ok(Some(Coverage {
            payer: self.plan.payers.name(payer),
            member_id: member_id.to_uppercase(),
            group: self.text(Field::CoverageGroup)?.map(|group| group.to_uppercase()),
        }))
    }

    fn appointment(&self) -> Result<AppointmentRequest, MapError> {
        let [what, who, when] = [Field::AppointmentKind, Field::AppointmentProvider, Field::AppointmentStart];
        Ok(AppointmentRequest {
            kind: self.required(what, self.kind()?)?,
            provider: self.required(who, self.parsed(who, provider)?)?,
            start: self.required(when, self.start()?)?,
        })
    }

    fn consents(&self) -> Result<Consents, MapError> {
        Ok(Consents {
            treatment: self.flag(Field::ConsentTreatment)?.unwrap_or(false),
            sms: self.flag(Field::ConsentSms)?.unwrap_or(false),
            email: self.flag(Field::ConsentEmail)?.unwrap_or(false),
            part2: self.flag(Field::ConsentPart2)?,
        })
    }

    fn referral(&self) -> Result<Option<Referral>, MapError> {
        let Some(practitioner) = self.text(Field::ReferralPractitioner)? else { return Ok(None) };
        Ok(Some(Referral { practitioner, npi: self.text(Field::ReferralNpi)? }))
    }

    fn item(&self, field: Field) -> Result<Item, MapError> {
        if let Some(item) = self.given.get(field) {
            return Ok(item.clone());
        }
        self.plan.item(field, &self.form).map_err(|bad| match bad {
            Bad::Form => MapError::invalid(field),
            Bad::Template => MapError::TemplateFailed { field: field.path() },
        })
    }

    /// The text at a field, as the steps left it.
    fn raw(&self, field: Field) -> Result<Option<String>, MapError> {
        match self.item(field)? {
            Item::Nothing => Ok(None),
            Item::Text(text) => Ok(Some(text)),
            Item::Flag(_) | Item::List(_) => Err(MapError::invalid(field)),
        }
    }

    fn bounded(&self, field: Field, max: usize) -> Result<Option<String>, MapError> {
        let Some(text) = self.raw(field)?.map(|text| text::clean(&text)).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        if text.chars().count() > max { Err(MapError::invalid(field)) } else { Ok(Some(text)) }
    }

    fn text(&self, field: Field) -> Result<Option<String>, MapError> {
        self.bounded(field, MAX_TEXT)
    }

    /// A text that has at least one letter.
    fn name(&self, field: Field) -> Result<Option<String>, MapError> {
        match self.text(field)? {
            Some(name) if !name.chars().any(char::is_alphabetic) => Err(MapError::invalid(field)),
            name => Ok(name),
        }
    }

    fn parsed<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, MapError> {
        let Some(text) = self.raw(field)? else { return Ok(None) };
        parse(&text).map(Some).ok_or(MapError::invalid(field))
    }

    fn flag(&self, field: Field) -> Result<Option<bool>, MapError> {
        match self.item(field)? {
            Item::Nothing => Ok(None),
            Item::Flag(flag) => Ok(Some(flag)),
            Item::Text(text) => text::yes_no(&text).map(Some).ok_or(MapError::invalid(field)),
            Item::List(_) => Err(MapError::invalid(field)),
        }
    }

    fn required<T>(&self, field: Field, value: Option<T>) -> Result<T, MapError> {
        value.ok_or(MapError::missing(field))
    }
}
