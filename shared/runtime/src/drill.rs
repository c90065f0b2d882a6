//! The process's fire drill, as the settings order it: see [`domain::drill`].
//!
//! A request file with the words `<point> <nth>` arms it: at the nth passage of that point from then on the process kills itself.
//! With the word `stop` behind them it stops itself (SIGSTOP) until it is continued, and with the word `panic` it panics there with what
//! stands in `<request_file>.words`, as a failed `expect` does with what it was given. The files are removed once they are read.
//! Before the process dies it adds the point's name as a line to `<request_file>.log`.

#[cfg(debug_assertions)]
mod countdown;
#[cfg(debug_assertions)]
mod requests;

use crate::{ConfigError, Settings};

#[cfg(any(test, not(debug_assertions)))]
fn refuse(settings: &Settings) -> Result<(), ConfigError> {
    if settings.has("drill") {
        return Err(ConfigError::key("drill", "drills are not part of a release build"));
    }
    Ok(())
}

/// A release has no drills, and says so rather than to promise one.
///
/// # Errors
/// [`ConfigError`] if the settings have a section `[drill]`.
#[cfg(not(debug_assertions))]
pub(crate) fn install(settings: &Settings) -> Result<(), ConfigError> {
    refuse(settings)
}

/// Installs the process's drill if the settings have a section `[drill]`.
///
/// # Errors
/// [`ConfigError`] if it names a protection that there is not.
#[cfg(debug_assertions)]
pub(crate) fn install(settings: &Settings) -> Result<(), ConfigError> {
    use std::sync::Arc;

    if !settings.has("drill") {
        return Ok(());
    }
    let section = crate::config::DrillSection::read(settings)?;
    let off: Vec<&str> = section.off.iter().map(|one| one.as_str()).collect();
    let countdown = Arc::new(countdown::Countdown::default());
    let strike: Box<dyn Fn(domain::drill::Point, countdown::Strike) + Send + Sync> =
        match section.request_file {
            Some(file) => {
                let file = settings.resolve(&file);
                requests::follow(file.clone(), countdown.clone());
                Box::new(move |point, strike| requests::strike(&file, point, strike))
            }
            // Nobody can arm it.
            None => Box::new(|_, _| ()),
        };
    tracing::warn!(drill.off = off.join(","), "drill.installed");
    domain::drill::install(Box::new(countdown::FireDrill { countdown, off: section.off, strike }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Settings, refuse};

    #[test]
    fn a_release_refuses_the_section_and_says_why() {
        let settings = |text| Settings::from_toml(text, Path::new("/nowhere")).unwrap();
        assert!(refuse(&settings("")).is_ok());
        assert_eq!(
            refuse(&settings("[drill]\noff = []")).unwrap_err().to_string(),
            "configuration key `drill`: drills are not part of a release build"
        );
    }
}
