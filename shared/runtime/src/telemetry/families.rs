//! Gauges whose labels are known only at run time, such as clinics. What the labels are is bounded by the configuration, never by what people
//! send.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
};

/// One value of a family, with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

/// Families of gauges by name. Each is set as a whole, so that what is gone is no longer told.
#[derive(Debug, Default)]
pub struct Families(Mutex<BTreeMap<&'static str, Vec<Sample>>>);

impl Families {
    /// Puts these values in place of all that a family had.
    pub fn set(&self, name: &'static str, samples: Vec<Sample>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, samples);
    }

    pub(super) fn render(&self, service: &str, out: &mut String) {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, samples) in families.iter() {
            let _ = writeln!(out, "# TYPE {name} gauge");
            for Sample { labels, value } in samples {
                let _ = write!(out, "{name}{{service=\"{service}\"");
                for (label, text) in labels {
                    let _ = write!(out, ",{label}=\"{}\"", escaped(text));
                }
                let _ = writeln!(out, "}} {value}");
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Families, Sample};

    #[test]
    fn a_family_is_told_as_it_was_set_last() {
        let families = Families::default();
        let sample = |clinic: &str, value| Sample { labels: vec![("clinic", clinic.to_owned())], value };
        families.set("frontdesk_x", vec![sample("a", 1.0), sample("b\"\n", 2.5)]);
        let told = |families: &Families| {
            let mut out = String::new();
            families.render("ops", &mut out);
            out
        };
        assert_eq!(
            told(&families),
            "# TYPE frontdesk_x gauge\nfrontdesk_x{service=\"ops\",clinic=\"a\"} 1\n\
             frontdesk_x{service=\"ops\",clinic=\"b\\\"\\n\"} 2.5\n"
        );
        families.set("frontdesk_x", vec![sample("b", 0.0)]);
        assert_eq!(
            told(&families),
            "# TYPE frontdesk_x gauge\nfrontdesk_x{service=\"ops\",clinic=\"b\"} 0\n"
        );
    }
}
