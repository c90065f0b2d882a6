//! `docs/least-privilege.md` is what the topology and the ledger allow.

use std::{collections::BTreeMap, fmt::Write as _};

use ledger::grants::{GRANTS, Grant, PREFIX, role};
use runtime::topology::{Permission, permissions};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/least-privilege.md");

const HEAD: &str = "# Least privilege

Each service is a user of the broker and a role of the database of its own, and may do what is here and nothing else. Made from
`shared/runtime/src/topology/permissions.rs` and `shared/ledger/src/grants/table.rs` by
`FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test schemas`. Tests try the rest on a real broker and database, and every
end-to-end test runs the services as these users and roles.

Where they log in is configuration, for each service its own: `[amqp] url` or `url_file`, and `[postgres] url` or `url_file`, with the password in it or,
for the database, in `password_file`. Secrets are files that are mounted; the services are told where by `FRONTDESK__AMQP__URL_FILE` and the like.

## The broker

Users are made by an operator, or as the cluster does it. `frontdesk topology permissions` prints what they may do, as RabbitMQ's regular expressions. Nobody may
configure anything. `source` is whoever publishes submissions straight to the broker. `ops` has the tag `management` besides, to see the depth of the queues.

| user | writes | reads |
| --- | --- | --- |
";

const DATABASE: &str = "
## The database

The schema's owner runs `frontdesk migrate`, and no service is the owner. It grants what is here to those of the roles that are there. With
`--roles DIR` it makes them first, each with the password in the file of its name in that folder. With `--revoke` it also takes
away what is not here: when no process of an older version runs any more.

The journal, `ehr_attempt`, `act` and `hold_decision` are only added to: no role has more, and the database refuses it even to the owner.

";

#[test]
fn the_document_of_privileges_is_fresh() {
    let mut text = HEAD.to_owned();
    for Permission { service, write, read, .. } in permissions() {
        let cell = |pattern: String| match pattern.as_str() {
            "^$" => "nothing".to_owned(),
            _ => format!("`{}`", pattern.replace('|', "\\|")),
        };
        writeln!(text, "| `{service}` | {} | {} |", cell(write), cell(read)).unwrap();
    }
    text.push_str(DATABASE);
    for grants in GRANTS {
        writeln!(text, "### `{}`\n\n| table | privileges |\n| --- | --- |", role(PREFIX, grants.service))
            .unwrap();
        let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Grant { table, privileges } in grants.all() {
            let all = tables.entry(*table).or_default();
            all.extend(privileges.iter().filter(|one| !all.contains(one)).copied().collect::<Vec<_>>());
        }
        for (table, privileges) in tables {
            writeln!(text, "| `{table}` | {} |", privileges.join(", ")).unwrap();
        }
        text.push('\n');
    }
    let text = format!("{}\n", text.trim_end());
    if std::env::var_os("FRONTDESK_WRITE_SCHEMAS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(FILE).unwrap_or_default(),
        text,
        "docs/least-privilege.md is stale: write it again"
    );
}
