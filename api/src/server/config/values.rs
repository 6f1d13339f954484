//! What the values of keys look like. Errors say what was given, if that is no secret.

use std::time::Duration;

use application::outside::mail::SmtpServer;
use projections::Spacing;

use crate::server::config::Secret;

pub(super) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(value.to_owned())
    }
}

/// Setting ids, separated by commas.
#[expect(clippy::unnecessary_wraps, reason = "every parser may fail")]
pub(super) fn ids(value: &str) -> Result<Vec<String>, String> {
    Ok(value
        .split(',')
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect())
}

pub(super) fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{value}` is neither true nor false")),
    }
}

pub(super) fn count(value: &str) -> Result<usize, String> {
    match value.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number as usize),
        _ => Err(format!("`{value}` is not a whole number above 0")),
    }
}

pub(super) fn spacing(value: &str) -> Result<Spacing, String> {
    let (least, most) = (Spacing::RANGE.start(), Spacing::RANGE.end());
    let spacing = value.parse().ok().and_then(Spacing::new);
    spacing.ok_or_else(|| format!("`{value}` is not a whole number from {least} to {most}"))
}

/// Number and unit, e.g. `30s`.
fn quantity(value: &str) -> Option<(u32, &str)> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    Some((value[..digits].parse().ok()?, value[digits..].trim()))
}

pub(super) fn time(value: &str) -> Result<Duration, String> {
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

pub(super) fn size(value: &str) -> Result<usize, String> {
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
pub(super) fn version(value: &str) -> Result<String, String> {
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

pub(super) fn root_url(value: &str) -> Result<String, String> {
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

pub(super) fn mongo_url(value: &str) -> Result<Secret, String> {
    // The value may hold a password, so the error does not repeat it.
    if value.starts_with("mongodb://") || value.starts_with("mongodb+srv://") {
        Ok(Secret::new(value))
    } else {
        Err("must start with mongodb:// or mongodb+srv://".to_owned())
    }
}

pub(super) fn mail_url(value: &str) -> Result<SmtpServer, String> {
    SmtpServer::from_url(value).map_err(|problem| problem.to_string())
}

pub(super) fn log_filter(value: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(value)
        .map(|_| value.to_owned())
        .map_err(|error| format!("`{value}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(time("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(size("3 KB"), Ok(3072));
        assert!(size("x").is_err() && time("é").is_err() && time("").is_err());
    }
}
