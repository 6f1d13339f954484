//! The configuration of one server, read once at start.

pub mod keys;
pub mod layers;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use application::outside::dns::NameServers;
use application::outside::fetch::AllowList;
use application::outside::mail::SmtpServer;
use application::sandbox::Sandbox;
use layers::{Layers, Origin};
use projections::Registry;

use crate::live::Limits;
use crate::server::config::values::{
    boolean, count, ids, log_filter, mail_url, mongo_url, root_url, size, spacing, text, time,
    version,
};
use crate::server::program;
use crate::server::sandbox::{self, SandboxError};
use crate::telemetry::LogFormat;

/// Text that must not be logged or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    /// An IP address or a host name.
    pub bind: String,
    pub port: u16,
    /// Where people reach this server; `None`: `http://localhost:<port>`.
    pub root_url: Option<String>,
    /// Folder for the log, the views and the uploads.
    pub data_dir: PathBuf,
    /// Where the log is, if not in the data folder.
    pub mongo_url: Option<Secret>,
    pub admin_username: Option<String>,
    pub admin_pass: Option<Secret>,
    pub admin_email: Option<String>,
    /// For the first start, by setting id.
    pub first_settings: BTreeMap<String, String>,
    /// Nobody can change these over the API.
    pub settings_blocked: Vec<String>,
    /// Nobody can see or change these over the API.
    pub settings_hidden: Vec<String>,
    /// Forced at every start, by setting id.
    pub setting_overrides: BTreeMap<String, String>,
    /// The mail server, unless the settings name one.
    pub mail_server: Option<SmtpServer>,
    /// The key that seals secrets; `None`: in a file of the data folder.
    pub secret_key: Option<Secret>,
    /// Hosts that requests caused by users may reach although they are not public.
    pub fetch_allow: AllowList,
    /// The name servers to ask for records other than addresses.
    pub name_servers: NameServers,
    /// Reverse proxies in front.
    pub forwarded_count: usize,
    pub create_tokens_for_users: bool,
    /// Most logins an account has at a time.
    pub max_sessions: usize,
    /// Passwords that may wait to be checked.
    pub password_queue: usize,
    /// Where new accounts are looked up for a picture, without a slash at the end.
    pub gravatar_url: String,
    /// No rate limits, no second factors.
    pub test_mode: bool,
    /// The version told to clients.
    pub announced_version: String,
    pub log_format: LogFormat,
    /// As `tracing` filter rules.
    pub log_filter: String,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Longest time one request may take.
    pub request_timeout: Duration,
    pub max_connections: usize,
    /// How long a stop waits for requests under way.
    pub shutdown_timeout: Duration,
    /// The views that this program has, with as many events between two snapshots as configured.
    pub registry: Registry,
    /// Most events the views may be behind while ready.
    pub ready_max_lag: u64,
    pub live: Limits,
    /// What the data folder is a copy of, if it is one.
    pub sandbox: Option<Sandbox>,
    pub given: Given,
}

/// Which settings were given as flags: on a sandbox, whatever else is configured is meant for the workspace that it is a
/// copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    bind: bool,
    port: bool,
    root_url: bool,
}

impl Given {
    /// Whether flags say where to listen.
    pub fn listens(self) -> bool {
        self.bind || self.port
    }

    fn in_layers(layers: &Layers) -> Self {
        let flagged = |key| {
            let value = layers.get(key);
            value.is_some_and(|value| matches!(value.origin, Origin::Flag(_)))
        };
        Self {
            bind: flagged("bind"),
            port: flagged("port"),
            root_url: flagged("root_url"),
        }
    }
}

/// Where a sandbox is served unless a flag says otherwise: for this machine alone.
const SANDBOX_BIND: &str = "127.0.0.1";

/// Why there is no configuration. Each is one line for the operator.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or is not TOML.
    #[error("{}: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    /// The file has an unknown key.
    #[error("{}: unknown key `{key}`; `{} config --keys` lists the known ones", file.display(), program::name())]
    UnknownKey { file: PathBuf, key: String },
    /// A value is not valid for its key.
    #[error("{key} ({origin}): {problem}")]
    Invalid {
        key: &'static str,
        /// The layer that the value is from.
        origin: String,
        problem: String,
    },
    /// The data folder is of no use.
    #[error(transparent)]
    Folder(#[from] SandboxError),
}

impl Config {
    /// What the layers say, and the data folder: a sandbox is one whatever is configured.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let config = Self::read(layers)?;
        Ok(match sandbox::found(&config.data_dir)? {
            Some(sandbox) => Self {
                sandbox: Some(sandbox),
                ..config.apart()
            },
            None => config,
        })
    }

    /// The same for a sandbox: without what leads to the workspace that it is a copy of, or to the outside. It listens for
    /// this machine alone, on a free port, and links lead to it, unless flags say otherwise.
    #[must_use]
    pub fn apart(self) -> Self {
        let given = self.given;
        let bind = Some(self.bind).filter(|_| given.bind);
        Self {
            bind: bind.unwrap_or_else(|| SANDBOX_BIND.to_owned()),
            port: if given.port { self.port } else { 0 },
            mongo_url: None,
            secret_key: None,
            mail_server: None,
            root_url: self.root_url.filter(|_| given.root_url),
            ..self
        }
    }

    fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let read = Reader(layers);
        Ok(Self {
            bind: read.required("bind", text)?,
            port: read.required("port", |value| {
                value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a port number (0 to 65535)"))
            })?,
            root_url: read.optional("root_url", root_url)?,
            data_dir: read.required("data_dir", |value| text(value).map(PathBuf::from))?,
            mongo_url: read.optional("mongo_url", mongo_url)?,
            admin_username: read.optional("admin_username", text)?,
            admin_pass: read.optional("admin_pass", |value| text(value).map(Secret))?,
            admin_email: read.optional("admin_email", text)?,
            first_settings: layers
                .first_settings
                .iter()
                .map(|(id, layered)| (id.clone(), layered.value.clone()))
                .collect(),
            settings_blocked: read.optional("settings_blocked", ids)?.unwrap_or_default(),
            settings_hidden: read.optional("settings_hidden", ids)?.unwrap_or_default(),
            setting_overrides: layers
                .overrides
                .iter()
                .map(|(id, layered)| (id.clone(), layered.value.clone()))
                .collect(),
            mail_server: read.optional("mail_url", mail_url)?,
            secret_key: read.optional("secret_key", |value| text(value).map(Secret))?,
            name_servers: read
                .optional("dns_servers", str::parse)?
                .unwrap_or_default(),
            fetch_allow: read
                .optional("fetch_allow", str::parse)?
                .unwrap_or_default(),
            forwarded_count: read.required("forwarded_count", |value| {
                value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a whole number"))
            })?,
            create_tokens_for_users: read.required("create_tokens_for_users", boolean)?,
            max_sessions: read.required("max_sessions", count)?,
            password_queue: read.required("password_queue", count)?,
            gravatar_url: read.required("gravatar_url", root_url)?,
            test_mode: read.required("test_mode", boolean)?,
            announced_version: read.required("announced_version", version)?,
            log_format: read.required("log_format", |value| match value {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err(format!("`{value}` is neither text nor json")),
            })?,
            log_filter: read.required("log_filter", log_filter)?,
            body_limit: read.required("body_limit", size)?,
            request_timeout: read.required("request_timeout", time)?,
            max_connections: read.required("max_connections", count)?,
            shutdown_timeout: read.required("shutdown_timeout", time)?,
            registry: Registry::default().with_snapshots(read.required("snapshot_every", spacing)?),
            ready_max_lag: read.required("ready_max_lag", |value| {
                value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a whole number"))
            })?,
            live: Limits {
                sockets: read.required("live_sockets", count)?,
                rooms: read.required("live_rooms", count)?,
                heartbeat: read.required("live_heartbeat", time)?,
                auth_timeout: read.required("live_auth_timeout", time)?,
                replays: read.required("live_replays", count)?,
            },
            sandbox: None,
            given: Given::in_layers(layers),
        })
    }

    /// What a server can run with, but hardly anybody means.
    pub fn doubts(&self) -> Vec<&'static str> {
        let names_admin = self.admin_username.is_some() || self.admin_email.is_some();
        [
            (
                names_admin && self.admin_pass.is_none(),
                "ADMIN_USERNAME and ADMIN_EMAIL make no administrator without ADMIN_PASS",
            ),
            (
                self.test_mode,
                "TEST_MODE is on: there are no rate limits, and second factors are not asked for",
            ),
        ]
        .into_iter()
        .filter_map(|(doubtful, why)| doubtful.then_some(why))
        .collect()
    }

    /// The configuration if nothing is set.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::build(layers::Sources::default())?)
    }

    /// Where people reach this server, without a slash at the end.
    pub fn public_url(&self) -> String {
        self.root_url
            .clone()
            .unwrap_or_else(|| format!("http://localhost:{}", self.port))
    }

    /// The prefix of every path, as `/chat` for `https://example.org/chat` (contract, conventions 1.1); `None`: no
    /// prefix.
    pub fn path_prefix(&self) -> Option<&str> {
        let (_, address) = self.root_url.as_deref()?.split_once("://")?;
        address.find('/').map(|start| &address[start..])
    }
}

/// Parses values; errors name the key and the origin.
struct Reader<'a>(&'a Layers);

impl Reader<'_> {
    fn optional<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(layered) = self.0.get(key) else {
            return Ok(None);
        };
        parse(layered.value.trim())
            .map(Some)
            .map_err(|problem| invalid(key, &layered.origin, problem))
    }

    fn required<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.optional(key, parse)?
            .ok_or_else(|| invalid(key, &Origin::Default, "must be set".to_owned()))
    }
}

fn invalid(key: &'static str, origin: &Origin, problem: String) -> ConfigError {
    ConfigError::Invalid {
        key,
        origin: origin.to_string(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::layers::Sources;
    use super::*;

    fn from_env(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::from_layers(&Layers::build(Sources {
            environment,
            ..Sources::default()
        })?)
    }

    #[test]
    fn the_defaults_are_a_valid_configuration() {
        let config = Config::defaults().unwrap();
        assert_eq!(
            (
                config.port,
                config.announced_version.as_str(),
                config.body_limit
            ),
            (3000, "8.5.0", 50 << 20)
        );
        assert_eq!(config.public_url(), "http://localhost:3000");
        assert!(config.mongo_url.is_none() && !config.test_mode);
    }

    #[test]
    fn a_bad_value_names_its_key_and_its_origin() {
        for (name, value) in [
            ("PORT", "http"),
            ("TEST_MODE", "maybe"),
            ("LIVE_HEARTBEAT", "soon"),
            ("BODY_LIMIT", "0"),
            ("ROOT_URL", "chat"),
            ("HANSARD_ANNOUNCED_VERSION", "banana"),
            ("HANSARD_ANNOUNCED_VERSION", "8.5.x"),
            ("HANSARD_ANNOUNCED_VERSION", "8.5.0-"),
            ("ROOT_URL", "https://example.org/{chat}"),
            ("ROOT_URL", "https://example.org/?chat"),
            ("LOG_FORMAT", "xml"),
        ] {
            let error = from_env(&[(name, value)]).unwrap_err().to_string();
            assert!(
                error.contains(&format!("environment, {name}")) && error.contains(value),
                "{error}"
            );
        }
    }

    #[test]
    fn the_address_says_what_is_in_front_of_every_path() {
        let prefix = |url| {
            from_env(&[("ROOT_URL", url)])
                .unwrap()
                .path_prefix()
                .map(str::to_owned)
        };
        assert_eq!(
            prefix("https://example.org/team/chat/").as_deref(),
            Some("/team/chat")
        );
        assert_eq!(prefix("https://example.org/"), None);
        assert_eq!(from_env(&[]).unwrap().path_prefix(), None);
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_repeated() {
        for url in [
            "https://user:hush@example.org",
            "https://hush@example.org/chat",
        ] {
            let error = from_env(&[("ROOT_URL", url)]).unwrap_err().to_string();
            assert!(
                error.contains("ROOT_URL") && !error.contains("hush"),
                "{error}"
            );
        }
        from_env(&[("ROOT_URL", "https://example.org/@chat")]).unwrap();
    }

    #[test]
    fn what_hardly_anybody_means_is_doubted() {
        for (environment, doubts) in [
            (&[("ADMIN_USERNAME", "ann")][..], 1),
            (&[("ADMIN_EMAIL", "ann@example.org")], 1),
            (&[("ADMIN_USERNAME", "ann"), ("ADMIN_PASS", "hush")], 0),
            (&[("TEST_MODE", "true")], 1),
            (&[], 0),
        ] {
            assert_eq!(from_env(environment).unwrap().doubts().len(), doubts);
        }
    }

    #[test]
    fn a_bad_database_url_is_not_repeated() {
        for name in ["MONGO_URL", "MAIL_URL"] {
            let error = from_env(&[(name, "me:hush@host")]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_sandbox_takes_nothing_that_leads_to_what_it_is_a_copy_of() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox {
            of: eventstore::LogId::from_bytes([7; 16]),
            position: eventstore::Position::new(4711),
            time: domain::Timestamp::from_millis(1_790_000_000_000),
        };
        sandbox::mark(folder.path(), &sandbox, sandbox::State::Whole).unwrap();
        let environment = [
            ("DATA_DIR", folder.path().to_str().unwrap()),
            ("MONGO_URL", "mongodb://db/chat"),
            ("SECRET_KEY", "hush"),
            ("MAIL_URL", "smtp://relay"),
            ("ROOT_URL", "https://chat.example.org"),
            ("BIND", "0.0.0.0"),
            ("PORT", "8080"),
        ];
        let layers = |flags| {
            let named = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let environment = environment.into_iter().map(named).collect();
            let sources = Sources {
                environment,
                flags,
                ..Sources::default()
            };
            Config::from_layers(&Layers::build(sources).unwrap()).unwrap()
        };
        let config = layers(Vec::new());
        assert_eq!(config.sandbox.as_ref(), Some(&sandbox));
        assert!(config.mongo_url.is_none(), "its log is its own");
        assert!(config.secret_key.is_none(), "and its key");
        assert!(config.mail_server.is_none(), "it mails nothing");
        assert_eq!(config.root_url, None, "links lead to it");
        assert_eq!(
            (config.bind.as_str(), config.port),
            ("127.0.0.1", 0),
            "it listens where the workspace does not"
        );
        let meant = [
            ("root_url", "http://training.example.org"),
            ("bind", "::"),
            ("port", "8081"),
        ];
        let meant = layers(meant.map(|(key, value)| (key, value.to_owned())).to_vec());
        assert_eq!(meant.public_url(), "http://training.example.org");
        assert_eq!((meant.bind.as_str(), meant.port), ("::", 8081));
        sandbox::mark(folder.path(), &sandbox, sandbox::State::Unfinished).unwrap();
        let unfinished = from_env(&environment).unwrap_err().to_string();
        assert!(unfinished.contains("interrupted"), "{unfinished}");
    }

    #[test]
    fn secrets_do_not_print() {
        let config = from_env(&[
            ("ADMIN_PASS", "hush"),
            ("MONGO_URL", "mongodb://me:hush@host"),
            ("MAIL_URL", "smtp://me:hush@host"),
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
