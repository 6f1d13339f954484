//! User names and e-mail addresses (contract, conventions 6.1 and 6.3).

use std::collections::HashSet;
use std::sync::LazyLock;

use super::UserRefusal;
use crate::limits::{self, is_longer};
use crate::pattern::{NamePattern, listed};
use crate::settings::{Settings, keys};
use crate::text;

/// Domains where anybody can get an address for a few minutes.
static DISPOSABLE: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("disposable.txt").lines().collect());

/// Whether somebody may be called that. Whether the name is free is not known here: names are claimed
/// ([`crate::claim`]).
pub fn check_username(username: &str, settings: &Settings) -> Result<(), UserRefusal> {
    check_spelling(username, settings)?;
    let kept = [
        keys::ACCOUNTS_BLOCKED_USERNAME_LIST,
        keys::ACCOUNTS_SYSTEM_BLOCKED_USERNAME_LIST,
    ];
    if stands_for_many(username)
        || kept
            .iter()
            .any(|list| listed(settings.text(*list), username))
    {
        return Err(UserRefusal::BlockedUsername {
            username: username.to_owned(),
        });
    }
    Ok(())
}

/// Whether whoever runs the server may call somebody that. Reserved names, such as `admin`, are allowed too.
pub fn check_appointed_username(username: &str, settings: &Settings) -> Result<(), UserRefusal> {
    check_spelling(username, settings)?;
    if stands_for_many(username) {
        return Err(UserRefusal::BlockedUsername {
            username: username.to_owned(),
        });
    }
    Ok(())
}

/// Whether a message that names it calls a whole room.
fn stands_for_many(username: &str) -> bool {
    listed("all,here", username)
}

fn check_spelling(username: &str, settings: &Settings) -> Result<(), UserRefusal> {
    if text::is_blank(username) {
        return Err(UserRefusal::UsernameRequired);
    }
    if is_longer(username, limits::USERNAME) || !NamePattern::of_users(settings).matches(username) {
        return Err(UserRefusal::InvalidUsername {
            username: text::cut(username, limits::USERNAME).to_owned(),
        });
    }
    Ok(())
}

/// What would end an address in a header of a mail, or in a list.
fn ends_an_address(one: char) -> bool {
    one.is_control() || one.is_whitespace() || matches!(one, '<' | '>' | ',' | ';')
}

/// Whether it is an address people may sign up with. Whether its domain has a mail server is not known here.
pub fn check_email(address: &str, settings: &Settings) -> Result<(), UserRefusal> {
    let domain = match address.split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && address.len() <= limits::EMAIL
                && !address.contains(ends_an_address) =>
        {
            domain
        }
        _ => {
            return Err(UserRefusal::InvalidEmail {
                address: text::cut(address, limits::EMAIL).to_owned(),
            });
        }
    };
    let allowed = settings.text(keys::ACCOUNTS_ALLOWED_DOMAINS_LIST);
    if !text::trim(allowed).is_empty() && !listed(allowed, domain) {
        return Err(UserRefusal::DomainNotAllowed {
            domain: domain.to_owned(),
        });
    }
    let disposable = settings.bool(keys::ACCOUNTS_USE_DEFAULT_BLOCKED_DOMAINS_LIST)
        && DISPOSABLE.contains(domain.to_lowercase().as_str());
    if disposable || listed(settings.text(keys::ACCOUNTS_BLOCKED_DOMAINS_LIST), domain) {
        return Err(UserRefusal::DomainBlocked {
            domain: domain.to_owned(),
        });
    }
    Ok(())
}
