//! The addresses of plans and ends, as `main` runs them.

use std::{sync::Arc, time::Duration};

use domain::{Code, clock::SystemClock};
use reqwest::{Client, StatusCode};
use runtime::{
    Boot, Settings,
    topology::{Lanes, Management, Topology},
};
use serde_json::{Value, json};
use testkit::{env::TestVhost, wait};

use crate::support::{CANARY, CLINICS, Fixture, from_clear, submission};

const TOKENS: &str = r#"
[[token]]
name = "on-call"
roles = ["viewer", "operator"]
# printf operator-token | sha256sum
sha256 = "0850123315d21ab90f4f7236408a52ef6dbd6a02a6550e5c10dc73f4d993680e"
[[token]]
name = "lead"
roles = ["approver"]
# printf approver-token | sha256sum
sha256 = "697e4faac709ff91018bf81268f62b015913da0d39c2e58eb4ee5dbffc4da325"
"#;

/// `ops` as `main` runs it, on a database and a broker of its own.
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) url: String,
    boot: Boot,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _vhost: TestVhost,
    _folder: tempfile::TempDir,
}

impl Api {
    pub(crate) async fn up(f: &Fixture) -> Self {
        let vhost = TestVhost::create().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("tokens.toml", TOKENS.to_owned()), ("2026-01.key", "0a".repeat(32)), ("index", "01".repeat(32))]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = format!(
            "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n[postgres]\nurl = {:?}\n[clinics]\ndirs = [{CLINICS:?}]\n\
             [keys]\nsealing_dir = \".\"\nindex_file = \"index\"\n[ops]\nlisten = \"{address}\"\ntokens_file = \"tokens.toml\"\n",
            vhost.amqp_url(),
            vhost.management_url(),
            f.database.url()
        );
        let settings = Settings::from_toml(&settings, folder.path()).unwrap();
        let topology = Topology::derive(&Lanes::default());
        Management::from_settings(&settings).unwrap().apply(&topology).await.unwrap();
        let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
        let running = tokio::spawn(ops::run(boot.clone()));
        let (client, url) = (Client::new(), format!("http://{address}"));
        let up = || async { client.get(&url).send().await.is_ok() };
        wait::until(Duration::from_secs(20), up).await.unwrap();
        Self { client, url, boot, running, _vhost: vhost, _folder: folder }
    }

    pub(crate) async fn down(self) {
        self.boot.shutdown().soft().cancel();
        self.running.await.unwrap().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.client.get(format!("{}{path}", self.url)).bearer_auth("operator-token");
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(token).json(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn plans_are_made_run_and_cancelled_and_letters_are_ended() {
    let f = Fixture::new().await;
    let api = Api::up(&f).await;
    let nothing = api.post("operator-token", "/v1/plans", &json!({ "reason": "x" })).await;
    assert_eq!((nothing.0, &nothing.1["code"]), (StatusCode::NOT_FOUND, &json!("nothing_matched")));
    let mut letters = Vec::new();
    for n in 0..3 {
        let mut form = submission("adult", &format!("s-{n}"));
        form["form"]["q3_fullName"]["first"] = json!(CANARY);
        letters.push(from_clear(serde_json::to_vec(&form).unwrap(), &f.keys, Code::TemplateFailed));
        f.keep(&letters[n]).await;
    }
    let ids: Vec<String> = letters.iter().map(|letter| letter.id.to_string()).collect();
    let wish = json!({ "stage": "validation", "letters": &ids[..2], "reason": "mended" });
    let (status, plan) = api.post("operator-token", "/v1/plans", &wish).await;
    assert_eq!((status, &plan["more"]), (StatusCode::CREATED, &json!(false)), "{plan}");
    assert_eq!(plan["tally"]["forecast"], json!({ "would_create": 2 }));
    let path = format!("/v1/plans/{}", plan["id"].as_str().unwrap());
    let (_, page) = api.get(&format!("{path}/items?limit=1")).await;
    assert_eq!((page["items"][0]["submission_id"].as_str(), &page["next"]), (Some("s-0"), &json!(1)));
    assert!(!page.to_string().contains(CANARY));

    let rules = |canary: u32, stop_on: u32| json!({ "canary": canary, "rate": 20, "stop_on": stop_on, "reason": "go" });
    let refused = api.post("operator-token", &format!("{path}/replay"), &rules(1, 0)).await;
    assert_eq!((refused.0, &refused.1["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("stop_on")));
    let (status, run) = api.post("operator-token", &format!("{path}/replay"), &rules(1, 10)).await;
    assert_eq!((status, &run["state"]), (StatusCode::ACCEPTED, &json!("running")), "{run}");
    // Nobody reads the queue: the canary stays where it is, and the other is not published.
    let published = || async { api.get(&path).await.1["tally"]["published"] == json!(1) };
    wait::until(Duration::from_secs(30), published).await.unwrap();
    let (_, row) = api.get(&format!("/v1/dead-letters/{}", ids[0])).await;
    assert_eq!((&row["state"], &row["plan_id"]), (&json!("replayed"), &plan["id"]));
    let cancel = json!({ "reason": "wrong" });
    let (status, ended) = api.post("operator-token", &format!("{path}/cancel"), &cancel).await;
    assert_eq!(
        (status, &ended["state"], &ended["tally"]["waiting"]),
        (StatusCode::OK, &json!("cancelled"), &json!(1))
    );
    let again = api.post("operator-token", &format!("{path}/cancel"), &cancel).await;
    assert_eq!((again.0, &again.1["code"]), (StatusCode::CONFLICT, &json!("plan_state")));

    let chosen = json!({ "letters": ids, "reason": "spam" });
    let (_, moved) = api.post("operator-token", "/v1/dead-letters/archive", &chosen).await;
    assert_eq!(moved["done"].as_array().unwrap().len(), 2);
    assert_eq!(moved["left"], json!([{ "id": ids[0], "state": "replayed" }]));
    let (status, asked) = api.post("operator-token", "/v1/discards", &chosen).await;
    assert_eq!((status, asked["letters"].as_array().unwrap().len()), (StatusCode::ACCEPTED, 2));
    assert_eq!(api.get("/v1/discards").await.1, json!([asked]));
    let approve = format!("/v1/discards/{}/approve", asked["id"].as_str().unwrap());
    let forbidden = api.post("operator-token", &approve, &cancel).await;
    assert_eq!(forbidden.0, StatusCode::FORBIDDEN);
    let (status, done) = api.post("approver-token", &approve, &cancel).await;
    assert_eq!((status, done["done"].as_array().unwrap().len()), (StatusCode::OK, 2), "{done}");
    let (_, listed) = api.get("/v1/dead-letters?state=discarded").await;
    assert_eq!(listed["letters"].as_array().unwrap().len(), 2);
    assert_eq!(api.get("/v1/dead-letters/groups?state=open").await.1, json!([]));

    api.down().await;
}
