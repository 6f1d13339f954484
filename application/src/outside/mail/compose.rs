//! A mail as it is sent.

use domain::text;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox as WireMailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::{Mail, Mailbox, SendError};

/// Longest subject and longest name, in characters.
const LONGEST_LINE: usize = 250;

/// Marks the mail as written by a program, so that no other program answers (RFC 3834).
const AUTO_SUBMITTED: &str = "Auto-Submitted";

/// The mail with its headers. No value can add a header: names and subjects lose their control characters, and
/// addresses are checked.
pub(crate) fn compose(mail: &Mail) -> Result<Message, SendError> {
    let (to, from) = (mailbox(&mail.to)?, mailbox(&mail.from)?);
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()])
        .map_err(|_| SendError::Invalid("it has no recipient"))?;
    let builder = Message::builder()
        .from(from)
        .to(to)
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{}>", one_line(&mail.message_id))))
        .date_now()
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(AUTO_SUBMITTED),
            "auto-generated".to_owned(),
        ))
        .envelope(envelope);
    let built = match &mail.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(
            mail.text.clone(),
            html.clone(),
        )),
        None => builder.singlepart(SinglePart::plain(mail.text.clone())),
    };
    built.map_err(|_| SendError::Invalid("it cannot be written"))
}

/// Whether mail can be sent to this address at all.
pub fn is_address(address: &str) -> bool {
    address.parse::<Address>().is_ok()
}

fn mailbox(mailbox: &Mailbox) -> Result<WireMailbox, SendError> {
    let address: Address = mailbox
        .address
        .trim_ascii()
        .parse()
        .map_err(|_| SendError::Invalid("an address is none"))?;
    let name = mailbox.name.as_deref().map(one_line);
    Ok(WireMailbox::new(
        name.filter(|name| !name.is_empty()),
        address,
    ))
}

/// A text on one line, without control characters and shortened if it is too long.
pub fn one_line(text: &str) -> String {
    let clean: String = text::cut(text, LONGEST_LINE)
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .collect();
    let words: Vec<&str> = text::words(&clean).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: Mailbox {
                name: Some("Ada".to_owned()),
                address: "ada@example.org".to_owned(),
            },
            from: Mailbox {
                name: None,
                address: "chat@example.org".to_owned(),
            },
            subject: "Welcome".to_owned(),
            text: "hello".to_owned(),
            html: Some("<p>hello</p>".to_owned()),
            message_id: "mail.7.abc@chat.example.org".to_owned(),
        }
    }

    fn written(mail: &Mail) -> String {
        let message = compose(mail).unwrap_or_else(|error| panic!("{error}"));
        String::from_utf8_lossy(&message.formatted()).into_owned()
    }

    fn header_names(text: &str) -> Vec<String> {
        let (headers, _) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        headers
            .lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split_once(':').map(|(name, _)| name.to_owned()))
            .collect()
    }

    #[test]
    fn a_mail_has_its_headers_and_both_bodies() {
        let text = written(&mail());
        for part in [
            "From: chat@example.org\r\n",
            "To: Ada <ada@example.org>\r\n",
            "Subject: Welcome\r\n",
            "Message-ID: <mail.7.abc@chat.example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "text/plain",
            "text/html",
            "<p>hello</p>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let plain = Mail {
            html: None,
            ..mail()
        };
        assert!(!written(&plain).contains("text/html"));
    }

    #[test]
    fn nobody_adds_a_header() {
        let usual = header_names(&written(&mail()));
        for attack in [
            "x\r\nBcc: eve@example.org",
            "x\nBcc: eve@example.org",
            "x\r\n\r\nBcc: eve@example.org",
            "\u{2028}Bcc: eve@example.org\r",
            "ä\r\nBcc: eve@example.org",
        ] {
            let mut bad = mail();
            bad.subject = attack.to_owned();
            bad.to.name = Some(attack.to_owned());
            bad.from.name = Some(attack.to_owned());
            bad.message_id = attack.to_owned();
            let text = written(&bad);
            assert_eq!(header_names(&text), usual, "{text}");
            bad = mail();
            bad.to.address = format!("ada@example.org{attack}");
            assert!(matches!(compose(&bad), Err(SendError::Invalid(_))));
        }
        for address in [
            "ada@example.org, eve@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "<ada@example.org>",
            "ada",
            "",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
