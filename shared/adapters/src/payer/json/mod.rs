//! A clearinghouse's HTTP JSON, in the older of the two shapes that Stedi documents: X12's codes in JSON's clothes.

mod question;
mod reply;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{clock::Clock, messages::Eligibility};

use super::{Inquiry, Payer, PayerFault, answer::judge, post::Post, request::Asker};
use question::Request;
use reply::Response;

/// A payer behind HTTP JSON.
pub struct JsonPayer {
    post: Post,
    asker: Asker,
    clock: Arc<dyn Clock>,
}

impl JsonPayer {
    pub(crate) fn new(post: Post, asker: Asker, clock: Arc<dyn Clock>) -> Self {
        Self { post, asker, clock }
    }
}

#[async_trait]
impl Payer for JsonPayer {
    async fn eligibility(&self, inquiry: &Inquiry) -> Result<Eligibility, PayerFault> {
        let request = Request::of(inquiry, &self.asker, self.clock.as_ref());
        let body = serde_json::to_vec(&request).map_err(|_| PayerFault::Refused)?;
        let (status, body) = self.post.ask("application/json", body).await?;
        let judged = serde_json::from_slice::<Response>(&body)
            .map_err(|_| PayerFault::Unreadable)
            .and_then(|response| judge(&response.into_answer()));
        // A 400 may carry the payer's rejection; without one it is about our request.
        match judged {
            Err(PayerFault::Unreadable) if status == 400 => Err(PayerFault::Refused),
            judged => judged,
        }
    }
}
