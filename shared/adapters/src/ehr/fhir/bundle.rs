//! A page of search results, trusted no further than it was checked.

use serde::Deserialize;
use serde_json::Value;

/// A `searchset`. `total` is not read: it is optional, and may count what was not asked for.
#[derive(Deserialize)]
pub(super) struct Bundle {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(default)]
    entry: Vec<Entry>,
    #[serde(default)]
    link: Vec<Link>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resource: Value,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    relation: String,
    #[serde(default)]
    url: String,
}

/// The hits of a page.
pub(super) struct Hits {
    /// Those that are what was asked for, each id once.
    pub(super) ours: Vec<Value>,
    /// Whether nothing else can be on a later page: all hits were what was asked for, or there is no later page.
    pub(super) conclusive: bool,
}

impl Bundle {
    pub(super) fn read(body: Value) -> Option<Self> {
        let bundle: Self = serde_json::from_value(body).ok()?;
        (bundle.resource_type == "Bundle").then_some(bundle)
    }

    /// Where the next page is, if there is one.
    pub(super) fn next(&self) -> Option<&str> {
        self.link.iter().find(|link| link.relation == "next").map(|link| link.url.as_str())
    }

    /// The resources of that type that pass the check. (Outcomes and included resources are of other types.)
    pub(super) fn hits(self, resource_type: &str, check: impl Fn(&Value) -> bool) -> Hits {
        let more = self.link.iter().any(|link| link.relation == "next");
        let mut ours: Vec<Value> = Vec::new();
        let mut foreign = false;
        for resource in self.entry.into_iter().map(|entry| entry.resource) {
            if resource.get("resourceType").and_then(Value::as_str) != Some(resource_type) {
                continue;
            }
            if !check(&resource) {
                foreign = true;
            } else if !ours.iter().any(|known| known.get("id") == resource.get("id")) {
                ours.push(resource);
            }
        }
        // An empty page with a later one is odd, and no proof of anything either.
        Hits { conclusive: !more || !(foreign || ours.is_empty()), ours }
    }
}
