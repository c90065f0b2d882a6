//! The commands of ESMTP.

/// One command line.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Command {
    Hello {
        extended: bool,
    },
    Mail {
        from: String,
        size: Option<usize>,
    },
    Recipient(String),
    Data,
    Reset,
    Nothing,
    Quit,
    StartTls,
    /// `AUTH PLAIN`, with the answer if it came at once.
    AuthPlain(bool),
    /// A known verb with arguments that make no sense.
    Malformed,
    Unknown,
}

impl Command {
    pub(super) fn parse(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !rest.is_empty() => Self::Hello { extended: true },
            "HELO" if !rest.is_empty() => Self::Hello { extended: false },
            "MAIL" => path(rest, "FROM:").map_or(Self::Malformed, |(from, parameters)| Self::Mail {
                from: from.to_owned(),
                size: parameters.split(' ').find_map(|one| one.strip_prefix("SIZE=")?.parse().ok()),
            }),
            "RCPT" => match path(rest, "TO:") {
                Some((to, _)) if to.contains('@') => Self::Recipient(to.to_owned()),
                _ => Self::Malformed,
            },
            "DATA" if rest.is_empty() => Self::Data,
            "RSET" if rest.is_empty() => Self::Reset,
            "NOOP" => Self::Nothing,
            "QUIT" if rest.is_empty() => Self::Quit,
            "STARTTLS" if rest.is_empty() => Self::StartTls,
            "AUTH" => match rest.split_once(' ').unwrap_or((rest, "")) {
                (mechanism, initial) if mechanism.eq_ignore_ascii_case("PLAIN") => {
                    Self::AuthPlain(!initial.is_empty())
                }
                _ => Self::Malformed,
            },
            "EHLO" | "HELO" | "DATA" | "RSET" | "QUIT" | "STARTTLS" => Self::Malformed,
            _ => Self::Unknown,
        }
    }
}

/// Splits `FROM:<path> parameters`.
fn path<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.get(keyword.len()..).filter(|_| text[..keyword.len()].eq_ignore_ascii_case(keyword))?;
    rest.trim_start().strip_prefix('<')?.split_once('>')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Command;

    #[test]
    fn reads_paths_and_parameters() {
        let Command::Mail { from, size } = Command::parse(b"mail from:<a@b.test> SIZE=12 BODY=8BITMIME\r\n")
        else {
            panic!("is MAIL")
        };
        assert_eq!((from.as_str(), size), ("a@b.test", Some(12)));
        assert!(Command::parse(b"MAIL FROM:<>\r\n") == Command::Mail { from: String::new(), size: None });
        assert!(Command::parse(b"RCPT TO:<nobody>\r\n") == Command::Malformed);
        assert!(Command::parse(b"RCPT TO:a@b\r\n") == Command::Malformed);
        assert!(Command::parse(b"quit\r\n") == Command::Quit);
        assert!(Command::parse(b"\r\n") == Command::Unknown);
    }

    proptest! {
        #[test]
        fn never_panics(line in "(MAIL FROM:|RCPT TO:|AUTH )?\\PC{0,40}") {
            let _ = Command::parse(line.as_bytes());
        }
    }
}
