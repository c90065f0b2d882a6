//! Pages of what carries our identifiers.

use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

use super::{
    FhirEhr, ReadFault, System,
    bundle::Bundle,
    classify,
    exchange::{Body, Call},
    resource::{id_of, identifiers},
};
use crate::{
    ehr::{Ask, Cursor, OurPage, Ours},
    http::Deadline,
};

/// Resources of a page: a few are read at a time, so that none is too large.
const PAGE: &str = "100";

impl FhirEhr {
    pub(super) async fn page_of_ours(
        &self,
        system: System,
        ask: Ask<'_>,
        deadline: Deadline,
    ) -> Result<OurPage, ReadFault> {
        let bundle = match &ask {
            Ask::Identifiers(values) => {
                let tokens: Vec<String> =
                    values.iter().take(Ask::MOST).map(|value| format!("{}|{value}", system.uri())).collect();
                let tokens = tokens.join(",");
                self.ask(system, &[("identifier", &tokens), ("_count", PAGE)], deadline).await?
            }
            Ask::Changed { from, until } => {
                let any = format!("{}|", system.uri());
                let (from, until) = (format!("ge{from}"), format!("lt{until}"));
                let form = [
                    ("identifier", any.as_str()),
                    ("_lastUpdated", &from),
                    ("_lastUpdated", &until),
                    ("_count", PAGE),
                ];
                self.ask(system, &form, deadline).await?
            }
            Ask::Next(Cursor(url)) => {
                // Our token goes nowhere but to this server, whatever a page says.
                let url = self.below_base(url).ok_or(ReadFault::Unreadable)?;
                let call = Call { path: &[], body: Body::Page(&url) };
                let answer = self.call(&call, deadline).await?;
                Bundle::read(classify::read(&answer, self.clock.now())?).ok_or(ReadFault::Unreadable)?
            }
        };
        let next = bundle.next().map(|url| Cursor(url.to_owned()));
        let resources =
            bundle.hits(system.resource(), |resource| !identifiers(resource, system).is_empty()).ours;
        let mut found = Vec::new();
        for resource in &resources {
            let id = id_of(resource).ok_or(ReadFault::Unreadable)?;
            let updated = updated(resource);
            let wanted = |value: &String| match &ask {
                // A server that ignores the parameter gives what was not asked for.
                Ask::Identifiers(values) => values.contains(value),
                Ask::Changed { from, until } => updated.is_none_or(|at| *from <= at && at < *until),
                Ask::Next(_) => true,
            };
            let values = identifiers(resource, system).into_iter().filter(wanted);
            found.extend(values.map(|identifier| Ours { id: id.to_owned(), identifier, updated }));
        }
        Ok(OurPage { found, next })
    }

    async fn ask(
        &self,
        system: System,
        form: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Bundle, ReadFault> {
        match self.search(system.resource(), form, deadline).await {
            // A search has no "missing": this server does not have the search.
            Err(ReadFault::Missing) => Err(ReadFault::Refused { status: 404, issue: None }),
            answer => answer,
        }
    }

    /// The URL of a further page, if it leads to this server.
    fn below_base(&self, url: &str) -> Option<Url> {
        let url = self.base.join(url).ok()?;
        let base = self.base.path().trim_end_matches('/');
        let inside = url.path() == base || url.path().starts_with(&format!("{base}/"));
        (url.origin() == self.base.origin() && inside).then_some(url)
    }
}

fn updated(resource: &Value) -> Option<Timestamp> {
    resource.pointer("/meta/lastUpdated")?.as_str()?.parse().ok()
}
