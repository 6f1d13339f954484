//! Methods: what clients call by name with a list of parameters, through `method.call` (contract, admin-and-settings 6
//! and messages 8) and over the socket. They run the same commands and queries as the REST doors.

pub mod args;
pub mod door;
pub mod ejson;
pub mod limits;

mod absent;
mod admin;
mod autotranslate;
mod commands;
mod e2e;
mod identity;
mod mail;
mod maintenance;
mod messages;
mod moderation;
mod oauth_apps;
mod people;
mod pictures;
mod presence;
mod push;
mod receipts;
mod rooms;
mod search;
mod searching;
mod webdav;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use application::caller::Caller;
use application::identity::second_factors::gate::{FactorAnswer, Prover};
use application::origin::Client;
use domain::limits as bounds;
use domain::permission::Permission;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::schema;
use crate::methods::args::Args;
use crate::state::AppState;

const MOST_PARAMS: usize = 100;

/// `null` means nothing: the answer then has no `result`.
pub type MethodOutcome = Result<Value, ApiError>;

pub struct AnyMethodCall {
    pub state: AppState,
    pub caller: Option<Caller>,
    pub client: Client,
    /// The code of a second factor, if one was sent.
    pub factor: FactorAnswer,
    /// There may be more of them than the method knows: clients append some.
    pub args: Args,
}

pub struct MethodCall {
    pub state: AppState,
    pub caller: Caller,
    pub client: Client,
    pub factor: FactorAnswer,
    pub args: Args,
}

impl MethodCall {
    /// Asks the caller for a second factor.
    pub fn prover(&self) -> Prover<'_> {
        Prover {
            workspace: &self.state,
            caller: &self.caller,
            client: &self.client,
            answer: self.factor.clone(),
        }
    }
}

type Handler = Arc<dyn Fn(MethodCall) -> BoxFuture<'static, MethodOutcome> + Send + Sync>;
type PublicHandler = Arc<dyn Fn(AnyMethodCall) -> BoxFuture<'static, MethodOutcome> + Send + Sync>;

/// Who may call a method, and its handler.
#[derive(Clone)]
pub enum MethodAccess {
    Anyone(PublicHandler),
    LoggedIn(Handler),
}

#[derive(Clone)]
pub struct Method {
    pub name: &'static str,
    pub access: MethodAccess,
    /// A limit of its own: a number of calls in a time. The method then does not count for the limits per method.
    pub limit: Option<(u32, Duration)>,
    /// Whoever holds it everywhere is not held to that limit.
    pub unlimited_for: Option<Permission>,
    /// A text of its parameters may be a whole document: a picture, a style sheet.
    pub takes_documents: bool,
}

impl Method {
    #[must_use]
    pub fn with_documents(mut self) -> Self {
        self.takes_documents = true;
        self
    }

    #[must_use]
    pub fn limited(mut self, calls: u32, per: Duration) -> Self {
        self.limit = Some((calls, per));
        self
    }

    #[must_use]
    pub fn unlimited_for(mut self, permission: Permission) -> Self {
        self.unlimited_for = Some(permission);
        self
    }
}

/// A method for users who are logged in.
pub fn method<F, T>(name: &'static str, handler: F) -> Method
where
    F: Fn(MethodCall) -> T + Send + Sync + 'static,
    T: Future<Output = MethodOutcome> + Send + 'static,
{
    Method {
        name,
        access: MethodAccess::LoggedIn(Arc::new(move |call| Box::pin(handler(call)))),
        limit: None,
        unlimited_for: None,
        takes_documents: false,
    }
}

/// A method for anyone.
pub fn open_method<F, T>(name: &'static str, handler: F) -> Method
where
    F: Fn(AnyMethodCall) -> T + Send + Sync + 'static,
    T: Future<Output = MethodOutcome> + Send + 'static,
{
    Method {
        name,
        access: MethodAccess::Anyone(Arc::new(move |call| Box::pin(handler(call)))),
        limit: None,
        unlimited_for: None,
        takes_documents: false,
    }
}

pub fn all() -> Vec<Method> {
    [
        identity::methods(),
        people::methods(),
        mail::methods(),
        pictures::methods(),
        admin::methods(),
        oauth_apps::methods(),
        push::methods(),
        receipts::methods(),
        rooms::methods(),
        presence::methods(),
        search::methods(),
        searching::methods(),
        e2e::methods(),
        messages::methods(),
        moderation::methods(),
        autotranslate::methods(),
        webdav::methods(),
        commands::methods(),
        absent::methods(),
        maintenance::methods(),
    ]
    .concat()
}

static TABLE: LazyLock<HashMap<&'static str, Method>> = LazyLock::new(|| {
    all()
        .into_iter()
        .map(|method| (method.name, method))
        .collect()
});

/// What is too large about the parameters of a method.
pub fn excess(name: &str, params: &[Value]) -> Option<String> {
    let texts = match TABLE.get(name) {
        Some(method) if method.takes_documents => bounds::DOCUMENT,
        _ => bounds::TEXT,
    };
    if params.len() > MOST_PARAMS {
        return Some(format!("must NOT have more than {MOST_PARAMS} parameters"));
    }
    params.iter().find_map(|param| schema::excess(param, texts))
}

pub fn exists(name: &str) -> bool {
    TABLE.contains_key(name)
}

/// Looks the method up, counts the call, checks the caller, runs it.
pub async fn call(name: &str, call: AnyMethodCall) -> MethodOutcome {
    let method = TABLE
        .get(name)
        .ok_or_else(|| wording::no_such_method(name))?;
    limits::check(method, &call)?;
    match &method.access {
        MethodAccess::Anyone(handler) => handler(call).await,
        MethodAccess::LoggedIn(handler) => {
            let AnyMethodCall {
                state,
                caller,
                client,
                factor,
                args,
            } = call;
            let caller = caller.ok_or_else(|| wording::login_required_for(method.name))?;
            handler(MethodCall {
                state,
                caller,
                client,
                factor,
                args,
            })
            .await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_method_is_listed_twice() {
        let mut seen = HashSet::new();
        for method in all() {
            assert!(seen.insert(method.name), "{} twice", method.name);
        }
    }

    #[test]
    fn only_these_methods_need_no_login() {
        let mut open: Vec<&str> = all()
            .iter()
            .filter(|method| matches!(method.access, MethodAccess::Anyone(_)))
            .map(|method| method.name)
            .collect();
        open.sort_unstable();
        let known = [
            "checkRegistrationSecretURL",
            "forgotPassword",
            "getPasswordPolicy",
            "getRoomByTypeAndName",
            "getRoomRoles",
            "license:getModules",
            "license:getTags",
            "license:hasLicense",
            "license:isEnterprise",
            "loadHistory",
            "loadMissedMessages",
            "login",
            "permissions/get",
            "public-settings/get",
            "registerUser",
            "resetPassword",
            "rooms/get",
            "sendConfirmationEmail",
            "sendForgotPasswordEmail",
            "subscriptions/get",
            "verifyEmail",
        ];
        assert_eq!(open, known, "a new method without login needs a reason");
    }
}
