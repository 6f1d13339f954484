//! Where people reach the workspace. Every address that is told to anybody is made here, so that the path of
//! `ROOT_URL`, which is in front of every path, is never forgotten.

use std::fmt::Write as _;

use crate::settings::{Settings, keys};

/// The address of the workspace, the setting `Site_Url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a>(&'a str);

impl<'a> Site<'a> {
    /// The address as the settings have it.
    pub fn of(settings: &'a Settings) -> Self {
        Self(
            settings
                .text(keys::SITE_URL)
                .trim_ascii()
                .trim_end_matches('/'),
        )
    }

    /// The address itself, without a slash at the end.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The whole address of `path`, which begins with a slash.
    pub fn at(self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The whole address of `path` over TLS; `None` if the workspace has no address.
    pub fn secure(self, path: &str) -> Option<String> {
        let site = self.without_scheme();
        (!site.is_empty()).then(|| format!("https://{site}{path}"))
    }

    /// What is in front of every path, such as `/chat`; empty when there is nothing.
    pub fn prefix(self) -> &'a str {
        let site = self.without_scheme();
        site.find('/').map_or("", |start| &site[start..])
    }

    /// `path` on the same host, with what is in front of it.
    pub fn path(self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// The host and the port, if one is named.
    pub fn host_and_port(self) -> (&'a str, Option<&'a str>) {
        let site = self.without_scheme();
        let authority = site.split('/').next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        }
    }

    /// What an address of this workspace names in it: path and query, without the slash in front. `None`: it leads
    /// elsewhere.
    pub fn within(self, address: &str) -> Option<&str> {
        let rest = address
            .strip_prefix(self.0)
            .filter(|_| !self.0.is_empty())?;
        rest.strip_prefix('/')
            .or_else(|| rest.starts_with('?').then_some(rest))
    }

    /// The address of somebody's picture.
    pub fn avatar(self, username: &str) -> String {
        self.at(&avatar_path(username))
    }

    /// The same on the same host.
    pub fn avatar_path(self, username: &str) -> String {
        self.path(&avatar_path(username))
    }

    fn without_scheme(self) -> &'a str {
        self.0.split_once("://").map_or(self.0, |(_, rest)| rest)
    }
}

fn avatar_path(username: &str) -> String {
    format!("/avatar/{}", encoded(username))
}

/// One part of a path, percent-encoded.
fn encoded(part: &str) -> String {
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(address: &str) -> Settings {
        let mut settings = Settings::default();
        settings.set("Site_Url", address.into());
        settings
    }

    #[test]
    fn addresses_have_what_is_in_front_of_every_path() {
        let table = [
            ("http://localhost:3000", "", ("localhost", Some("3000"))),
            ("https://example.org/", "", ("example.org", None)),
            (
                "https://example.org/team/chat/",
                "/team/chat",
                ("example.org", None),
            ),
            ("http://[::1]:3000/chat", "/chat", ("[::1]", Some("3000"))),
            ("http://[::1]/chat", "/chat", ("[::1]", None)),
        ];
        for (address, prefix, host) in table {
            let settings = with(address);
            let site = Site::of(&settings);
            let address = address.trim_end_matches('/');
            assert_eq!(site.prefix(), prefix, "{address}");
            assert_eq!(site.host_and_port(), host, "{address}");
            assert_eq!(site.at("/x"), format!("{address}/x"));
            assert_eq!(site.path("/x"), format!("{prefix}/x"));
        }
    }

    #[test]
    fn names_are_written_into_addresses() {
        let settings = with("http://host/chat");
        let site = Site::of(&settings);
        assert_eq!(site.avatar("ada.l-1_"), "http://host/chat/avatar/ada.l-1_");
        assert_eq!(site.avatar("ü/?"), "http://host/chat/avatar/%C3%BC%2F%3F");
        assert_eq!(site.avatar_path("ada"), "/chat/avatar/ada");
    }

    #[test]
    fn addresses_of_the_workspace_are_known() {
        let settings = with("http://host/chat/");
        let site = Site::of(&settings);
        for (address, path) in [
            ("http://host/chat/channel/a?msg=1", Some("channel/a?msg=1")),
            ("http://host/chat?msg=1", Some("?msg=1")),
            ("http://host/chats/a", None),
            ("http://host.example/chat/a", None),
            ("https://host/chat/a", None),
            ("http://host/chat", None),
        ] {
            assert_eq!(site.within(address), path, "{address}");
        }
        assert_eq!(Site::of(&with("")).within("/a"), None);
    }

    #[test]
    fn what_comes_without_tls_is_sent_to_the_same_place_with_it() {
        let settings = with("http://host/chat");
        let site = Site::of(&settings);
        assert_eq!(
            site.secure("/api").as_deref(),
            Some("https://host/chat/api")
        );
        assert_eq!(Site::of(&with("")).secure("/api"), None);
    }
}
