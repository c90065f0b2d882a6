//! The EHR's contents and log, and the messages, from the sandbox's control API.

use jiff::Timestamp;
use serde::Deserialize;
use testkit::sandbox::{Channel, Control, Kind, Message, Write};

use crate::chaos::check::facts::{Appointment, Coverage, Ehr, Patient, Slot, Told};

/// What our identifier systems begin with.
const OURS: &str = "urn:frontdesk:";

pub(super) async fn read(control_url: &str) -> anyhow::Result<(Ehr, Vec<Write>, Vec<Told>)> {
    let control = Control::new(control_url)?;
    let mut ehr = Ehr::default();
    control.each_content(Kind::Patient, |one: Resource| ehr.patients.push(one.patient())).await?;
    control.each_content(Kind::Coverage, |one: Resource| ehr.coverages.push(one.coverage())).await?;
    control.each_content(Kind::Appointment, |one: Resource| ehr.appointments.push(one.appointment())).await?;
    let busy = |one: Resource| {
        if one.status.as_deref() != Some("free") {
            ehr.busy.push(one.slot());
        }
    };
    control.each_content(Kind::Slot, busy).await?;
    let other = |one: Resource| ehr.others.push(format!("RelatedPerson/{}", one.id));
    control.each_content(Kind::RelatedPerson, other).await?;
    let messages = control.messages().await?.into_iter().map(told).collect();
    Ok((ehr, control.writes(0).await?, messages))
}

/// Of any resource what is judged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    id: String,
    #[serde(default)]
    meta: Meta,
    #[serde(default)]
    identifier: Vec<Coded>,
    #[serde(default)]
    telecom: Vec<Coded>,
    #[serde(default)]
    address: Vec<Address>,
    status: Option<String>,
    start: Option<Timestamp>,
    schedule: Option<Reference>,
    beneficiary: Option<Reference>,
    subscriber_id: Option<String>,
    #[serde(default)]
    participant: Vec<Participant>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    version_id: String,
}

/// An identifier or a contact point.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Coded {
    system: String,
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    line: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    reference: Option<String>,
    r#type: Option<String>,
    display: Option<String>,
}

impl Reference {
    /// The id of a referenced resource of this type.
    fn id(&self, kind: &str) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix(kind)?.strip_prefix('/')
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Participant {
    actor: Reference,
}

impl Resource {
    fn identifiers(&self) -> Vec<String> {
        let ours = self.identifier.iter().filter(|one| one.system.starts_with(OURS));
        ours.map(|one| one.value.clone()).collect()
    }

    fn patient(self) -> Patient {
        let emails = self.telecom.iter().filter(|one| one.system == "email");
        Patient {
            identifiers: self.identifiers(),
            version: self.meta.version_id.parse().unwrap_or(0),
            emails: emails.map(|one| one.value.to_lowercase()).collect(),
            streets: self.address.iter().map(|one| one.line.join(" ").to_lowercase()).collect(),
            id: self.id,
        }
    }

    fn coverage(self) -> Coverage {
        let patient = self.beneficiary.as_ref().and_then(|one| one.id("Patient")).unwrap_or_default();
        Coverage {
            identifiers: self.identifiers(),
            patient: patient.to_owned(),
            member: self.subscriber_id.unwrap_or_default(),
            id: self.id,
        }
    }

    fn appointment(self) -> Appointment {
        let actors = || self.participant.iter().map(|one| &one.actor);
        let provider = actors().find(|one| one.r#type.as_deref() == Some("Practitioner"));
        Appointment {
            identifiers: self.identifiers(),
            patient: actors().find_map(|one| one.id("Patient")).unwrap_or_default().to_owned(),
            provider: provider.and_then(|one| one.display.clone()).unwrap_or_default(),
            start: self.start.unwrap_or(Timestamp::MIN),
            id: self.id,
        }
    }

    fn slot(self) -> Slot {
        let provider = self.schedule.as_ref().and_then(|one| one.id("Schedule")).unwrap_or_default();
        Slot {
            identifiers: self.identifiers(),
            provider: provider.to_owned(),
            start: self.start.unwrap_or(Timestamp::MIN),
            id: self.id,
        }
    }
}

fn told(message: Message) -> Told {
    let id = match message.channel {
        Channel::Sms => message.id,
        Channel::Email => message.message_id.unwrap_or_default(),
    };
    let to = message.to.first().map(|to| to.to_lowercase()).unwrap_or_default();
    let start = message.calendar.as_deref().and_then(start_of);
    Told { channel: message.channel, id, to, start }
}

/// `DTSTART:20270214T164000Z`, wherever it stands.
fn start_of(calendar: &str) -> Option<Timestamp> {
    let line = calendar.lines().find_map(|line| line.trim().strip_prefix("DTSTART:"))?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", line).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::start_of;

    #[test]
    fn a_mails_calendar_tells_the_start() {
        let text =
            "BEGIN:VCALENDAR\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:20270214T164000Z\r\nEND:VCALENDAR\r\n";
        assert_eq!(start_of(text).unwrap().to_string(), "2027-02-14T16:40:00Z");
        assert_eq!(start_of("BEGIN:VCALENDAR"), None);
    }
}
