//! One message to one patient, with the minimum of PHI: the clinic, the time, a link. Never the reason.

use adapters::messenger::{Invite, Notice, NoticeFacts, render_text};
use domain::{
    Code, Fault,
    messages::{Channel, Written},
    template::Clinic,
};

/// Composes the message of a channel from the clinic's texts. `key` is opaque and the same for every attempt.
///
/// # Errors
/// [`Code::TemplateFailed`]: a text of the clinic uses a name that has no value. The text is to be mended and the message replayed.
pub(crate) fn compose(
    clinic: &Clinic,
    channel: Channel,
    to: &str,
    key: String,
    written: &Written,
) -> Result<Notice, Fault> {
    let texts = &clinic.notification;
    let facts = NoticeFacts {
        clinic_name: clinic.name.clone(),
        clinic_phone: texts.phone.clone(),
        starts: written.intake.appointment.start,
        zone: clinic.time_zone.clone(),
        minutes: written.minutes,
        link: texts.link.clone(),
    };
    let fill = |text: &str| render_text(text, &facts).map_err(|_| Fault::permanent(Code::TemplateFailed));
    let (subject, text, invite) = match channel {
        Channel::Email => {
            let invite = Invite {
                uid: key.clone(),
                clinic: clinic.name.clone(),
                start: facts.starts,
                minutes: written.minutes,
            };
            (fill(&texts.email.subject)?, fill(&texts.email.body)?, Some(invite))
        }
        Channel::Sms => (String::new(), fill(&texts.sms.body)?, None),
    };
    Ok(Notice { key, to: to.to_owned(), subject, text, invite })
}
