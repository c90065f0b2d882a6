//! X12 270/271 (005010X279A1), raw over HTTP.

mod interchange;
mod partners;
mod request;
mod response;
mod separators;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{clock::Clock, messages::Eligibility};

use super::{Inquiry, Payer, PayerFault, answer::judge, post::Post, request::Asker};
pub(crate) use partners::Partners;
use request::Stamp;

const CONTENT_TYPE: &str = "application/edi-x12";

/// A payer behind X12.
pub struct X12Payer {
    post: Post,
    asker: Asker,
    partners: Partners,
    clock: Arc<dyn Clock>,
}

impl X12Payer {
    pub(crate) fn new(post: Post, asker: Asker, partners: Partners, clock: Arc<dyn Clock>) -> Self {
        Self { post, asker, partners, clock }
    }
}

#[async_trait]
impl Payer for X12Payer {
    async fn eligibility(&self, inquiry: &Inquiry) -> Result<Eligibility, PayerFault> {
        let stamp = Stamp::fresh(self.clock.as_ref());
        let body = request::write(inquiry, &self.asker, &self.partners, &stamp).into_bytes();
        let (status, body) = self.post.ask(CONTENT_TYPE, body).await?;
        let asked = response::Asked { trace: &stamp.trace, originator: &self.partners.originator };
        let judged = response::read(&body, asked).and_then(|answer| judge(&answer));
        // A 400 may carry the payer's rejection; without one it is about our request.
        match judged {
            Err(PayerFault::Unreadable) if status == 400 => Err(PayerFault::Refused),
            judged => judged,
        }
    }
}
