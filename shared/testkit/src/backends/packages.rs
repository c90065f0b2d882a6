//! Installing what is missing from the system's packages.

use std::{fs, io, path::Path};

use nix::unistd::Uid;
use tokio::process::Command;

use super::in_path;

/// What was missing could not be installed. The message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{missing} not found, and cannot be installed here: {why}. Install it by hand ({by_hand}){instead}")]
pub struct NotInstalled {
    missing: String,
    why: String,
    by_hand: String,
    instead: &'static str,
}

/// Installs without starting any of it as a service, and without asking. `$@` are the packages.
///
/// A policy file is the way that Debian and Ubuntu give for *do not start what you install*; where one is there, it stays.
const SCRIPT: &str = r#"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
apt-get update -q
apt-get install -y -q --no-install-recommends "$@" || exit
if [ -d /run/systemd/system ]; then
    for package in "$@"; do systemctl disable --now "$package" 2>/dev/null; done
fi
exit 0
"#;

/// Installs packages by `apt-get`, as root or through `sudo`. Its output goes to `log`; `say` is told what happens.
/// `instead` ends the message of a failure: what else the person could do.
///
/// # Errors
/// [`NotInstalled`], with the reason.
pub async fn install(
    packages: &[&str],
    log: &Path,
    instead: &'static str,
    say: &(dyn Fn(String) + Sync),
) -> Result<(), NotInstalled> {
    let names = packages.join(" ");
    let fails = |why: String| NotInstalled {
        missing: packages.join(" and "),
        why,
        by_hand: format!("apt-get install {names}"),
        instead,
    };
    if in_path("apt-get").is_none() {
        return Err(fails("there is no apt-get".to_owned()));
    }
    let root = Uid::effective().is_root();
    if !root && in_path("sudo").is_none() {
        return Err(fails("that needs root or sudo".to_owned()));
    }
    say(format!(
        "installing {names} by apt-get{}; log: {}",
        if root { "" } else { " with sudo" },
        log.display()
    ));
    match run(root, packages, log).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(fails(reason(&fs::read_to_string(log).unwrap_or_default(), log))),
        Err(error) => Err(fails(error.to_string())),
    }
}

async fn run(root: bool, packages: &[&str], log: &Path) -> io::Result<bool> {
    let output = fs::File::create(log)?;
    // Without sudo's own process group it may ask for the password at the terminal.
    let mut command = if root { Command::new("sh") } else { Command::new("sudo") };
    if !root {
        command.arg("sh");
    }
    command.args(["-c", SCRIPT, "sh"]).args(packages).stdout(output.try_clone()?).stderr(output);
    Ok(command.status().await?.success())
}

/// The cause in the output of `apt-get`, as far as one can tell.
fn reason(output: &str, log: &Path) -> String {
    const CAUSES: [(&str, &str); 8] = [
        ("Temporary failure resolving", "the package server's name does not resolve: no network?"),
        ("Could not connect", "the package server cannot be reached: no network?"),
        ("Hash Sum mismatch", "a download was broken: run the command again"),
        ("Failed to fetch", "a download failed: run the command again"),
        ("Unable to locate package", "the system's package lists do not have it"),
        ("No space left on device", "the disk is full"),
        (
            "Could not get lock",
            "another package installation is running: wait for its end, and run the command again",
        ),
        ("a password is required", "sudo asks for a password, and there is no terminal to give it at"),
    ];
    let cause =
        CAUSES.iter().find(|(sign, _)| output.contains(sign)).map_or("apt-get failed", |(_, cause)| cause);
    format!("{cause} (log: {})", log.display())
}

#[cfg(test)]
mod tests {
    use super::reason;
    use std::path::Path;

    #[test]
    fn causes_are_told_apart_in_one_line() {
        let of = |output| reason(output, Path::new("apt.log"));
        assert!(
            of("Err:1 http://deb.example\n  Temporary failure resolving 'deb.example'")
                .contains("no network?")
        );
        assert!(of("E: Failed to fetch http://… 404").contains("a download failed"));
        assert!(of("something new").starts_with("apt-get failed"));
        assert!(!of("a\nb").contains('\n'));
    }
}
