//! What the table of routes says about each of them: method, path, who may call it with which rights, the second
//! factor, the rate limit, the parameters, and the answer.
//!
//! The router, the description of the API and the deny tests are all made from this.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use domain::permission::Permission;
use domain::settings::Key;
use futures::future::BoxFuture;

use crate::errors::{ApiError, wording};
use crate::http::answer::Outcome;
use crate::http::call::{Anyone, Call, FromInput, FromRequest};
use crate::http::schema::{Kind, Schema, Takes};

/// What every paged list returns: its items, and which part of how many they are.
macro_rules! paged {
    ($items:literal) => {
        &[
            ($items, $crate::http::schema::Kind::List),
            ("count", $crate::http::schema::Kind::Number),
            ("offset", $crate::http::schema::Kind::Number),
            ("total", $crate::http::schema::Kind::Number),
        ]
    };
}
pub(crate) use paged;

pub type PublicHandler = Arc<dyn Fn(Anyone) -> BoxFuture<'static, Outcome> + Send + Sync>;

pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Who may call a route, and its handler.
#[derive(Clone)]
pub enum Access {
    Public(PublicHandler),
    /// Users who are logged in, and everybody else if the workspace may be read without a login
    /// (`Accounts_AllowAnonymousRead`); 401 otherwise.
    Readers(PublicHandler),
    /// 401 for everybody else.
    LoggedIn(Handler),
}

/// A right without which a route refuses.
#[derive(Clone, Copy)]
pub struct Need {
    /// Workspace-wide permissions, any of which is enough.
    pub any_of: &'static [Permission],
    pub refusal: fn() -> ApiError,
}

/// Whether a route asks for a second factor (contract, conventions 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    NotAsked,
    /// Unless the caller passed one a short while ago.
    Asked,
    /// Asked for every time.
    AskedAnew,
}

/// How often one address may call a route (contract, conventions 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// As often as `API_Enable_Rate_Limiter_Limit_*_Default` say.
    Default,
    Calls(u32, Duration),
    /// Calls per minute, as this setting says.
    Setting(Key<i64>),
    Unlimited,
}

/// What a successful answer is.
#[derive(Clone, Copy)]
pub enum Answers {
    /// An envelope with these fields besides `success`.
    Envelope(&'static [(&'static str, Kind)]),
    /// The envelope of login and logout.
    Status,
    /// A value without an envelope.
    Bare(Kind),
    /// A file of one of these media types.
    Media(&'static [&'static str]),
    Redirect,
}

#[derive(Clone)]
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: Method,
    /// The whole path; `{name}` stands for one part of it.
    pub path: String,
    /// One sentence for people.
    pub about: &'static str,
    pub access: Access,
    pub need: Option<Need>,
    pub second_factor: SecondFactor,
    pub rate: Rate,
    pub takes: Takes,
    pub answers: Answers,
}

fn full(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/api/v1/{path}")
    }
}

impl Route {
    fn new(method: Method, path: &str, access: Access, takes: Takes) -> Self {
        Self {
            method,
            path: full(path),
            about: "",
            access,
            need: None,
            second_factor: SecondFactor::NotAsked,
            rate: Rate::Default,
            takes,
            answers: Answers::Envelope(&[]),
        }
    }

    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Refuses callers without the permission: 403 `unauthorized`.
    #[must_use]
    pub fn needs(self, any_of: &'static [Permission]) -> Self {
        self.needs_or(any_of, wording::forbidden)
    }

    /// Refuses callers without the permission: 403 `error-unauthorized`.
    #[must_use]
    pub fn requires(self, any_of: &'static [Permission]) -> Self {
        self.needs_or(any_of, wording::permission_missing)
    }

    /// Refuses callers without the permission with an error of its own.
    #[must_use]
    pub fn needs_or(mut self, any_of: &'static [Permission], refusal: fn() -> ApiError) -> Self {
        self.need = Some(Need { any_of, refusal });
        self
    }

    #[must_use]
    pub fn second_factor(mut self) -> Self {
        self.second_factor = SecondFactor::Asked;
        self
    }

    /// Asks for a second factor, however recently one was passed.
    #[must_use]
    pub fn second_factor_anew(mut self) -> Self {
        self.second_factor = SecondFactor::AskedAnew;
        self
    }

    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Takes a multipart body with one file in the part `file` (empty: a part of any name) and these text fields.
    #[must_use]
    pub fn uploads(mut self, file: &'static str, fields: &'static [&'static str]) -> Self {
        self.takes = Takes::Upload(file, fields);
        self
    }

    /// Returns these fields besides `success`.
    #[must_use]
    pub fn answers(mut self, fields: &'static [(&'static str, Kind)]) -> Self {
        self.answers = Answers::Envelope(fields);
        self
    }

    /// Returns the envelope of login and logout.
    #[must_use]
    pub fn answers_status(mut self) -> Self {
        self.answers = Answers::Status;
        self
    }

    /// Returns a value without an envelope.
    #[must_use]
    pub fn answers_bare(mut self, kind: Kind) -> Self {
        self.answers = Answers::Bare(kind);
        self
    }

    /// Returns a file of one of these media types.
    #[must_use]
    pub fn sends(mut self, media: &'static [&'static str]) -> Self {
        self.answers = Answers::Media(media);
        self
    }

    #[must_use]
    pub fn redirects(mut self) -> Self {
        self.answers = Answers::Redirect;
        self
    }
}

/// A handler: a function of the call, or of the call and its parameters. `Taken` tells the two apart.
pub trait Handles<C, Taken>: Send + Sync + 'static {
    fn takes() -> Takes;

    fn handle(&self, call: C) -> BoxFuture<'static, Outcome>;
}

impl<C, F, T> Handles<C, ()> for F
where
    F: Fn(C) -> T + Send + Sync + 'static,
    T: Future<Output = Outcome> + Send + 'static,
{
    fn takes() -> Takes {
        Takes::Params(&Schema::OPEN)
    }

    fn handle(&self, call: C) -> BoxFuture<'static, Outcome> {
        Box::pin(self(call))
    }
}

impl<C, F, P, T> Handles<C, (P,)> for F
where
    C: FromRequest,
    F: Fn(C, P) -> T + Send + Sync + 'static,
    P: FromInput,
    T: Future<Output = Outcome> + Send + 'static,
{
    fn takes() -> Takes {
        Takes::Params(const { &P::SCHEMA })
    }

    fn handle(&self, mut call: C) -> BoxFuture<'static, Outcome> {
        match P::from_input(call.input()) {
            Ok(params) => Box::pin(self(call, params)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// The route `method path` for users who are logged in. The path is relative to `/api/v1/` unless it begins with a
/// slash.
pub fn logged_in<H, P>(method: Method, path: impl AsRef<str>, handler: H) -> Route
where
    H: Handles<Call, P>,
{
    let access = Access::LoggedIn(Arc::new(move |call| handler.handle(call)));
    Route::new(method, path.as_ref(), access, H::takes())
}

/// `GET path` for users who are logged in.
pub fn get<H: Handles<Call, P>, P>(path: impl AsRef<str>, handler: H) -> Route {
    logged_in(Method::GET, path, handler)
}

/// `POST path` for users who are logged in.
pub fn post<H: Handles<Call, P>, P>(path: impl AsRef<str>, handler: H) -> Route {
    logged_in(Method::POST, path, handler)
}

/// The route `method path` for anyone.
pub fn public<H: Handles<Anyone, P>, P>(method: Method, path: &str, handler: H) -> Route {
    let access = Access::Public(Arc::new(move |call| handler.handle(call)));
    Route::new(method, path, access, H::takes())
}

/// The route `method path` for users who are logged in, and for anyone if reading needs no login.
pub fn readers<H: Handles<Anyone, P>, P>(method: Method, path: &str, handler: H) -> Route {
    let access = Access::Readers(Arc::new(move |call| handler.handle(call)));
    Route::new(method, path, access, H::takes())
}
