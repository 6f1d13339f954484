//! A way to log in with an account elsewhere that an administrator added: an `OAuth` service of their own. Its
//! properties are settings made for it ([`crate::settings::custom_service_settings`]).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::{Category, Decider, StreamId, Timestamp};

/// The most characters of a name.
pub const LONGEST_NAME: usize = 50;

/// The stream of a service.
pub fn stream(service: &str) -> StreamId {
    StreamId::new(Category::LoginService, service)
}

/// The name of a service from what somebody typed: lower-case letters, digits and underscores, the first letter
/// capitalised (contract, admin 5.1). `None`: nothing is left of it, or too much.
pub fn service_name(typed: &str) -> Option<String> {
    let kept: String = typed
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .collect();
    let mut rest = kept.chars();
    let first = rest.next()?.to_ascii_uppercase();
    (kept.len() <= LONGEST_NAME).then(|| format!("{first}{}", rest.as_str()))
}

events! {
    /// What can happen to a service.
    LoginServiceEvent {
        LoginServiceAdded = 1,
        LoginServiceRemoved = 1,
    }
}

/// A service was added. Its settings have their defaults, so it is disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginServiceAdded {
    pub service: String,
    pub at: Timestamp,
}

/// A service was removed, and its settings with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginServiceRemoved {
    pub service: String,
    pub at: Timestamp,
}

/// Whether the service is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginService {
    pub present: bool,
}

/// What can be asked of a service.
#[derive(Clone, Debug)]
pub enum LoginServiceCommand {
    /// Changes nothing if it is there already.
    Add {
        /// As [`service_name`] makes it.
        service: String,
        at: Timestamp,
    },
    Remove {
        service: String,
        at: Timestamp,
    },
}

/// Why a service stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginServiceRefusal {
    /// The actor lacks `add-oauth-service`.
    #[error("not allowed to add or remove login services")]
    NotAllowed,
    #[error("no name of a login service")]
    InvalidName,
    #[error("no such login service")]
    NotFound,
}

impl Decider for LoginService {
    type State = Self;
    type Command = LoginServiceCommand;
    type Context<'a> = Authority<'a>;
    type Event = LoginServiceEvent;
    type Refusal = LoginServiceRefusal;

    fn decide(
        state: &Self,
        command: LoginServiceCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<LoginServiceEvent>, LoginServiceRefusal> {
        if !authority.has(Permission::ADD_OAUTH_SERVICE) {
            return Err(LoginServiceRefusal::NotAllowed);
        }
        match command {
            LoginServiceCommand::Add { service, .. }
                if service_name(&service).as_ref() != Some(&service) =>
            {
                Err(LoginServiceRefusal::InvalidName)
            }
            LoginServiceCommand::Add { .. } if state.present => Ok(vec![]),
            LoginServiceCommand::Add { service, at } => {
                Ok(vec![LoginServiceAdded { service, at }.into()])
            }
            LoginServiceCommand::Remove { .. } if !state.present => {
                Err(LoginServiceRefusal::NotFound)
            }
            LoginServiceCommand::Remove { service, at } => {
                Ok(vec![LoginServiceRemoved { service, at }.into()])
            }
        }
    }

    fn evolve(_: Self, event: &LoginServiceEvent) -> Self {
        Self {
            present: matches!(event, LoginServiceEvent::LoginServiceAdded(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn add(service: &str) -> LoginServiceCommand {
        LoginServiceCommand::Add {
            service: service.to_owned(),
            at: AT,
        }
    }

    fn remove(service: &str) -> LoginServiceCommand {
        LoginServiceCommand::Remove {
            service: service.to_owned(),
            at: AT,
        }
    }

    fn added(service: &str) -> LoginServiceEvent {
        LoginServiceAdded {
            service: service.to_owned(),
            at: AT,
        }
        .into()
    }

    fn removed(service: &str) -> LoginServiceEvent {
        LoginServiceRemoved {
            service: service.to_owned(),
            at: AT,
        }
        .into()
    }

    #[test]
    fn services_come_and_go() {
        let stage = Stage::default().with_roles(&["admin"]);
        given::<LoginService>([])
            .when(add("Keycloak"), &stage.authority())
            .then([added("Keycloak")]);
        given::<LoginService>([added("Keycloak")])
            .when(add("Keycloak"), &stage.authority())
            .then_nothing();
        given::<LoginService>([added("Keycloak")])
            .when(remove("Keycloak"), &stage.authority())
            .then([removed("Keycloak")]);
        given::<LoginService>([added("Keycloak"), removed("Keycloak")])
            .when(remove("Keycloak"), &stage.authority())
            .then_refused(LoginServiceRefusal::NotFound);
    }

    #[test]
    fn not_everybody_adds_any_service() {
        let (admin, user) = (Stage::default().with_roles(&["admin"]), Stage::default());
        given::<LoginService>([])
            .when(add("key-cloak"), &admin.authority())
            .then_refused(LoginServiceRefusal::InvalidName);
        for command in [add("Keycloak"), remove("Keycloak")] {
            given::<LoginService>([added("Keycloak")])
                .when(command, &user.authority())
                .then_refused(LoginServiceRefusal::NotAllowed);
        }
    }

    #[test]
    fn names_are_made_of_what_is_typed() {
        assert_eq!(service_name("Key Cloak-2").as_deref(), Some("Keycloak2"));
        assert_eq!(service_name("_x").as_deref(), Some("_x"));
        assert_eq!(service_name("--"), None);
        assert_eq!(service_name(&"x".repeat(51)), None);
    }

    proptest! {
        #[test]
        fn a_name_stays_itself(typed in "\\PC*") {
            if let Some(name) = service_name(&typed) {
                prop_assert_eq!(service_name(&name), Some(name.clone()));
            }
        }
    }
}
