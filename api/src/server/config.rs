//! The configuration of one server, read once at start.

pub mod keys;
pub mod layers;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use application::outside::dns::NameServers;
use application::outside::fetch::AllowList;
use application::outside::mail::SmtpServer;
use application::sandbox::Sandbox;
use layers::{Layers, Origin};
use projections::{Registry, Spacing};

use crate::live::Limits;
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
}

/// Why there is no configuration. Each is one line for the operator.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or is not TOML.
    #[error("{}: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    /// The file has an unknown key.
    #[error("{}: unknown key `{key}`; `hansard config --keys` lists the known ones", file.display())]
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

/// What was given for a sandbox itself, and not only taken over from the configuration of the workspace that it is a copy
/// of.
#[derive(Clone, Copy, Debug)]
pub struct Meant {
    pub bind: bool,
    pub root_url: bool,
}

impl Config {
    /// What the layers say, and the data folder: a sandbox is one whatever is configured.
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let config = Self::read(layers)?;
        let is_flag = |key| {
            let value = layers.get(key);
            value.is_some_and(|value| matches!(value.origin, Origin::Flag(_)))
        };
        let meant = Meant {
            bind: is_flag("bind"),
            root_url: is_flag("root_url"),
        };
        Ok(match sandbox::found(&config.data_dir)? {
            Some(sandbox) => config.confined(sandbox, meant),
            None => config,
        })
    }

    /// The same for a sandbox: without what leads to the workspace that it is a copy of, or to the outside, and for this
    /// machine alone unless another address is meant.
    #[must_use]
    pub fn confined(self, sandbox: Sandbox, meant: Meant) -> Self {
        Self {
            bind: Some(self.bind)
                .filter(|_| meant.bind)
                .unwrap_or_else(|| "127.0.0.1".to_owned()),
            mongo_url: None,
            secret_key: None,
            mail_server: None,
            root_url: self.root_url.filter(|_| meant.root_url),
            sandbox: Some(sandbox),
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

fn text(value: &str) -> Result<String, String> {
    if value.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(value.to_owned())
    }
}

/// Setting ids, separated by commas.
#[expect(clippy::unnecessary_wraps, reason = "every parser may fail")]
fn ids(value: &str) -> Result<Vec<String>, String> {
    Ok(value
        .split(',')
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect())
}

fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{value}` is neither true nor false")),
    }
}

fn count(value: &str) -> Result<usize, String> {
    match value.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number as usize),
        _ => Err(format!("`{value}` is not a whole number above 0")),
    }
}

fn spacing(value: &str) -> Result<Spacing, String> {
    let (least, most) = (Spacing::RANGE.start(), Spacing::RANGE.end());
    let spacing = value.parse().ok().and_then(Spacing::new);
    spacing.ok_or_else(|| format!("`{value}` is not a whole number from {least} to {most}"))
}

/// Number and unit, e.g. `30s`.
fn quantity(value: &str) -> Option<(u32, &str)> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    Some((value[..digits].parse().ok()?, value[digits..].trim()))
}

fn time(value: &str) -> Result<Duration, String> {
    let millis = quantity(value).and_then(|(number, unit)| {
        let factor = match unit {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        (number > 0).then_some(u64::from(number) * factor)
    });
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{value}` is not a time such as 500ms, 30s or 5m"))
}

fn size(value: &str) -> Result<usize, String> {
    let bytes = quantity(value).and_then(|(number, unit)| {
        let factor: usize = match unit.to_ascii_uppercase().as_str() {
            "B" | "" => 1,
            "KB" | "K" => 1 << 10,
            "MB" | "M" => 1 << 20,
            "GB" | "G" => 1 << 30,
            _ => return None,
        };
        (number as usize)
            .checked_mul(factor)
            .filter(|bytes| *bytes > 0)
    });
    bytes.ok_or_else(|| format!("`{value}` is not a size such as 500KB or 2MB"))
}

/// Numbers between dots, and perhaps what kind of release it is: clients compare it.
fn version(value: &str) -> Result<String, String> {
    let (numbers, kind) = value.split_once('-').unwrap_or((value, "release"));
    let is_number = |part: &str| part.parse::<u32>().is_ok();
    let is_version = (1..=3).contains(&numbers.split('.').count())
        && numbers.split('.').all(is_number)
        && !kind.is_empty()
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    is_version
        .then(|| value.to_owned())
        .ok_or_else(|| format!("`{value}` is not a version such as 8.5.0"))
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:[]@/".contains(character)
}

fn root_url(value: &str) -> Result<String, String> {
    let host = value
        .strip_prefix("http://")
        .or_else(|| value.strip_prefix("https://"));
    match host {
        // It is shown to everybody.
        Some(host)
            if host
                .split('/')
                .next()
                .is_some_and(|host| host.contains('@')) =>
        {
            Err("must not have a user name or password".to_owned())
        }
        Some(host) if host.contains(['?', '#']) => Err(format!("`{value}` must end with its path")),
        // The path becomes part of the routes.
        Some(host) if host.contains("//") || host.contains(|one| !is_plain(one)) => Err(format!(
            "`{value}` has characters that an address here must not have"
        )),
        Some(host) if !host.is_empty() && !host.starts_with('/') => {
            Ok(value.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("`{value}` is not an http:// or https:// address")),
    }
}

fn mongo_url(value: &str) -> Result<Secret, String> {
    // The value may hold a password, so the error does not repeat it.
    if value.starts_with("mongodb://") || value.starts_with("mongodb+srv://") {
        Ok(Secret::new(value))
    } else {
        Err("must start with mongodb:// or mongodb+srv://".to_owned())
    }
}

fn mail_url(value: &str) -> Result<SmtpServer, String> {
    SmtpServer::from_url(value).map_err(|problem| problem.to_string())
}

fn log_filter(value: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(value)
        .map(|_| value.to_owned())
        .map_err(|error| format!("`{value}`: {error}"))
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
        let meant = layers(vec![("root_url", "http://training.example.org".to_owned())]);
        assert_eq!(meant.public_url(), "http://training.example.org");
        sandbox::mark(folder.path(), &sandbox, sandbox::State::Unfinished).unwrap();
        let unfinished = from_env(&environment).unwrap_err().to_string();
        assert!(unfinished.contains("interrupted"), "{unfinished}");
    }

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(time("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(size("3 KB"), Ok(3072));
        assert!(size("x").is_err() && time("é").is_err() && time("").is_err());
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
