//! Each message once.

use domain::{Code, messages::Channel};
use jiff::SignedDuration;
use ledger::{
    Store,
    notifications::{BeginSend, SendPermit, SendResult},
};

use crate::support::{Fixture, fresh_admission};

const LEASE: SignedDuration = SignedDuration::from_secs(30);

async fn permit(store: &Store, admission: domain::AdmissionId) -> SendPermit {
    match store.begin_send(admission, Channel::Sms, LEASE).await.unwrap() {
        BeginSend::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_sent_once_whoever_asks() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    for _ in 0..20 {
        let id = fresh_admission();
        let (a, b) = tokio::join!(
            one.begin_send(id, Channel::Email, LEASE),
            other.begin_send(id, Channel::Email, LEASE)
        );
        let permit = match (a.unwrap(), b.unwrap()) {
            (BeginSend::Go(permit), BeginSend::Wait { .. })
            | (BeginSend::Wait { .. }, BeginSend::Go(permit)) => permit,
            both => panic!("{both:?}"),
        };
        let sent = SendResult::Sent { provider_id: Some("m-1".into()) };
        assert!(one.settle_send(&permit, sent.clone()).await.unwrap());
        assert!(other.settle_send(&permit, sent).await.unwrap(), "said again after a lost answer");
        assert!(matches!(other.begin_send(id, Channel::Email, LEASE).await.unwrap(), BeginSend::AlreadySent));
        assert!(matches!(other.begin_send(id, Channel::Sms, LEASE).await.unwrap(), BeginSend::Go(_)));
    }
}

#[tokio::test]
async fn in_doubt_is_not_repeated_not_sent_is_and_refused_is_final() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = fresh_admission();
    let first = permit(&store, id).await;
    assert!(store.settle_send(&first, SendResult::NotSent).await.unwrap());
    let second = permit(&store, id).await;
    assert_eq!(second.attempt, 2);
    assert!(!store.settle_send(&first, SendResult::Unknown).await.unwrap(), "an earlier right");
    fixture.clock.forward(30);
    assert!(matches!(store.begin_send(id, Channel::Sms, LEASE).await.unwrap(), BeginSend::Unknown));
    // The only one who can know says so, late.
    assert!(store.settle_send(&second, SendResult::Sent { provider_id: None }).await.unwrap());
    assert!(matches!(store.begin_send(id, Channel::Sms, LEASE).await.unwrap(), BeginSend::AlreadySent));

    let id = fresh_admission();
    let refused = SendResult::Refused { code: Code::MessengerRefused };
    assert!(store.settle_send(&permit(&store, id).await, refused).await.unwrap());
    assert!(matches!(
        store.begin_send(id, Channel::Sms, LEASE).await.unwrap(),
        BeginSend::Refused { code: Code::MessengerRefused }
    ));

    let id = fresh_admission();
    assert!(store.settle_send(&permit(&store, id).await, SendResult::Unknown).await.unwrap());
    assert!(matches!(store.begin_send(id, Channel::Sms, LEASE).await.unwrap(), BeginSend::Unknown));
}
