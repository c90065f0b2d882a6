//! Bounded reading of command lines and mail.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Longest command line: RFC 5321 says 512, extensions and long paths need more.
const MAX_LINE: u64 = 2_048;

/// A command line.
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

/// Reads one line; of one that is too long only the rest is thrown away.
pub(super) async fn line<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        line.clear();
        (&mut *reader).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        match (line.ends_with(b"\n"), line.is_empty()) {
            (true, _) if too_long => return Ok(Line::TooLong),
            (true, _) => return Ok(Line::Whole(line)),
            (false, true) => return Ok(Line::End),
            // Either too long or the connection ended in the middle; the next read tells.
            (false, false) => too_long = true,
        }
    }
}

/// Reads a mail up to the lone dot, without the dots that were stuffed; `None` if it is larger than allowed.
pub(super) async fn mail<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    limit: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    let mut whole = true;
    let mut at_start = true;
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        (&mut *reader).take(8_192).read_until(b'\n', &mut chunk).await?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if at_start && chunk == b".\r\n" {
            return Ok(whole.then_some(mail));
        }
        let stuffed = usize::from(at_start && chunk.starts_with(b"."));
        // Only CR LF ends a line: a dot after a bare LF is the mail's own ("SMTP smuggling").
        at_start = chunk.ends_with(b"\r\n");
        whole = whole && mail.len() + chunk.len() <= limit;
        if whole {
            mail.extend_from_slice(&chunk[stuffed..]);
        } else {
            mail.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, line, mail};

    #[tokio::test]
    async fn takes_stuffed_dots_away() {
        let mut input: &[u8] = b"a\r\n..\r\n..b\r\nx\n.\r\nend\r\n.\r\nQUIT\r\n";
        let read = mail(&mut input, 1_000).await;
        assert_eq!(read.ok().flatten().as_deref(), Some(b"a\r\n.\r\n.b\r\nx\n.\r\nend\r\n".as_slice()));
        assert_eq!(input, b"QUIT\r\n");
    }

    #[tokio::test]
    async fn a_mail_that_is_too_large_is_read_to_its_end() {
        let mut input: &[u8] = b"0123456789\r\n0123456789\r\n.\r\nQUIT\r\n";
        assert!(matches!(mail(&mut input, 15).await, Ok(None)));
        assert_eq!(input, b"QUIT\r\n");
        assert!(mail(&mut input, 15).await.is_err());
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_left_behind() {
        let long = [vec![b'x'; 5_000], b"\r\nNOOP\r\n".to_vec()].concat();
        let mut input = long.as_slice();
        assert!(matches!(line(&mut input).await, Ok(Line::TooLong)));
        assert!(matches!(line(&mut input).await, Ok(Line::Whole(line)) if line == b"NOOP\r\n"));
        assert!(matches!(line(&mut input).await, Ok(Line::End)));
    }
}
