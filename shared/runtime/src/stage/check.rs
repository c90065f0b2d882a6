//! What a stage needs on the broker, looked for passively: a service may not create anything.

use domain::LaneName;
use lapin::{
    ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
    types::FieldTable,
};

use super::retry::Wait;
use crate::amqp::{Link, LinkDown, Session};

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Need {
    Exchange(String),
    Queue(String),
}

/// All that a stage needs for its lanes.
pub(super) fn needs<'a>(stage: domain::Stage, lanes: impl Iterator<Item = &'a LaneName>) -> Vec<Need> {
    let mut needs = vec![Need::Exchange(stage.writes().as_str().to_owned())];
    for lane in lanes {
        needs.push(Need::Queue(stage.queue(lane)));
        needs.push(Need::Exchange(stage.dead_letter_exchange(lane)));
    }
    needs.extend(Wait::ALL.map(|wait| Need::Exchange(wait.name().to_owned())));
    needs
}

/// What is not there, as text.
///
/// # Errors
/// [`LinkDown`] if the link was stopped meanwhile. A connection that is lost is waited for.
pub(super) async fn missing(link: &Link, needs: &[Need]) -> Result<Vec<String>, LinkDown> {
    'again: loop {
        let session = link.connected().await?;
        let mut missing = Vec::new();
        for need in needs {
            match exists(&session, need).await {
                Ok(true) => {}
                Ok(false) => missing.push(match need {
                    Need::Exchange(name) => format!("exchange {name}"),
                    Need::Queue(name) => format!("queue {name}"),
                }),
                Err(LinkDown) => {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue 'again;
                }
            }
        }
        return Ok(missing);
    }
}

/// A channel each: the broker closes it when the answer is no.
async fn exists(session: &Session, need: &Need) -> Result<bool, LinkDown> {
    let channel = session.channel().await?;
    let answer = match need {
        Need::Exchange(name) => {
            let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
            let kind = ExchangeKind::Topic;
            channel.exchange_declare(name.as_str().into(), kind, options, FieldTable::default()).await
        }
        Need::Queue(name) => {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await.map(|_| ())
        }
    };
    match answer {
        Ok(()) => {
            let _ = channel.close(200, "seen".into()).await;
            Ok(true)
        }
        Err(error) if error.is_amqp_soft_error() => Ok(false),
        Err(_) => Err(LinkDown),
    }
}
