//! What is behind a link, as far as the page itself or a provider tells (contract, messages 2.2 and 4.4). Only what
//! users may reach is asked ([`super::fetch`]), and less than that where the settings say so.

mod cache;
pub mod html;
mod oembed;
pub mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::message::{ParsedUrl, Preview, PreviewHeaders};
use domain::settings::{Settings, keys};
use parking_lot::Mutex;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use serde_json::{Map, Value};

use self::cache::Cache;
use self::oembed::{PROVIDERS, Provider};
use crate::outside::fetch::{FetchError, Fetched, Fetcher, Limits, Outgoing, Rule};

/// What looking at a page may cost; what is longer is cut.
const LIMITS: Limits = Limits {
    bytes: 250_000,
    time: Duration::from_secs(8),
};

/// The longest header that is kept, in bytes.
const LONGEST_HEADER: usize = 256;

/// What was found behind a link.
struct Found {
    meta: Map<String, Value>,
    headers: Option<PreviewHeaders>,
}

/// Finds out what is behind links.
pub struct Unfurler {
    /// Reaches what users may reach.
    fetcher: Fetcher,
    /// Reaches what the settings leave of that; made again only if they change.
    narrowed: Mutex<Option<(Rule, Fetcher)>>,
    providers: &'static [Provider],
    /// The version that pages are told.
    version: String,
    cache: Cache<Found>,
}

impl Unfurler {
    /// One that tells pages that this version asks.
    pub fn new(fetcher: Fetcher, version: String) -> Self {
        Self {
            fetcher,
            narrowed: Mutex::default(),
            providers: PROVIDERS,
            version,
            cache: Cache::default(),
        }
    }

    /// What is behind a link. Nothing is known of what does not exist, does not answer or must not be asked.
    pub async fn preview(&self, settings: &Settings, link: &str) -> Preview {
        let unknown = unknown(link);
        let fetcher = self.narrowed(settings);
        let Some(mut page) = web_address(link) else {
            return unknown;
        };
        if !settings.bool(keys::API_EMBED) || !fetcher.may_ask(link) {
            return unknown;
        }
        page.set_fragment(None);
        let agent = self.agent(settings);
        let found = self
            .cache
            .of(page.as_str(), rules::lifetime(settings), || {
                self.look_up(&fetcher, &page, &agent)
            })
            .await;
        match found {
            Some(found) => Preview {
                meta: found.meta.clone(),
                headers: found.headers.clone(),
                ..unknown
            },
            None => unknown,
        }
    }

    /// Forgets what was found.
    pub fn forget(&self) {
        self.cache.clear();
    }

    fn narrowed(&self, settings: &Settings) -> Fetcher {
        let rule = rules::reach(settings);
        let mut kept = self.narrowed.lock();
        match &*kept {
            Some((of, fetcher)) if *of == rule => fetcher.clone(),
            _ => {
                let fetcher = self.fetcher.narrowed(rule.clone());
                *kept = Some((rule, fetcher.clone()));
                fetcher
            }
        }
    }

    /// What pages are told of who asks.
    fn agent(&self, settings: &Settings) -> HeaderMap {
        let own = settings.text(keys::API_EMBED_USER_AGENT);
        let agent = HeaderValue::try_from(format!("{own} Rocket.Chat/{}", self.version));
        agent
            .map(|agent| (header::USER_AGENT, agent))
            .into_iter()
            .collect()
    }

    async fn look_up(&self, fetcher: &Fetcher, page: &Url, agent: &HeaderMap) -> Option<Found> {
        if let Some(endpoint) = oembed::endpoint(self.providers, page)
            && let Some(found) = ask_provider(fetcher, &endpoint, page, agent).await
        {
            return Some(found);
        }
        let fetched = ask(fetcher, page, agent, is_page).await?;
        let charset = text_of(&fetched.headers, &header::CONTENT_TYPE);
        let charset = charset.as_deref().and_then(html::charset);
        let tags = html::head(&fetched.body, charset).into_iter();
        let own = tags.filter(|(name, _)| name != rules::HTML);
        Some(Found {
            meta: rules::kept(own.map(|(name, value)| (name, value.into())).collect()),
            headers: Some(PreviewHeaders {
                content_type: text_of(&fetched.headers, &header::CONTENT_TYPE),
                content_length: text_of(&fetched.headers, &header::CONTENT_LENGTH),
            }),
        })
    }
}

/// What a provider says about a link. Who is no provider, but is redirected to, is not trusted as one.
async fn ask_provider(
    fetcher: &Fetcher,
    endpoint: &Url,
    page: &Url,
    agent: &HeaderMap,
) -> Option<Found> {
    let fetched = ask(fetcher, endpoint, agent, is_plain).await?;
    let from = Url::parse(&fetched.url).ok()?;
    if from.origin() != endpoint.origin() {
        return None;
    }
    Some(Found {
        meta: rules::kept(oembed::fields(&fetched.body, page)?),
        headers: None,
    })
}

/// The answer of a page, if it is a success.
async fn ask(
    fetcher: &Fetcher,
    page: &Url,
    agent: &HeaderMap,
    wanted: fn(StatusCode, &HeaderMap) -> bool,
) -> Option<Fetched> {
    let request = Outgoing {
        headers: agent.clone(),
        ..Outgoing::get(page.as_str())
    };
    let fetched = fetcher.fetch_beginning(request, LIMITS, wanted).await;
    fetched
        .inspect_err(|error| match error {
            // Not a word about what nobody may reach.
            FetchError::Forbidden(_) | FetchError::Shut => {}
            _ => tracing::debug!(%error, "there is no preview of a link"),
        })
        .ok()
        .filter(|fetched| fetched.status == StatusCode::OK)
}

/// Whether the body is as it is: nothing is unpacked.
fn is_plain(status: StatusCode, headers: &HeaderMap) -> bool {
    let packed = headers.get(header::CONTENT_ENCODING);
    status == StatusCode::OK && packed.is_none_or(|how| how == "identity")
}

/// Whether the body is a page. Of pictures, sounds and films the headers say enough.
fn is_page(status: StatusCode, headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.unwrap_or_default().split(|byte| *byte == b';').next();
    let kind = kind.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    is_plain(status, headers) && matches!(&*kind, b"" | b"text/html" | b"application/xhtml+xml")
}

/// A header, if it is text and not too long.
fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= LONGEST_HEADER).then(|| rules::without_controls(value))
}

/// A link that leads into the web; `None`: it leads elsewhere.
pub fn web_address(link: &str) -> Option<Url> {
    let url = Url::parse(link).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// A link of which nothing is known but how it is written.
pub fn unknown(link: &str) -> Preview {
    Preview {
        url: link.to_owned(),
        meta: Map::new(),
        headers: None,
        parsed: web_address(link).as_ref().map(parsed),
    }
}

fn parsed(url: &Url) -> ParsedUrl {
    let hostname = url.host_str().map(str::to_owned);
    let port = url.port().map(|port| port.to_string());
    let host = match (&hostname, &port) {
        (Some(hostname), Some(port)) => Some(format!("{hostname}:{port}")),
        _ => hostname.clone(),
    };
    ParsedUrl {
        host,
        fragment: url.fragment().map(|fragment| format!("#{fragment}")),
        pathname: Some(url.path().to_owned()),
        protocol: Some(format!("{}:", url.scheme())),
        port,
        query: url.query().map(str::to_owned),
        search: url.query().map(|query| format!("?{query}")),
        hostname,
    }
}

/// Whether anything is known of where a link leads.
pub fn tells_something(preview: &Preview) -> bool {
    !preview.meta.is_empty() || preview.headers.is_some()
}
