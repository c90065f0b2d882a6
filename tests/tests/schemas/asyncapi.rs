//! The AsyncAPI document names the exchanges, the messages and the headers that there are.

use std::collections::BTreeSet;

use domain::{
    Exchange,
    envelope::{CONTENT_TYPE, Secret},
    messages::{Checked, Notified, Validated, Written},
    submission::SubmittedForm,
};
use runtime::amqp::header;
use serde_json::Value;

use crate::{names, path, read, texts};

#[test]
fn the_channels_are_the_exchanges() {
    let document = read("asyncapi.json");
    let channels = document["channels"].as_object().unwrap();
    let exchanges = texts(channels.values().map(|channel| &channel["bindings"]["amqp"]["exchange"]["name"]));
    assert_eq!(exchanges, Exchange::ALL.iter().map(|exchange| exchange.as_str().to_owned()).collect());
    for channel in channels.values() {
        assert_eq!(channel["title"], channel["bindings"]["amqp"]["exchange"]["name"]);
        assert_eq!(channel["address"], "clinic.{clinic}");
    }
}

/// Schema and exchange of a message, as the code has it.
fn known<S: Secret>() -> (String, String) {
    (S::SCHEMA.to_owned(), S::EXCHANGE.as_str().to_owned())
}

#[test]
fn each_exchange_has_its_messages() {
    let document = read("asyncapi.json");
    let mut described = BTreeSet::new();
    for channel in document["channels"].as_object().unwrap().values() {
        for reference in channel["messages"].as_object().unwrap().values() {
            let message = resolve(&document, reference);
            assert_eq!(message["name"], message["bindings"]["amqp"]["messageType"]);
            if let Some(sealed) = message["x-sealed"].as_str() {
                assert!(path(sealed).is_file(), "{sealed}");
                assert_eq!(message["contentType"], CONTENT_TYPE);
            }
            described.insert((text(&message["name"]), text(&channel["title"])));
        }
    }
    let messages = [
        known::<SubmittedForm>(),
        known::<Validated>(),
        known::<Checked>(),
        known::<Written>(),
        known::<Notified>(),
    ];
    assert_eq!(described, messages.into());
}

#[test]
fn the_headers_are_ours() {
    let headers = names(&read("asyncapi.json")["components"]["schemas"]["Headers"]["properties"]);
    for name in [
        header::TRACEPARENT,
        header::CLINIC,
        header::LANE,
        header::ATTEMPT,
        header::FIRST_FAILED_AT,
        header::FAILED_AGAINST,
        header::FAILED_AT,
        header::FAILED_RUN,
        header::LINK,
        header::RESUMED,
    ] {
        assert!(headers.contains(name), "{name}");
    }
}

fn resolve<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    document.pointer(reference["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
