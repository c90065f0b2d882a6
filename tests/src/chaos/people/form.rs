//! What a person asks for, in the shape of their clinic's form.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    clinic::{Clinic, Form},
    person::Person,
    plan::Asked,
};

/// The body of a submission.
pub(super) fn body(clinic: &Clinic, person: &Person, asked: &Asked, submitted_at: Timestamp) -> Vec<u8> {
    let form = match clinic.form {
        Form::WebJot => web_jot(clinic, person, asked),
        Form::WebType => web_type(clinic, person, asked),
        Form::Kiosk => kiosk(clinic, person, asked),
        Form::Call => call(clinic, person, asked),
        Form::Referral => referral(clinic, person, asked),
    };
    json!({
        "submission_id": asked.submission,
        "clinic_id": clinic.clinic_id,
        "source": clinic.source,
        "submitted_at": submitted_at.to_string(),
        "form_version": "1",
        "form": form,
    })
    .to_string()
    .into_bytes()
}

const REASON: &str = "Annual physical";
const CITY: &str = "Fairhaven";
const ZIP: &str = "20411";

fn web_jot(clinic: &Clinic, person: &Person, asked: &Asked) -> Value {
    let yes = |given: bool| if given { "Yes" } else { "No" };
    let born = person.birth_date;
    let mut form = json!({
        "q3_fullName": { "first": person.given, "middle": "", "last": person.family },
        "q4_birthDate": {
            "month": format!("{:02}", born.month()),
            "day": format!("{:02}", born.day()),
            "year": born.year().to_string(),
        },
        "q5_sexAtBirth": if person.female { "Female" } else { "Male" },
        "q6_phoneNumber": {
            "full": format!("({}) {}-{}", &person.phone[..3], &person.phone[3..6], &person.phone[6..]),
        },
        "q7_email": person.email,
        "q8_address": {
            "addr_line1": asked.street, "addr_line2": "", "city": CITY, "state": clinic.state, "postal": ZIP,
        },
        "q10_insuranceCarrier": person.payer,
        "q11_memberId": person.member_id,
        "q12_groupNumber": "",
        "q14_appointmentType": "New Patient",
        "q15_provider": asked.provider,
        "q16_slot": asked.start.to_string(),
        "q17_reason": REASON,
        "q20_consentTreatment": "Yes",
        "q21_textMe": yes(asked.sms),
        "q22_emailMe": yes(asked.mail),
        "q23_guardian": "",
    });
    if clinic.behavioral {
        form["q24_part2Consent"] = "Yes".into();
    }
    form
}

fn web_type(clinic: &Clinic, person: &Person, asked: &Asked) -> Value {
    let answer = |name: &str, kind: &str, value: Value| {
        let mut answer = json!({ "field": { "ref": name, "type": kind }, "type": kind });
        answer[kind] = value;
        answer
    };
    let text = |name: &str, value: &str| answer(name, "text", value.into());
    let choice = |name: &str, label: &str| answer(name, "choice", json!({ "label": label }));
    let tick = |name: &str, value: bool| answer(name, "boolean", value.into());
    let mut answers = vec![
        text("why", REASON),
        text("given", &person.given),
        text("surname", &person.family),
        answer("dob", "date", person.birth_date.to_string().into()),
        choice("sex", if person.female { "Female" } else { "Male" }),
        answer("mobile", "phone_number", person.e164().into()),
        answer("mail", "email", person.email.as_str().into()),
        text("street", &asked.street),
        text("town", CITY),
        text("st", &clinic.state),
        text("zipcode", ZIP),
        choice("carrier", person.payer),
        text("member", &person.member_id.to_lowercase()),
        choice("visit", "new_patient"),
        text("slot", &format!("{}@{}", asked.provider, asked.start)),
        tick("consent", true),
        tick("sms_ok", asked.sms),
        tick("mail_ok", asked.mail),
    ];
    if clinic.behavioral {
        answers.push(tick("part2_ok", true));
    }
    json!({ "form_id": "frm02", "answers": answers })
}

fn kiosk(clinic: &Clinic, person: &Person, asked: &Asked) -> Value {
    let yes = |given: bool| if given { "Y" } else { "N" };
    let mut form = json!({
        "LAST": person.family.to_uppercase(),
        "FIRST": person.given.to_uppercase(),
        "MI": "",
        "DOB": person.birth_date.strftime("%m%d%Y").to_string(),
        "SEX": if person.female { "F" } else { "M" },
        "PHONE1": person.phone,
        "EMAIL": person.email.to_uppercase(),
        "ADDR1": asked.street.to_uppercase(),
        "CITY": CITY.to_uppercase(),
        "ST": clinic.state,
        "ZIP": ZIP,
        "INS_CO": person.payer.to_uppercase(),
        "INS_ID": person.member_id,
        "INS_GRP": "",
        "VISIT": "NEW",
        "PROV": asked.provider,
        "WHEN": asked.start.to_string(),
        "CC": REASON.to_uppercase(),
        "CONSENT_TX": "Y",
        "CONSENT_SMS": yes(asked.sms),
        "CONSENT_EML": yes(asked.mail),
        "GUARD": "",
    });
    if clinic.behavioral {
        form["CONSENT_P2"] = "Y".into();
    }
    form
}

fn call(clinic: &Clinic, person: &Person, asked: &Asked) -> Value {
    let phone = &person.phone;
    let mut form = json!({
        "caller": {
            "name": format!("{}, {}", person.family, person.given),
            "callback": format!("1.{}.{}.{}", &phone[..3], &phone[3..6], &phone[6..]),
        },
        "date of birth": person.birth_date.strftime("%-d-%b-%Y").to_string(),
        "gender": if person.female { "female" } else { "male" },
        "email": person.email,
        "address": format!("{}; {CITY}; {} {ZIP}", asked.street, clinic.state),
        "insurance": format!("{} / {}", person.payer, person.member_id),
        "visit type": "new_patient",
        "slot": { "with": asked.provider, "at": asked.start.to_string() },
        "reason": REASON,
        "verbal consent": true,
        "ok to text": asked.sms,
        "ok to email": asked.mail,
        "guardian": null,
    });
    if clinic.behavioral {
        form["42 CFR part 2 consent"] = true.into();
    }
    form
}

fn referral(clinic: &Clinic, person: &Person, asked: &Asked) -> Value {
    let phone = &person.phone;
    let agreed =
        [("treatment", true), ("sms", asked.sms), ("email", asked.mail), ("part2", clinic.behavioral)];
    let consents: Vec<&str> = agreed.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    json!({
        "referral": {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "reasonCode": [{ "text": REASON }],
            "requester": {
                "display": "Imani Brooks MD",
                "identifier": { "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" },
            },
        },
        "patient": {
            "resourceType": "Patient",
            "name": [{ "family": person.family, "given": [person.given] }],
            "birthDate": person.birth_date.to_string(),
            "gender": if person.female { "female" } else { "male" },
            "telecom": [
                {
                    "system": "phone",
                    "value": format!("{}-{}-{}", &phone[..3], &phone[3..6], &phone[6..]),
                    "use": "mobile",
                },
                { "system": "email", "value": person.email },
            ],
            "address": [
                { "line": [asked.street], "city": CITY, "state": clinic.state, "postalCode": ZIP },
            ],
        },
        "coverage": { "payor": person.payer, "subscriberId": person.member_id, "group": null },
        "appointment": {
            "type": "new_patient", "practitioner": asked.provider, "start": asked.start.to_string(),
        },
        "consents": consents,
    })
}
