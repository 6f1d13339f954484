//! Conversations as mails (RFC 5322), one for each day of a conversation.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use domain::{UserId, text};
use lettre::address::Envelope;
use lettre::message::header::{Cc, HeaderName, HeaderValue, To};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest as _, Sha256};

use super::addresses::Known;
use super::conversation::{Line, Stretch};
use super::{html, text as plain};
use crate::error::Fault;
use crate::record::deed::Person;
use crate::record::harmless::harmless;

/// Where people are who have no address. No mail can be sent there (RFC 2606).
const NOWHERE: &str = "workspace.invalid";

/// The most characters of a subject or a name.
const LONGEST_LINE: usize = 120;

/// A mail about a stretch that is not complete.
pub(super) struct Draft {
    builder: lettre::message::MessageBuilder,
}

/// What tells a thing about a conversation of a log from all others.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = hex::encode(hash.finalize());
    digest.truncate(40);
    digest
}

/// The mail with everything that stands at its head.
pub(super) fn begin(stretch: &Stretch, log: &str, addresses: &Known) -> Result<Draft, Fault> {
    let conversation = &stretch.conversation;
    let first = stretch.first.to_string();
    let told = [log, conversation.id.as_str(), &stretch.time, &first];
    let digest = digest(&told.map(str::as_bytes));
    let people = correspondents(stretch);
    let mut active = people.active.into_iter();
    let from = match active.next() {
        Some(author) => mailbox(author, addresses)?,
        None => Mailbox::new(Some("Hansard".to_owned()), address("hansard", NOWHERE)?),
    };
    let envelope = Envelope::new(Some(from.email.clone()), vec![from.email.clone()]);
    let envelope = envelope.map_err(|_| cannot_be_written())?;
    let at = stretch.lines.iter().find_map(Line::at);
    let millis = at.map_or(0, |at| at.time.as_millis().unsigned_abs());
    let subject = format!("{}, {} (UTC)", line(&conversation.name), stretch.time);
    let mut builder = Message::builder()
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(millis / 1_000))
        .from(from)
        .subject(subject)
        .message_id(Some(format!("<{digest}@{log}.{NOWHERE}>")))
        .envelope(envelope);
    // All at once: added one by one, the header would be read anew each time.
    let mailboxes = |people: &mut dyn Iterator<Item = &Person>| {
        let all = people.map(|person| mailbox(person, addresses));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Fault>((!all.is_empty()).then(|| Mailboxes::from_iter(all)))
    };
    if let Some(to) = mailboxes(&mut active)? {
        builder = builder.header(To::from(to));
    }
    if let Some(cc) = mailboxes(&mut people.present.into_iter())? {
        builder = builder.header(Cc::from(cc));
    }
    Ok(Draft { builder })
}

impl Draft {
    /// Adds a line to the head. `value`: letters and digits.
    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        let name = HeaderName::new_from_ascii_str(name);
        self.builder = self.builder.raw_header(HeaderValue::new(name, value));
        self
    }

    pub(super) fn complete(self, parts: MultiPart) -> Result<Vec<u8>, Fault> {
        let message = self.builder.multipart(parts);
        Ok(message.map_err(|_| cannot_be_written())?.formatted())
    }
}

/// The mail of a stretch: the same as plain text and as a page.
pub(super) fn mail(stretch: &Stretch, log: &str, addresses: &Known) -> Result<Vec<u8>, Fault> {
    let draft = begin(stretch, log, addresses)?;
    let (text, page) = (lines(&plain::page(stretch)), lines(&html::alone(stretch)));
    let parts = MultiPart::alternative().boundary(boundary(&[text.as_bytes(), page.as_bytes()]));
    let parts = parts
        .singlepart(SinglePart::plain(text))
        .singlepart(SinglePart::html(page));
    draft.complete(parts)
}

/// What stands between parts. Not at random, so that the same is written each time; and of all that the parts say, so that
/// nobody who says something in them can know it before.
pub(super) fn boundary(parts: &[&[u8]]) -> String {
    format!("part-{}", digest(parts))
}

/// Lines that end as those of mails do. The library would move the whole text once for each.
pub(super) fn lines(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn cannot_be_written() -> Fault {
    Fault::Impossible("a mail cannot be written".into())
}

/// People of a stretch, each once.
struct Correspondents<'a> {
    /// Did something, in the order in which they first did.
    active: Vec<&'a Person>,
    /// Were members when it began, and did nothing.
    present: Vec<&'a Person>,
}

fn correspondents(stretch: &Stretch) -> Correspondents<'_> {
    let mut met: HashSet<&UserId> = HashSet::new();
    let active = stretch.lines.iter().flat_map(|line| line.people());
    let active = active.filter(|person| met.insert(&person.id)).collect();
    let present = stretch.members.named.iter();
    let present = present.filter(|person| met.insert(&person.id)).collect();
    Correspondents { active, present }
}

/// A person, with the address of their account; or with one that leads nowhere and tells who is meant.
fn mailbox(person: &Person, addresses: &Known) -> Result<Mailbox, Fault> {
    // Other letters stand in no head of a mail as they are.
    let ascii = |text: &&str| text.is_ascii();
    let known = addresses.get(&person.id).map(|known| known.trim_ascii());
    let known = known
        .filter(ascii)
        .and_then(|known| known.parse::<Address>().ok());
    let called = Some(person.name.as_str()).filter(ascii);
    let called = || called.and_then(|name| Address::new(name, NOWHERE).ok());
    let email = match known.or_else(called) {
        Some(email) => email,
        None => address(&hex::encode(person.id.as_str()), NOWHERE)?,
    };
    Ok(Mailbox::new(Some(line(&person.name)), email))
}

fn address(user: &str, domain: &str) -> Result<Address, Fault> {
    // The part before the @ has at most 64 characters.
    let address = Address::new(text::cut(user, 64), domain);
    address.map_err(|_| cannot_be_written())
}

/// On one line, and not too long.
fn line(text: &str) -> String {
    harmless(text::cut(text, LONGEST_LINE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::deed::Point;
    use crate::record::export::conversation::{Change, Conversation, Happening, Members};
    use domain::{RoomId, Timestamp};
    use eventstore::Position;

    fn head(sentence: &str, field: &str) -> String {
        let at = Point {
            position: Position::new(7),
            time: Timestamp::from_millis(1_656_676_800_000),
        };
        let stretch = Stretch {
            conversation: Conversation {
                id: RoomId::new("r"),
                name: "#r".to_owned(),
                direct: false,
            },
            time: "2022-07-01".to_owned(),
            first: at.position,
            last: at.position,
            members: Members::default(),
            lines: vec![Line::Happening(Happening {
                at,
                change: Change::Other,
                sentence: sentence.to_owned(),
            })],
        };
        let mail = mail(&stretch, "log", &Known::new()).unwrap();
        let mail = String::from_utf8(mail).unwrap().replace("\r\n ", " ");
        let found = mail.lines().find(|line| line.starts_with(field));
        found.unwrap_or_default().to_owned()
    }

    #[test]
    fn what_stands_between_parts_is_known_only_once_they_are_written() {
        let boundary = |sentence| head(sentence, "Content-Type: multipart");
        let (one, other) = (boundary("one"), boundary("another"));
        assert!(one.contains("boundary=\"part-"), "{one}");
        assert_ne!(one, other, "it is of what is said");
        assert_eq!(one, boundary("one"), "the same is written each time");
        let id = |sentence| head(sentence, "Message-ID");
        assert_eq!(id("one"), id("another"), "an archive knows what it has");
    }
}
