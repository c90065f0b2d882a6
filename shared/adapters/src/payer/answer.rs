//! An answer of any protocol, and what it says: X12's codes mean the same in all of them.

use domain::messages::{Eligibility, EligibilityStatus};
use jiff::civil::Date;

use super::{
    PayerFault,
    rejection::{Meaning, Rejection, meaning},
    request::{OFFICE_VISIT, SERVICE_TYPE},
};

/// What a payer answered, read but not judged. PHI: no `Debug`.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) benefits: Vec<Benefit>,
    pub(crate) plan_begin: Option<Date>,
    pub(crate) plan_end: Option<Date>,
}

/// One EB segment or its like.
#[derive(Default)]
pub(crate) struct Benefit {
    /// EB01, code list 1390.
    pub(crate) code: String,
    /// EB03, code list 1365.
    pub(crate) service_types: Vec<String>,
    /// EB05.
    pub(crate) plan: Option<String>,
    /// EB06: `29` is what remains.
    pub(crate) period: Option<String>,
    /// EB07, US cents.
    pub(crate) cents: Option<u32>,
    /// EB08, percent.
    pub(crate) percent: Option<u8>,
    /// EB02: `IND`, `FAM`.
    pub(crate) level: Option<String>,
    /// EB12: whether it is for providers in the plan's network.
    pub(crate) in_network: Option<bool>,
}

impl Benefit {
    fn is_for(&self, service_type: &str) -> bool {
        self.service_types.iter().any(|found| found == service_type)
    }

    /// About the plan as a whole, or about the kind of visit that is asked for.
    fn is_general(&self) -> bool {
        self.service_types.is_empty() || self.is_for(SERVICE_TYPE) || self.is_for(OFFICE_VISIT)
    }
}

/// What the answer says.
///
/// # Errors
/// [`PayerFault`] if it says that the payer could not or would not answer, or says nothing.
pub(crate) fn judge(answer: &Answer) -> Result<Eligibility, PayerFault> {
    let rejected = meaning(&answer.rejections);
    if let Some(Meaning::Fault(fault)) = rejected {
        return Err(fault);
    }
    let status = match (status(&answer.benefits), rejected) {
        (Some(status), _) | (None, Some(Meaning::Status(status))) => status,
        (None, _) => return Err(PayerFault::Unreadable),
    };
    if !matches!(status, EligibilityStatus::Active | EligibilityStatus::Inactive) {
        return Ok(Eligibility::bare(status));
    }
    Ok(Eligibility {
        status,
        plan: plan(&answer.benefits),
        plan_begin: answer.plan_begin,
        plan_end: answer.plan_end,
        copay_cents: of_patient(&answer.benefits, "B", OFFICE_VISIT, |benefit| benefit.cents),
        deductible_cents: of_patient(&answer.benefits, "C", SERVICE_TYPE, |benefit| benefit.cents),
        coinsurance_percent: of_patient(&answer.benefits, "A", OFFICE_VISIT, |benefit| benefit.percent)
            .or_else(|| of_patient(&answer.benefits, "A", SERVICE_TYPE, |benefit| benefit.percent)),
    })
}

/// Active and inactive count where they are about the plan or the visit. Of an old plan that ended and a new one that is
/// active, the active one counts. The payer was asked about the day of the visit: its word on that is not second-guessed
/// from plan dates, which often end with the calendar year.
fn status(benefits: &[Benefit]) -> Option<EligibilityStatus> {
    let says = |codes: &[&str]| {
        benefits.iter().any(|benefit| benefit.is_general() && codes.contains(&benefit.code.as_str()))
    };
    if says(&["1", "2", "3", "4", "5"]) {
        Some(EligibilityStatus::Active)
    } else if says(&["6", "7", "8", "I"]) {
        Some(EligibilityStatus::Inactive)
    } else if benefits.is_empty() {
        None
    } else {
        // V cannot process, U contact the payer, W another source, or something about other services only.
        Some(EligibilityStatus::Undetermined)
    }
}

fn plan(benefits: &[Benefit]) -> Option<String> {
    benefits.iter().filter(|benefit| benefit.is_general()).find_map(|benefit| benefit.plan.clone())
}

/// The figure that a patient of an in-network provider sees: not what remains, one person's rather than the family's.
fn of_patient<T>(
    benefits: &[Benefit],
    code: &str,
    service_type: &str,
    figure: impl Fn(&Benefit) -> Option<T>,
) -> Option<T> {
    benefits
        .iter()
        .filter(|benefit| benefit.code == code && benefit.is_for(service_type))
        .filter(|benefit| benefit.period.as_deref() != Some("29") && benefit.in_network != Some(false))
        .filter_map(|benefit| Some((benefit.level.as_deref() == Some("FAM"), figure(benefit)?)))
        .min_by_key(|(family, _)| *family)
        .map(|(_, figure)| figure)
}

/// A decimal amount of dollars in cents. `None` if it is none, or too large to be one.
pub(crate) fn cents(text: &str) -> Option<u32> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut tail = fraction.bytes().map(|b| u32::from(b - b'0'));
    let (tens, ones) = (tail.next().unwrap_or(0), tail.next().unwrap_or(0));
    whole.checked_mul(100)?.checked_add(tens * 10 + ones)
}

/// A share of one, such as `0.2` or `.25`, in percent. `None` if it is none, or more than the whole.
pub(crate) fn percent(text: &str) -> Option<u8> {
    // A share of one has the shape of an amount of dollars.
    cents(text).and_then(|hundredths| u8::try_from(hundredths).ok()).filter(|percent| *percent <= 100)
}

/// A date as X12 writes it (`CCYYMMDD`).
pub(crate) fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// A day, or a period `CCYYMMDD-CCYYMMDD`, as its first and last day.
pub(crate) fn period(text: &str) -> (Option<Date>, Option<Date>) {
    match text.split_once('-') {
        Some((from, to)) => (date(from), date(to)),
        None => (date(text), None),
    }
}

#[cfg(test)]
mod tests {
    use domain::messages::EligibilityStatus;
    use jiff::civil;

    use super::{Answer, Benefit, PayerFault, cents, date, judge, percent, period};

    fn benefit(code: &str, service_types: &[&str]) -> Benefit {
        Benefit {
            code: code.to_owned(),
            service_types: service_types.iter().map(|s| (*s).to_owned()).collect(),
            ..Benefit::default()
        }
    }

    fn status(benefits: Vec<Benefit>) -> Result<EligibilityStatus, PayerFault> {
        judge(&Answer { benefits, ..Answer::default() }).map(|eligibility| eligibility.status)
    }

    #[test]
    fn statuses() {
        for code in ["1", "2", "3", "4", "5"] {
            assert_eq!(status(vec![benefit(code, &["30"])]), Ok(EligibilityStatus::Active));
        }
        for code in ["6", "7", "8", "I"] {
            assert_eq!(status(vec![benefit(code, &["30"])]), Ok(EligibilityStatus::Inactive));
        }
        for code in ["V", "U", "W", "C"] {
            assert_eq!(status(vec![benefit(code, &["30"])]), Ok(EligibilityStatus::Undetermined));
        }
        assert_eq!(status(vec![benefit("6", &["30"]), benefit("1", &["30"])]), Ok(EligibilityStatus::Active));
        assert_eq!(status(vec![benefit("1", &["35"])]), Ok(EligibilityStatus::Undetermined));
        assert_eq!(status(vec![benefit("1", &[])]), Ok(EligibilityStatus::Active));
        assert_eq!(status(Vec::new()), Err(PayerFault::Unreadable));
    }

    #[test]
    fn the_amount_is_one_persons_and_whole() {
        let deductible = |period: &str, level: &str, cents| Benefit {
            period: Some(period.to_owned()),
            level: Some(level.to_owned()),
            cents: Some(cents),
            ..benefit("C", &["30"])
        };
        let benefits = vec![
            benefit("1", &["30"]),
            deductible("23", "FAM", 600_000),
            deductible("29", "IND", 12_345),
            deductible("23", "IND", 150_000),
            Benefit { in_network: Some(false), cents: Some(1), ..benefit("B", &["98"]) },
            Benefit { in_network: Some(true), cents: Some(3_000), ..benefit("B", &["98"]) },
        ];
        let answer = judge(&Answer { benefits, ..Answer::default() }).unwrap();
        assert_eq!((answer.deductible_cents, answer.copay_cents), (Some(150_000), Some(3_000)));
    }

    #[test]
    fn amounts_and_dates() {
        for (text, expected) in [
            ("30", Some(3_000)),
            ("30.5", Some(3_050)),
            ("30.509", Some(3_050)),
            (".5", Some(50)),
            ("0", Some(0)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1e3", None),
            ("99999999999", None),
        ] {
            assert_eq!(cents(text), expected, "{text}");
        }
        assert_eq!(
            (percent("0.2"), percent("1"), percent("2"), percent("")),
            (Some(20), Some(100), None, None)
        );
        assert_eq!(date("20260229"), None);
        assert_eq!(date("2026é12"), None);
        assert_eq!(
            period("20260101-20261231"),
            (Some(civil::date(2026, 1, 1)), Some(civil::date(2026, 12, 31)))
        );
    }
}
