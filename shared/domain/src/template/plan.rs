//! A template's rules, compiled.

use super::{
    Field,
    expr::{Expr, Form},
    item::{Bad, Item},
    path::Path,
    payers::Payers,
    step::Step,
};

/// All rules of one template.
pub(super) struct Plan {
    /// By [`Field::index`].
    pub(super) rules: Vec<Vec<Rule>>,
    pub(super) payers: std::sync::Arc<Payers>,
}

/// One way to fill a field.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) source: Source,
    pub(super) steps: Vec<Step>,
}

/// Where a rule begins.
#[derive(Debug)]
pub(super) enum Source {
    /// The first path that has something.
    First(Vec<Path>),
    /// Everything at the paths, as a list.
    All(Vec<Path>),
    /// Everything at the paths, joined; nothing if none has anything.
    Join(Vec<Path>, String),
    /// An expression.
    Expr(Expr),
}

impl Plan {
    /// What the form has for a field: the first rule that finds something counts. A rule that finds something unusable
    /// gives way to a later one that finds something usable.
    pub(super) fn item(&self, field: Field, form: &Form<'_>) -> Result<Item, Bad> {
        let mut bad = None;
        for rule in self.rules.get(field.index()).map_or(&[][..], Vec::as_slice) {
            match rule.item(form) {
                Ok(Item::Nothing) => {}
                Ok(item) => return Ok(item),
                Err(Bad::Template) => return Err(Bad::Template),
                Err(Bad::Form) => bad = Some(Bad::Form),
            }
        }
        bad.map_or(Ok(Item::Nothing), Err)
    }
}

impl Plan {
    /// As [`Plan::item`]; where the steps cannot use what a rule begins with, that comes as it stands in the form.
    pub(super) fn found(&self, field: Field, form: &Form<'_>) -> Result<Item, Bad> {
        let Err(Bad::Form) = self.item(field, form) else { return self.item(field, form) };
        for rule in self.rules.get(field.index()).map_or(&[][..], Vec::as_slice) {
            if let Ok(item) = rule.source.item(form)
                && !item.is_nothing()
            {
                return Ok(item);
            }
        }
        Err(Bad::Form)
    }
}

impl Rule {
    fn item(&self, form: &Form<'_>) -> Result<Item, Bad> {
        let item = self.source.item(form)?;
        self.steps.iter().try_fold(item, |item, step| step.apply(item))
    }
}

impl Source {
    fn item(&self, form: &Form<'_>) -> Result<Item, Bad> {
        let at = |path: &Path| path.find(form.json).map_or(Ok(Item::Nothing), Item::of);
        match self {
            Self::First(paths) => {
                for path in paths {
                    let item = at(path)?;
                    if !item.is_nothing() {
                        return Ok(item);
                    }
                }
                Ok(Item::Nothing)
            }
            Self::All(paths) => {
                let mut texts = Vec::with_capacity(paths.len());
                for path in paths {
                    match at(path)? {
                        Item::Nothing => {}
                        Item::Text(text) => texts.push(text),
                        Item::List(more) => texts.extend(more),
                        Item::Flag(_) => return Err(Bad::Form),
                    }
                }
                Ok(Item::list(texts))
            }
            Self::Join(paths, with) => {
                let mut texts = Vec::with_capacity(paths.len());
                for path in paths {
                    match at(path)? {
                        Item::Nothing => texts.push(String::new()),
                        Item::Text(text) => texts.push(text.trim().to_owned()),
                        Item::List(_) | Item::Flag(_) => return Err(Bad::Form),
                    }
                }
                let nothing = texts.iter().all(String::is_empty);
                Ok(if nothing { Item::Nothing } else { Item::text(texts.join(with)) })
            }
            Self::Expr(expr) => expr.value(form),
        }
    }
}
