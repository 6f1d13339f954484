//! What an error of the driver means for the log, and how to speak of it without giving secrets away.

use std::sync::Arc;

use ::mongodb::error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, WriteFailure};

/// What to do about an error. The text is for people and free of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another writer was faster: try again at once.
    Contended(String),
    /// Something unique (an event id, a position, a version) is there already.
    Duplicate(String),
    /// The server is not there, or cannot take writes now: try again later.
    Away(String),
    /// The server will not do this, however often it is asked.
    Refused(String),
    /// The log ends before an event that it is known to have.
    Behind,
    /// This log was closed.
    Closed,
}

impl Failure {
    /// The text for people.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Contended(text)
            | Self::Duplicate(text)
            | Self::Away(text)
            | Self::Refused(text) => text,
            Self::Behind => "the log ends before an event it had acknowledged",
            Self::Closed => "the log is closed",
        }
    }
}

const DUPLICATE_KEY: i32 = 11_000;
const NO_SUCH_TRANSACTION: i32 = 251;
const WRITE_CONFLICT: i32 = 112;
/// Another node has ended the session, or an administrator the operation.
const INTERRUPTED: i32 = 11_601;

/// Codes of a server that is stopping, changing its role, cut off, out of disk, or does not let us in (which an
/// operator may mend while we run): `HostUnreachable`, `HostNotFound`, `Unauthorized`, `AuthenticationFailed`,
/// `MaxTimeMSExpired`, `WriteConcernFailed`, `NetworkTimeout`, `ShutdownInProgress`, `UnsatisfiableWriteConcern`,
/// `ReadConcernMajorityNotAvailableYet`, `PrimarySteppedDown`, `ExceededTimeLimit`, `SocketException`,
/// `NotWritablePrimary`, `InterruptedAtShutdown`, `InterruptedDueToReplStateChange`, `NotPrimaryNoSecondaryOk`,
/// `NotPrimaryOrSecondary`, `OutOfDiskSpace`.
const AWAY: &[i32] = &[
    6, 7, 13, 18, 50, 64, 89, 91, 100, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436,
    14_031,
];

/// Codes of a cursor that the server has given up; reading goes on with a new one: `CursorNotFound`,
/// `CursorKilled`, `QueryPlanKilled`, `SnapshotTooOld`.
const CURSOR_GONE: &[i32] = &[43, 237, 175, 239];

/// Takes the password out of what is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Censor {
    secrets: Arc<[String]>,
}

impl Censor {
    /// For everything said about a connection to `url`.
    pub(super) fn for_url(url: &str) -> Self {
        let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        // The last `@` before the hosts end; an unescaped `@` in the password only makes the secret longer.
        let authority = after_scheme.split(['/', '?']).next().unwrap_or_default();
        let user_info = authority
            .rsplit_once('@')
            .or_else(|| after_scheme.rsplit_once('@'))
            .map(|(info, _)| info);
        let password = user_info
            .and_then(|info| info.split_once(':'))
            .map(|(_, password)| password);
        let mut secrets: Vec<String> = password
            .filter(|password| !password.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect();
        if let Some(decoded) = secrets.first().map(|secret| percent_decoded(secret)) {
            secrets.push(decoded);
        }
        Self {
            secrets: secrets.into(),
        }
    }

    /// `text` without the password.
    pub(super) fn clean(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "***")
        })
    }

    /// Sorts an error of the driver by what to do about it.
    pub(super) fn failure(&self, error: &Error) -> Failure {
        let text = self.clean(&describe(error));
        if matches!(*error.kind, ErrorKind::Shutdown) {
            return Failure::Closed;
        }
        let transient = error.contains_label(TRANSIENT_TRANSACTION_ERROR);
        match code(error) {
            Some(DUPLICATE_KEY) => Failure::Duplicate(text),
            Some(code) if AWAY.contains(&code) || CURSOR_GONE.contains(&code) => {
                Failure::Away(text)
            }
            Some(WRITE_CONFLICT | NO_SUCH_TRANSACTION | INTERRUPTED) => Failure::Contended(text),
            None if is_about_the_connection(&error.kind) => Failure::Away(text),
            _ if transient => Failure::Contended(text),
            _ => Failure::Refused(text),
        }
    }
}

/// The server's error code, if the server answered at all.
fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => match (&error.write_errors, &error.write_concern_error) {
            (Some(errors), _) if !errors.is_empty() => errors.first().map(|error| error.code),
            (_, concern) => concern.as_ref().map(|error| error.code),
        },
        _ => None,
    }
}

fn is_about_the_connection(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Authentication { .. }
            | ErrorKind::InvalidResponse { .. }
            | ErrorKind::Internal { .. }
            | ErrorKind::SessionsNotSupported
    )
}

/// The driver prints a whole list of write errors with their documents; the first message is what helps.
fn describe(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::InsertMany(many) => match many.write_errors.as_deref() {
            Some([first, ..]) => format!("{} (code {})", first.message, first.code),
            _ => error.kind.to_string(),
        },
        kind => kind.to_string(),
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let hex = text
            .get(index + 1..index + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let escaped = hex.filter(|_| byte == b'%');
        decoded.push(escaped.unwrap_or(byte));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_taken_out_of_what_is_said() {
        let censor = Censor::for_url("mongodb://bot:s%3Acret@host:27017/db?replicaSet=rs0");
        assert_eq!(
            censor.clean("bot used s%3Acret, that is s:cret"),
            "bot used ***, that is ***"
        );
        assert_eq!(Censor::for_url("mongodb://host/db").clean("host"), "host");
        assert_eq!(
            Censor::for_url("mongodb://bot:@host/db").clean("host"),
            "host"
        );
        assert_eq!(
            Censor::for_url("mongodb://bot:a/b@c@host/db").clean("a/b@c"),
            "***"
        );
    }

    #[test]
    fn errors_are_sorted_by_what_to_do_about_them() {
        let censor = Censor::default();
        let io = Error::from(std::io::Error::other("gone"));
        assert!(matches!(censor.failure(&io), Failure::Away(_)));
        assert!(matches!(
            censor.failure(&Error::custom("odd")),
            Failure::Refused(_)
        ));
    }
}
