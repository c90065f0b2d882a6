//! The rules that the control API takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::class::{Class, Interaction};
use super::fault::Fault;

/// When which fault strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The class of endpoints.
    pub class: Class,
    /// Only this FHIR resource type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Only this interaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction: Option<Interaction>,
    /// What happens.
    pub fault: Fault,
    /// The chance for each request that matches, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// Let so many matching requests pass first.
    #[serde(default)]
    pub skip: u64,
    /// Strike at most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

const fn always() -> f64 {
    1.0
}

impl Rule {
    /// A rule that strikes every request of a class.
    pub const fn new(class: Class, fault: Fault) -> Self {
        Self { class, resource: None, interaction: None, fault, probability: 1.0, skip: 0, count: None }
    }

    /// Only for one resource type.
    #[must_use]
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Only for one interaction.
    #[must_use]
    pub const fn at(mut self, interaction: Interaction) -> Self {
        self.interaction = Some(interaction);
        self
    }

    /// At most so often.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// After so many matching requests have passed.
    #[must_use]
    pub const fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// With a chance between 0 and 1.
    #[must_use]
    pub const fn chance(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// The name under which its strikes are counted.
    pub fn name(&self) -> String {
        format!("{}.{}", self.class.as_str(), self.fault.name())
    }

    /// Whether the rule makes sense, and why not.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err("probability must be between 0 and 1");
        }
        let ehr_only = matches!(
            self.fault,
            Fault::StaleSearch { .. } | Fault::NonAtomic { .. } | Fault::IgnoreParameters { .. }
        );
        match &self.fault {
            _ if ehr_only && self.class != Class::Ehr => Err("this kind exists for class ehr only"),
            Fault::Aaa { .. } if self.class != Class::Payer => Err("kind aaa exists for class payer only"),
            Fault::Error { status: Some(status), .. } if !(400..=599).contains(status) => {
                Err("status must be between 400 and 599")
            }
            Fault::Aaa { code }
                if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Err("code must be letters and digits")
            }
            _ => Ok(()),
        }
    }
}

/// One rule and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// The rule.
    pub rule: Rule,
    /// Requests that it could have struck.
    pub matched: u64,
    /// Requests that it struck.
    pub injected: u64,
}

/// The faults in force, and all injected since the start or the last reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// In force.
    pub rules: Vec<RuleReport>,
    /// `class.kind` → how often, rules no longer in force included.
    pub injected: BTreeMap<String, u64>,
}
