//! Inheritance: a file that `extends` another says only what is different.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Field;

/// Most files over one another.
const MAX_DEPTH: usize = 8;

/// Lays a template over its bases, and those over theirs.
///
/// Tables are merged key by key; everything else, and each rule of `fields`, is replaced whole.
///
/// # Errors
/// Says which base is missing, or that the bases go round in a circle.
pub(super) fn flatten(template: &Table, bases: &BTreeMap<String, Table>) -> Result<Table, String> {
    let mut layers = vec![template.clone()];
    while let Some(name) = layers.last_mut().and_then(|layer| layer.remove("extends")) {
        let name = name.as_str().ok_or("`extends` must be a base's name")?;
        let base = bases.get(name).ok_or_else(|| format!("`extends`: there is no `_base/{name}.toml`"))?;
        if layers.len() == MAX_DEPTH {
            return Err("`extends` goes round in a circle".to_owned());
        }
        layers.push(base.clone());
    }
    let mut whole = Table::new();
    for layer in layers.into_iter().rev() {
        overlay(&mut whole, layer, "");
    }
    Ok(whole)
}

fn overlay(under: &mut Table, over: Table, at: &str) {
    for (key, value) in over {
        let here = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let is_rule = here.strip_prefix("fields.").is_some_and(|path| Field::parse(path).is_some());
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) if !is_rule => overlay(under, over, &here),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::flatten;

    fn bases(list: &[(&str, &str)]) -> BTreeMap<String, toml::Table> {
        list.iter().map(|(name, text)| ((*name).to_owned(), toml::from_str(text).unwrap())).collect()
    }

    #[test]
    fn the_nearest_layer_counts_and_rules_are_replaced_whole() {
        let bases = bases(&[
            (
                "a",
                "x = 1\ny = 1\n[maps.sex]\nf = \"female\"\n[fields]\npatient.given = {from = \"a\", steps = [\"name\"]}",
            ),
            ("b", "extends = \"a\"\ny = 2\n[maps.sex]\nm = \"male\"\n[fields]\nreason = \"why\""),
        ]);
        let over = toml::from_str("extends = \"b\"\n[fields.patient]\ngiven = {expr = \"form.b\"}").unwrap();
        let wanted: toml::Table = toml::from_str(
            "x = 1\ny = 2\n[maps.sex]\nf = \"female\"\nm = \"male\"\n[fields]\npatient.given = {expr = \"form.b\"}\nreason = \"why\"",
        )
        .unwrap();
        assert_eq!(flatten(&over, &bases).unwrap(), wanted);
    }

    #[test]
    fn missing_and_circular_bases_are_told() {
        let bases = bases(&[("a", "extends = \"b\""), ("b", "extends = \"a\"")]);
        let over = |base: &str| toml::from_str(&format!("extends = \"{base}\"")).unwrap();
        assert!(flatten(&over("c"), &bases).unwrap_err().contains("_base/c.toml"));
        assert!(flatten(&over("a"), &bases).unwrap_err().contains("circle"));
    }
}
