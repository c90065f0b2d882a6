//! The JSON that comes back. PHI: no `Debug`.

use jiff::civil::Date;
use serde::Deserialize;

use crate::payer::{
    answer::{Answer, Benefit, cents, date, percent, period},
    rejection::{Level, Rejection},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    #[serde(default)]
    benefits_information: Vec<BenefitInformation>,
    #[serde(default)]
    plan_status: Vec<PlanStatus>,
    #[serde(default)]
    plan_date_information: Option<PlanDates>,
    #[serde(default)]
    errors: Vec<Problem>,
    #[serde(default)]
    provider: Option<Party>,
    #[serde(default)]
    payer: Option<Party>,
    #[serde(default)]
    subscriber: Option<Party>,
    #[serde(default)]
    dependents: Vec<Party>,
}

/// A party of the answer, of which only its rejections are read.
#[derive(Deserialize)]
struct Party {
    #[serde(default, rename = "aaaErrors")]
    errors: Vec<Problem>,
}

/// A figure, which some write as text and some as a number.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Figure {
    Text(String),
    Number(serde_json::Number),
    #[default]
    None,
}

impl Figure {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.to_string()),
            Self::None => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BenefitInformation {
    #[serde(default)]
    code: String,
    #[serde(default)]
    service_type_codes: Vec<String>,
    #[serde(default)]
    plan_coverage: Option<String>,
    #[serde(default)]
    time_qualifier_code: Option<String>,
    #[serde(default)]
    benefit_amount: Figure,
    #[serde(default)]
    benefit_percent: Figure,
    #[serde(default)]
    coverage_level_code: Option<String>,
    #[serde(default)]
    in_plan_network_indicator_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanStatus {
    #[serde(default)]
    status_code: String,
    #[serde(default)]
    service_type_codes: Vec<String>,
    #[serde(default)]
    plan_details: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanDates {
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    plan_begin: Option<String>,
    #[serde(default)]
    plan_end: Option<String>,
    #[serde(default)]
    eligibility: Option<String>,
    #[serde(default)]
    eligibility_begin: Option<String>,
    #[serde(default)]
    eligibility_end: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    followup_action: String,
    #[serde(default)]
    location: Option<String>,
}

impl Response {
    pub(super) fn into_answer(self) -> Answer {
        let (plan_begin, plan_end) =
            self.plan_date_information.map(PlanDates::into_period).unwrap_or_default();
        let parties = [(self.payer, Level::Payer), (self.provider, Level::Provider)]
            .into_iter()
            .chain([(self.subscriber, Level::Member)])
            .filter_map(|(party, level)| Some((party?, level)))
            .chain(self.dependents.into_iter().map(|party| (party, Level::Member)));
        let rejections = parties
            .flat_map(|(party, level)| party.errors.into_iter().map(move |problem| problem.at(level)))
            .chain(self.errors.into_iter().map(|problem| {
                let level = problem.level();
                problem.at(level)
            }))
            .collect();
        Answer {
            rejections,
            benefits: self
                .plan_status
                .into_iter()
                .map(Benefit::from)
                .chain(self.benefits_information.into_iter().map(Benefit::from))
                .collect(),
            plan_begin,
            plan_end,
        }
    }
}

impl Problem {
    fn at(self, level: Level) -> Rejection {
        // Written out: "Please Correct and Resubmit", "Resubmission Not Allowed". Only the one that we read has its code.
        let resubmit = self.followup_action.eq_ignore_ascii_case("Please Resubmit Original Transaction");
        let follow_up = if resubmit { "P".to_owned() } else { self.followup_action };
        Rejection { level, reason: self.code, follow_up }
    }

    /// By the loop that the problem names; by the code where it names none: these are about the payer wherever they stand.
    fn level(&self) -> Level {
        let location = self.location.as_deref().unwrap_or_default();
        if location.contains("2000A") || location.contains("2100A") {
            Level::Payer
        } else if location.contains("2100B") || location.contains("2000B") {
            Level::Provider
        } else if location.is_empty() && matches!(self.code.as_str(), "04" | "41" | "79" | "T4") {
            Level::Payer
        } else {
            Level::Member
        }
    }
}

impl PlanDates {
    fn into_period(self) -> (Option<Date>, Option<Date>) {
        let first = |texts: [&Option<String>; 2]| texts.into_iter().flatten().find_map(|text| date(text));
        let (begin, end) = self.plan.or(self.eligibility).map(|text| period(&text)).unwrap_or_default();
        (
            first([&self.plan_begin, &self.eligibility_begin]).or(begin),
            first([&self.plan_end, &self.eligibility_end]).or(end),
        )
    }
}

impl From<BenefitInformation> for Benefit {
    fn from(found: BenefitInformation) -> Self {
        Self {
            code: found.code,
            service_types: found.service_type_codes,
            plan: found.plan_coverage,
            period: found.time_qualifier_code,
            cents: found.benefit_amount.text().and_then(|text| cents(&text)),
            percent: found.benefit_percent.text().and_then(|text| percent(&text)),
            level: found.coverage_level_code,
            in_network: found.in_plan_network_indicator_code.map(|code| code != "N"),
        }
    }
}

impl From<PlanStatus> for Benefit {
    fn from(found: PlanStatus) -> Self {
        Self {
            code: found.status_code,
            service_types: found.service_type_codes,
            plan: found.plan_details,
            ..Self::default()
        }
    }
}
