//! The JSON that is sent. PHI: no `Debug`.

use domain::{clock::Clock, intake::Sex};
use jiff::civil::Date;
use serde::Serialize;

use crate::payer::{
    Inquiry,
    request::{Asker, SERVICE_TYPE, control_number},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    control_number: String,
    trading_partner_service_id: &'a str,
    provider: Provider<'a>,
    subscriber: Person<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependents: Vec<Person<'a>>,
    encounter: Encounter,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider<'a> {
    npi: &'a str,
    organization_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    first_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<&'a str>,
    last_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_of_birth: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encounter {
    date_of_service: String,
    service_type_codes: [&'static str; 1],
}

impl<'a> Request<'a> {
    pub(super) fn of(inquiry: &'a Inquiry, asker: &'a Asker, clock: &dyn Clock) -> Self {
        let compact = |day: Date| day.strftime("%Y%m%d").to_string();
        let patient = |member_id| Person {
            first_name: &inquiry.given,
            middle_name: inquiry.middle.as_deref(),
            last_name: &inquiry.family,
            member_id,
            date_of_birth: Some(compact(inquiry.birth_date)),
            gender: match inquiry.sex {
                Sex::Female => Some("F"),
                Sex::Male => Some("M"),
                Sex::Other | Sex::Unknown => None,
            },
        };
        let member_id = Some(inquiry.member_id.as_str());
        let (subscriber, dependents) = match &inquiry.holder {
            None => (patient(member_id), Vec::new()),
            Some(holder) => {
                let subscriber = Person {
                    first_name: &holder.given,
                    middle_name: None,
                    last_name: &holder.family,
                    member_id,
                    date_of_birth: holder.birth_date.map(compact),
                    gender: None,
                };
                (subscriber, vec![patient(None)])
            }
        };
        Self {
            control_number: format!("{:09}", control_number(clock)),
            trading_partner_service_id: asker.payer_id(inquiry),
            provider: Provider { npi: asker.npi(inquiry), organization_name: asker.organisation(inquiry) },
            subscriber,
            dependents,
            encounter: Encounter {
                date_of_service: compact(inquiry.service_date),
                service_type_codes: [SERVICE_TYPE],
            },
        }
    }
}
