use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::outside::fetch::AllowList;

/// A site on this machine that answers by path, and not at all where it has no answer.
struct Site {
    address: SocketAddr,
    /// The heads of the requests so far.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start(answers: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heads = Arc::clone(&heads);
                tokio::spawn(async move {
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&request[..length]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    heads.lock().push(head);
                    let answer = answers.iter().find(|(start, _)| path.starts_with(start));
                    match answer {
                        Some((_, answer)) => drop(stream.write_all(answer.as_bytes()).await),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn link(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Settings that let it be asked.
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.set("API_EmbedIgnoredHosts", json!("localhost"));
        settings.set("API_EmbedSafePorts", json!(self.address.port().to_string()));
        settings
    }
}

fn unfurler() -> Unfurler {
    let allowed: AllowList = "127.0.0.1".parse().expect("a list");
    Unfurler::new(Fetcher::new(allowed), "8.5.0".to_owned())
}

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
    <title>Page</title><meta name='oembed:html' content='<b>own</b>'>";
const OEMBED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
    {\"title\": \"Film\", \"html\": \"<iframe></iframe>\"}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{\"title\": \"no\"}";

#[tokio::test]
async fn who_asks_is_told_and_one_link_is_asked_about_once() {
    let site = Site::start(&[("/", PAGE)]).await;
    let (unfurler, settings, link) = (unfurler(), site.settings(), site.link("/a"));
    let links = [link.clone(), format!("{link}#part"), link.clone()];
    let previews = links.iter().map(|link| unfurler.preview(&settings, link));
    for (preview, link) in futures::future::join_all(previews)
        .await
        .into_iter()
        .zip(&links)
    {
        assert_eq!(Value::Object(preview.meta), json!({"pageTitle": "Page"}));
        assert_eq!(&preview.url, link);
    }
    let asked = site.asked.lock().join("");
    assert_eq!(asked.matches("GET /a ").count(), 1, "{asked}");
    assert!(
        asked.contains("Safari/537.36 Rocket.Chat/8.5.0\r\n"),
        "{asked}"
    );
    unfurler.forget();
    unfurler.preview(&settings, &link).await;
    assert_eq!(site.asked.lock().len(), 2);
}

#[tokio::test]
async fn what_the_settings_forbid_is_not_asked_even_if_it_is_known() {
    let site = Site::start(&[("/", PAGE)]).await;
    let (unfurler, link) = (unfurler(), site.link("/a"));
    assert!(tells_something(
        &unfurler.preview(&site.settings(), &link).await
    ));
    for (id, value) in [
        ("API_Embed", json!(false)),
        ("API_EmbedIgnoredHosts", json!("127.0.0.1")),
        ("API_EmbedIgnoredHosts", json!("127.0.0.0/8")),
        ("API_EmbedSafePorts", json!("80, 443")),
        ("API_EmbedSafePorts", json!("")),
    ] {
        let mut settings = site.settings();
        settings.set(id, value.clone());
        let preview = unfurler.preview(&settings, &link).await;
        assert!(!tells_something(&preview), "{id}: {value}");
        assert!(preview.parsed.is_some());
    }
    // By its name it is the same host.
    let mut settings = site.settings();
    settings.set("API_EmbedIgnoredHosts", json!("127.0.0.0/8, ::1"));
    let named = link.replace("127.0.0.1", "localhost");
    let allowed: AllowList = "localhost 127.0.0.1".parse().expect("a list");
    let unfurler = Unfurler::new(Fetcher::new(allowed), String::new());
    assert!(!tells_something(&unfurler.preview(&settings, &named).await));
    assert_eq!(site.asked.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_not_waited_for() {
    let site = Site::start(&[]).await;
    let preview = unfurler().preview(&site.settings(), &site.link("/")).await;
    assert!(!tells_something(&preview));
}

#[tokio::test]
async fn providers_are_trusted_and_nobody_else() {
    let other = Site::start(&[("/", OEMBED)]).await;
    let away = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nConnection: close\r\n\r\n",
        other.link("/")
    );
    let answers: Vec<(&str, &str)> = vec![
        ("/known/oembed", OEMBED),
        ("/gone/oembed", NOT_FOUND),
        ("/away/oembed", away.leak()),
        ("/", PAGE),
    ];
    let site = Site::start(answers.leak()).await;
    let providers = ["/known/", "/gone/", "/away/"].map(|path| Provider {
        hosts: &["127.0.0.1"],
        path,
        endpoint: site.link(&format!("{path}oembed")).leak(),
    });
    let unfurler = Unfurler {
        providers: Vec::from(providers).leak(),
        ..unfurler()
    };
    let mut settings = site.settings();
    let ports = format!("{}, {}", site.address.port(), other.address.port());
    settings.set("API_EmbedSafePorts", json!(ports));
    let link = site.link("/known/1");
    let preview = unfurler.preview(&settings, &link).await;
    let known = json!({
        "oembedUrl": link,
        "oembedTitle": "Film",
        "oembedHtml": "<iframe></iframe>",
    });
    assert_eq!(
        (Value::Object(preview.meta), preview.headers),
        (known, None)
    );
    for path in ["/gone/1", "/away/1", "/elsewhere"] {
        let preview = unfurler.preview(&settings, &site.link(path)).await;
        assert_eq!(
            Value::Object(preview.meta),
            json!({"pageTitle": "Page"}),
            "{path}"
        );
    }
}

#[test]
fn links_are_taken_apart() {
    for (link, parts) in [
        (
            "https://example.org/a/b?c=d&e#f",
            [
                Some("example.org"),
                Some("#f"),
                Some("/a/b"),
                Some("https:"),
                None,
                Some("c=d&e"),
                Some("?c=d&e"),
                Some("example.org"),
            ],
        ),
        (
            "http://[::1]:8080",
            [
                Some("[::1]:8080"),
                None,
                Some("/"),
                Some("http:"),
                Some("8080"),
                None,
                None,
                Some("[::1]"),
            ],
        ),
    ] {
        let parsed = unknown(link).parsed.expect("parts");
        let found = [
            parsed.host,
            parsed.fragment,
            parsed.pathname,
            parsed.protocol,
            parsed.port,
            parsed.query,
            parsed.search,
            parsed.hostname,
        ];
        assert_eq!(found, parts.map(|part| part.map(str::to_owned)), "{link}");
    }
    for link in ["", "x", "mailto:a@b", "ftp://x/y", "javascript:x"] {
        assert_eq!(unknown(link).parsed, None, "{link}");
    }
}
