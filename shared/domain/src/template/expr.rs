//! Expressions, for what paths and steps cannot say: CEL, with the form as the variable `form`.

use std::{
    cell::OnceCell,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use cel::{Context, Env, ExecutionError, Program};
use serde_json::Value;

use super::item::{Bad, Item};

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expr(Program);

/// A form, and the same as the expressions see it, made at the first use.
pub(super) struct Form<'v> {
    pub(super) json: &'v Value,
    cel: OnceCell<cel::Value>,
}

impl<'v> Form<'v> {
    pub(super) const fn new(json: &'v Value) -> Self {
        Self { json, cel: OnceCell::new() }
    }

    fn cel(&self) -> cel::Value {
        self.cel.get_or_init(|| to_cel(self.json)).clone()
    }
}

/// As the library's own conversion, but every whole number is a CEL `int`, so that it compares and adds with `1`.
fn to_cel(json: &Value) -> cel::Value {
    match json {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => cel::Value::Null,
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => elements.iter().map(to_cel).collect::<Vec<_>>().into(),
        Value::Object(object) => {
            let map: HashMap<String, cel::Value> =
                object.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            cel::Value::Map(map.into())
        }
    }
}

impl Expr {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Says what is wrong with the expression, which is the template's.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let program = ENV.compile(text).map_err(|errors| format!("expression `{text}`: {errors}"))?;
        // Against an empty form an unknown name shows at load, unless the expression stops before it.
        match execute(&program, cel::Value::Map(HashMap::<String, cel::Value>::new().into())) {
            Err(ExecutionError::UndeclaredReference(name)) => {
                Err(format!("expression `{text}`: `{name}` is not known; the form is `form`"))
            }
            _ => Ok(Self(program)),
        }
    }

    /// The expression's value for a form. A key or element that the form does not have is nothing; any other failure is
    /// the template's.
    pub(super) fn value(&self, form: &Form<'_>) -> Result<Item, Bad> {
        match execute(&self.0, form.cel()) {
            Ok(value) => Item::of(&value.json().map_err(|_| Bad::Template)?),
            Err(ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) => Ok(Item::Nothing),
            Err(_) => Err(Bad::Template),
        }
    }
}

fn execute(program: &Program, form: cel::Value) -> Result<cel::Value, ExecutionError> {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_variable_from_value("form", form);
    program.execute(&context)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Bad, Expr, Form, Item};

    fn value(expr: &str, form: &serde_json::Value) -> Result<Item, Bad> {
        Expr::parse(expr).unwrap().value(&Form::new(form))
    }

    #[test]
    fn evaluates_over_the_form() {
        let form = json!({"plan": {"kind": "ppo", "ids": ["", "W1"]}, "age": 7, "agreed": true});
        assert!(value("form.plan.ids.filter(id, id != '')[0]", &form) == Ok(Item::Text("W1".to_owned())));
        assert!(value("has(form.plan.kind) && form.agreed", &form) == Ok(Item::Flag(true)));
        assert!(value("form.age + 1", &form) == Ok(Item::Text("8".to_owned())));
        assert!(value("form.plan.name", &form) == Ok(Item::Nothing));
        assert!(value("form.plan.ids[9]", &form) == Ok(Item::Nothing));
        assert!(value("form.plan.kind * 2", &form) == Err(Bad::Template));
    }

    #[test]
    fn a_wrong_expression_is_refused_at_load() {
        assert!(Expr::parse("form.").unwrap_err().contains("expression `form.`"));
        assert!(Expr::parse("patient.name").unwrap_err().contains("`patient` is not known"));
    }
}
