//! What the configuration says to the parts that a server is made of.

use std::net::SocketAddr;
use std::time::Duration;

use application::workspace::{AdminAccount, SettingPolicy, WorkspaceConfig};
use eventstore::OpenError;
use eventstore::vault::{Vault, VaultError};

use crate::server::config::Config;
use crate::server::data_dir::DataDir;
use crate::state::DoorConfig;

/// What a request that waited has left for its answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(5);

/// SQLite keeps to itself why the system refuses to write, such as that the disk is full; the folder says it.
pub(super) fn with_cause(error: OpenError, folder: &DataDir) -> OpenError {
    match (error, folder.refuses_writing()) {
        (OpenError::Unavailable(text), Some(why)) => {
            OpenError::Unavailable(format!("{text}; the data folder cannot be written: {why}"))
        }
        (error, _) => error,
    }
}

pub(super) fn open_vault(config: &Config, folder: &DataDir) -> Result<Vault, VaultError> {
    match &config.secret_key {
        Some(key) => Vault::from_text(key.reveal()),
        None => Vault::from_file(&folder.secret_key()),
    }
}

pub(super) fn door_config(config: &Config) -> DoorConfig {
    DoorConfig {
        announced_version: config.announced_version.clone(),
        body_limit: config.body_limit,
        create_tokens_for_users: config.create_tokens_for_users,
        longest_wait: config.request_timeout.saturating_sub(TIME_TO_ANSWER),
    }
}

pub(super) fn workspace_config(config: &Config, address: SocketAddr) -> WorkspaceConfig {
    let admin = config.admin_pass.as_ref().map(|password| AdminAccount {
        username: config
            .admin_username
            .clone()
            .unwrap_or_else(|| "admin".to_owned()),
        password: password.reveal().to_owned(),
        email: config.admin_email.clone(),
    });
    WorkspaceConfig {
        site_url: public_url(config, address),
        fetch_allow: config.fetch_allow.clone(),
        announced_version: config.announced_version.clone(),
        name_servers: config.name_servers.clone(),
        max_sessions: config.max_sessions,
        password_queue: config.password_queue,
        test_mode: config.test_mode,
        admin,
        mail_server: config.mail_server.clone(),
        settings: SettingPolicy {
            first: config.first_settings.clone().into_iter().collect(),
            blocked: config.settings_blocked.clone(),
            hidden: config.settings_hidden.clone(),
            overrides: config.setting_overrides.clone().into_iter().collect(),
        },
        exports: None,
        sandbox: config.sandbox.clone(),
    }
}

/// Where people reach the server; with port 0 only the system knows the port.
pub(super) fn public_url(config: &Config, address: SocketAddr) -> String {
    config
        .root_url
        .clone()
        .unwrap_or_else(|| format!("http://localhost:{}", address.port()))
}
