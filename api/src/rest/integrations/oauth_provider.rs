//! This server as an `OAuth` 2 provider (contract, admin 5.2 and conventions 2): authorization code, with PKCE if it is
//! offered, refreshing tokens, and whose account a token is for.

use std::fmt::Write as _;

use application::caller::Caller;
use application::ids::now;
use application::integrations::oauth::{self, Consent, Tokens};
use application::token::token_hash;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::oauth_grant::{ACCESS_LIFE, CODE_LIFE, Challenge, OAuthGrantRefusal};
use domain::site::Site;
use html_escape::{encode_double_quoted_attribute as attribute, encode_text as text};
use projections::OAuthAppRecord;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::caller;
use crate::http::links::cookie;
use crate::http::parameters::{Flag, Loose, Param as _, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "/oauth/authorize", consent_page)
            .about("Asks somebody who is logged in whether a program may use their account.")
            .sends(&["text/html"]),
        route::public(Method::POST, "/oauth/authorize", authorize)
            .about("Takes the answer to that question, and sends the program a code.")
            .redirects(),
        route::public(Method::POST, "/oauth/token", token)
            .about("Exchanges a code, or a token that renews others, for tokens.")
            .answers_bare(Kind::Object),
        route::public(Method::GET, "/oauth/userinfo", user_info)
            .about("Whose account an access token is for.")
            .answers_bare(Kind::Object),
    ]
}

/// What a program sends the user here with. What is no text counts as absent.
#[derive(Parameters)]
#[params(open)]
struct Asked {
    #[param(name = "client_id")]
    client_id: Loose<String>,
    #[param(name = "redirect_uri")]
    redirect_uri: Loose<String>,
    #[param(name = "response_type")]
    response_type: Loose<String>,
    state: Loose<String>,
    scope: Loose<String>,
    #[param(name = "code_challenge")]
    code_challenge: Loose<String>,
    #[param(name = "code_challenge_method")]
    code_challenge_method: Loose<String>,
}

/// A program asks for access. Whether the program exists is read from the views: a grant to one that is removed at the
/// same moment is worthless, because its tokens are looked up together with it.
struct Request {
    app: OAuthAppRecord,
    redirect_uri: String,
    /// The request named that address itself.
    redirect_named: bool,
    state: Option<String>,
    /// What else is wrong with the request, for the program.
    fault: Option<&'static str>,
    challenge: Option<Challenge>,
}

impl Request {
    /// Reads a request. `Err`: the program or the address is not known, so nobody is redirected.
    async fn read(state: &AppState, asked: &Asked) -> Result<Self, Response> {
        let app = state
            .views()
            .oauth_client(asked.client_id.text().unwrap_or_default())
            .await
            .map_err(|error| ApiError::from(error).into_response())?
            .filter(|app| app.properties.active)
            .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "invalid_client"))?;
        let registered = &app.properties.redirect_uris;
        let redirect_uri = match asked.redirect_uri.text() {
            Some(wanted) => registered.iter().find(|one| *one == wanted),
            None => registered.first().filter(|_| registered.len() == 1),
        };
        let redirect_uri = redirect_uri
            .cloned()
            .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "invalid_redirect_uri"))?;
        let (challenge, wrong) = challenge(
            asked.code_challenge.text(),
            asked.code_challenge_method.text(),
        );
        let fault = if asked.response_type.text() != Some("code") {
            Some("unsupported_response_type")
        } else if wrong {
            Some("invalid_request")
        } else {
            None
        };
        Ok(Self {
            app,
            redirect_uri,
            redirect_named: asked.redirect_uri.text().is_some(),
            state: asked.state.text().map(str::to_owned),
            fault,
            challenge,
        })
    }

    /// Sends the user back to the program with an answer.
    fn send_back(&self, name: &str, value: &str) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(name, value);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let separator = if self.redirect_uri.contains('?') {
            '&'
        } else {
            '?'
        };
        let target = format!("{}{separator}{}", self.redirect_uri, query.finish());
        match HeaderValue::from_str(&target) {
            Ok(target) => (StatusCode::FOUND, [(header::LOCATION, target)]).into_response(),
            Err(_) => refused(StatusCode::BAD_REQUEST, "invalid_redirect_uri"),
        }
    }
}

/// What redeeming the code requires, and whether the request said that wrongly.
fn challenge(text: Option<&str>, method: Option<&str>) -> (Option<Challenge>, bool) {
    let fits = |text: &str| (43..=128).contains(&text.len()) && text.is_ascii();
    match (text, method) {
        (None, None) => (None, false),
        (Some(text), Some("S256")) if fits(text) => {
            (Some(Challenge::Sha256(text.to_owned())), false)
        }
        (Some(text), None | Some("plain")) if fits(text) => {
            (Some(Challenge::Plain(text.to_owned())), false)
        }
        _ => (None, true),
    }
}

/// Who is asked: by the headers of a client, or by the cookies of a browser. The flag says which. The token of a
/// program lets no other program in.
async fn somebody(call: &Anyone) -> Result<(Caller, bool), ApiError> {
    let by_headers = call.caller.clone();
    let (caller, browser) = match by_headers {
        Some(caller) => (Some(caller), false),
        None => (by_cookies(&call.state, &call.input.headers).await?, true),
    };
    let caller = caller.ok_or(ApiError::NotLoggedIn)?;
    if call.state.views().session(&caller.token).await?.is_none() {
        return Err(ApiError::NotLoggedIn);
    }
    Ok((caller, browser))
}

async fn by_cookies(state: &AppState, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
    match (cookie(headers, "rc_uid"), cookie(headers, "rc_token")) {
        (Some(id), Some(token)) => Ok(Caller::from_token(state, &id, &token).await?),
        _ => Ok(None),
    }
}

/// What the secret of the form is sealed for.
fn purpose(caller: &Caller, app: &OAuthAppRecord) -> String {
    format!("oauth-consent/{}/{}", caller.id(), app.client_id)
}

/// Whether the answer comes from the form that this server showed this user a short while ago, and not from another
/// site.
fn is_from_form(state: &AppState, caller: &Caller, app: &OAuthAppRecord, shown: &str) -> bool {
    let sealed = domain::Sealed::new(shown);
    state
        .vault()
        .open(&purpose(caller, app), &sealed)
        .ok()
        .and_then(|millis| millis.parse().ok())
        .is_some_and(|millis| {
            let age = now().millis_since(Timestamp::from_millis(millis));
            (0..=CODE_LIFE).contains(&age)
        })
}

/// `GET /oauth/authorize`: the form that asks the user.
async fn consent_page(call: Anyone, asked: Asked) -> Outcome {
    let request = match Request::read(&call.state, &asked).await {
        Ok(request) => request,
        Err(refusal) => return Ok(Answer::other(refusal)),
    };
    let (caller, _) = somebody(&call).await?;
    if let Some(fault) = request.fault {
        return Ok(Answer::other(request.send_back("error", fault)));
    }
    let csrf = call.state.vault().seal(
        &purpose(&caller, &request.app),
        &now().as_millis().to_string(),
    );
    let mut hidden = String::new();
    let mut field = |name: &str, value: &str| {
        let _ = write!(
            hidden,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            attribute(value)
        );
    };
    for (name, value) in [
        ("client_id", &asked.client_id),
        ("redirect_uri", &asked.redirect_uri),
        ("response_type", &asked.response_type),
        ("state", &asked.state),
        ("scope", &asked.scope),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
    ] {
        if let Some(value) = value.text() {
            field(name, value);
        }
    }
    field("csrf", csrf.as_str());
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{app}</title>\
         <h1>{app}</h1><p>May this program use the account of {user}?</p>\
         <form method=\"post\" action=\"authorize\">{hidden}\
         <button name=\"allow\" value=\"yes\">Allow</button> <button name=\"allow\" value=\"no\">Deny</button></form></html>",
        app = text(&request.app.properties.name),
        user = text(caller.user.username.as_str()),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok(Answer::other((headers, page)))
}

#[derive(Parameters)]
#[params(open)]
struct Consented {
    #[param(flatten)]
    asked: Asked,
    allow: Loose<String>,
    csrf: Loose<String>,
}

/// `POST /oauth/authorize`: the user's answer.
async fn authorize(call: Anyone, answer: Consented) -> Outcome {
    let request = match Request::read(&call.state, &answer.asked).await {
        Ok(request) => request,
        Err(refusal) => return Ok(Answer::other(refusal)),
    };
    let (caller, browser) = somebody(&call).await?;
    let shown = answer.csrf.text().unwrap_or_default();
    if browser && !is_from_form(&call.state, &caller, &request.app, shown) {
        return Ok(Answer::other(refused(
            StatusCode::FORBIDDEN,
            "invalid_request",
        )));
    }
    if let Some(fault) = request.fault {
        return Ok(Answer::other(request.send_back("error", fault)));
    }
    let allowed = answer.allow.text() == Some("yes") || Flag::read(answer.allow.value, "allow")?.0;
    if !allowed {
        return Ok(Answer::other(request.send_back("error", "access_denied")));
    }
    let consent = Consent {
        app: &request.app,
        redirect_uri: &request.redirect_uri,
        redirect_named: request.redirect_named,
        challenge: request.challenge.clone(),
    };
    let code = oauth::issue_code(&call.state, &caller, &consent).await?;
    Ok(Answer::other(request.send_back("code", &code)))
}

/// An error as `OAuth` words it (RFC 6749, 5.2).
fn refused(status: StatusCode, error: &str) -> Response {
    let body = json!({ "error": error }).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

/// The program that asks, by its id and secret in the body or in the header.
async fn client(call: &Anyone, wish: &Exchange) -> Result<Option<OAuthAppRecord>, ApiError> {
    let text = |value: &Loose<String>| value.text().map(str::to_owned);
    let (id, secret) = match basic(&call.input.headers) {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (text(&wish.client_id), text(&wish.client_secret)),
    };
    let (Some(id), Some(secret)) = (id, secret) else {
        return Ok(None);
    };
    let Some(app) = call.state.views().oauth_client(&id).await? else {
        return Ok(None);
    };
    let wanted = oauth::secret(&call.state, &app);
    let same = !wanted.is_empty() && bool::from(wanted.as_bytes().ct_eq(secret.as_bytes()));
    Ok((same && app.properties.active).then_some(app))
}

/// `Authorization: Basic`, both halves form-encoded (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |half: &str| {
        form_urlencoded::parse(format!("x={half}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

/// What is no text counts as absent.
#[derive(Parameters)]
#[params(open)]
struct Exchange {
    #[param(name = "grant_type")]
    grant_type: Loose<String>,
    code: Loose<String>,
    #[param(name = "redirect_uri")]
    redirect_uri: Loose<String>,
    #[param(name = "code_verifier")]
    code_verifier: Loose<String>,
    #[param(name = "refresh_token")]
    refresh_token: Loose<String>,
    #[param(name = "client_id")]
    client_id: Loose<String>,
    #[param(name = "client_secret")]
    client_secret: Loose<String>,
}

async fn token(call: Anyone, wish: Exchange) -> Outcome {
    let Some(app) = client(&call, &wish).await? else {
        let refusal = refused(StatusCode::UNAUTHORIZED, "invalid_client");
        return Ok(Answer::other(refusal));
    };
    let outcome = match wish.grant_type.text() {
        Some("authorization_code") => {
            let code = wish.code.text().unwrap_or_default();
            let (address, verifier) = (wish.redirect_uri.text(), wish.code_verifier.text());
            oauth::redeem(&call.state, &app.id, code, address, verifier).await?
        }
        Some("refresh_token") => {
            let shown = wish.refresh_token.text().unwrap_or_default();
            match call.state.views().oauth_token(&token_hash(shown)).await? {
                Some(token) if token.renews => {
                    oauth::renew(&call.state, &app.id, &token.grant, shown).await?
                }
                _ => Err(OAuthGrantRefusal::NotFound),
            }
        }
        _ => {
            let refusal = refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
            return Ok(Answer::other(refusal));
        }
    };
    Ok(match outcome {
        Ok(tokens) => handed_out(&tokens),
        Err(_) => Answer::other(refused(StatusCode::BAD_REQUEST, "invalid_grant")),
    })
}

fn handed_out(tokens: &Tokens) -> Answer {
    Answer::bare(&json!({
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFE / 1000,
        "refresh_token": tokens.refresh,
    }))
}

async fn user_info(call: Anyone) -> Outcome {
    let Some(caller) = caller::of_bearer(&call.state, &call.input.headers).await? else {
        return Ok(Answer::other(refused(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
        )));
    };
    let user: Value = serde_json::from_slice(&caller.user.doc).unwrap_or_default();
    let email = caller.user.emails.first();
    let settings = call.state.views().settings();
    let username = caller.user.username.as_str();
    Ok(Answer::bare(&json!({
        "sub": caller.id(),
        "name": caller.user.name.as_deref().unwrap_or_default(),
        "email": email.map_or("", |email| &email.address),
        "email_verified": email.is_some_and(|email| email.verified),
        "department": "",
        "birthdate": "",
        "preffered_username": username,
        "updated_at": user["_updatedAt"],
        "picture": Site::of(&settings).avatar(username),
    })))
}
