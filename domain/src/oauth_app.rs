//! A program that lets people log in with their account here (contract, admin 5.2): this server is the provider.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::text;
use crate::{Category, Decider, Sealed, StreamId, Timestamp, UserId};

/// The most characters of a name, of one redirect address, and the most addresses.
const LIMITS: (usize, usize, usize) = (120, 2000, 50);

/// The stream of an app.
pub fn stream(app: &str) -> StreamId {
    StreamId::new(Category::OAuthApp, app)
}

events! {
    /// What can happen to an app.
    OAuthAppEvent {
        OAuthAppAdded = 1,
        OAuthAppChanged = 1,
        OAuthAppRemoved = 1,
    }
}

/// A program was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthAppAdded {
    pub app: String,
    /// What it calls itself to this server.
    pub client_id: String,
    pub secret: Sealed,
    pub properties: OAuthAppProperties,
    pub by: UserId,
    pub at: Timestamp,
}

/// A program was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthAppChanged {
    pub app: String,
    /// All properties, not only those that changed.
    pub properties: OAuthAppProperties,
    pub by: UserId,
    pub at: Timestamp,
}

/// A program was removed. Nothing granted to it is valid any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthAppRemoved {
    pub app: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// What administrators say about an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthAppProperties {
    pub name: String,
    /// Where people may be sent back to.
    pub redirect_uris: Vec<String>,
    pub active: bool,
}

impl OAuthAppProperties {
    /// Reads the addresses from one text, separated by line or comma (contract, admin 5.2).
    pub fn addresses(list: &str) -> Vec<String> {
        list.split(['\n', ','])
            .map(|one| text::trim(one).to_owned())
            .filter(|one| !one.is_empty())
            .collect()
    }
}

/// Whether the app is there, and what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthApp {
    pub properties: Option<OAuthAppProperties>,
}

/// What can be asked of an app.
#[derive(Clone, Debug)]
pub enum OAuthAppCommand {
    /// The id, client id and secret are new.
    Add {
        app: String,
        client_id: String,
        secret: Sealed,
        properties: OAuthAppProperties,
        at: Timestamp,
    },
    Change {
        app: String,
        /// All properties, not only those that change.
        properties: OAuthAppProperties,
        at: Timestamp,
    },
    Remove {
        app: String,
        at: Timestamp,
    },
}

/// Why an app stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthAppRefusal {
    /// The actor lacks `manage-oauth-apps`.
    #[error("not allowed to manage OAuth apps")]
    NotAllowed,
    /// No name, or too long a one.
    #[error("no name of an OAuth app")]
    InvalidName,
    /// No address, or one that nobody can be sent to.
    #[error("no address to send people back to")]
    InvalidRedirect,
    #[error("no such OAuth app")]
    NotFound,
}

impl Decider for OAuthApp {
    type State = Self;
    type Command = OAuthAppCommand;
    type Context<'a> = Authority<'a>;
    type Event = OAuthAppEvent;
    type Refusal = OAuthAppRefusal;

    fn decide(
        state: &Self,
        command: OAuthAppCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<OAuthAppEvent>, OAuthAppRefusal> {
        if !authority.has(Permission::MANAGE_OAUTH_APPS) {
            return Err(OAuthAppRefusal::NotAllowed);
        }
        let by = authority.actor.clone();
        match command {
            OAuthAppCommand::Add {
                app,
                client_id,
                secret,
                properties,
                at,
            } => Ok(vec![
                OAuthAppAdded {
                    app,
                    client_id,
                    secret,
                    properties: checked(properties)?,
                    by,
                    at,
                }
                .into(),
            ]),
            OAuthAppCommand::Change {
                app,
                properties,
                at,
            } => {
                let before = state.properties.as_ref().ok_or(OAuthAppRefusal::NotFound)?;
                let properties = checked(properties)?;
                if *before == properties {
                    return Ok(vec![]);
                }
                Ok(vec![
                    OAuthAppChanged {
                        app,
                        properties,
                        by,
                        at,
                    }
                    .into(),
                ])
            }
            OAuthAppCommand::Remove { app, at } => {
                if state.properties.is_none() {
                    return Err(OAuthAppRefusal::NotFound);
                }
                Ok(vec![OAuthAppRemoved { app, by, at }.into()])
            }
        }
    }

    fn evolve(_: Self, event: &OAuthAppEvent) -> Self {
        let properties = match event {
            OAuthAppEvent::OAuthAppAdded(event) => Some(event.properties.clone()),
            OAuthAppEvent::OAuthAppChanged(event) => Some(event.properties.clone()),
            OAuthAppEvent::OAuthAppRemoved(_) => None,
        };
        Self { properties }
    }
}

fn checked(mut properties: OAuthAppProperties) -> Result<OAuthAppProperties, OAuthAppRefusal> {
    let name = text::trim(&properties.name).to_owned();
    properties.name = name;
    if text::is_blank(&properties.name) || properties.name.chars().count() > LIMITS.0 {
        return Err(OAuthAppRefusal::InvalidName);
    }
    let addresses = &properties.redirect_uris;
    let fit = !addresses.is_empty()
        && addresses.len() <= LIMITS.2
        && addresses.iter().all(|address| is_address(address));
    fit.then_some(properties)
        .ok_or(OAuthAppRefusal::InvalidRedirect)
}

/// Whether people can be sent there: an absolute address without fragment, of a scheme that runs nothing here.
fn is_address(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let scheme_fits = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let harmless = !["javascript", "data", "vbscript", "file", "blob"]
        .iter()
        .any(|bad| scheme.eq_ignore_ascii_case(bad));
    scheme_fits
        && harmless
        && !rest.is_empty()
        && address.len() <= LIMITS.1
        && !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn properties(name: &str, address: &str) -> OAuthAppProperties {
        OAuthAppProperties {
            name: name.to_owned(),
            redirect_uris: OAuthAppProperties::addresses(address),
            active: true,
        }
    }

    fn add(name: &str, address: &str) -> OAuthAppCommand {
        OAuthAppCommand::Add {
            app: "a".to_owned(),
            client_id: "c".to_owned(),
            secret: Sealed::new("s"),
            properties: properties(name, address),
            at: AT,
        }
    }

    fn change(name: &str) -> OAuthAppCommand {
        OAuthAppCommand::Change {
            app: "a".to_owned(),
            properties: properties(name, "https://x"),
            at: AT,
        }
    }

    fn remove() -> OAuthAppCommand {
        OAuthAppCommand::Remove {
            app: "a".to_owned(),
            at: AT,
        }
    }

    fn added(name: &str) -> OAuthAppEvent {
        OAuthAppAdded {
            app: "a".to_owned(),
            client_id: "c".to_owned(),
            secret: Sealed::new("s"),
            properties: properties(name, "https://x"),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    fn admin() -> Stage {
        Stage::default().with_roles(&["admin"])
    }

    #[test]
    fn apps_are_added_changed_and_removed() {
        let stage = admin();
        given::<OAuthApp>([])
            .when(add(" Wiki ", "https://x"), &stage.authority())
            .then([added("Wiki")]);
        given::<OAuthApp>([added("Wiki")])
            .when(change("Wiki"), &stage.authority())
            .then_nothing();
        let changed = OAuthAppChanged {
            app: "a".to_owned(),
            properties: properties("Forum", "https://x"),
            by: UserId::new("me"),
            at: AT,
        };
        given::<OAuthApp>([added("Wiki")])
            .when(change("Forum"), &stage.authority())
            .then([changed.into()]);
        let removed = OAuthAppRemoved {
            app: "a".to_owned(),
            by: UserId::new("me"),
            at: AT,
        };
        given::<OAuthApp>([added("Wiki")])
            .when(remove(), &stage.authority())
            .then([removed.into()]);
        for command in [change("Wiki"), remove()] {
            given::<OAuthApp>([])
                .when(command, &stage.authority())
                .then_refused(OAuthAppRefusal::NotFound);
        }
    }

    #[test]
    fn apps_have_a_name_and_somewhere_to_go() {
        let (stage, user) = (admin(), Stage::default());
        given::<OAuthApp>([])
            .when(add(" ", "https://x"), &stage.authority())
            .then_refused(OAuthAppRefusal::InvalidName);
        for address in [
            "",
            "nowhere",
            "javascript:alert(1)",
            "https://x#y",
            "https://a b",
        ] {
            given::<OAuthApp>([])
                .when(add("Wiki", address), &stage.authority())
                .then_refused(OAuthAppRefusal::InvalidRedirect);
        }
        given::<OAuthApp>([])
            .when(add("Wiki", "https://x"), &user.authority())
            .then_refused(OAuthAppRefusal::NotAllowed);
    }

    #[test]
    fn addresses_are_told_by_line_or_comma() {
        assert_eq!(
            OAuthAppProperties::addresses("https://a, https://b\n\nmy.app:/c"),
            ["https://a", "https://b", "my.app:/c"]
        );
    }

    proptest! {
        #[test]
        fn no_address_runs_anything(address in "(javascript|JavaScript|data|https|my\\.app|[a-z]{0,3}):\\PC{0,9}") {
            let runs = ["javascript:", "data:"].iter().any(|bad| address.to_lowercase().starts_with(bad));
            prop_assert!(!(runs && is_address(&address)));
        }
    }
}
