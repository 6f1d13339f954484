//! The one table of configuration keys. Loading, the command line, `hansard config` and the table in
//! `docs/operating.md` all derive from it.

use std::fmt::Write as _;

#[derive(Debug)]
pub struct Key {
    /// Name in `hansard.toml`.
    pub name: &'static str,
    pub env: &'static str,
    /// Flag without its dashes. Secrets have none: other users of the machine can read a command line.
    pub flag: Option<&'static str>,
    /// Placeholder for the value in help texts.
    pub value: &'static str,
    /// `None`: unset.
    pub default: Option<&'static str>,
    pub secrecy: Secrecy,
    /// One sentence for people.
    pub help: &'static str,
}

/// How much of a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    Open,
    /// A URL without its credentials.
    Url,
    Hidden,
}

/// A table row without secrets.
const fn open(
    name: &'static str,
    env: &'static str,
    flag: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key {
        name,
        env,
        flag: Some(flag),
        value,
        default,
        secrecy: Secrecy::Open,
        help,
    }
}

/// In the order they are shown.
pub const KEYS: &[Key] = &[
    open(
        "bind",
        "BIND",
        "bind",
        "ADDRESS",
        Some("0.0.0.0"),
        "Address to listen on",
    ),
    open(
        "port",
        "PORT",
        "port",
        "PORT",
        Some("3000"),
        "Port to listen on; 0 picks a free one",
    ),
    open(
        "root_url",
        "ROOT_URL",
        "root-url",
        "URL",
        None,
        "Where people reach this server; a path in it is in front of every path here as well. Default: http://localhost:PORT",
    ),
    open(
        "data_dir",
        "DATA_DIR",
        "data-dir",
        "FOLDER",
        Some("data"),
        "Folder for the log, the views and everything else that is kept",
    ),
    Key {
        name: "mongo_url",
        env: "MONGO_URL",
        flag: None,
        value: "URL",
        default: None,
        secrecy: Secrecy::Url,
        help: "MongoDB replica set to keep the log in; without it the log is an embedded file in the data folder",
    },
    open(
        "admin_username",
        "ADMIN_USERNAME",
        "admin-username",
        "NAME",
        None,
        "User name of the first administrator, made at start while there is none (with ADMIN_PASS; default: admin)",
    ),
    Key {
        name: "admin_pass",
        env: "ADMIN_PASS",
        flag: None,
        value: "PASSWORD",
        default: None,
        secrecy: Secrecy::Hidden,
        help: "Password of the first administrator",
    },
    open(
        "admin_email",
        "ADMIN_EMAIL",
        "admin-email",
        "ADDRESS",
        None,
        "E-mail address of the first administrator",
    ),
    Key {
        name: "mail_url",
        env: "MAIL_URL",
        flag: None,
        value: "URL",
        default: None,
        secrecy: Secrecy::Url,
        help: "Mail server, as smtp://user:password@host:port or smtps://...; overrides the SMTP settings of the workspace",
    },
    Key {
        name: "secret_key",
        env: "SECRET_KEY",
        flag: None,
        value: "KEY",
        default: None,
        secrecy: Secrecy::Hidden,
        help: "Key that seals secrets kept in the log, 32 bytes in base64; the same on every node. Default: secret.key in the data folder, made at first start",
    },
    open(
        "fetch_allow",
        "FETCH_ALLOW",
        "fetch-allow",
        "HOSTS",
        None,
        "Hosts and networks (10.1.0.0/16) that requests caused by users may go to although they are not public",
    ),
    open(
        "dns_servers",
        "DNS_SERVERS",
        "dns-servers",
        "ADDRESSES",
        None,
        "Name servers to ask for MX, SRV and TXT records (10.0.0.1:53), separated by commas; default: those of this machine",
    ),
    open(
        "forwarded_count",
        "HTTP_FORWARDED_COUNT",
        "forwarded-count",
        "COUNT",
        Some("0"),
        "Reverse proxies in front that add to X-Forwarded-For or Forwarded",
    ),
    open(
        "create_tokens_for_users",
        "CREATE_TOKENS_FOR_USERS",
        "create-tokens-for-users",
        "BOOL",
        Some("false"),
        "Let users.createToken make login tokens for others (user-generate-access-token)",
    ),
    open(
        "max_sessions",
        "MAX_RESUME_LOGIN_TOKENS",
        "max-sessions",
        "COUNT",
        Some("50"),
        "Logins an account has at a time at most; the oldest ends for a new one. Personal access tokens do not count",
    ),
    open(
        "password_queue",
        "PASSWORD_QUEUE",
        "password-queue",
        "COUNT",
        Some("512"),
        "Passwords that may wait to be checked or hashed; further logins are answered 503",
    ),
    open(
        "gravatar_url",
        "GRAVATAR_URL",
        "gravatar-url",
        "URL",
        Some("https://www.gravatar.com/avatar"),
        "Where new accounts are looked up for a picture (setting Accounts_SetDefaultAvatar)",
    ),
    open(
        "settings_blocked",
        "SETTINGS_BLOCKED",
        "settings-blocked",
        "IDS",
        None,
        "Workspace settings nobody can change over the API, separated by commas",
    ),
    open(
        "settings_hidden",
        "SETTINGS_HIDDEN",
        "settings-hidden",
        "IDS",
        None,
        "Workspace settings nobody can see or change over the API, separated by commas",
    ),
    open(
        "test_mode",
        "TEST_MODE",
        "test-mode",
        "BOOL",
        Some("false"),
        "Switch off rate limits and second factors, for test runs",
    ),
    open(
        "announced_version",
        "HANSARD_ANNOUNCED_VERSION",
        "announced-version",
        "VERSION",
        Some("8.5.0"),
        "Version told to clients, which decide by it what they may use",
    ),
    open(
        "log_format",
        "LOG_FORMAT",
        "log-format",
        "FORMAT",
        Some("text"),
        "How log lines are written: text or json",
    ),
    open(
        "log_filter",
        "RUST_LOG",
        "log",
        "FILTER",
        Some("info"),
        "What is logged: a level, or rules such as info,api=debug; commands log errors only, unless it is given",
    ),
    open(
        "body_limit",
        "BODY_LIMIT",
        "body-limit",
        "SIZE",
        Some("50MB"),
        "Largest accepted request body; callers who are not logged in get 1 MB at most",
    ),
    open(
        "request_timeout",
        "REQUEST_TIMEOUT",
        "request-timeout",
        "TIME",
        Some("60s"),
        "Longest time one request may take",
    ),
    open(
        "max_connections",
        "MAX_CONNECTIONS",
        "max-connections",
        "COUNT",
        Some("20000"),
        "Most HTTP connections at a time; further ones wait to be accepted",
    ),
    open(
        "shutdown_timeout",
        "SHUTDOWN_TIMEOUT",
        "shutdown-timeout",
        "TIME",
        Some("10s"),
        "How long a stop waits for requests and sockets to finish",
    ),
    open(
        "snapshot_every",
        "SNAPSHOT_EVERY",
        "snapshot-every",
        "COUNT",
        Some("10000"),
        "Events between two snapshots of the views, 10 to 1,000,000: fewer show an earlier moment faster, and take more of the disk",
    ),
    open(
        "ready_max_lag",
        "READY_MAX_LAG",
        "ready-max-lag",
        "COUNT",
        Some("1000"),
        "Events the views may be behind while /readyz still says ready",
    ),
    open(
        "live_sockets",
        "LIVE_SOCKETS",
        "live-sockets",
        "COUNT",
        Some("50000"),
        "Most /live sockets at a time; further ones are refused",
    ),
    open(
        "live_rooms",
        "LIVE_ROOMS",
        "live-rooms",
        "COUNT",
        Some("10000"),
        "Rooms one /live socket may subscribe to",
    ),
    open(
        "live_heartbeat",
        "LIVE_HEARTBEAT",
        "live-heartbeat",
        "TIME",
        Some("30s"),
        "Time between pings on a /live socket; it is dropped after two unanswered ones",
    ),
    open(
        "live_auth_timeout",
        "LIVE_AUTH_TIMEOUT",
        "live-auth-timeout",
        "TIME",
        Some("10s"),
        "How long a /live socket may take to authenticate",
    ),
    open(
        "live_replays",
        "LIVE_REPLAYS",
        "live-replays",
        "COUNT",
        Some("16"),
        "Resuming /live sockets that read the log at the same time; further ones wait",
    ),
];

pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The table for `docs/operating.md`.
pub fn markdown() -> String {
    let mut table = String::from(
        "| `hansard.toml` | Environment | Flag | Default | Meaning |\n|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let flag = key
            .flag
            .map_or_else(String::new, |flag| format!("`--{flag}`"));
        let default = key
            .default
            .map_or_else(String::new, |default| format!("`{default}`"));
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {flag} | {default} | {} |",
            key.name, key.env, key.help
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_keys_share_a_name() {
        let mut seen = HashSet::new();
        for key in KEYS {
            assert!(
                seen.insert(key.name) && seen.insert(key.env),
                "{} is taken",
                key.name
            );
            assert!(
                key.secrecy == Secrecy::Open || key.flag.is_none(),
                "{} would show on the command line",
                key.name
            );
        }
    }

    #[test]
    fn the_operating_manual_shows_this_table() {
        let manual = include_str!("../../../../docs/operating.md");
        assert!(
            manual.contains(&markdown()),
            "paste the output of `hansard config --keys` into docs/operating.md"
        );
    }
}
