//! One account that a user has on a WebDAV server, for files (contract, admin 13.1).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::settings::{Settings, keys};
use crate::{Category, Decider, Sealed, StreamId, Timestamp, UserId};

/// The stream of a WebDAV account.
pub fn stream(account: &str) -> StreamId {
    StreamId::new(Category::Webdav, account)
}

/// How to log in there. The secrets are sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Login {
    Password { username: String, password: Sealed },
    Token(Sealed),
}

events! {
    /// What can happen to a WebDAV account.
    WebdavEvent [user: UserId] {
        WebdavAccountAdded = 1,
        WebdavAccountRemoved = 1,
    }
}

/// A user added an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebdavAccountAdded {
    pub account: String,
    pub user: UserId,
    pub server_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub login: Login,
    pub at: Timestamp,
}

/// A user removed an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebdavAccountRemoved {
    pub account: String,
    pub user: UserId,
    pub at: Timestamp,
}

/// Whose account it is; `None`: there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebdavAccount {
    pub owner: Option<UserId>,
}

/// What can be asked of a WebDAV account.
#[derive(Clone, Debug)]
pub enum WebdavCommand {
    Add(Box<WebdavAccountAdded>),
    Remove(WebdavAccountRemoved),
}

/// Why a wish about a WebDAV account is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebdavRefusal {
    /// `Webdav_Integration_Enabled` is off (`error-not-allowed`).
    #[error("WebDAV is switched off")]
    Disabled,
    /// The address is no `http` or `https` address (`could-not-access-webdav`).
    #[error("not the address of a WebDAV server")]
    InvalidAddress,
    /// The user has no such account (`error-invalid-account`).
    #[error("no such account")]
    NotFound,
}

impl Decider for WebdavAccount {
    type State = Self;
    type Command = WebdavCommand;
    type Context<'a> = &'a Settings;
    type Event = WebdavEvent;
    type Refusal = WebdavRefusal;

    fn decide(
        state: &Self,
        command: WebdavCommand,
        settings: &&Settings,
    ) -> Result<Vec<WebdavEvent>, WebdavRefusal> {
        if !settings.bool(keys::WEBDAV_INTEGRATION_ENABLED) {
            return Err(WebdavRefusal::Disabled);
        }
        match command {
            WebdavCommand::Add(added) => {
                let url = added.server_url.to_ascii_lowercase();
                if !(url.starts_with("https://") || url.starts_with("http://")) {
                    return Err(WebdavRefusal::InvalidAddress);
                }
                Ok(vec![(*added).into()])
            }
            WebdavCommand::Remove(removed) if state.owner.as_ref() == Some(&removed.user) => {
                Ok(vec![removed.into()])
            }
            WebdavCommand::Remove(_) => Err(WebdavRefusal::NotFound),
        }
    }

    fn evolve(_: Self, event: &WebdavEvent) -> Self {
        Self {
            owner: match event {
                WebdavEvent::WebdavAccountAdded(event) => Some(event.user.clone()),
                WebdavEvent::WebdavAccountRemoved(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_millis(7);

    fn enabled() -> Settings {
        let mut settings = Settings::default();
        settings.set("Webdav_Integration_Enabled", json!(true));
        settings
    }

    fn added(url: &str) -> WebdavAccountAdded {
        WebdavAccountAdded {
            account: "w".to_owned(),
            user: UserId::new("me"),
            server_url: url.to_owned(),
            name: None,
            login: Login::Token(Sealed::new("sealed")),
            at: AT,
        }
    }

    fn removed(user: &str) -> WebdavAccountRemoved {
        WebdavAccountRemoved {
            account: "w".to_owned(),
            user: UserId::new(user),
            at: AT,
        }
    }

    #[test]
    fn accounts_come_and_go() {
        let settings = enabled();
        let account = added("https://dav.example.org");
        given::<WebdavAccount>([])
            .when(WebdavCommand::Add(Box::new(account.clone())), &&settings)
            .then([account.clone().into()]);
        given::<WebdavAccount>([account.into()])
            .when(WebdavCommand::Remove(removed("me")), &&settings)
            .then([removed("me").into()]);
    }

    #[test]
    fn accounts_have_their_rules() {
        let (off, settings) = (Settings::default(), enabled());
        let account = added("https://dav.example.org");
        given::<WebdavAccount>([])
            .when(WebdavCommand::Add(Box::new(account.clone())), &&off)
            .then_refused(WebdavRefusal::Disabled);
        given::<WebdavAccount>([])
            .when(
                WebdavCommand::Add(Box::new(added("file:///etc/passwd"))),
                &&settings,
            )
            .then_refused(WebdavRefusal::InvalidAddress);
        given::<WebdavAccount>([account.into()])
            .when(WebdavCommand::Remove(removed("you")), &&settings)
            .then_refused(WebdavRefusal::NotFound);
    }
}
