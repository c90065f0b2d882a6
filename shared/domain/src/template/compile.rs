//! From a written template to a plan: patterns, paths and expressions are compiled, tables looked up, formats tried.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{civil, tz::TimeZone};
use regex::Regex;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    Field, canonical,
    expr::Expr,
    path::Path,
    payers::Payers,
    plan::{Plan, Rule, Source},
    spec::{OneOrMany, RuleSpec, RulesSpec, StepSpec},
    step::{Step, text},
};

/// Words and their meanings, by table.
type Maps = BTreeMap<String, BTreeMap<String, String>>;

/// Compiles `fields`.
///
/// # Errors
/// Everything that is wrong, each with the field's path.
pub(super) fn plan(
    fields: &Table,
    maps: &Maps,
    zone: &TimeZone,
    payers: Arc<Payers>,
) -> Result<Plan, Vec<String>> {
    let compiler =
        Compiler { maps: maps.iter().map(|(name, words)| (name.as_str(), folded(words))).collect(), zone };
    let mut rules: Vec<Vec<Rule>> = Vec::new();
    rules.resize_with(Field::ALL.len(), Vec::new);
    let mut errors = Vec::new();
    compiler.fields(fields, "", &mut rules, &mut errors);
    if errors.is_empty() { Ok(Plan { rules, payers }) } else { Err(errors) }
}

fn folded(words: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    words.iter().map(|(word, meaning)| (text::folded(word), meaning.clone())).collect()
}

struct Compiler<'a> {
    maps: BTreeMap<&'a str, BTreeMap<String, String>>,
    zone: &'a TimeZone,
}

impl Compiler<'_> {
    fn fields(&self, table: &Table, at: &str, rules: &mut [Vec<Rule>], errors: &mut Vec<String>) {
        for (key, value) in table {
            let here = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            match (Field::parse(&here), value) {
                (Some(field), value) => match self.rules(field, value) {
                    Ok(compiled) => {
                        if let Some(slot) = rules.get_mut(field.index()) {
                            *slot = compiled;
                        }
                    }
                    Err(what) => errors.push(format!("fields.{here}: {what}")),
                },
                (None, Value::Table(inner)) if is_group(&here) => self.fields(inner, &here, rules, errors),
                (None, _) => errors.push(format!("fields.{here}: there is no such canonical field")),
            }
        }
    }

    fn rules(&self, field: Field, value: &Value) -> Result<Vec<Rule>, String> {
        let specs = match value {
            // Through the shape that is written, so that an error names the wrong key and not only "no variant".
            Value::Table(table) => RuleSpec::deserialize(table.clone()).map(|one| vec![one]),
            value => RulesSpec::deserialize(value.clone()).map(|spec| match spec {
                RulesSpec::Path(path) => {
                    vec![RuleSpec { from: Some(OneOrMany::One(path)), ..RuleSpec::default() }]
                }
                RulesSpec::One(one) => vec![one],
                RulesSpec::Many(many) => many,
            }),
        };
        let specs = specs.map_err(|error| error.to_string())?;
        specs.into_iter().map(|spec| self.rule(field, spec)).collect()
    }

    fn rule(&self, field: Field, spec: RuleSpec) -> Result<Rule, String> {
        let source = match spec {
            RuleSpec { with: Some(_), join: None, .. } => return Err("`with` goes with `join`".to_owned()),
            RuleSpec { from: Some(from), all: None, join: None, expr: None, .. } => {
                Source::First(paths(&from.into_vec())?)
            }
            RuleSpec { from: None, all: Some(all), join: None, expr: None, .. } => {
                Source::All(paths(&all.into_vec())?)
            }
            RuleSpec { from: None, all: None, join: Some(join), expr: None, with, .. } => {
                Source::Join(paths(&join)?, with.unwrap_or_else(|| " ".to_owned()))
            }
            RuleSpec { from: None, all: None, join: None, expr: Some(expr), .. } => {
                Source::Expr(Expr::parse(&expr)?)
            }
            _ => return Err("a rule has exactly one of `from`, `all`, `join` and `expr`".to_owned()),
        };
        let steps = spec.steps.into_iter().map(|step| self.step(step)).collect::<Result<Vec<_>, _>>()?;
        words_fit(field, steps.last())?;
        Ok(Rule { source, steps })
    }

    fn step(&self, spec: StepSpec) -> Result<Step, String> {
        Ok(match spec {
            StepSpec::Name => Step::Name,
            StepSpec::Surname => Step::Surname,
            StepSpec::NotInitial => Step::NotInitial,
            StepSpec::Initial => Step::Initial,
            StepSpec::Upper => Step::Upper,
            StepSpec::Lower => Step::Lower,
            StepSpec::NoSpaces => Step::NoSpaces,
            StepSpec::Date(formats) => {
                Step::Date(formats_fit(formats, |format, text| civil::Date::strptime(format, text).is_ok())?)
            }
            StepSpec::LocalTime(formats) => Step::LocalTime(
                formats_fit(formats, |format, text| civil::DateTime::strptime(format, text).is_ok())?,
                self.zone.clone(),
            ),
            StepSpec::Split(split) if split.by.is_empty() => {
                return Err("`split` wants a separator".to_owned());
            }
            StepSpec::Split(split) => Step::Split { by: split.by, pick: split.pick },
            StepSpec::Lines(by) if by.is_empty() => return Err("`lines` wants a separator".to_owned()),
            StepSpec::Lines(by) => Step::Lines(by),
            StepSpec::Capture(pattern) => Step::Capture(regex(&pattern)?),
            StepSpec::Map(name) => {
                let words = self.maps.get(name.as_str());
                Step::Map(words.cloned().ok_or_else(|| format!("there is no table `maps.{name}`"))?)
            }
            StepSpec::Contains(wanted) => Step::Contains(text::folded(&wanted)),
            StepSpec::Matches(pattern) => Step::Matches(regex(&pattern)?),
            StepSpec::Default(text) => Step::Default(text),
        })
    }
}

/// Whether canonical fields lie under the path.
fn is_group(path: &str) -> bool {
    Field::ALL.iter().any(|field| field.as_str().strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn paths(texts: &[String]) -> Result<Vec<Path>, String> {
    if texts.is_empty() {
        return Err("a rule wants at least one path".to_owned());
    }
    texts.iter().map(|text| Path::parse(text)).collect()
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

/// A format must read back what it writes: one that names no year, or nothing that is known, shows at load.
fn formats_fit(formats: Vec<String>, reads: impl Fn(&str, &str) -> bool) -> Result<Vec<String>, String> {
    let sample = civil::date(2027, 11, 23).at(14, 35, 0, 0);
    if formats.is_empty() {
        return Err("a date wants at least one format".to_owned());
    }
    for format in &formats {
        let written = jiff::fmt::strtime::format(format, sample).map_err(|error| error.to_string())?;
        if !reads(format, &written) {
            return Err(format!("the format `{format}` does not make a whole date"));
        }
    }
    Ok(formats)
}

/// If a field of closed words ends in a table, the table must give only such words.
fn words_fit(field: Field, last: Option<&Step>) -> Result<(), String> {
    let Some(Step::Map(words)) = last else { return Ok(()) };
    let fits: fn(&str) -> bool = match field {
        Field::PatientSex => |word| canonical::sex(word).is_some(),
        Field::AppointmentKind => |word| canonical::kind(word).is_some(),
        Field::ConsentTreatment | Field::ConsentSms | Field::ConsentEmail | Field::ConsentPart2 => {
            |word| text::yes_no(word).is_some()
        }
        _ => return Ok(()),
    };
    match words.values().find(|word| !fits(word)) {
        Some(word) => Err(format!("its table gives `{word}`, which is not one of the field's words")),
        None => Ok(()),
    }
}
