//! The command line of a service: where its settings are.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};

pub(super) struct Args {
    pub(super) config: PathBuf,
}

impl Args {
    /// Parses the process's arguments; `--help`, `--version` and mistakes end it, as is usual.
    pub(super) fn parse(name: &'static str) -> Self {
        let mut matches = command(name).get_matches();
        Self { config: matches.remove_one("config").unwrap_or_else(|| PathBuf::from("frontdesk.toml")) }
    }
}

fn command(name: &'static str) -> Command {
    Command::new(name).version(env!("CARGO_PKG_VERSION")).about("A service of Frontdesk").arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("FRONTDESK_CONFIG")
            .default_value("frontdesk.toml")
            .value_parser(value_parser!(PathBuf))
            .help("Settings; FRONTDESK__SECTION__KEY in the environment overrides them"),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_well_formed() {
        super::command("validation").debug_assert();
    }
}
