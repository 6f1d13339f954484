//! What the server says about itself (contract, admin 6).

use application::caller::Caller;
use application::ids::now;
use axum::http::{Method, header};
use domain::permission::Permission;
use domain::settings::keys;
use serde_json::{Value, json};

use crate::documents::sandbox;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;
use crate::telemetry::host::Machine;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "/robots.txt", robots)
            .about("What search engines are asked to leave alone.")
            .rate(Rate::Unlimited)
            .sends(&["text/plain"]),
        route::public(Method::GET, "/_timesync", timesync)
            .about("The time of the server, in milliseconds.")
            .rate(Rate::Unlimited)
            .sends(&["text/plain"]),
        route::public(
            Method::POST,
            "/api/ecdh_proxy/initEncryptedSession",
            encrypted_session,
        )
        .about("Says that there is no encrypted session beside TLS.")
        .answers_bare(Kind::Object),
        route::public(Method::GET, "/api/info", info).about("The version of the server."),
        route::public(Method::GET, "info", info).about("The version of the server."),
    ]
}

/// `version` is at the top level in both forms: clients read the one they know.
async fn info(call: Anyone) -> Outcome {
    let version = &call.state.doors().announced_version;
    let may = |caller: &Caller| caller.may(&call.state, Permission::GET_SERVER_INFO);
    let privileged = call.caller.as_ref().is_some_and(may);
    let answer = match &call.state.config().sandbox {
        Some(sandbox) => Answer::empty().field("replay", &sandbox::document(sandbox)),
        None => Answer::empty(),
    };
    if !privileged {
        return Ok(answer.field("version", major_minor(version)));
    }
    Ok(answer
        .field("version", version)
        .field("info", &details(version, &Machine::look().await)))
}

/// The first two numbers of a version: what anybody may know.
fn major_minor(version: &str) -> &str {
    match version.match_indices('.').nth(1) {
        Some((end, _)) => &version[..end],
        None => version,
    }
}

/// The commit and the date of the build are not known.
fn details(version: &str, machine: &Machine) -> Value {
    json!({
        "version": version,
        "build": {
            "date": "",
            "nodeVersion": "",
            "arch": std::env::consts::ARCH,
            "platform": std::env::consts::OS,
            "osRelease": machine.release,
            "totalMemory": machine.memory,
            "freeMemory": machine.free_memory,
            "cpus": machine.processors,
        },
        "marketplaceApiVersion": "",
        "commit": { "hash": "", "date": "", "author": "", "subject": "", "tag": "", "branch": "" },
        "server": { "name": "Hansard", "version": env!("CARGO_PKG_VERSION") },
    })
}

async fn robots(call: Anyone) -> Outcome {
    let settings = call.state.views().settings();
    let text = settings
        .text(keys::ROBOT_INSTRUCTIONS_FILE_CONTENT)
        .to_owned();
    Ok(plain(text))
}

/// `GET /_timesync`: the time in milliseconds, as text.
async fn timesync(_: Anyone) -> Outcome {
    Ok(plain(now().as_millis().to_string()))
}

fn plain(text: String) -> Answer {
    Answer::other((
        [
            (header::CONTENT_TYPE, "text/plain;charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        text,
    ))
}

/// `POST /api/ecdh_proxy/initEncryptedSession`. There are no encrypted sessions: TLS encrypts the transport.
async fn encrypted_session(_: Anyone) -> Outcome {
    let body = json!({ "success": false, "error": wording::NOT_ACCEPTABLE });
    Ok(Answer::bare(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_learn_two_numbers() {
        assert_eq!(major_minor("7.10.2"), "7.10");
        assert_eq!(major_minor("7.1"), "7.1");
        assert_eq!(major_minor("7"), "7");
    }
}
