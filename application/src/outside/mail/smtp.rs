//! Sends mail over SMTP. The settings are read for every mail, so that changes take effect at once; connections are
//! kept as long as the settings stay the same.

use std::net::IpAddr;
use std::time::Duration;

use domain::settings::{Settings, keys};
use futures::future::BoxFuture;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use parking_lot::Mutex;
use projections::Views;
use url::Url;

use super::compose::compose;
use super::{Mail, Mailer, SendError};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Longest wait for any single answer of a mail server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time that sending one mail may take, whatever the server does.
const PATIENCE: Duration = Duration::from_mins(2);

const CONNECTIONS: u32 = 4;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Everything is sent in the clear.
    None,
    /// With STARTTLS if the server offers it.
    Offered,
    /// With STARTTLS, or no mail at all.
    Required,
    /// TLS from the first byte.
    Immediate,
}

/// A mail server, and how to connect to it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Name or address.
    pub host: String,
    /// `None`: the usual one.
    pub port: Option<u16>,
    /// Whether and when the connection uses TLS.
    pub encryption: Encryption,
    /// User name and password, if the server wants them.
    pub credentials: Option<(String, String)>,
    /// Whether to keep connections for the next mail.
    pub pool: bool,
    /// Connect to exactly this address instead of looking the host up: it was checked.
    pub address: Option<IpAddr>,
}

impl std::fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

/// The error for a text that is no address of a mail server. Does not repeat the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must look like smtp://user:password@mail.example.org:587")]
pub struct NotAMailUrl;

impl SmtpServer {
    /// The server of `MAIL_URL`: `smtp://` or `smtps://`, optionally with `?ignoreTLS=true`, `requireTLS=true` or
    /// `pool=false`.
    pub fn from_url(text: &str) -> Result<Self, NotAMailUrl> {
        let url = Url::parse(text.trim_ascii()).map_err(|_| NotAMailUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(NotAMailUrl)?.trim_matches(['[', ']']).to_owned();
        let option = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| matches!(&*value, "true" | "1" | ""))
        };
        let decoded = |text: &str| percent_decoded(text).ok_or(NotAMailUrl);
        let credentials = match (url.username(), url.password()) {
            ("", _) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        let ignore = option("ignoreTLS").unwrap_or(false);
        let encryption = match url.scheme() {
            "smtps" => Encryption::Immediate,
            "smtp" if option("requireTLS").unwrap_or(false) => Encryption::Required,
            "smtp" => starttls(ignore, credentials.is_some()),
            _ => return Err(NotAMailUrl),
        };
        Ok(Self {
            host,
            port: url.port(),
            encryption,
            credentials,
            pool: option("pool").unwrap_or(true),
            address: None,
        })
    }

    /// The server in the settings; `None` if they name none.
    pub fn from_settings(settings: &Settings) -> Option<Self> {
        let text = |key| settings.text(key).trim_ascii();
        let host = Some(text(keys::SMTP_HOST)).filter(|host| !host.is_empty())?;
        let user = Some(text(keys::SMTP_USERNAME)).filter(|user| !user.is_empty());
        let credentials = user.map(|user| {
            let password = settings.text(keys::SMTP_PASSWORD);
            (user.to_owned(), password.to_owned())
        });
        let encryption = if text(keys::SMTP_PROTOCOL) == "smtps" {
            Encryption::Immediate
        } else {
            starttls(settings.bool(keys::SMTP_IGNORE_TLS), credentials.is_some())
        };
        Some(Self {
            host: host.to_owned(),
            port: text(keys::SMTP_PORT).parse().ok(),
            encryption,
            credentials,
            pool: settings.bool(keys::SMTP_POOL),
            address: None,
        })
    }

    fn builder(&self) -> Result<AsyncSmtpTransportBuilder, Error> {
        let parameters = || TlsParameters::new(self.host.clone());
        let (tls, port) = match self.encryption {
            Encryption::None => (Tls::None, 25),
            Encryption::Offered => (Tls::Opportunistic(parameters()?), 25),
            Encryption::Required => (Tls::Required(parameters()?), 587),
            Encryption::Immediate => (Tls::Wrapper(parameters()?), 465),
        };
        let connect_to = self
            .address
            .map_or_else(|| self.host.clone(), |address| address.to_string());
        let mut builder = Transport::builder_dangerous(connect_to)
            .port(self.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(builder)
    }
}

/// The encryption that protects a password: it is sent only if nobody else can read it. `secure`: TLS from the first
/// byte.
pub const fn for_account(secure: bool, with_password: bool) -> Encryption {
    if secure {
        Encryption::Immediate
    } else {
        starttls(false, with_password)
    }
}

/// A password is not sent in the clear only because somebody on the way hid that the server offers STARTTLS.
const fn starttls(ignore: bool, with_password: bool) -> Encryption {
    match (ignore, with_password) {
        (true, _) => Encryption::None,
        (false, true) => Encryption::Required,
        (false, false) => Encryption::Offered,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Sends mail through the server of `MAIL_URL`, or else the one in the settings.
pub struct SmtpMailer {
    views: Views,
    fixed: Option<SmtpServer>,
    /// Sends nothing, whatever is configured.
    shut: bool,
    /// The connections, and the server they lead to.
    open: Mutex<Option<(SmtpServer, Transport)>>,
}

impl SmtpMailer {
    /// Sends through `fixed`, or else through the server in the settings at the time.
    pub fn new(views: Views, fixed: Option<SmtpServer>) -> Self {
        Self {
            views,
            fixed,
            shut: false,
            open: Mutex::default(),
        }
    }

    /// The same, which sends nothing: as if no mail server were configured.
    #[must_use]
    pub fn shut(self) -> Self {
        Self { shut: true, ..self }
    }

    fn server(&self) -> Option<SmtpServer> {
        match &self.fixed {
            _ if self.shut => None,
            Some(server) => Some(server.clone()),
            None => SmtpServer::from_settings(&self.views.settings()),
        }
    }

    /// Connections to `server`: the open ones, or new ones.
    fn transport(&self, server: &SmtpServer) -> Result<Transport, SendError> {
        let mut open = self.open.lock();
        if let Some((known, transport)) = open.as_ref().filter(|_| server.pool)
            && known == server
        {
            return Ok(transport.clone());
        }
        let builder = server.builder().map_err(|error| trouble(&error))?;
        let transport: Transport = builder.build();
        *open = server.pool.then(|| (server.clone(), transport.clone()));
        Ok(transport)
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), SendError> {
        let server = self.server().ok_or(SendError::NotConfigured)?;
        deliver(mail, &self.transport(&server)?, server.pool).await
    }
}

async fn deliver(mail: &Mail, transport: &Transport, keep: bool) -> Result<(), SendError> {
    let message = compose(mail)?;
    let outcome = tokio::time::timeout(PATIENCE, transport.send(message)).await;
    if !keep {
        transport.shutdown().await;
    }
    match outcome {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(trouble(&error)),
        Err(_) => Err(SendError::Unreachable("it does not answer".to_owned())),
    }
}

/// Sends one mail through a server that is not the workspace's.
pub async fn send_through(server: &SmtpServer, mail: &Mail) -> Result<(), SendError> {
    let transport: Transport = server.builder().map_err(|error| trouble(&error))?.build();
    deliver(mail, &transport, false).await
}

impl Mailer for SmtpMailer {
    fn is_configured(&self) -> bool {
        self.server().is_some()
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.deliver(mail))
    }
}

/// What an error of the transport means for the mail. The texts of servers are not repeated: they often quote
/// addresses.
fn trouble(error: &Error) -> SendError {
    let unreachable = |why: String| SendError::Unreachable(why);
    match error.status().map(u16::from) {
        // The server does not let us in; that is about us and not about the mail.
        Some(code @ (421 | 432 | 454 | 530 | 534 | 535 | 538)) => {
            unreachable(format!("it does not let us in ({code})"))
        }
        Some(code) if error.is_permanent() => SendError::Refused { code },
        Some(code) => SendError::Deferred { code },
        None if error.is_tls() => unreachable(format!("no trusted connection ({error})")),
        None => unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(url: &str) -> SmtpServer {
        SmtpServer::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_mail_url_says_where_and_how() {
        let server = parsed("smtp://me%40example.org:p%3Ass@mail.example.org:2525");
        assert_eq!(
            (server.host.as_str(), server.port, server.encryption),
            ("mail.example.org", Some(2525), Encryption::Required)
        );
        assert_eq!(
            server.credentials,
            Some(("me@example.org".to_owned(), "p:ss".to_owned()))
        );
        assert!(server.pool);
        assert_eq!(parsed("smtp://relay").encryption, Encryption::Offered);
        assert_eq!(
            parsed("smtp://relay?ignoreTLS=true").encryption,
            Encryption::None
        );
        assert_eq!(
            parsed("smtp://relay/?requireTLS=true&pool=false").encryption,
            Encryption::Required
        );
        assert_eq!(parsed("smtps://relay").encryption, Encryption::Immediate);
        assert_eq!(parsed("smtp://[::1]:25").host, "::1");
    }

    #[test]
    fn what_is_no_mail_url() {
        for text in [
            "",
            "mail.example.org",
            "http://x",
            "smtp://",
            "smtp://%zz@h",
        ] {
            assert_eq!(SmtpServer::from_url(text), Err(NotAMailUrl), "{text}");
        }
        let secret = parsed("smtp://me:hush@relay");
        assert!(!format!("{secret:?}").contains("hush"));
    }

    #[test]
    fn the_settings_say_where_and_how() {
        let mut settings = Settings::default();
        assert_eq!(SmtpServer::from_settings(&settings), None);
        settings.set("SMTP_Host", json!(" relay "));
        let server = SmtpServer::from_settings(&settings);
        assert_eq!(
            server.as_ref().map(|server| server.encryption),
            Some(Encryption::None),
            "SMTP_IgnoreTLS is on by default"
        );
        settings.set("SMTP_IgnoreTLS", json!(false));
        settings.set("SMTP_Username", json!("me"));
        settings.set("SMTP_Port", json!("587"));
        let server = SmtpServer::from_settings(&settings).expect("a server");
        assert_eq!(
            (server.encryption, server.port),
            (Encryption::Required, Some(587))
        );
        settings.set("SMTP_Protocol", json!("smtps"));
        let server = SmtpServer::from_settings(&settings).expect("a server");
        assert_eq!(server.encryption, Encryption::Immediate);
    }
}
