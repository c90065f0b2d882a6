//! The 271 that answers, or the 999 or TA1 that refuses.

use super::interchange::{Interchange, Segment};
use crate::payer::{
    PayerFault,
    answer::{Answer, Benefit, cents, date, percent, period},
    rejection::{Level, Rejection},
};

/// What the answer must be to.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) trace: &'a str,
    pub(super) originator: &'a str,
}

/// Reads an answer.
///
/// # Errors
/// [`PayerFault::Refused`] for a 999 or a refusing TA1; [`PayerFault::Unreadable`] for anything that is no whole 271, or one
/// to another question.
pub(super) fn read(bytes: &[u8], asked: Asked<'_>) -> Result<Answer, PayerFault> {
    let interchange = Interchange::read(bytes).ok_or(PayerFault::Unreadable)?;
    let mut reader = Reader::new(asked);
    for segment in interchange.segments() {
        reader.take(&segment)?;
        if reader.ended {
            return Ok(reader.into_answer());
        }
    }
    // No 271, or one that was cut off.
    Err(PayerFault::Unreadable)
}

/// Where in the tree of HL levels the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside a 271.
    Outside,
    /// In a level about the payer, the provider, the subscriber or the dependent.
    In(Level, Who),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Subscriber,
    Dependent,
}

struct Reader<'a> {
    asked: Asked<'a>,
    place: Place,
    /// Whether an EB was seen in this level: what follows is about that benefit, not the plan.
    in_benefit: bool,
    ended: bool,
    answer: Answer,
    /// The dependent's, if there is one: then the subscriber's are not the patient's.
    dependent: Option<Answer>,
}

impl<'a> Reader<'a> {
    fn new(asked: Asked<'a>) -> Self {
        Self {
            asked,
            place: Place::Outside,
            in_benefit: false,
            ended: false,
            answer: Answer::default(),
            dependent: None,
        }
    }

    fn take(&mut self, segment: &Segment<'_>) -> Result<(), PayerFault> {
        match (segment.id(), self.place) {
            // TA104: A accepted, E accepted with errors, R rejected.
            ("TA1", _) if segment.get(4) == "R" => return Err(PayerFault::Refused),
            ("ST", Place::Outside) => match segment.get(1) {
                "271" => self.place = Place::In(Level::Payer, Who::Nobody),
                "999" | "997" => return Err(PayerFault::Refused),
                _ => {}
            },
            (_, Place::Outside) => {}
            ("SE", _) => self.ended = true,
            ("HL", _) => self.level(segment.get(3)),
            ("TRN", _) => self.check_trace(segment)?,
            ("AAA", Place::In(level, _)) => self.answer.rejections.push(Rejection {
                level,
                reason: segment.get(3).to_owned(),
                follow_up: segment.get(4).to_owned(),
            }),
            ("EB", Place::In(Level::Member, _)) => {
                self.in_benefit = true;
                self.patient().benefits.push(benefit(segment));
            }
            ("DTP", Place::In(Level::Member, _)) => self.dates(segment),
            _ => {}
        }
        Ok(())
    }

    fn level(&mut self, code: &str) {
        self.in_benefit = false;
        self.place = match code {
            "21" => Place::In(Level::Provider, Who::Nobody),
            "22" => Place::In(Level::Member, Who::Subscriber),
            "23" => Place::In(Level::Member, Who::Dependent),
            _ => Place::In(Level::Payer, Who::Nobody),
        };
    }

    /// An echo of our trace must be ours; traces of others on the way do not matter.
    fn check_trace(&self, segment: &Segment<'_>) -> Result<(), PayerFault> {
        let echo = segment.get(1) == "2" && segment.get(3) == self.asked.originator;
        if echo && !segment.get(2).eq_ignore_ascii_case(self.asked.trace) {
            return Err(PayerFault::Unreadable);
        }
        Ok(())
    }

    fn patient(&mut self) -> &mut Answer {
        match self.place {
            Place::In(_, Who::Dependent) => self.dependent.get_or_insert_default(),
            _ => &mut self.answer,
        }
    }

    /// Plan dates: of the plan (2100) before those of a benefit (2110), and the first of each.
    fn dates(&mut self, segment: &Segment<'_>) {
        let value = segment.get(3);
        let (begin, end) = match segment.get(1) {
            "346" | "356" => (date(value), None),
            "347" | "357" => (None, date(value)),
            "291" | "307" => period(value),
            _ => return,
        };
        let about_plan = !self.in_benefit || self.status_benefit();
        if about_plan {
            let patient = self.patient();
            patient.plan_begin = patient.plan_begin.or(begin);
            patient.plan_end = patient.plan_end.or(end);
        }
    }

    /// Whether the benefit that was read last says active or inactive: its dates are the plan's.
    fn status_benefit(&mut self) -> bool {
        self.patient().benefits.last().is_some_and(|benefit| {
            matches!(benefit.code.as_str(), "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8")
        })
    }

    fn into_answer(self) -> Answer {
        match self.dependent {
            Some(dependent) => Answer { rejections: self.answer.rejections, ..dependent },
            None => self.answer,
        }
    }
}

fn benefit(segment: &Segment<'_>) -> Benefit {
    let text = |at: usize| Some(segment.get(at)).filter(|text| !text.is_empty()).map(str::to_owned);
    Benefit {
        code: segment.get(1).to_owned(),
        level: text(2),
        service_types: segment.repeated(3).map(str::to_owned).collect(),
        plan: text(5),
        period: text(6),
        cents: cents(segment.get(7)),
        percent: percent(segment.get(8)),
        in_network: text(12).map(|code| code != "N"),
    }
}
