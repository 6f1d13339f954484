//! Providers that tell what may be shown in place of a link to them (<https://oembed.com>), and are trusted with what
//! clients then show as a part of their page.

use reqwest::Url;
use serde_json::{Map, Value};

use super::html::camel_case;

/// Who is asked about which links.
pub struct Provider {
    /// The links are to these hosts, and those below them.
    pub hosts: &'static [&'static str],
    /// What the paths of the links have in them.
    pub path: &'static str,
    /// The address that is asked.
    pub endpoint: &'static str,
}

const fn provider(hosts: &'static [&'static str], endpoint: &'static str) -> Provider {
    Provider {
        hosts,
        path: "/",
        endpoint,
    }
}

/// The providers of the contract (messages 4.4); Rdio is no more.
pub const PROVIDERS: &[Provider] = &[
    provider(&["soundcloud.com"], "https://soundcloud.com/oembed"),
    provider(&["vimeo.com"], "https://vimeo.com/api/oembed.json"),
    provider(
        &["youtube.com", "youtu.be"],
        "https://www.youtube.com/oembed",
    ),
    provider(
        &["slideshare.net"],
        "https://www.slideshare.net/api/oembed/2",
    ),
    provider(
        &["dailymotion.com", "dai.ly"],
        "https://www.dailymotion.com/services/oembed",
    ),
    Provider {
        path: "/status/",
        ..provider(
            &["twitter.com", "x.com"],
            "https://publish.twitter.com/oembed",
        )
    },
    provider(&["open.spotify.com"], "https://open.spotify.com/oembed"),
];

/// The address to ask about a link; `None`: it is to no provider.
pub fn endpoint(providers: &[Provider], link: &Url) -> Option<Url> {
    let host = link.host_str()?.trim_end_matches('.');
    let is_of = |name: &&str| {
        host.strip_suffix(name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let provider = providers
        .iter()
        .find(|one| one.hosts.iter().any(is_of) && link.path().contains(one.path))?;
    let asked = [("format", "json"), ("url", link.as_str())];
    Url::parse_with_params(provider.endpoint, asked).ok()
}

/// The fields of an answer by their names of the wire (`thumbnail_url` is `oembedThumbnailUrl`), with the link itself.
pub fn fields(answer: &[u8], link: &Url) -> Option<Vec<(String, Value)>> {
    let answer: Map<String, Value> = serde_json::from_slice(answer).ok()?;
    let own = ("oembedUrl".to_owned(), link.as_str().into());
    let told = answer
        .into_iter()
        .map(|(name, value)| (camel_case(&format!("oembed_{name}")), value));
    Some(std::iter::once(own).chain(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(link: &str) -> Option<String> {
        let link = link.parse().expect("an address");
        endpoint(PROVIDERS, &link).map(String::from)
    }

    #[test]
    fn providers_are_asked_about_links_to_them() {
        for (link, host) in [
            ("https://soundcloud.com/a/b", "soundcloud.com"),
            ("https://vimeo.com/1", "vimeo.com"),
            ("https://www.youtube.com/watch?v=1", "www.youtube.com"),
            ("http://youtu.be./1", "www.youtube.com"),
            ("https://www.slideshare.net/a/b", "www.slideshare.net"),
            ("https://dai.ly/x", "www.dailymotion.com"),
            ("https://twitter.com/a/status/1", "publish.twitter.com"),
            ("https://x.com/a/status/1", "publish.twitter.com"),
            ("https://open.spotify.com/track/1", "open.spotify.com"),
        ] {
            let asked = asked(link).and_then(|asked| Url::parse(&asked).ok());
            let asked = asked.as_ref().and_then(Url::host_str);
            assert_eq!(asked, Some(host), "{link}");
        }
        for link in [
            "https://example.org/",
            "https://notyoutube.com/watch?v=1",
            "https://youtube.com.example.org/",
            "https://twitter.com/about",
            "https://rdio.com/x",
        ] {
            assert_eq!(asked(link), None, "{link}");
        }
        assert_eq!(
            asked("https://vimeo.com/1?a=b&c#d").as_deref(),
            Some(
                "https://vimeo.com/api/oembed.json?format=json&url=https%3A%2F%2Fvimeo.com%2F1%3Fa%3Db%26c%23d"
            )
        );
    }

    #[test]
    fn answers_are_fields_by_their_names_of_the_wire() {
        let link: Url = "https://vimeo.com/1".parse().expect("an address");
        let answer = br#"{"title":"T","thumbnail_url":"https://x/y","html":"<iframe>","width":9}"#;
        let fields: Map<String, Value> =
            fields(answer, &link).expect("fields").into_iter().collect();
        let expected = json!({
            "oembedUrl": "https://vimeo.com/1",
            "oembedTitle": "T",
            "oembedThumbnailUrl": "https://x/y",
            "oembedHtml": "<iframe>",
            "oembedWidth": 9,
        });
        assert_eq!(Value::Object(fields), expected);
        assert!(super::fields(b"Not found", &link).is_none());
        assert!(super::fields(b"[1]", &link).is_none());
    }
}
