//! Login, logout, me (contract, conventions 4).

use std::sync::Arc;

use domain::{RoleId, UserId};
use projections::UserFacts;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::shape;
use crate::commands::sessions;
use crate::error::{ApiError, texts};
use crate::extract::params::type_name;
use crate::extract::{Anyone, Call, is_expired, token_hash};
use crate::password::PasswordDigest;
use crate::state::AppState;

/// How deep logins may be wrapped into each other (`totp`).
const MAX_WRAPPING: usize = 2;

/// What somebody logs in with.
enum Credentials {
    Password {
        user: Selector,
        digest: PasswordDigest,
    },
    Token(String),
}

/// Whose account.
enum Selector {
    Username(String),
    Email(String),
    Id(String),
}

/// `POST /api/v1/login`.
pub async fn login(call: Anyone) -> Outcome {
    let body = call
        .input
        .params()
        .map_err(|_| texts::unrecognized_login())?
        .into_map();
    match credentials(&body, 0)? {
        Credentials::Password { user, digest } => {
            let user = check_password(&call.state, &user, digest).await?;
            let token = sessions::issue(&call.state, &user.id).await?;
            welcome(&call.state, &user, &token).await
        }
        // Resuming neither makes a new token nor extends the old one.
        Credentials::Token(token) => {
            let user = check_token(&call.state, &token).await?;
            welcome(&call.state, &user, &token).await
        }
    }
}

/// `POST` and `GET /api/v1/logout`: voids exactly the token that was presented.
pub async fn logout(call: Call) -> Outcome {
    sessions::revoke(&call.state, call.caller.id(), &call.caller.token).await?;
    Ok(Answer::status_data(
        &json!({ "message": "You've been logged out!" }),
    ))
}

/// `GET /api/v1/me`.
pub async fn me(call: Call) -> Outcome {
    let has_password = has_password(&call.state, call.caller.id()).await?;
    Ok(Answer::empty().fields(&shape::me(&call.state, &call.caller.user, has_password)))
}

async fn welcome(state: &AppState, user: &UserFacts, token: &str) -> Outcome {
    let me = shape::me(state, user, has_password(state, &user.id).await?);
    Ok(Answer::status_data(
        &json!({ "userId": user.id, "authToken": token, "me": me }),
    ))
}

async fn has_password(state: &AppState, user: &UserId) -> Result<bool, ApiError> {
    Ok(state
        .views()
        .credentials(user)
        .await?
        .is_some_and(|credentials| credentials.password.is_some()))
}

/// Reads what a login request says (4.1).
fn credentials(body: &Map<String, Value>, depth: usize) -> Result<Credentials, ApiError> {
    let unrecognized = texts::unrecognized_login;
    if let Some(token) = body.get("resume") {
        let token = token
            .as_str()
            .ok_or_else(|| texts::malformed_login(&expected("string", token)))?;
        return Ok(Credentials::Token(token.to_owned()));
    }
    if let Some(inner) = body
        .get("totp")
        .and_then(|totp| totp.get("login")?.as_object())
    {
        return if depth < MAX_WRAPPING {
            credentials(inner, depth + 1)
        } else {
            Err(unrecognized())
        };
    }
    let password = body.get("password").ok_or_else(unrecognized)?;
    let digest = digest(password)?;
    let user = selector(body)?.ok_or_else(unrecognized)?;
    Ok(Credentials::Password { user, digest })
}

fn digest(password: &Value) -> Result<PasswordDigest, ApiError> {
    match password {
        Value::String(clear) if clear.is_empty() => Err(texts::unrecognized_login()),
        Value::String(clear) => Ok(PasswordDigest::of(clear)),
        Value::Object(object) if object.get("algorithm").is_none_or(|name| name == "sha-256") => {
            let digest = object
                .get("digest")
                .and_then(Value::as_str)
                .unwrap_or_default();
            PasswordDigest::from_hex(digest)
                .ok_or_else(|| texts::malformed_login("not a SHA-256 digest in field password"))
        }
        other => Err(texts::malformed_login(&expected("string", other))),
    }
}

fn selector(body: &Map<String, Value>) -> Result<Option<Selector>, ApiError> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(texts::malformed_login(&expected("string", other))),
    };
    if let Some(Value::Object(user)) = body.get("user") {
        let named = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
        return Ok(named("username")
            .map(Selector::Username)
            .or_else(|| named("email").map(Selector::Email))
            .or_else(|| named("id").map(Selector::Id)));
    }
    if let Some(user) = text("user")? {
        return Ok(Some(if user.contains('@') {
            Selector::Email(user)
        } else {
            Selector::Username(user)
        }));
    }
    if let Some(username) = text("username")? {
        return Ok(Some(Selector::Username(username)));
    }
    Ok(text("email")?.map(Selector::Email))
}

fn expected(wanted: &str, found: &Value) -> String {
    format!("Expected {wanted}, got {}", type_name(found))
}

/// The account, if the password is right and it may log in. An unknown user costs as much time as a wrong password.
async fn check_password(
    state: &AppState,
    selector: &Selector,
    digest: PasswordDigest,
) -> Result<Arc<UserFacts>, ApiError> {
    let views = state.views();
    let user = match selector {
        Selector::Username(name) => views.user_by_username(name).await?,
        Selector::Email(address) => views.user_by_email(address).await?,
        Selector::Id(id) => views.user(&UserId::new(id)).await?,
    };
    let stored = match &user {
        Some(user) => views
            .credentials(&user.id)
            .await?
            .and_then(|credentials| credentials.password),
        None => None,
    };
    let has_password = stored.is_some();
    let right = state.passwords().verify(digest, stored).await?;
    let user = user.ok_or_else(texts::wrong_credentials)?;
    if !has_password {
        return Err(texts::no_password_set());
    }
    if !right {
        return Err(texts::wrong_credentials());
    }
    if !user.active {
        return Err(texts::user_not_activated());
    }
    if state.views().settings().bool("Accounts_EmailVerification")
        && !is_admin(&user)
        && !has_verified_email(&user)
    {
        return Err(texts::email_unverified());
    }
    Ok(user)
}

fn is_admin(user: &UserFacts) -> bool {
    user.roles.contains(&RoleId::new("admin"))
}

fn has_verified_email(user: &UserFacts) -> bool {
    let doc: Value = serde_json::from_slice(&user.doc).unwrap_or_default();
    doc["emails"]
        .as_array()
        .is_some_and(|emails| emails.iter().any(|email| email["verified"] == json!(true)))
}

/// The account a token belongs to, if it may still log in.
async fn check_token(state: &AppState, token: &str) -> Result<Arc<UserFacts>, ApiError> {
    let session = state
        .views()
        .session(&token_hash(token))
        .await?
        .ok_or_else(texts::logged_out_by_server)?;
    if is_expired(&state.views().settings(), session.issued_at) {
        return Err(texts::session_expired());
    }
    let user = state.views().user(&session.user).await?;
    user.filter(|user| user.active)
        .ok_or_else(texts::logged_out_by_server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<&'static str, Value> {
        let Value::Object(body) = body else {
            return Err(json!("not an object"));
        };
        match credentials(&body, 0) {
            Ok(Credentials::Token(_)) => Ok("token"),
            Ok(Credentials::Password {
                user: Selector::Username(_),
                ..
            }) => Ok("username"),
            Ok(Credentials::Password {
                user: Selector::Email(_),
                ..
            }) => Ok("email"),
            Ok(Credentials::Password {
                user: Selector::Id(_),
                ..
            }) => Ok("id"),
            Err(error) => Err(error.body()["message"].clone()),
        }
    }

    #[test]
    fn every_form_of_login() {
        assert_eq!(
            read(json!({"user": "ada", "password": "x"})),
            Ok("username")
        );
        assert_eq!(
            read(json!({"user": "ada@example.com", "password": "x"})),
            Ok("email")
        );
        assert_eq!(
            read(json!({"username": "ada", "password": "x", "code": ""})),
            Ok("username")
        );
        assert_eq!(
            read(json!({"email": "ada@example.com", "password": "x"})),
            Ok("email")
        );
        assert_eq!(
            read(json!({"user": {"id": "u"}, "password": "x"})),
            Ok("id")
        );
        assert_eq!(read(json!({"resume": "t"})), Ok("token"));
        assert_eq!(
            read(json!({"totp": {"code": "1", "login": {"resume": "t"}}})),
            Ok("token")
        );
        let digest = "d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1";
        assert_eq!(
            read(json!({"user": "ada", "password": {"digest": digest, "algorithm": "sha-256"}})),
            Ok("username")
        );
    }

    #[test]
    fn what_is_no_login() {
        let unrecognized = Err(json!("Unrecognized options for login request"));
        assert_eq!(read(json!({})), unrecognized);
        assert_eq!(read(json!({"user": "ada", "password": ""})), unrecognized);
        assert_eq!(read(json!({"password": "x"})), unrecognized);
        assert_eq!(
            read(json!({"user": "ada", "password": 5})),
            Err(json!("Match error: Expected string, got number"))
        );
        let deep =
            json!({"totp": {"login": {"totp": {"login": {"totp": {"login": {"resume": "t"}}}}}}});
        assert_eq!(read(deep), unrecognized);
    }
}
