//! What the server says of itself (contract, admin 6).

use domain::permission::Permission;
use serde_json::{Value, json};

use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::server::host::Machine;

/// `GET /api/info`, `GET /api/v1/info`.
///
/// `version` stands at the top level in both forms: clients read the one they know.
pub async fn info(call: Anyone) -> Outcome {
    let version = &call.state.doors().announced_version;
    let privileged = call.caller.as_ref().is_some_and(|caller| {
        caller
            .authority(&[], &call.state.views().permissions())
            .has(Permission::GET_SERVER_INFO)
    });
    if !privileged {
        return Ok(Answer::empty().field("version", major_minor(version)));
    }
    Ok(Answer::empty()
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

/// Nothing is known of the commit this was built from, nor of the day.
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
