//! What counts as published.

use futures_util::future::join_all;
use runtime::amqp::PublishError;

use crate::support::fixture;

#[tokio::test]
async fn a_returned_message_is_a_failure_and_only_that_one() {
    let f = fixture().await;
    // Nothing is bound to `intake.notified`. Interleaved, so that one acknowledgement covers several.
    let publishes = (0..300).map(|n| {
        let lost = n % 7 == 3;
        let exchange = if lost { "intake.notified" } else { "wait.1h" };
        let (publisher, properties) = (f.publisher.clone(), f.properties("text/plain"));
        async move { (lost, publisher.publish(exchange, "nowhere", properties, vec![b'x'; 100]).await) }
    });
    for (lost, result) in join_all(publishes).await {
        assert_eq!(result, if lost { Err(PublishError::Returned) } else { Ok(()) });
    }
    let metrics = f.boot.metrics();
    assert_eq!((metrics.confirmed.get(), metrics.returned.get()), (257, 43));
}

#[tokio::test]
async fn an_exchange_that_is_not_there_loses_the_channel_and_not_the_publisher() {
    let f = fixture().await;
    let missing = f.publisher.publish("no.such.exchange", "k", f.properties("text/plain"), Vec::new()).await;
    assert_eq!(missing, Err(PublishError::Lost));
    // The channel is replaced; until then publishes may be refused, never silently dropped.
    f.until(async || {
        f.publisher.publish("wait.1h", "k", f.properties("text/plain"), Vec::new()).await.is_ok()
    })
    .await;
    assert_eq!(f.boot.metrics().connections.get(), 1, "the connection stayed");
}

#[tokio::test]
async fn a_property_that_does_not_fit_is_refused_before_it_is_sent() {
    let f = fixture().await;
    let properties = f.properties(&"x".repeat(300));
    assert_eq!(
        f.publisher.publish("wait.1h", "k", properties, Vec::new()).await,
        Err(PublishError::Unsendable)
    );
}

#[tokio::test]
async fn after_close_there_is_no_connection() {
    let f = fixture().await;
    f.boot.close().await;
    let result = f.publisher.publish("wait.1h", "k", f.properties("text/plain"), Vec::new()).await;
    assert_eq!(result, Err(PublishError::Down));
}
