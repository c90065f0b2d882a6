//! What somebody enters, in the shape of their clinic's form.

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::{
    clinic::{Clinic, Form},
    person::Person,
    plan::Asked,
};

/// The body of a submission.
pub(super) fn body(clinic: &Clinic, person: &Person, asked: &Asked, submitted_at: Timestamp) -> Vec<u8> {
    let entries = Entries {
        given: &person.given,
        middle: None,
        family: &person.family,
        guardian: None,
        born: person.birth_date,
        female: person.female,
        phone: &person.phone,
        email: &person.email,
        street: &asked.street,
        city: "Fairhaven",
        payer: person.payer,
        member: &person.member_id,
        group: None,
        reason: "Annual physical",
        referrer: "Imani Brooks MD",
        provider: &asked.provider,
        start: asked.start,
        sms: asked.sms,
        mail: asked.mail,
        part2: clinic.behavioral,
    };
    json!({
        "submission_id": asked.submission,
        "clinic_id": clinic.clinic_id,
        "source": clinic.source,
        "submitted_at": submitted_at.to_string(),
        "form_version": "1",
        "form": filled(clinic, &entries),
    })
    .to_string()
    .into_bytes()
}

/// What is entered into a form, whatever its shape. As good as PHI: no `Debug`.
pub(crate) struct Entries<'a> {
    pub(crate) given: &'a str,
    pub(crate) middle: Option<&'a str>,
    pub(crate) family: &'a str,
    pub(crate) guardian: Option<&'a str>,
    pub(crate) born: Date,
    /// Or male.
    pub(crate) female: bool,
    /// Ten digits.
    pub(crate) phone: &'a str,
    pub(crate) email: &'a str,
    pub(crate) street: &'a str,
    pub(crate) city: &'a str,
    /// The payer by a name that every clinic knows.
    pub(crate) payer: &'a str,
    pub(crate) member: &'a str,
    pub(crate) group: Option<&'a str>,
    pub(crate) reason: &'a str,
    /// Who referred them, where the form asks for it.
    pub(crate) referrer: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) start: Timestamp,
    /// Whether texts are agreed to.
    pub(crate) sms: bool,
    /// Whether mails are agreed to.
    pub(crate) mail: bool,
    /// Whether 42 CFR Part 2 is consented to; forms of clinics that do not need it do not ask.
    pub(crate) part2: bool,
}

const ZIP: &str = "20411";

/// The clinic's form with these entries.
pub(crate) fn filled(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    match clinic.form {
        Form::WebJot => web_jot(clinic, entries),
        Form::WebType => web_type(clinic, entries),
        Form::Kiosk => kiosk(clinic, entries),
        Form::Call => call(clinic, entries),
        Form::Referral => referral(clinic, entries),
    }
}

fn web_jot(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    let yes = |given: bool| if given { "Yes" } else { "No" };
    let (area, exchange, line) = phone(entries);
    let born = entries.born;
    let mut form = json!({
        "q3_fullName": {
            "first": entries.given, "middle": entries.middle.unwrap_or_default(), "last": entries.family,
        },
        "q4_birthDate": {
            "month": format!("{:02}", born.month()),
            "day": format!("{:02}", born.day()),
            "year": born.year().to_string(),
        },
        "q5_sexAtBirth": if entries.female { "Female" } else { "Male" },
        "q6_phoneNumber": { "full": format!("({area}) {exchange}-{line}") },
        "q7_email": entries.email,
        "q8_address": {
            "addr_line1": entries.street, "addr_line2": "", "city": entries.city, "state": clinic.state, "postal": ZIP,
        },
        "q10_insuranceCarrier": entries.payer,
        "q11_memberId": entries.member,
        "q12_groupNumber": entries.group.unwrap_or_default(),
        "q14_appointmentType": "New Patient",
        "q15_provider": entries.provider,
        "q16_slot": entries.start.to_string(),
        "q17_reason": entries.reason,
        "q20_consentTreatment": "Yes",
        "q21_textMe": yes(entries.sms),
        "q22_emailMe": yes(entries.mail),
        "q23_guardian": entries.guardian.unwrap_or_default(),
    });
    if entries.part2 {
        form["q24_part2Consent"] = "Yes".into();
    }
    form
}

fn web_type(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    let answer = |name: &str, kind: &str, value: Value| {
        let mut answer = json!({ "field": { "ref": name, "type": kind }, "type": kind });
        answer[kind] = value;
        answer
    };
    let text = |name: &str, value: &str| answer(name, "text", value.into());
    let choice = |name: &str, label: &str| answer(name, "choice", json!({ "label": label }));
    let tick = |name: &str, value: bool| answer(name, "boolean", value.into());
    let mut answers = vec![
        text("why", entries.reason),
        text("given", entries.given),
        text("surname", entries.family),
        answer("dob", "date", entries.born.to_string().into()),
        choice("sex", if entries.female { "Female" } else { "Male" }),
        answer("mobile", "phone_number", format!("+1{}", entries.phone).into()),
        answer("mail", "email", entries.email.into()),
        text("street", entries.street),
        text("town", entries.city),
        text("st", &clinic.state),
        text("zipcode", ZIP),
        choice("carrier", entries.payer),
        text("member", &entries.member.to_lowercase()),
        choice("visit", "new_patient"),
        text("slot", &format!("{}@{}", entries.provider, entries.start)),
        tick("consent", true),
        tick("sms_ok", entries.sms),
        tick("mail_ok", entries.mail),
    ];
    // Whoever has none leaves the question out.
    let optional = [("middle", entries.middle), ("group", entries.group), ("guardian", entries.guardian)];
    answers.extend(optional.into_iter().filter_map(|(name, value)| Some(text(name, value?))));
    if entries.part2 {
        answers.push(tick("part2_ok", true));
    }
    json!({ "form_id": "frm02", "answers": answers })
}

fn kiosk(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    let yes = |given: bool| if given { "Y" } else { "N" };
    let mut form = json!({
        "LAST": entries.family.to_uppercase(),
        "FIRST": entries.given.to_uppercase(),
        "MI": entries.middle.unwrap_or_default().to_uppercase(),
        "DOB": entries.born.strftime("%m%d%Y").to_string(),
        "SEX": if entries.female { "F" } else { "M" },
        "PHONE1": entries.phone,
        "EMAIL": entries.email.to_uppercase(),
        "ADDR1": entries.street.to_uppercase(),
        "CITY": entries.city.to_uppercase(),
        "ST": clinic.state,
        "ZIP": ZIP,
        "INS_CO": entries.payer.to_uppercase(),
        "INS_ID": entries.member,
        "INS_GRP": entries.group.unwrap_or_default(),
        "VISIT": "NEW",
        "PROV": entries.provider,
        "WHEN": entries.start.to_string(),
        "CC": entries.reason.to_uppercase(),
        "CONSENT_TX": "Y",
        "CONSENT_SMS": yes(entries.sms),
        "CONSENT_EML": yes(entries.mail),
        "GUARD": entries.guardian.unwrap_or_default().to_uppercase(),
    });
    if entries.part2 {
        form["CONSENT_P2"] = "Y".into();
    }
    form
}

fn call(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    let (area, exchange, line) = phone(entries);
    let insurance = [Some(entries.payer), Some(entries.member), entries.group];
    let mut form = json!({
        "caller": {
            "name": format!("{}, {}", entries.family, entries.given),
            "callback": format!("1.{area}.{exchange}.{line}"),
        },
        "date of birth": entries.born.strftime("%-d-%b-%Y").to_string(),
        "gender": if entries.female { "female" } else { "male" },
        "email": entries.email,
        "address": format!("{}; {}; {} {ZIP}", entries.street, entries.city, clinic.state),
        "insurance": insurance.into_iter().flatten().collect::<Vec<_>>().join(" / "),
        "visit type": "new_patient",
        "slot": { "with": entries.provider, "at": entries.start.to_string() },
        "reason": entries.reason,
        "verbal consent": true,
        "ok to text": entries.sms,
        "ok to email": entries.mail,
        "guardian": entries.guardian,
    });
    if entries.part2 {
        form["42 CFR part 2 consent"] = true.into();
    }
    form
}

fn referral(clinic: &Clinic, entries: &Entries<'_>) -> Value {
    let (area, exchange, line) = phone(entries);
    let agreed =
        [("treatment", true), ("sms", entries.sms), ("email", entries.mail), ("part2", entries.part2)];
    let consents: Vec<&str> = agreed.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    let given: Vec<&str> = [Some(entries.given), entries.middle].into_iter().flatten().collect();
    let mut form = json!({
        "referral": {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "reasonCode": [{ "text": entries.reason }],
            "requester": {
                "display": entries.referrer,
                "identifier": { "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" },
            },
        },
        "patient": {
            "resourceType": "Patient",
            "name": [{ "family": entries.family, "given": given }],
            "birthDate": entries.born.to_string(),
            "gender": if entries.female { "female" } else { "male" },
            "telecom": [
                { "system": "phone", "value": format!("{area}-{exchange}-{line}"), "use": "mobile" },
                { "system": "email", "value": entries.email },
            ],
            "address": [
                { "line": [entries.street], "city": entries.city, "state": clinic.state, "postalCode": ZIP },
            ],
        },
        "coverage": { "payor": entries.payer, "subscriberId": entries.member, "group": entries.group },
        "appointment": {
            "type": "new_patient", "practitioner": entries.provider, "start": entries.start.to_string(),
        },
        "consents": consents,
    });
    if let Some(guardian) = entries.guardian {
        form["patient"]["contact"] =
            json!([{ "relationship": [{ "text": "Guardian" }], "name": { "text": guardian } }]);
    }
    form
}

/// The phone number's three parts.
fn phone<'a>(entries: &Entries<'a>) -> (&'a str, &'a str, &'a str) {
    let phone = entries.phone;
    (&phone[..3], &phone[3..6], &phone[6..])
}
