//! Logging in through a door: every form of request the contract knows (conventions 4.1, realtime 3.1), and how
//! somebody logged in.

use application::identity::login::{self, Credentials, LoggedIn, LoginKind, Selector};
use application::identity::password_hasher::PasswordDigest;
use application::identity::second_factors::gate::FactorAnswer;
use application::origin::Client;
use domain::settings::{Settings, keys};
use domain::text;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::params::type_name;
use crate::state::AppState;

/// How deep logins may be nested (`totp`).
const MAX_WRAPPING: usize = 2;

pub struct Form {
    pub credentials: Credentials,
    /// The code of a second factor, if one was sent.
    pub code: Option<String>,
}

/// The wire's name of a way to log in.
pub const fn kind_name(kind: LoginKind) -> &'static str {
    match kind {
        LoginKind::Resume => "resume",
        LoginKind::Password => "password",
    }
}

/// Logs in with the request. `header` is the second factor in the headers; one in the body comes first.
pub async fn log_in(
    state: &AppState,
    client: &Client,
    body: &Map<String, Value>,
    header: FactorAnswer,
) -> Result<LoggedIn, ApiError> {
    let form = read(body, &state.views().settings())?;
    let answer = FactorAnswer {
        code: form.code.or(header.code),
        factor: header.factor,
    };
    Ok(login::login(state, client, form.credentials, &answer).await?)
}

fn read(body: &Map<String, Value>, settings: &Settings) -> Result<Form, ApiError> {
    nested(body, settings, 0)
}

fn nested(body: &Map<String, Value>, settings: &Settings, depth: usize) -> Result<Form, ApiError> {
    if let Some(Value::Object(totp)) = body.get("totp") {
        let inner = totp.get("login").and_then(Value::as_object);
        let inner = inner.ok_or_else(wording::unrecognized_login)?;
        if depth >= MAX_WRAPPING {
            return Err(wording::unrecognized_login());
        }
        let form = nested(inner, settings, depth + 1)?;
        let code = code(totp)?.or(form.code);
        return Ok(Form { code, ..form });
    }
    if let Some(token) = body.get("resume") {
        let token = token
            .as_str()
            .ok_or_else(|| wording::malformed_login(&expected("string", token)))?;
        return Ok(Form {
            credentials: Credentials::Token(token.to_owned()),
            code: None,
        });
    }
    let credentials = if is_true(body, "ldap") {
        // Without a directory, its form is a login with the local password.
        password_of(body, "ldapPass")?
    } else if let Some(refusal) = of_provider(body, settings) {
        return Err(refusal);
    } else {
        password_of(body, "password")?
    };
    Ok(Form {
        credentials,
        code: code(body)?,
    })
}

fn is_true(body: &Map<String, Value>, name: &str) -> bool {
    body.get(name) == Some(&Value::Bool(true))
}

/// Why a login with another service is refused, if it is one: no service is set up here, and nothing hands out the
/// tokens to finish one.
fn of_provider(body: &Map<String, Value>, settings: &Settings) -> Option<ApiError> {
    let finishes = [
        body.get("oauth").is_some_and(Value::is_object),
        body.get("cas").is_some_and(Value::is_object),
        is_true(body, "saml"),
    ];
    if finishes.contains(&true) {
        return Some(wording::no_external_login());
    }
    if is_true(body, "crowd") {
        return Some(wording::login_service_missing("crowd"));
    }
    if body.contains_key("identityToken") {
        return Some(wording::login_service_missing("apple"));
    }
    if body.contains_key("accessToken") || body.contains_key("access_token") {
        let name = ["serviceName", "service"]
            .into_iter()
            .find_map(|field| body.get(field)?.as_str());
        return Some(wording::login_service_missing(name.unwrap_or_default()));
    }
    if is_true(body, "iframe") && settings.bool(keys::ACCOUNTS_IFRAME_ENABLED) {
        // Nothing hands out such tokens yet, so none can be right.
        return Some(wording::unrecognized_login());
    }
    None
}

fn password_of(body: &Map<String, Value>, field: &str) -> Result<Credentials, ApiError> {
    let password = body.get(field).ok_or_else(wording::unrecognized_login)?;
    let digest = digest(password)?;
    let user = selector(body)?.ok_or_else(wording::unrecognized_login)?;
    Ok(Credentials::Password { user, digest })
}

/// The code may be a number.
fn code(body: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match body.get("code") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(code)) if text::is_blank(code) => Ok(None),
        Some(Value::String(code)) => Ok(Some(text::trim(code).to_owned())),
        // A number loses its leading zeroes.
        Some(Value::Number(code)) => Ok(Some(format!("{:0>6}", code.to_string()))),
        Some(other) => Err(wording::malformed_login(&expected("string", other))),
    }
}

fn digest(password: &Value) -> Result<PasswordDigest, ApiError> {
    match password {
        Value::String(clear) if clear.is_empty() => Err(wording::unrecognized_login()),
        Value::String(clear) => Ok(PasswordDigest::of(clear)),
        Value::Object(object) if object.get("algorithm").is_none_or(|name| name == "sha-256") => {
            let digest = object
                .get("digest")
                .and_then(Value::as_str)
                .unwrap_or_default();
            PasswordDigest::from_hex(digest)
                .ok_or_else(|| wording::malformed_login("not a SHA-256 digest in field password"))
        }
        other => Err(wording::malformed_login(&expected("string", other))),
    }
}

fn selector(body: &Map<String, Value>) -> Result<Option<Selector>, ApiError> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wording::malformed_login(&expected("string", other))),
    };
    if let Some(Value::Object(user)) = body.get("user") {
        let named = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
        return Ok(named("username")
            .map(Selector::Username)
            .or_else(|| named("email").map(email_or_name))
            .or_else(|| named("id").map(Selector::Id)));
    }
    if let Some(user) = text("user")? {
        return Ok(Some(email_or_name(user)));
    }
    if let Some(username) = text("username")? {
        return Ok(Some(Selector::Username(username)));
    }
    Ok(text("email")?.map(Selector::Email))
}

/// A text with an `@` is an address. Bridges send user names as addresses, so a text without one is a name even there.
fn email_or_name(text: String) -> Selector {
    if text.contains('@') {
        Selector::Email(text)
    } else {
        Selector::Username(text)
    }
}

fn expected(wanted: &str, found: &Value) -> String {
    format!("Expected {wanted}, got {}", type_name(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_it(body: Value) -> Result<(&'static str, Option<String>), Value> {
        let Value::Object(body) = body else {
            return Err(json!("not an object"));
        };
        let form =
            read(&body, &Settings::default()).map_err(|error| error.body()["message"].clone())?;
        let kind = match form.credentials {
            Credentials::Token(_) => "token",
            Credentials::Password { user, .. } => match user {
                Selector::Username(_) => "username",
                Selector::Email(_) => "email",
                Selector::Id(_) => "id",
            },
        };
        Ok((kind, form.code))
    }

    #[test]
    fn every_form_of_login() {
        let digest = "d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1";
        let digest = json!({"digest": digest, "algorithm": "sha-256"});
        for (body, kind) in [
            (json!({"user": "ada", "password": "x"}), "username"),
            (json!({"user": "ada@example.com", "password": "x"}), "email"),
            (
                json!({"username": "ada", "password": "x", "code": ""}),
                "username",
            ),
            (
                json!({"email": "ada@example.com", "password": "x"}),
                "email",
            ),
            (
                json!({"username": "ada", "email": "a@b", "password": "x"}),
                "username",
            ),
            (json!({"user": {"id": "u"}, "password": "x"}), "id"),
            (
                json!({"user": {"username": "u"}, "password": digest}),
                "username",
            ),
            (
                json!({"user": {"email": "ada"}, "password": digest}),
                "username",
            ),
            (json!({"user": "ada", "password": digest}), "username"),
            (json!({"resume": "t"}), "token"),
            (
                json!({"totp": {"code": "1", "login": {"resume": "t"}}}),
                "token",
            ),
            (
                json!({"ldap": true, "username": "ada", "ldapPass": "x", "ldapOptions": {}}),
                "username",
            ),
        ] {
            let text = body.to_string();
            assert_eq!(read_it(body).map(|(kind, _)| kind), Ok(kind), "{text}");
        }
    }

    #[test]
    fn a_code_may_come_along() {
        let code = |body| read_it(body).map(|(_, code)| code);
        let some = |code: &str| Ok(Some(code.to_owned()));
        assert_eq!(code(json!({"user": "ada", "password": "x"})), Ok(None));
        assert_eq!(
            code(json!({"user": "ada", "password": "x", "code": "012345"})),
            some("012345")
        );
        assert_eq!(
            code(json!({"user": "ada", "password": "x", "code": 12345})),
            some("012345")
        );
        let inner = json!({"user": {"username": "ada"}, "password": "x"});
        assert_eq!(
            code(json!({"totp": {"code": "7", "login": inner}})),
            some("7")
        );
    }

    #[test]
    fn what_is_no_login() {
        let unrecognized = Err(json!("Unrecognized options for login request"));
        for body in [
            json!({}),
            json!({"user": "ada", "password": ""}),
            json!({"password": "x"}),
            json!({"loginToken": "once"}),
            json!({"iframe": true, "token": "x"}),
            json!({"totp": {"code": "1"}}),
            json!({"totp": {"login": {"totp": {"login": {"totp": {"login": {"resume": "t"}}}}}}}),
        ] {
            assert_eq!(read_it(body), unrecognized);
        }
        assert_eq!(
            read_it(json!({"user": "ada", "password": 5})),
            Err(json!("Match error: Expected string, got number"))
        );
        let none = Err(json!("No matching login attempt found"));
        for body in [
            json!({"oauth": {"credentialToken": "t", "credentialSecret": "s"}}),
            json!({"saml": true, "credentialToken": "t"}),
            json!({"cas": {"credentialToken": "t"}}),
        ] {
            assert_eq!(read_it(body), none);
        }
        for (body, name) in [
            (
                json!({"serviceName": "google", "accessToken": "t", "expiresIn": 5}),
                "google",
            ),
            (
                json!({"crowd": true, "username": "a", "crowdPassword": "x"}),
                "crowd",
            ),
        ] {
            let text = format!("The login service {name} is not configured");
            assert_eq!(read_it(body), Err(json!(text)));
        }
    }
}
