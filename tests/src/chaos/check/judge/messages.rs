//! Patients are told once, over the channels that they agreed to.

use std::collections::HashMap;

use testkit::sandbox::Channel;

use crate::chaos::{
    check::{Check, book::Book, facts::Told},
    people::Asked,
};

const CHANNELS: [Channel; 2] = [Channel::Email, Channel::Sms];

fn agreed(asked: &Asked, channel: Channel) -> bool {
    match channel {
        Channel::Email => asked.mail,
        Channel::Sms => asked.sms,
    }
}

fn address(asked: &Asked, channel: Channel) -> &str {
    match channel {
        Channel::Email => &asked.email,
        Channel::Sms => &asked.phone,
    }
}

const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// Each message that the ledger says was sent is there once, at the right person and about the right visit; what was agreed to and not
/// sent is in doubt; and there is no message that no row accounts for, but at most one for each that is in doubt.
pub(super) fn once(book: &Book<'_>) -> Check {
    let mut check = Check::new("patients are told once, over what they agreed to");
    let mut there: HashMap<(&str, &str), Vec<&Told>> = HashMap::new();
    for message in &book.facts.messages {
        there.entry((name(message.channel), &message.id)).or_default().push(message);
    }
    let notices: HashMap<_, _> = book
        .facts
        .ledger
        .notices
        .iter()
        .map(|notice| ((notice.admission, name(notice.channel)), notice))
        .collect();
    // By channel and recipient: messages that may have been sent.
    let mut doubtful: HashMap<(&str, &str), usize> = HashMap::new();
    for (submission, asked) in &book.owed {
        let Some(row) = book.row(submission) else { continue };
        for channel in CHANNELS {
            check.look();
            let (by, to) = (name(channel), address(asked, channel));
            let notice = notices.get(&(row.admission, by));
            match (agreed(asked, channel), notice.map(|notice| notice.state.as_str())) {
                (false, None) => {}
                (false, Some(_)) => check.wrong(|| format!("{submission}: told by {by} without consent")),
                (true, Some("unknown")) => *doubtful.entry((by, to)).or_default() += 1,
                (true, Some("sent")) => {
                    let id = notice.and_then(|notice| notice.provider.as_deref()).unwrap_or_default();
                    let messages = there.remove(&(by, id)).unwrap_or_default();
                    match messages.as_slice() {
                        [] => check.wrong(|| format!("{submission}: the {by} said to be sent is not there")),
                        [one] if one.to != to => {
                            check.wrong(|| format!("{submission}: its {by} went to somebody else"));
                        }
                        [one] if one.start.is_some_and(|start| start != asked.start) => {
                            check.wrong(|| format!("{submission}: its {by} is about another visit"));
                        }
                        [_] => {}
                        many => {
                            check.too_many(many.len(), || format!("{submission}: {} of one {by}", many.len()))
                        }
                    }
                }
                (true, state) => {
                    check.wrong(|| format!("{submission}: not told by {by} ({})", state.unwrap_or("no row")));
                }
            }
        }
    }
    for ((by, id), messages) in there {
        check.look();
        let to = messages.first().map_or("", |message| message.to.as_str());
        let may = doubtful.get_mut(&(by, to)).filter(|left| **left > 0);
        match (may, messages.len()) {
            (Some(left), 1) => *left -= 1,
            // One for nobody's row is one too many in any case.
            (may, count) => {
                check.too_many(count + usize::from(may.is_none()), || {
                    format!("{by} {id}: {count} unaccounted for")
                });
            }
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use crate::chaos::check::{
        samples::{broken, facts, holds, told},
        verdict,
    };

    #[test]
    fn finds_second_missing_and_strange_messages() {
        holds("told once");
        broken("told once", "2 of one email", |facts| {
            let again = told("<m-0>", 0, 0);
            facts.messages.push(again);
        });
        broken("told once", "is not there", |facts| facts.messages.clear());
        broken("told once", "somebody else", |facts| facts.messages[0].to = "p9@example.com".into());
        broken("told once", "another visit", |facts| {
            facts.messages[0].start = Some(jiff::Timestamp::UNIX_EPOCH);
        });
        broken("told once", "unaccounted", |facts| facts.messages.push(told("<m-9>", 0, 0)));
        broken("told once", "not told by email (no row)", |facts| facts.ledger.notices.clear());
        broken("told once", "without consent", |facts| {
            facts.ledger.notices[0].channel = testkit::sandbox::Channel::Sms;
        });
    }

    #[test]
    fn what_is_in_doubt_may_have_been_sent_once() {
        let mut sent = facts();
        let row = &mut sent.ledger.submissions[0];
        (row.state, row.code) = ("held".into(), Some("notification_parked".into()));
        sent.ledger.hops[0].state = Some("held".into());
        let notice = &mut sent.ledger.notices[0];
        (notice.state, notice.provider) = ("unknown".into(), None);
        let found = verdict(&sent);
        assert!(found.holds() && found.parked == 1, "{found:#?}");
        sent.messages.push(told("<m-9>", 0, 0));
        assert_eq!(verdict(&sent).duplicates, 1);
        sent.messages.truncate(sent.messages.len() - 2);
        assert!(verdict(&sent).holds());
    }
}
