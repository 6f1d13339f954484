//! Layering: defaults < `hansard.toml` < environment < flags. A later layer replaces single values of earlier ones.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{FileFormat, Source as _, ValueKind};

use crate::server::config::ConfigError;
use crate::server::config::keys::{self, KEYS, Key, Secrecy};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::Flag(flag) => write!(f, "flag --{flag}"),
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Layered {
    /// As text; each key parses its own.
    pub value: String,
    pub origin: Origin,
}

#[derive(Default)]
pub struct Sources {
    /// Path and text of `hansard.toml`, if there is one.
    pub file: Option<(PathBuf, String)>,
    pub environment: Vec<(String, String)>,
    /// Key name and value of each flag given.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Reads the file and the environment of this process. Without an explicit `path`, `hansard.toml` in the working
    /// directory is read if it exists.
    pub fn read(
        path: Option<&Path>,
        flags: Vec<(&'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let file = path.unwrap_or_else(|| Path::new("hansard.toml"));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => Some((file.to_owned(), text)),
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(ConfigError::Unreadable {
                    file: file.to_owned(),
                    reason: error.to_string(),
                });
            }
        };
        // A variable that is not Unicode is none of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self {
            file: text,
            environment,
            flags,
        })
    }
}

/// The outcome of layering.
#[derive(Default)]
pub struct Layers {
    values: BTreeMap<&'static str, Layered>,
    /// For the first start, by setting id.
    pub first_settings: BTreeMap<String, Layered>,
    /// Forced at every start, by setting id.
    pub overrides: BTreeMap<String, Layered>,
}

/// Prefix of the environment variables that force a workspace setting; the setting's id follows.
const OVERRIDE_PREFIX: &str = "OVERWRITE_SETTING_";

impl Layers {
    pub fn build(sources: Sources) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        for key in KEYS {
            if let Some(default) = key.default {
                layers.set(key, default.to_owned(), Origin::Default);
            }
        }
        if let Some((path, text)) = sources.file {
            layers.read_file(&path, &text)?;
        }
        for (name, value) in sources.environment {
            if let Some(setting) = name.strip_prefix(OVERRIDE_PREFIX) {
                layers.overrides.insert(
                    setting.to_owned(),
                    Layered {
                        value,
                        origin: Origin::Environment(name),
                    },
                );
            } else if let Some(key) = KEYS.iter().find(|key| key.env == name)
                // An empty variable is how many tools say "not set".
                && !value.is_empty()
            {
                layers.set(key, value, Origin::Environment(name));
            } else if domain::settings::find(&name).is_some() {
                let origin = Origin::Environment(name.clone());
                layers
                    .first_settings
                    .insert(name, Layered { value, origin });
            }
        }
        for (name, value) in sources.flags {
            if let Some(key) = keys::find(name) {
                layers.set(key, value, Origin::Flag(key.flag.unwrap_or(key.name)));
            }
        }
        Ok(layers)
    }

    pub fn get(&self, name: &str) -> Option<&Layered> {
        self.values.get(name)
    }

    /// Whether somebody said what it is.
    pub fn says(&self, name: &str) -> bool {
        let value = self.get(name);
        value.is_some_and(|value| value.origin != Origin::Default)
    }

    fn set(&mut self, key: &'static Key, value: String, origin: Origin) {
        self.values.insert(key.name, Layered { value, origin });
    }

    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable {
            file: path.to_owned(),
            reason,
        };
        let table = config::File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|error| unreadable(error.to_string()))?;
        for (name, value) in table {
            if name == "settings" {
                let settings = value
                    .into_table()
                    .map_err(|_| unreadable("`settings` must be a table".to_owned()))?;
                for (id, value) in settings {
                    let value = scalar(value.kind).ok_or_else(|| {
                        unreadable(format!(
                            "settings.{id} must be a text, a number or a boolean"
                        ))
                    })?;
                    self.overrides.insert(
                        id,
                        Layered {
                            value,
                            origin: Origin::File(path.to_owned()),
                        },
                    );
                }
                continue;
            }
            let key = keys::find(&name).ok_or_else(|| ConfigError::UnknownKey {
                file: path.to_owned(),
                key: name.clone(),
            })?;
            let value = scalar(value.kind).ok_or_else(|| {
                unreadable(format!("`{name}` must be a text, a number or a boolean"))
            })?;
            self.set(key, value, Origin::File(path.to_owned()));
        }
        Ok(())
    }

    /// The effective configuration as a `hansard.toml`, each line with the origin of its value. Secrets are masked.
    pub fn show(&self) -> String {
        let mut rows: Vec<(String, String)> = KEYS
            .iter()
            .map(|key| match self.get(key.name) {
                Some(layered) => {
                    let value = mask(key.secrecy, &layered.value);
                    (
                        format!("{} = {}", key.name, toml(&value)),
                        layered.origin.to_string(),
                    )
                }
                None => (format!("# {} is not set", key.name), String::new()),
            })
            .collect();
        if !self.overrides.is_empty() {
            rows.push((String::new(), String::new()));
            rows.push(("[settings]".to_owned(), String::new()));
            // Some settings are passwords; only the settings know which ones, so none is shown.
            rows.extend(self.overrides.iter().map(|(id, layered)| {
                (
                    format!("{id} = {}", toml(&mask(Secrecy::Hidden, &layered.value))),
                    layered.origin.to_string(),
                )
            }));
        }
        let width = rows
            .iter()
            .filter(|(_, origin)| !origin.is_empty())
            .map(|(row, _)| row.len())
            .max()
            .unwrap_or(0);
        let line = |(row, origin): (String, String)| {
            if origin.is_empty() {
                format!("{row}\n")
            } else {
                format!("{row:width$}  # {origin}\n")
            }
        };
        rows.into_iter().map(line).collect()
    }
}

/// Text of a single TOML value.
fn scalar(kind: ValueKind) -> Option<String> {
    match kind {
        ValueKind::Boolean(value) => Some(value.to_string()),
        ValueKind::I64(value) => Some(value.to_string()),
        ValueKind::Float(value) => Some(value.to_string()),
        ValueKind::String(value) => Some(value),
        _ => None,
    }
}

/// A value as TOML: numbers and booleans bare, all else quoted.
fn toml(value: &str) -> String {
    if value == "true" || value == "false" || value.parse::<u32>().is_ok() {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Replaces the hidden part of a value.
const MASK: &str = "********";

/// The part of the value that may be shown.
fn mask(secrecy: Secrecy, value: &str) -> String {
    match secrecy {
        Secrecy::Open => value.to_owned(),
        Secrecy::Hidden => MASK.to_owned(),
        Secrecy::Url => mask_url(value),
    }
}

/// Hides the password and every option that looks like one. Anything that does not look like a URL is hidden as a
/// whole.
fn mask_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return MASK.to_owned();
    };
    let (address, options) = rest
        .split_once('?')
        .map_or((rest, None), |(address, options)| (address, Some(options)));
    // The last @ ends the credentials, in case the password holds an unescaped one.
    let address = match address.rsplit_once('@') {
        Some((credentials, hosts)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{hosts}"),
            None => format!("{credentials}@{hosts}"),
        },
        None => address.to_owned(),
    };
    let options = options.map_or_else(String::new, |options| {
        let shown: Vec<String> = options
            .split('&')
            .map(|option| {
                let name = option.split('=').next().unwrap_or_default();
                let lower = name.to_lowercase();
                let secret = ["pass", "token", "secret", "authmechanismproperties"]
                    .iter()
                    .any(|word| lower.contains(word));
                if secret {
                    format!("{name}={MASK}")
                } else {
                    option.to_owned()
                }
            })
            .collect();
        format!("?{}", shown.join("&"))
    });
    format!("{scheme}://{address}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(
        file: &str,
        environment: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Layers, ConfigError> {
        Layers::build(Sources {
            file: Some((PathBuf::from("hansard.toml"), file.to_owned())),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            flags: flags
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        })
    }

    #[test]
    fn later_layers_win_and_say_so() {
        let layers = build(
            "port = 1\nbind = \"::1\"\nlog_format = \"json\"",
            &[("PORT", "2"), ("BIND", "127.0.0.1")],
            &[("port", "3")],
        )
        .unwrap();
        let shown = |name| {
            layers
                .get(name)
                .map(|layered| (layered.value.as_str(), layered.origin.to_string()))
                .unwrap()
        };
        assert_eq!(shown("port"), ("3", "flag --port".to_owned()));
        assert_eq!(shown("bind"), ("127.0.0.1", "environment, BIND".to_owned()));
        assert_eq!(shown("log_format"), ("json", "hansard.toml".to_owned()));
        assert_eq!(shown("data_dir"), ("data", "default".to_owned()));
    }

    #[test]
    fn an_unknown_key_in_the_file_is_named() {
        let error = build("prot = 1", &[], &[]).err().unwrap().to_string();
        assert!(error.contains("`prot`"), "{error}");
    }

    #[test]
    fn broken_toml_is_one_clear_line() {
        let error = build("port = ", &[], &[]).err().unwrap().to_string();
        assert!(error.starts_with("hansard.toml: "), "{error}");
    }

    #[test]
    fn settings_are_overridden_by_file_and_environment() {
        let layers = build(
            "[settings]\nA_B = true\nC = 3",
            &[("OVERWRITE_SETTING_C", "4")],
            &[],
        )
        .unwrap();
        assert_eq!(layers.overrides["A_B"].value, "true");
        assert_eq!(layers.overrides["C"].value, "4");
    }

    #[test]
    fn secrets_are_not_shown() {
        let layers = build(
            "",
            &[
                (
                    "MONGO_URL",
                    "mongodb://me:hu:sh@a,b/log?w=1&tlsCertificateKeyFilePassword=hush",
                ),
                ("ADMIN_PASS", "hush"),
                ("OVERWRITE_SETTING_SMTP_Password", "hush"),
            ],
            &[],
        )
        .unwrap();
        let shown = layers.show();
        assert!(
            !shown.contains("hush") && !shown.contains("hu:sh"),
            "{shown}"
        );
        assert!(
            shown.contains("mongodb://me:********@a,b/log?w=1&"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_shown_is_itself_a_configuration() {
        let shown = build("data_dir = \"C:\\\\data\"", &[], &[]).unwrap().show();
        let again = build(&shown, &[], &[]).unwrap();
        assert_eq!(again.get("data_dir").unwrap().value, "C:\\data");
        assert_eq!(again.get("port").unwrap().value, "3000");
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert_eq!(
            build("", &[("PORT", "")], &[])
                .unwrap()
                .get("port")
                .unwrap()
                .value,
            "3000"
        );
    }
}
