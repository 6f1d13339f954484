//! Mail: what is mailed on which event, how it looks, and how it is sent.
//!
//! An event that calls for mail is rendered when it is dealt with, with the settings of that moment. A server that
//! cannot be reached holds up all mail until it can be reached again, or the mail is a day old. A mail that the server
//! does not take *now* is tried again later while others go on. One it will never take is logged and skipped.
//!
//! A crash between the moment a mail server has taken a mail and the moment that is recorded sends the mail again: SMTP
//! cannot tell what happened to it. Both have the same `Message-ID`, by which the receiving side recognises the
//! repetition.

mod invitation;
mod occasion;
mod of_room;
mod template;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use application::outside::mail::{Mail, Mailbox, Mailer, SendError, one_line};
use application::workspace::Workspace;
use domain::settings::{Settings, keys};
use domain::site::Site;
use eventstore::vault::Vault;
use eventstore::{EventStore, RecordedEvent};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use projections::Views;
use sha2::{Digest as _, Sha256};

pub use invitation::{NotInvited, invite};
pub use template::{Form, Values, fill, to_text};
pub use wording::TEXTS;

use crate::{OutboxKey, Reactor, Verdict};
use occasion::{Desk, Letter, Trouble, may_matter};

/// In milliseconds: older mail is not sent any more, because its recipient has asked again.
const TOO_OLD: i64 = 24 * 60 * 60 * 1000;

/// How often a mail is tried that the server does not take.
const MOST_ATTEMPTS: u32 = 50;

/// Pauses while no mail can be sent, and while one mail is not taken: doubled each time, from the first to the second.
const DOWN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
const DEFERRED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(10));

/// Pause before the log or the views are asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What mails are made with.
pub struct Context {
    /// To look up what led to an event.
    pub log: Arc<dyn EventStore>,
    pub views: Views,
    /// Opens the secrets in the log.
    pub vault: Vault,
    pub mailer: Arc<dyn Mailer>,
}

impl From<&Workspace> for Context {
    fn from(workspace: &Workspace) -> Self {
        Self {
            log: Arc::clone(workspace.executor().store()),
            views: workspace.views().clone(),
            vault: workspace.vault().clone(),
            mailer: workspace.mailer(),
        }
    }
}

/// Sends mails to users about their accounts.
pub struct MailReactor {
    context: Context,
    /// The recipients who were already mailed on an occasion that is not over.
    written: Mutex<HashMap<u64, HashSet<Mailbox>>>,
    told_unconfigured: AtomicBool,
}

impl MailReactor {
    pub fn new(context: Context) -> Self {
        Self {
            context,
            written: Mutex::default(),
            told_unconfigured: AtomicBool::new(false),
        }
    }

    async fn deal_with(&self, event: &RecordedEvent, key: OutboxKey, attempt: u32) -> Verdict {
        // The settings that held when it happened are known, or later ones; never those from before a restart.
        if self.context.views.wait_for(event.position).await.is_err() {
            return Verdict::Retry(LOOK_AGAIN);
        }
        let settings = self.context.views.settings();
        let desk = Desk {
            log: &*self.context.log,
            views: &self.context.views,
            vault: &self.context.vault,
            settings: settings.clone(),
        };
        let letters = match desk.letters(event).await {
            Ok(letters) => letters,
            Err(Trouble::Never(reason)) => return Verdict::Skip(reason),
            Err(error) => {
                tracing::warn!(%key, %error, "it is not known yet what to mail; trying again");
                return Verdict::Retry(LOOK_AGAIN);
            }
        };
        if letters.is_empty() {
            return Verdict::Ignore;
        }
        if !self.context.mailer.is_configured() {
            if !self.told_unconfigured.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "mail is not sent: no mail server is configured (settings SMTP_Host, From_Email; or MAIL_URL)"
                );
            }
            return Verdict::Done;
        }
        let age = now().saturating_sub(event.recorded_at.as_millis());
        if age > TOO_OLD {
            tracing::warn!(%key, "mail is not sent any more: it is too old");
            return Verdict::Done;
        }
        self.send_all(&letters, &settings, key, attempt).await
    }

    async fn send_all(
        &self,
        letters: &[Letter],
        settings: &Settings,
        key: OutboxKey,
        attempt: u32,
    ) -> Verdict {
        let mut put_off = false;
        for letter in letters {
            let position = key.position.get();
            let done = |written: &HashMap<u64, HashSet<Mailbox>>| {
                let to = written.get(&position);
                to.is_some_and(|to| to.contains(&letter.to))
            };
            if done(&self.written.lock()) {
                continue;
            }
            let mail = finish(letter, settings, key);
            match self.context.mailer.send(&mail).await {
                Ok(()) => tracing::debug!(%key, "mail sent"),
                Err(SendError::Unreachable(reason)) => {
                    tracing::warn!(%key, attempt, reason, "no mail can be sent now; trying again");
                    return Verdict::Retry(pause(DOWN, attempt));
                }
                Err(error @ SendError::Deferred { .. }) if attempt < MOST_ATTEMPTS => {
                    tracing::info!(%key, attempt, %error, "a mail is put off");
                    put_off = true;
                    continue;
                }
                Err(error) => tracing::warn!(%key, %error, "a mail is not sent"),
            }
            let mut written = self.written.lock();
            let to = written.entry(position).or_default();
            to.insert(letter.to.clone());
        }
        if put_off {
            return Verdict::Later(pause(DEFERRED, attempt));
        }
        Verdict::Done
    }
}

impl Reactor for MailReactor {
    fn name(&self) -> &'static str {
        "mail"
    }

    /// Nobody wants to be mailed today about what happened years ago.
    fn begins_at_head(&self) -> bool {
        true
    }

    fn concerns(&self, event_type: &str) -> bool {
        may_matter(event_type)
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let verdict = self.deal_with(event, key, attempt).await;
            if !matches!(verdict, Verdict::Retry(_) | Verdict::Later(_)) {
                self.written.lock().remove(&event.position.get());
            }
            verdict
        })
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn pause((first, longest): (Duration, Duration), attempt: u32) -> Duration {
    let factor = 1_u32 << attempt.saturating_sub(1).min(16);
    first.saturating_mul(factor).min(longest)
}

fn finish(letter: &Letter, settings: &Settings, key: OutboxKey) -> Mail {
    let id = message_id(settings, &key.to_string(), &letter.to.address);
    write_mail(
        settings,
        letter.to.clone(),
        (&letter.subject, &letter.body),
        letter.values.clone(),
        id,
    )
}

/// The same for the same occasion and recipient, and for no other.
fn message_id(settings: &Settings, key: &str, address: &str) -> String {
    let mut digest = Sha256::new();
    for part in [settings.text(keys::UNIQUE_ID), key, &address.to_lowercase()] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let digest = hex::encode(&digest.finalize()[..16]);
    format!("{key}.{digest}@{}", site_host(settings))
}

/// The host name of the workspace's address.
fn site_host(settings: &Settings) -> String {
    let url = url::Url::parse(Site::of(settings).as_str()).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .filter(|host| !host.starts_with('['))
        .unwrap_or_else(|| "localhost".to_owned())
}

/// A finished mail from a subject and a body with placeholders.
fn write_mail(
    settings: &Settings,
    to: Mailbox,
    (subject, body): (&str, &str),
    values: Values,
    message_id: String,
) -> Mail {
    let site = Site::of(settings);
    let values = values
        .with("Site_Name", settings.text(keys::SITE_NAME))
        .with("Site_URL", site.as_str())
        .with("Site_URL_Slash", site.at("/"));
    let subject = one_line(&fill(subject, &values, Form::Plain));
    let body = fill(body, &values, Form::Html);
    let html = (!settings.bool(keys::EMAIL_PLAIN_TEXT_ONLY)).then(|| {
        let header = fill(settings.text(keys::EMAIL_HEADER), &values, Form::Html);
        let footer = fill(settings.text(keys::EMAIL_FOOTER), &values, Form::Html);
        page(
            &subject,
            &header,
            &body,
            &footer,
            settings.text(keys::EMAIL_STYLE),
        )
    });
    let from = Some(settings.text(keys::FROM_EMAIL).trim_ascii()).filter(|from| !from.is_empty());
    Mail {
        to,
        from: Mailbox {
            name: Some(settings.text(keys::SITE_NAME).to_owned()),
            address: from.map_or_else(
                || format!("no-reply@{}", site_host(settings)),
                str::to_owned,
            ),
        },
        text: to_text(&body),
        subject,
        html,
        message_id,
    }
}

/// The mail that a user asks for to test sending. Each is another one.
pub fn test_mail(settings: &Settings, to: Mailbox, unique: &str) -> Mail {
    let id = message_id(settings, &format!("test-{unique}"), &to.address);
    write_mail(
        settings,
        to,
        ("{SMTP_Test_Subject}", "{SMTP_Test_Email}"),
        Values::default(),
        id,
    )
}

/// The mail that invites a person without an account.
fn invitation_mail(settings: &Settings, to: Mailbox, unique: &str) -> Mail {
    let id = message_id(settings, &format!("invitation-{unique}"), &to.address);
    let values = Values::default().with("email", to.address.as_str());
    let (subject, body) = (
        settings.text(keys::INVITATION_SUBJECT),
        settings.text(keys::INVITATION_EMAIL),
    );
    write_mail(settings, to, (subject, body), values, id)
}

/// The mail that a user asks for to test an inbox of the workspace: sent from the inbox itself.
pub fn inbox_test_mail(
    settings: &Settings,
    (from, inbox): (Mailbox, &str),
    to: Mailbox,
    unique: &str,
) -> Mail {
    let id = message_id(settings, &format!("inbox-test-{unique}"), &to.address);
    let values = Values::default().with("Inbox", inbox);
    let mail = write_mail(
        settings,
        to,
        ("{Inbox_Test_Subject}", "{Inbox_Test_Email}"),
        values,
        id,
    );
    Mail { from, ..mail }
}

/// Header, body and footer as one page, unless the header begins a page of its own.
fn page(subject: &str, header: &str, body: &str, footer: &str, style: &str) -> String {
    let whole = format!("{header}{body}{footer}");
    if header.to_ascii_lowercase().contains("<html") {
        return whole;
    }
    let title = html_escape::encode_text(subject);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{style}</style></head><body>{whole}</body></html>\n"
    )
}
