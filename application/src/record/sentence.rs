//! One plain English sentence for every event, for those who read the record.
//!
//! A sentence is in the past tense and tells who did it first. It has no time and no full stop: it stands beside the
//! envelope of the event, which has both the time and the position. What is secret is in no sentence, nor is anything
//! that was made of a secret. Every match is over all events, so that the compiler asks for the sentence of a new one.

mod admin;
mod chat;
mod grants;
mod identity;
mod integrations;
mod people;
mod place;
mod record;
mod rooms;
#[cfg(test)]
mod tests;
mod words;

pub use words::Names;

use domain::{Event, UserId};

use crate::record::grants::Change;
use words::Teller;

/// What happened, on one line. `actor` did it, as the envelope of the event says.
pub fn sentence(event: &Event, actor: &UserId, names: &dyn Names) -> String {
    let teller = Teller::new(actor, names);
    match event {
        Event::Room(event) => rooms::room(&teller, event),
        Event::Membership(event) => chat::membership(&teller, event),
        Event::Invite(event) => rooms::invite(&teller, event),
        Event::Message(event) => chat::message(&teller, event),
        Event::User(event) => people::user(&teller, event),
        Event::Presence(event) => people::presence(&teller, event),
        Event::CustomStatus(event) => people::custom_status(&teller, event),
        Event::Avatar(event) => people::avatar(&teller, event),
        Event::Session(event) => identity::session(&teller, event),
        Event::SecondFactor(event) => identity::second_factor(&teller, event),
        Event::AccountMail(event) => identity::account_mail(&teller, event),
        Event::KeyPair(event) => identity::key_pair(&teller, event),
        Event::Claim(event) => identity::claim(&teller, event),
        Event::Setting(event) => admin::setting(&teller, event),
        Event::Permission(event) => admin::permission(&teller, event),
        Event::Role(event) => admin::role(&teller, event),
        Event::Emoji(event) => admin::emoji(&teller, event),
        Event::Sound(event) => admin::sound(&teller, event),
        Event::Asset(event) => admin::asset(&teller, event),
        Event::Banner(event) => admin::banner(&teller, event),
        Event::BannerDismissal(event) => admin::banner_dismissal(&teller, event),
        Event::Report(event) => admin::report(&teller, event),
        Event::LoginService(event) => integrations::login_service(&teller, event),
        Event::OAuthApp(event) => integrations::oauth_app(&teller, event),
        Event::OAuthGrant(event) => integrations::oauth_grant(&teller, event),
        Event::Push(event) => integrations::push(&teller, event),
        Event::Webdav(event) => integrations::webdav(&teller, event),
        Event::EmailInbox(event) => integrations::email_inbox(&teller, event),
        Event::DataExport(event) => record::data_export(&teller, event),
        Event::RoomExport(event) => rooms::export(&teller, event),
        Event::Audit(event) => record::audit(&teller, event),
        Event::Subscription(event) => record::subscription(&teller, event),
    }
}

/// The same, told by what the event gave and took.
pub(crate) fn of_grants(
    event: &Event,
    actor: &UserId,
    names: &dyn Names,
    changes: &[Change],
) -> String {
    let teller = Teller::new(actor, names);
    grants::grants(&teller, event, changes).unwrap_or_else(|| sentence(event, actor, names))
}
