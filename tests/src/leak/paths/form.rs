//! A person in the shape of a clinic's form, with something in every field.

use serde_json::{Value, json};

use crate::{
    chaos::people::{Clinic, Form},
    leak::{person::Person, world::Slot},
};

const ZIP: &str = "20411";
const PAYER: &str = "Aetna";

pub(super) fn of(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    match clinic.form {
        Form::WebJot => web_jot(clinic, person, slot),
        Form::WebType => web_type(clinic, person, slot),
        Form::Kiosk => kiosk(clinic, person, slot),
        Form::Call => call(clinic, person, slot),
        Form::Referral => referral(clinic, person, slot),
    }
}

fn web_jot(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    let (born, phone) = (person.born, &person.phone);
    json!({
        "q3_fullName": { "first": person.given, "middle": person.middle, "last": person.family },
        "q4_birthDate": {
            "month": format!("{:02}", born.month()),
            "day": format!("{:02}", born.day()),
            "year": born.year().to_string(),
        },
        "q5_sexAtBirth": "Female",
        "q6_phoneNumber": { "full": format!("({}) {}-{}", &phone[..3], &phone[3..6], &phone[6..]) },
        "q7_email": person.email,
        "q8_address": {
            "addr_line1": person.street, "addr_line2": "", "city": person.city, "state": clinic.state, "postal": ZIP,
        },
        "q10_insuranceCarrier": PAYER,
        "q11_memberId": person.member,
        "q12_groupNumber": person.group,
        "q14_appointmentType": "New Patient",
        "q15_provider": slot.provider,
        "q16_slot": slot.start.to_string(),
        "q17_reason": person.reason,
        "q20_consentTreatment": "Yes",
        "q21_textMe": "Yes",
        "q22_emailMe": "Yes",
        "q23_guardian": person.guardian,
        "q24_part2Consent": "Yes",
    })
}

fn web_type(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    let answer = |name: &str, kind: &str, value: Value| {
        let mut answer = json!({ "field": { "ref": name, "type": kind }, "type": kind });
        answer[kind] = value;
        answer
    };
    let text = |name: &str, value: &str| answer(name, "text", value.into());
    let choice = |name: &str, label: &str| answer(name, "choice", json!({ "label": label }));
    let tick = |name: &str| answer(name, "boolean", true.into());
    let answers = [
        text("why", &person.reason),
        text("given", &person.given),
        text("middle", &person.middle),
        text("surname", &person.family),
        answer("dob", "date", person.born.to_string().into()),
        choice("sex", "Male"),
        answer("mobile", "phone_number", format!("+1{}", person.phone).into()),
        answer("mail", "email", person.email.as_str().into()),
        text("street", &person.street),
        text("town", &person.city),
        text("st", &clinic.state),
        text("zipcode", ZIP),
        choice("carrier", PAYER),
        text("member", &person.member.to_lowercase()),
        text("group", &person.group),
        text("guardian", &person.guardian),
        choice("visit", "new_patient"),
        text("slot", &format!("{}@{}", slot.provider, slot.start)),
        tick("consent"),
        tick("sms_ok"),
        tick("mail_ok"),
        tick("part2_ok"),
    ];
    json!({ "form_id": "frm02", "answers": answers })
}

fn kiosk(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    json!({
        "LAST": person.family.to_uppercase(),
        "FIRST": person.given.to_uppercase(),
        "MI": person.middle.to_uppercase(),
        "DOB": person.born.strftime("%m%d%Y").to_string(),
        "SEX": "F",
        "PHONE1": person.phone,
        "EMAIL": person.email.to_uppercase(),
        "ADDR1": person.street.to_uppercase(),
        "CITY": person.city.to_uppercase(),
        "ST": clinic.state,
        "ZIP": ZIP,
        "INS_CO": PAYER.to_uppercase(),
        "INS_ID": person.member,
        "INS_GRP": person.group,
        "VISIT": "NEW",
        "PROV": slot.provider,
        "WHEN": slot.start.to_string(),
        "CC": person.reason.to_uppercase(),
        "CONSENT_TX": "Y",
        "CONSENT_SMS": "Y",
        "CONSENT_EML": "Y",
        "CONSENT_P2": "Y",
        "GUARD": person.guardian.to_uppercase(),
    })
}

fn call(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    let phone = &person.phone;
    json!({
        "caller": {
            "name": format!("{}, {}", person.family, person.given),
            "callback": format!("1.{}.{}.{}", &phone[..3], &phone[3..6], &phone[6..]),
        },
        "date of birth": person.born.strftime("%-d-%b-%Y").to_string(),
        "gender": "female",
        "email": person.email,
        "address": format!("{}; {}; {} {ZIP}", person.street, person.city, clinic.state),
        "insurance": format!("{PAYER} / {} / {}", person.member, person.group),
        "visit type": "new_patient",
        "slot": { "with": slot.provider, "at": slot.start.to_string() },
        "reason": person.reason,
        "verbal consent": true,
        "ok to text": true,
        "ok to email": true,
        "guardian": person.guardian,
        "42 CFR part 2 consent": true,
    })
}

fn referral(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    let phone = &person.phone;
    let phone = format!("{}-{}-{}", &phone[..3], &phone[3..6], &phone[6..]);
    json!({
        "referral": {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "reasonCode": [{ "text": person.reason }],
            "requester": {
                "display": person.referrer,
                "identifier": { "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" },
            },
        },
        "patient": {
            "resourceType": "Patient",
            "name": [{ "family": person.family, "given": [person.given, person.middle] }],
            "birthDate": person.born.to_string(),
            "gender": "female",
            "telecom": [
                { "system": "phone", "value": phone, "use": "mobile" },
                { "system": "email", "value": person.email },
            ],
            "address": [
                { "line": [person.street], "city": person.city, "state": clinic.state, "postalCode": ZIP },
            ],
            "contact": [{ "relationship": [{ "text": "Guardian" }], "name": { "text": person.guardian } }],
        },
        "coverage": { "payor": PAYER, "subscriberId": person.member, "group": person.group },
        "appointment": {
            "type": "new_patient", "practitioner": slot.provider, "start": slot.start.to_string(),
        },
        "consents": ["treatment", "sms", "email", "part2"],
    })
}
