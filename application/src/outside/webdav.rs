//! Files on WebDAV servers of users (RFC 4918; contract, admin 13.1). Requests reach only the servers that users may
//! reach ([`crate::outside::fetch`]), and have limits of size and time.

mod listing;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

pub use listing::{Entry, EntryKind};

use crate::outside::fetch::{FetchError, Fetched, Fetcher, Limits, Outgoing};

/// What queries about files may cost.
const ASKING: Limits = Limits {
    bytes: 8 * 1024 * 1024,
    time: Duration::from_secs(20),
};

/// How long the transfer of a whole file may take; less than a request to this server may.
const MOVING: Duration = Duration::from_secs(50);

/// The properties that a listing is asked for.
const PROPERTIES: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getlastmodified/>"#,
    "<getcontentlength/><getcontenttype/><getetag/></prop></propfind>"
);

/// Why an operation on a WebDAV server failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebdavError {
    /// Not the address of a WebDAV server, or not the path of a file.
    #[error("not an address")]
    InvalidAddress,
    /// The request itself failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It answered, but not with success.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// Its answer is no listing.
    #[error("the server answered no listing: {0}")]
    Malformed(String),
}

/// How to log in, in the clear.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// User name and password.
    Password(&'a str, &'a str),
    /// A token, or the JSON answer of an authorisation server.
    Token(&'a str),
}

impl Credentials<'_> {
    fn header(self) -> Result<HeaderValue, WebdavError> {
        /// The answer of an authorisation server (RFC 6749, 5.1).
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
        }
        let text = match self {
            Self::Password(user, password) => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Token(token) => match serde_json::from_str::<Granted>(token) {
                Ok(granted) => format!("Bearer {}", granted.access_token),
                Err(_) => format!("Bearer {token}"),
            },
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| WebdavError::InvalidAddress)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// One account on a WebDAV server.
pub struct Webdav<'a> {
    fetcher: &'a Fetcher,
    root: Url,
    authorization: HeaderValue,
}

impl<'a> Webdav<'a> {
    /// The account at that address. No request is made yet.
    pub fn new(
        fetcher: &'a Fetcher,
        address: &str,
        credentials: Credentials<'_>,
    ) -> Result<Self, WebdavError> {
        let mut root = Url::parse(address).map_err(|_| WebdavError::InvalidAddress)?;
        // A password in an address would be shown along with it.
        let plain = root.username().is_empty() && root.password().is_none();
        if !plain || root.cannot_be_a_base() {
            return Err(WebdavError::InvalidAddress);
        }
        root.set_query(None);
        root.set_fragment(None);
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        Ok(Self {
            fetcher,
            root,
            authorization: credentials.header()?,
        })
    }

    /// Returns `Ok` if the server lets the account in.
    pub async fn check(&self) -> Result<(), WebdavError> {
        self.properties(self.root.clone(), "0").await.map(drop)
    }

    /// The entries of a folder, in the server's order.
    pub async fn list(&self, folder: &str) -> Result<Vec<Entry>, WebdavError> {
        let mut url = self.url(folder)?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let entries = self.properties(url.clone(), "1").await?;
        let own = listing::path_below(&self.root, url.path());
        Ok(entries
            .into_iter()
            .filter(|entry| Some(&entry.filename) != own.as_ref())
            .collect())
    }

    /// The bytes of a file; at most `most`.
    pub async fn read(&self, file: &str, most: usize) -> Result<Bytes, WebdavError> {
        if file.is_empty() || file.ends_with('/') {
            return Err(WebdavError::InvalidAddress);
        }
        let limits = Limits {
            bytes: most,
            time: MOVING,
        };
        let url = self.url(file)?;
        let fetched = self
            .send(Method::GET, url, &[], Bytes::new(), limits)
            .await?;
        match fetched.status {
            StatusCode::OK => Ok(fetched.body),
            other => Err(WebdavError::Status(other)),
        }
    }

    /// Makes a folder, unless it exists.
    pub async fn make_folder(&self, folder: &str) -> Result<(), WebdavError> {
        let url = self.url(&format!("{folder}/"))?;
        let made = self
            .send(method("MKCOL")?, url, &[], Bytes::new(), ASKING)
            .await?;
        match made.status {
            // Something with that name exists (RFC 4918, 9.3.1).
            StatusCode::METHOD_NOT_ALLOWED => Ok(()),
            status if status.is_success() => Ok(()),
            other => Err(WebdavError::Status(other)),
        }
    }

    /// Writes a file that does not exist yet; [`StatusCode::PRECONDITION_FAILED`] if it does.
    pub async fn write_new(&self, file: &str, bytes: Bytes) -> Result<(), WebdavError> {
        let limits = Limits {
            time: MOVING,
            ..ASKING
        };
        let new = [(header::IF_NONE_MATCH, HeaderValue::from_static("*"))];
        let url = self.url(file)?;
        let written = self.send(Method::PUT, url, &new, bytes, limits).await?;
        if written.status.is_success() {
            Ok(())
        } else {
            Err(WebdavError::Status(written.status))
        }
    }

    async fn properties(&self, url: Url, depth: &'static str) -> Result<Vec<Entry>, WebdavError> {
        let headers = [
            (
                header::HeaderName::from_static("depth"),
                HeaderValue::from_static(depth),
            ),
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/xml; charset=utf-8"),
            ),
        ];
        let asked = Bytes::from_static(PROPERTIES.as_bytes());
        let answer = self
            .send(method("PROPFIND")?, url, &headers, asked, ASKING)
            .await?;
        if answer.status != StatusCode::MULTI_STATUS {
            return Err(WebdavError::Status(answer.status));
        }
        let text = str::from_utf8(&answer.body)
            .map_err(|error| WebdavError::Malformed(error.to_string()))?;
        listing::read(text, &self.root)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        more: &[(header::HeaderName, HeaderValue)],
        body: Bytes,
        limits: Limits,
    ) -> Result<Fetched, WebdavError> {
        let mut headers: HeaderMap = more.iter().cloned().collect();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        let request = Outgoing {
            method,
            url: url.into(),
            headers,
            body,
        };
        Ok(self.fetcher.fetch(request, limits).await?)
    }

    /// The address of a path below that of the account. No path leads out of there.
    fn url(&self, path: &str) -> Result<Url, WebdavError> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(WebdavError::InvalidAddress);
        }
        let mut url = self.root.clone();
        url.path_segments_mut()
            .map_err(|()| WebdavError::InvalidAddress)?
            .pop_if_empty()
            .extend(parts)
            .extend(path.ends_with('/').then_some(""));
        Ok(url)
    }
}

fn method(name: &str) -> Result<Method, WebdavError> {
    Method::from_bytes(name.as_bytes()).map_err(|_| WebdavError::InvalidAddress)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account<'a>(fetcher: &'a Fetcher, address: &str) -> Result<Webdav<'a>, WebdavError> {
        Webdav::new(fetcher, address, Credentials::Password("ann", "secret"))
    }

    #[tokio::test]
    async fn paths_stay_below_the_address() {
        let fetcher = Fetcher::new(crate::outside::fetch::AllowList::default());
        let account = account(&fetcher, "https://dav.example.org/remote.php/dav?x#y").unwrap();
        for (path, url) in [
            ("/", "https://dav.example.org/remote.php/dav/"),
            ("", "https://dav.example.org/remote.php/dav"),
            (
                "/a b/c%?#.txt",
                "https://dav.example.org/remote.php/dav/a%20b/c%25%3F%23.txt",
            ),
            (
                "//evil.example.org/x",
                "https://dav.example.org/remote.php/dav/evil.example.org/x",
            ),
            ("folder/", "https://dav.example.org/remote.php/dav/folder/"),
        ] {
            assert_eq!(account.url(path).unwrap().as_str(), url, "{path}");
        }
        for path in ["..", "/../../admin", "a/./b"] {
            assert_eq!(
                account.url(path),
                Err(WebdavError::InvalidAddress),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn addresses_have_no_passwords_in_them() {
        let fetcher = Fetcher::new(crate::outside::fetch::AllowList::default());
        for address in [
            "",
            "dav",
            "mailto:x",
            "https://a:b@dav.example.org",
            "https://a@b",
        ] {
            assert!(account(&fetcher, address).is_err(), "{address}");
        }
    }

    #[test]
    fn tokens_come_plain_or_as_they_were_granted() {
        let header = |credentials: Credentials<'_>| credentials.header().unwrap();
        assert_eq!(header(Credentials::Token("abc")), "Bearer abc");
        let granted = r#"{"token_type":"bearer","access_token":"xyz"}"#;
        assert_eq!(header(Credentials::Token(granted)), "Bearer xyz");
        assert_eq!(
            header(Credentials::Password("Aladdin", "open sesame")),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert!(header(Credentials::Token("abc")).is_sensitive());
        assert!(Credentials::Token("a\nb").header().is_err());
    }
}
