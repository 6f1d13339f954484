//! Whoever signs up first becomes administrator, if they prove that the server is theirs: by the code the server
//! printed when it started, or by coming from its own machine. Otherwise a stranger could take over a fresh public
//! server.
//!
//! Coming from the machine proves nothing if a proxy on it may pass requests on: a request with a trace of one does not
//! count. Neither does any if the server is known by another name than this machine's own (`ROOT_URL`), because not
//! every proxy leaves a trace.

use domain::site::Site;
use http::Uri;

use crate::origin::{Client, names_this_machine};
use crate::workspace::Workspace;

/// Whether the person who signs up proved that the server is theirs. `shown` is the code they presented.
pub fn is_proved(workspace: &Workspace, client: &Client, shown: Option<&str>) -> bool {
    let by_code = shown.is_some_and(|shown| workspace.setup_code().is(shown));
    by_code || {
        let settings = workspace.views().settings();
        client.local && is_of_this_machine(Site::of(&settings).as_str())
    }
}

/// Whether that address always leads to the machine it is used on.
pub fn is_of_this_machine(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| {
        url.authority()
            .is_some_and(|host| names_this_machine(host.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_not_of_this_machine() {
        for own in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080/chat",
        ] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in [
            "https://chat.example.org",
            "http://10.0.0.1:3000",
            "http://localhost.example.org",
            "nonsense",
            "",
        ] {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }
}
