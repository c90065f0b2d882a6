//! Each service is a user of the broker of its own: it may do what the topology lets it do, and the broker refuses the rest.

use domain::{Exchange, Stage};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use runtime::topology::{Lanes, Permission, Topology, permissions};
use testkit::admin::BrokerAdmin;

use crate::support::{Fixture, fixture};

const PASSWORD: &str = "of-the-test";

/// The services' users, on the fixture's virtual host, which they go with.
async fn connect(f: &Fixture, service: &str) -> Connection {
    let admin = BrokerAdmin::new(f.vhost.amqp_url(), f.vhost.management_url()).unwrap();
    let Permission { configure, write, read, .. } =
        permissions().into_iter().find(|permission| permission.service == service).unwrap();
    let user = format!("{}_{service}", f.vhost.name());
    admin.user(&user, PASSWORD, "").await.unwrap();
    admin.permit(f.vhost.name(), &user, [&configure, &write, &read]).await.unwrap();
    let mut url = reqwest::Url::parse(f.vhost.amqp_url()).unwrap();
    url.set_username(&user).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    Connection::connect(url.as_str(), ConnectionProperties::default()).await.unwrap()
}

/// What is allowed, on a channel of its own: the broker closes it when it refuses. Anything but done and refused is a failure.
async fn may<T>(connection: &Connection, what: impl AsyncFnOnce(Channel) -> lapin::Result<T>) -> bool {
    let channel = connection.create_channel().await.unwrap();
    match what(channel).await {
        Ok(_) => true,
        Err(error) if error.to_string().contains("ACCESS_REFUSED") => false,
        Err(error) => panic!("{error}"),
    }
}

async fn may_publish(connection: &Connection, exchange: &str) -> bool {
    let publish = async |channel: Channel| {
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let confirm =
            channel.basic_publish(exchange.into(), "nowhere".into(), options, b"x", properties).await?;
        confirm.await
    };
    may(connection, publish).await
}

async fn may_read(connection: &Connection, queue: &str) -> bool {
    may(connection, async |channel| channel.basic_get(queue.into(), BasicGetOptions::default()).await).await
}

fn stage_of(service: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.as_str() == service)
}

/// Who publishes where, said once more, by hand.
fn publishes(service: &str, exchange: &str) -> bool {
    let ours = |stage: Stage| {
        exchange == stage.writes().as_str()
            || exchange.starts_with("wait.")
            || exchange.starts_with(&format!("{stage}.")) && exchange.ends_with(".dlx")
    };
    match service {
        "source" | "gateway" => exchange == "intake.ingest",
        "ops" => exchange.starts_with("intake.") || exchange.is_empty(),
        _ => stage_of(service).is_some_and(ours),
    }
}

/// Who reads what.
fn reads(service: &str, queue: &str) -> bool {
    let dead = queue.ends_with(".dlq");
    match service {
        "ops" => dead,
        _ => stage_of(service).is_some_and(|stage| !dead && queue.starts_with(&format!("{stage}."))),
    }
}

#[tokio::test]
async fn every_user_publishes_and_reads_what_it_must_and_nothing_else() {
    let f = fixture().await;
    let topology = Topology::derive(&Lanes::read(f.boot.settings()).unwrap());
    let mut wrong = Vec::new();
    for Permission { service, .. } in permissions() {
        let connection = connect(&f, &service).await;
        let exchanges = topology.exchanges.iter().map(|exchange| exchange.name.as_str());
        for exchange in exchanges.chain([""]) {
            if may_publish(&connection, exchange).await != publishes(&service, exchange) {
                wrong.push(format!("{service} publishes to {exchange:?}"));
            }
        }
        for queue in &topology.queues {
            if may_read(&connection, &queue.name).await != reads(&service, &queue.name) {
                wrong.push(format!("{service} reads {}", queue.name));
            }
        }
        connection.close(200, "done".into()).await.unwrap();
    }
    assert!(wrong.is_empty(), "not as it must be: {wrong:#?}");
}

#[tokio::test]
async fn no_user_makes_changes_or_deletes_anything() {
    let f = fixture().await;
    for Permission { service, .. } in permissions() {
        let connection = connect(&f, &service).await;
        let arguments = FieldTable::default;
        let own = stage_of(&service).map_or_else(|| "mine".to_owned(), |stage| format!("{stage}.mine"));
        let made = may(&connection, async |channel| {
            channel.queue_declare(own.as_str().into(), QueueDeclareOptions::default(), arguments()).await
        });
        assert!(!made.await, "{service} makes a queue");
        let made = may(&connection, async |channel| {
            let (kind, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
            channel.exchange_declare(own.as_str().into(), kind, options, arguments()).await
        });
        assert!(!made.await, "{service} makes an exchange");
        for queue in ["validation.north", "validation.north.dlq", "wait.1s"] {
            let deleted = may(&connection, async |channel| {
                channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await
            });
            assert!(!deleted.await, "{service} deletes {queue}");
            let bound = may(&connection, async |channel| {
                let (exchange, key) = (Exchange::Written.as_str().into(), "#".into());
                channel
                    .queue_bind(queue.into(), exchange, key, QueueBindOptions::default(), arguments())
                    .await
            });
            assert!(!bound.await, "{service} binds {queue}");
        }
        connection.close(200, "done".into()).await.unwrap();
    }
}
