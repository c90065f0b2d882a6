//! Looking into a dead letter and correcting it, over the ops API.

use std::collections::BTreeMap;

use domain::Phi;
use serde_json::{Value, json};

use super::{Ops, answer::told};

impl Ops {
    /// One field of a dead letter, as the API writes it. The answer is PHI.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched) if there is nothing to show, or if the API refuses it or does not answer.
    pub async fn reveal(
        &self,
        letter: &str,
        field: &str,
        of: &str,
        purpose: Option<&str>,
    ) -> anyhow::Result<Phi<Value>> {
        let mut body = json!({ "field": field, "of": of });
        if let Some(purpose) = purpose {
            body["purpose"] = json!(purpose);
        }
        told(self.post(&["dead-letters", letter, "reveal"])?.json(&body)).await.map(Phi::new)
    }

    /// Corrects fields of a dead letter, and gives the edit as the API writes it, without the values.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn edit_letter(
        &self,
        letter: &str,
        values: &Phi<BTreeMap<String, String>>,
        reason: &str,
    ) -> anyhow::Result<Value> {
        let body = json!({ "values": values.expose(), "reason": reason });
        told(self.post(&["dead-letters", letter, "edit"])?.json(&body)).await
    }

    /// Takes the edit of a dead letter back.
    ///
    /// # Errors
    /// [`NothingMatched`](crate::exit::NothingMatched) if none stands, or if the API refuses it or does not answer.
    pub async fn withdraw_edit(&self, letter: &str, reason: &str) -> anyhow::Result<Value> {
        let body = json!({ "reason": reason });
        told(self.post(&["dead-letters", letter, "withdraw-edit"])?.json(&body)).await
    }

    /// The edits that wait for a second person.
    ///
    /// # Errors
    /// If the API does not answer.
    pub async fn edits(&self) -> anyhow::Result<Vec<Value>> {
        told(self.get("edits")).await
    }

    /// Approves an edit, as the second person.
    ///
    /// # Errors
    /// If the API refuses it or does not answer.
    pub async fn approve_edit(&self, edit: &str, reason: &str) -> anyhow::Result<Value> {
        told(self.post(&["edits", edit, "approve"])?.json(&json!({ "reason": reason }))).await
    }
}
