//! Which submission goes through which door.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::ClinicId;
use jiff::Timestamp;

use super::samples::{Clinic, Line};

/// Of how many clinics one posts over HTTP.
const ONE_IN: usize = 4;

/// Where a submission was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By the broker.
    Amqp,
    /// By the gateway.
    Http,
}

/// One submission that was accepted.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The line's number.
    pub number: usize,
    /// By whom.
    pub door: Door,
    /// When it was sent.
    pub at: Timestamp,
    /// The problem with which the gateway refused it before the broker took it.
    pub refused: Option<String>,
}

/// The lines by door. Whole clinics go through one door, so that each clinic's order is kept.
pub struct Plan {
    /// To the exchange, in the file's order.
    pub amqp: Vec<Line>,
    /// To the gateway, by clinic, each in the file's order.
    pub http: BTreeMap<ClinicId, Vec<Line>>,
    /// What the source says of itself.
    pub source: Source,
}

/// What can be counted before anything is sent.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Lines.
    pub lines: usize,
    /// Different submissions: by clinic, identifier and content.
    pub different: usize,
    /// By line number, what names a submission.
    pub named: HashMap<usize, Named>,
}

/// What names a submission: clinic, identifier and content.
pub(super) type Named = (ClinicId, String, [u8; 32]);

impl Source {
    /// How many lines repeat another, whatever door they came by.
    pub const fn repeats(&self) -> usize {
        self.lines - self.different
    }
}

impl Plan {
    /// Every fourth clinic posts over HTTP; the others, and clinics that nobody knows, publish to the exchange.
    pub fn new(clinics: &[Clinic], lines: Vec<Line>) -> Self {
        let http: BTreeSet<&ClinicId> =
            clinics.iter().skip(ONE_IN - 1).step_by(ONE_IN).map(|clinic| &clinic.clinic_id).collect();
        let mut plan = Self { amqp: Vec::new(), http: BTreeMap::new(), source: Source::default() };
        let mut seen = HashSet::new();
        for line in lines {
            let clinic = line.clinic.clone().filter(|clinic| http.contains(clinic));
            plan.source.lines += 1;
            let named = line
                .clinic
                .clone()
                .zip(line.submission.clone())
                .map(|(clinic, id)| (clinic, id, line.content));
            // What has no name cannot repeat anything.
            if named.as_ref().is_none_or(|named| seen.insert(named.clone())) {
                plan.source.different += 1;
            }
            plan.source.named.extend(named.map(|named| (line.number, named)));
            match clinic {
                Some(clinic) => plan.http.entry(clinic).or_default().push(line),
                None => plan.amqp.push(line),
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;
    use crate::demo::samples::{Clinic, Line};
    use domain::{ClinicId, ids::SourceName};

    fn line(number: usize, clinic: &str, submission: &str, content: u8) -> Line {
        Line {
            number,
            body: Vec::new(),
            submission: Some(submission.to_owned()),
            clinic: ClinicId::parse(clinic).ok(),
            content: [content; 32],
        }
    }

    #[test]
    fn whole_clinics_go_through_one_door_in_order() {
        let clinics: Vec<Clinic> = (1..=8)
            .map(|n| Clinic {
                clinic_id: ClinicId::parse(&format!("c{n}")).unwrap(),
                source: SourceName::parse("kiosk").unwrap(),
            })
            .collect();
        let lines = vec![
            line(1, "c4", "a", 1),
            line(2, "c1", "b", 1),
            line(3, "c4", "a", 1),
            line(4, "nobody", "c", 1),
            line(5, "c4", "a", 2),
            line(6, "c1", "b", 1),
        ];
        let plan = Plan::new(&clinics, lines);
        let numbers = |lines: &[Line]| lines.iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!(numbers(&plan.amqp), [2, 4, 6]);
        assert_eq!(numbers(&plan.http[&clinics[3].clinic_id]), [1, 3, 5]);
        let source = &plan.source;
        assert_eq!((source.lines, source.different), (6, 4));
        assert_eq!(source.repeats(), 2);
    }
}
