//! The targets of links in mails: small pages that work in any browser, without scripts.

use std::fmt::Write as _;
use std::sync::LazyLock;

use application::error::Error;
use application::identity::mail_links::{self, Chosen, Use};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account_mail::AccountMailRefusal;
use domain::settings::keys;
use html_escape::encode_text;
use sha2::{Digest as _, Sha256};

use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "/verify-email/{token}", verify_email)
            .sends(&["text/html"])
            .about(
                "Where the link that proves an address leads: a page that says what came of it.",
            ),
        route::public(Method::GET, "/reset-password/{token}", reset_form)
            .sends(&["text/html"])
            .about("Where the link to choose a password leads: a page with a form."),
        route::public(Method::POST, "/reset-password/{token}", reset_password)
            .sends(&["text/html"])
            .about("Takes the form with a new password."),
    ]
}

const STYLE: &str = "body{margin:0;background:#f4f5f7;color:#22262b;font:16px/1.5 sans-serif}\
main{max-width:26rem;margin:10vh auto;padding:2rem;background:#fff;border-radius:6px}\
label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.5rem;font:inherit}\
button{padding:.6rem 1.2rem;border:0;border-radius:4px;background:#1b66c9;color:#fff;font:inherit}\
.problem{color:#b42318}";

/// Nothing is loaded or run, nobody frames the page, and the form goes back to this server.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

async fn verify_email(call: Anyone) -> Outcome {
    let outcome = mail_links::verify(&call.state, call.input.path("token")).await;
    let (status, heading, text) = match outcome {
        Ok(_) => (StatusCode::OK, "Thank you", "Your address is confirmed."),
        Err(Error::AccountMail(AccountMailRefusal::AlreadyVerified)) => (
            StatusCode::OK,
            "Thank you",
            "Your address was confirmed before.",
        ),
        Err(error) if !error.is_refusal() => return Err(error.into()),
        Err(_) => (
            StatusCode::BAD_REQUEST,
            "This link does not work",
            "It was used, is too old, or belongs to an address that was changed since. Ask for another one.",
        ),
    };
    Ok(Answer::other(page(
        &call,
        status,
        heading,
        &paragraph(text),
    )))
}

/// `GET /reset-password/<token>`: the form.
async fn reset_form(call: Anyone) -> Outcome {
    match mail_links::can_follow(&call.state, call.input.path("token"), Use::Reset).await {
        Ok(_) => Ok(form(&call, StatusCode::OK, None)),
        Err(error) => no_reset(&call, error),
    }
}

#[derive(Parameters)]
#[params(open)]
struct ResetPassword {
    password: Option<String>,
    repeated: Option<String>,
}

/// `POST /reset-password/<token>`: the filled-in form.
async fn reset_password(call: Anyone, wish: ResetPassword) -> Outcome {
    let password = wish.password.unwrap_or_default();
    let repeated = wish.repeated.unwrap_or_default();
    let token = call.input.path("token");
    if password != repeated {
        if let Err(error) = mail_links::can_follow(&call.state, token, Use::Reset).await {
            return no_reset(&call, error);
        }
        let problem = "These are two different passwords. Please type the same one twice.";
        return Ok(form(&call, StatusCode::BAD_REQUEST, Some(problem)));
    }
    match mail_links::reset(&call.state, token, Chosen::Clear(&password)).await {
        Ok(_) => {
            let text = "Your password is changed, and you are logged out everywhere. Log in with the new one.";
            Ok(Answer::other(page(
                &call,
                StatusCode::OK,
                "Done",
                &paragraph(text),
            )))
        }
        Err(Error::Password(_)) => {
            let problem = "This password does not meet the rules of the workspace. Please choose a longer or more varied one.";
            Ok(form(&call, StatusCode::BAD_REQUEST, Some(problem)))
        }
        Err(error) => no_reset(&call, error),
    }
}

fn no_reset(call: &Anyone, error: Error) -> Outcome {
    if !error.is_refusal() {
        return Err(error.into());
    }
    let text = "It was used, is too old, or belongs to an address that was changed since. Ask for another one where you log in.";
    Ok(Answer::other(page(
        call,
        StatusCode::BAD_REQUEST,
        "This link does not work",
        &paragraph(text),
    )))
}

fn form(call: &Anyone, status: StatusCode, problem: Option<&str>) -> Answer {
    let mut body = String::new();
    if let Some(problem) = problem {
        // Writing to a String cannot fail.
        let _ = write!(body, "<p class=\"problem\">{}</p>", encode_text(problem));
    }
    // Without an address of its own the form goes back to where it came from, whatever the prefix of that path.
    let _ = write!(
        body,
        "<form method=\"post\">\
         <label>New password<input type=\"password\" name=\"password\" autocomplete=\"new-password\" required></label>\
         <label>The same again<input type=\"password\" name=\"repeated\" autocomplete=\"new-password\" required></label>\
         <button>Change the password</button></form>"
    );
    Answer::other(page(call, status, "Choose a new password", &body))
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", encode_text(text))
}

fn page(call: &Anyone, status: StatusCode, heading: &str, body: &str) -> Response {
    let settings = call.state.views().settings();
    let site = encode_text(settings.text(keys::SITE_NAME)).into_owned();
    let heading = encode_text(heading);
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{heading} - {site}</title>\
         <style>{STYLE}</style></head><body><main><p>{site}</p><h1>{heading}</h1>{body}</main></body></html>\n"
    );
    let text = HeaderValue::from_static;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, text("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        // The address of the page is a secret; no other site may learn it.
        (header::REFERRER_POLICY, text("no-referrer")),
        (header::X_FRAME_OPTIONS, text("DENY")),
    ];
    (status, headers, html).into_response()
}
