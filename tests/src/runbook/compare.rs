//! Whether what was printed is what the document shows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    lines::diff,
    tokens::{Kind, Token, tokens, values},
};

/// Until when moments vary from run to run. What lies later, such as a visit, is of the data.
#[derive(Debug, Clone)]
pub(super) struct Now(String);

impl Now {
    /// A day from this moment on.
    pub(super) fn at(now: Timestamp) -> Self {
        let end = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
        Self(end.strftime("%Y-%m-%d").to_string())
    }

    /// Whether a moment, a day or a time of day is not later.
    pub(super) fn varies(&self, time: &str) -> bool {
        time.get(..10).is_none_or(|day| day <= self.0.as_str())
    }
}

/// The ids that the document shows, each with the one that it stands for in this run.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    real: BTreeMap<String, String>,
    shown: BTreeMap<String, String>,
}

impl Known {
    /// Takes two ids for the same; says no if one of them is known as another.
    fn bind(&mut self, shown: &str, real: &str) -> bool {
        match (self.real.get(shown), self.shown.get(real)) {
            (None, None) => {
                self.real.insert(shown.to_owned(), real.to_owned());
                self.shown.insert(real.to_owned(), shown.to_owned());
                true
            }
            (known, _) => known.is_some_and(|known| known == real),
        }
    }

    /// The id of this run that one in the document stands for.
    pub(super) fn real(&self, shown: &str) -> Option<&str> {
        self.real.get(shown).map(String::as_str)
    }

    /// Whether these lines are those that are shown. If they are, what stands for what is known from then on.
    ///
    /// # Errors
    /// What is different, for a person to read.
    pub(super) fn same(&mut self, shown: &[String], printed: &[String], now: &Now) -> Result<(), String> {
        let mut known = self.clone();
        let fits = shown.len() == printed.len()
            && shown.iter().zip(printed).all(|(shown, printed)| known.line(shown, printed, now));
        if fits {
            *self = known;
            return Ok(());
        }
        // What is said of a line must not depend on the lines before it that do not fit.
        let told = diff(shown, printed, |shown, printed| self.clone().line(shown, printed, now));
        let marked = told.lines().any(|line| !line.starts_with(' '));
        Err(if marked { told } else { format!("{told}+ one id stands for two in these lines\n") })
    }

    fn line(&mut self, shown: &str, printed: &str, now: &Now) -> bool {
        let (shown, printed) = (tokens(shown), tokens(printed));
        shown.len() == printed.len()
            && shown.iter().zip(&printed).all(|(shown, printed)| match (*shown, *printed) {
                (Token::Value(Kind::Id, shown), Token::Value(Kind::Id, printed)) => self.bind(shown, printed),
                (Token::Value(Kind::Time, shown), Token::Value(Kind::Time, printed)) => {
                    shown == printed
                        || (shown.len() == printed.len() && now.varies(shown) && now.varies(printed))
                }
                (Token::Value(one, _), Token::Value(other, _)) => one == other,
                (shown, printed) => shown == printed,
            })
    }

    /// What was printed, with the document's ids: new ones stand for those that were new in what was shown, in their order, and else for themselves.
    pub(super) fn written(&mut self, shown: &[String], printed: &[String]) -> Vec<String> {
        let free: Vec<String> = values(shown, Kind::Id)
            .into_iter()
            .filter(|id| !self.real.contains_key(*id))
            .map(str::to_owned)
            .collect();
        let mut free = free.into_iter();
        for id in values(printed, Kind::Id) {
            while !self.shown.contains_key(id) {
                let shown = free.next().unwrap_or_else(|| id.to_owned());
                self.bind(&shown, id);
            }
        }
        let put = |line: &String| {
            let ids = values(std::slice::from_ref(line), Kind::Id);
            ids.iter().fold(line.clone(), |text, id| {
                text.replace(id, self.shown.get(*id).map_or(*id, |shown| shown))
            })
        };
        printed.iter().map(put).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Now};

    const A: &str = "01a204d6-a182-77ba-8876-8c0dcbb5b576";
    const B: &str = "01a204d7-e0e5-77dd-8efc-eaa220d30d14";
    const C: &str = "f0422eab-97dc-8636-a951-2bac82df08f5";

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn now() -> Now {
        Now::at("2026-11-22T20:00:00Z".parse().unwrap())
    }

    fn same(shown: &str, printed: &str) -> Result<(), String> {
        Known::default().same(&lines(shown), &lines(printed), &now())
    }

    #[test]
    fn what_must_vary_may_and_nothing_else() {
        assert_eq!(same("a  1 s 0.6\n─── 2026-11-01", "a 67.3 s  12.1\n────── 2026-11-22"), Ok(()));
        for (shown, printed) in [
            ("completed 12", "completed 13"),
            ("state open", "state closed"),
            ("dead 0", "dead 0.1"),
            ("1 s", "1 d 2"),
            ("lane-1", "lane-2"),
            ("a\nb", "a"),
            ("a", "a\nb"),
            ("a b", "b a"),
            ("", "x"),
            (&format!("plan {A}"), "plan none"),
        ] {
            let told = same(shown, printed).unwrap_err();
            assert!(told.lines().any(|line| line.starts_with('-') || line.starts_with('+')), "{told}");
        }
    }

    #[test]
    fn a_moment_of_the_run_varies_and_a_visit_does_not() {
        assert_eq!(same("2025-01-01 09:00", "2026-11-22 20:14"), Ok(()));
        assert_eq!(same("2027-02-14 16:40", "2027-02-14 16:40"), Ok(()));
        assert!(same("2027-02-14 16:40", "2027-02-14 16:20").is_err());
        assert!(same("2027-02-14 16:40", "2026-11-22 20:14").is_err());
        assert!(same("2026-11-22 20:14", "2027-02-14 16:40").is_err());
        assert!(same("2026-11-22 20:14", "2026-11-22").is_err(), "a moment is no day");
    }

    #[test]
    fn an_id_stands_for_the_same_one_in_the_whole_document() {
        let mut known = Known::default();
        let mut same = |shown: &str, printed: &str| known.same(&lines(shown), &lines(printed), &now());
        assert_eq!(same(&format!("plan {A}"), &format!("plan {B}")), Ok(()));
        assert_eq!(same(&format!("again {A}"), &format!("again {B}")), Ok(()));
        assert!(same(&format!("plan {A}"), &format!("plan {C}")).is_err(), "it is another one");
        assert!(same(&format!("plan {C}"), &format!("plan {B}")).is_err(), "it was another one");
        // What did not fit is not remembered.
        assert!(same(&format!("{C} 1"), &format!("{C} 2")).is_err());
        assert_eq!(same(&format!("{C} 1"), &format!("{C} 1")), Ok(()));
        assert_eq!((known.real(A), known.real(B)), (Some(B), None));
    }

    #[test]
    fn two_ids_for_one_are_told_though_each_line_would_fit() {
        let told = same(&format!("{A}\n{A}"), &format!("{B}\n{C}")).unwrap_err();
        assert!(told.ends_with("+ one id stands for two in these lines\n"), "{told}");
    }

    #[test]
    fn what_is_written_keeps_the_ids_of_the_document() {
        let mut known = Known::default();
        let shown = lines(&format!("plan {A}: 8 letters"));
        let printed = lines(&format!("plan {B}: 9 letters of {C}"));
        assert_eq!(known.written(&shown, &printed), lines(&format!("plan {A}: 9 letters of {C}")));
        assert_eq!(known.written(&[], &lines(&format!("done {B}"))), lines(&format!("done {A}")));
    }
}
