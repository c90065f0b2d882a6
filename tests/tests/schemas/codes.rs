//! `docs/codes.md` is the list in the code.

use std::fmt::Write as _;

use domain::Code;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/codes.md");

#[test]
fn the_codes_document_is_fresh() {
    let mut text = "# Codes\n\nWhy a submission was rejected, is held, or is dead. Made from `shared/domain/src/code.rs` by\n\
        `FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test schemas`.\n\n| code | meaning |\n| --- | --- |\n"
        .to_owned();
    for code in Code::ALL {
        writeln!(text, "| `{code}` | {} |", code.meaning()).unwrap();
    }
    if std::env::var_os("FRONTDESK_WRITE_SCHEMAS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(FILE).unwrap_or_default(),
        text,
        "docs/codes.md is stale: write it again"
    );
}
