//! The clinics' texts, filled with the little that they may say.

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};

/// All that a text may say: the names are those of [`domain::template::Notification`]'s texts. Nothing about the person, the
/// reason or the practitioner is here, so that no text can say it.
#[derive(Clone)]
pub struct NoticeFacts {
    /// The clinic's name.
    pub clinic_name: String,
    /// The clinic's phone.
    pub clinic_phone: Option<String>,
    /// When the visit starts.
    pub starts: Timestamp,
    /// The clinic's time zone.
    pub zone: TimeZone,
    /// The visit's length.
    pub minutes: u16,
    /// The clinic's page with instructions.
    pub link: Option<String>,
}

/// A clinic's text cannot be used: the text is wrong, not the visit. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is not a template.
    #[error("the text is not a valid template")]
    Syntax,
    /// It uses a name that there is not, or prints one that this clinic does not set.
    #[error("the text uses a name that has no value")]
    Undefined,
}

/// Fills a text. A name without a value is an error, never an empty place in a message to a patient.
///
/// # Errors
/// [`TextError`].
pub fn render_text(text: &str, facts: &NoticeFacts) -> Result<String, TextError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(ErrorKind::UndefinedError.into());
        }
        minijinja::escape_formatter(out, state, value)
    });
    let starts = facts.starts.to_zoned(facts.zone.clone());
    let optional = |value: &Option<String>| value.as_deref().map_or(Value::from(()), Value::from);
    let values = context! {
        clinic_name => facts.clinic_name.as_str(),
        clinic_phone => optional(&facts.clinic_phone),
        starts_local => starts.strftime("%A, %B %-d, %Y at %-I:%M %p").to_string(),
        minutes => facts.minutes,
        link => optional(&facts.link),
    };
    environment.render_str(text, values).map_err(|error| match error.kind() {
        ErrorKind::UndefinedError => TextError::Undefined,
        _ => TextError::Syntax,
    })
}

/// Checks a text without a visit.
///
/// # Errors
/// [`TextError`].
pub fn check_text(text: &str, clinic_phone: Option<&str>, link: Option<&str>) -> Result<(), TextError> {
    let facts = NoticeFacts {
        clinic_name: "Clinic".to_owned(),
        clinic_phone: clinic_phone.map(str::to_owned),
        starts: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
        minutes: 20,
        link: link.map(str::to_owned),
    };
    render_text(text, &facts).map(drop)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{NoticeFacts, TextError, check_text, render_text};

    fn facts() -> NoticeFacts {
        NoticeFacts {
            clinic_name: "Smith & Sons Family Medicine".to_owned(),
            clinic_phone: None,
            starts: "2027-02-14T16:40:00Z".parse().unwrap(),
            zone: TimeZone::get("America/New_York").unwrap(),
            minutes: 20,
            link: Some("https://clinic.example/visit".to_owned()),
        }
    }

    #[test]
    fn says_clinic_time_and_link() {
        let text = "{{ clinic_name }}: {{ starts_local }} ({{ minutes }} min). {{ link }}\
                    {% if clinic_phone %} Call {{ clinic_phone }}.{% endif %}";
        assert_eq!(
            render_text(text, &facts()).unwrap(),
            "Smith & Sons Family Medicine: Sunday, February 14, 2027 at 11:40 AM (20 min). https://clinic.example/visit"
        );
    }

    #[test]
    fn a_name_without_a_value_is_an_error() {
        assert_eq!(render_text("Call {{ clinic_phone }}", &facts()), Err(TextError::Undefined));
        assert_eq!(render_text("{{ patient }}", &facts()), Err(TextError::Undefined));
        assert_eq!(render_text("{{ reason.text }}", &facts()), Err(TextError::Undefined));
        assert_eq!(render_text("{{ clinic_name", &facts()), Err(TextError::Syntax));
        assert_eq!(check_text("{{ clinic_name }} {{ link }}", None, Some("https://c.example")), Ok(()));
        assert_eq!(check_text("{{ clinic_name }} {{ link }}", None, None), Err(TextError::Undefined));
    }
}
