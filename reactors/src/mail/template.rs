//! Subjects and bodies with placeholders (contract, integrations 11): `{key}` is a text of ours, `[Name]` and
//! `__Name__` are values, whatever their case. Unknown placeholders stay.

use std::sync::{Arc, LazyLock};

use domain::text;
use regex::{Captures, Regex};

use super::wording;

/// How deep texts may contain texts.
const DEPTH: usize = 3;

#[expect(clippy::expect_used, reason = "a constant pattern, run by every test")]
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\{ ?(?<text>[A-Za-z][A-Za-z0-9_]*)(?: [^{}]*)?\}|\[(?<value>[A-Za-z_]+)\]|__(?<other>[A-Za-z]+(?:_[A-Za-z]+)*)__",
    )
    .expect("a pattern")
});

/// The values of one mail, by lower-case name.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<(String, Put)>);

/// What is put in the place of a value.
#[derive(Clone, Debug)]
enum Put {
    Text(String),
    /// May be long, and goes to many.
    Html(Arc<str>),
}

/// What the text becomes part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A header, or a body of plain text.
    Plain,
    /// Values are escaped.
    Html,
}

impl Values {
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_lowercase(), Put::Text(value.into())));
        self
    }

    /// Adds a value that is HTML already. Where there is only text, it is left out.
    #[must_use]
    pub fn with_html(mut self, name: &str, html: &str) -> Self {
        self.0.push((name.to_lowercase(), Put::Html(html.into())));
        self
    }

    /// Adds the name people go by, and its first and last part.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let name = text::trim(name);
        let first = text::words(name).next().unwrap_or_default();
        let last = text::words(name).skip(1).last().unwrap_or_default();
        self.with("name", name)
            .with("fname", first)
            .with("lname", last)
    }

    fn get(&self, name: &str) -> Option<&Put> {
        let name = name.to_lowercase();
        let found = self.0.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }
}

/// The template with everything filled in. Placeholders inside values are not filled in.
pub fn fill(template: &str, values: &Values, form: Form) -> String {
    fill_to(template, values, form, DEPTH)
}

fn fill_to(template: &str, values: &Values, form: Form, depth: usize) -> String {
    let one = |captures: &Captures<'_>| {
        let whole = || captures[0].to_owned();
        if let Some(key) = captures.name("text") {
            return match wording::text(key.as_str()).filter(|_| depth > 0) {
                Some(text) => fill_to(text, values, form, depth - 1),
                None => whole(),
            };
        }
        let name = captures.name("value").or_else(|| captures.name("other"));
        match name.and_then(|name| values.get(name.as_str())) {
            Some(Put::Text(value)) if form == Form::Html => {
                html_escape::encode_quoted_attribute(value).into_owned()
            }
            Some(Put::Html(html)) if form == Form::Html => html.to_string(),
            Some(Put::Text(value)) => value.to_owned(),
            Some(Put::Html(_)) => String::new(),
            None => whole(),
        }
    };
    PLACEHOLDER.replace_all(template, one).into_owned()
}

/// A page as text: tags are removed, links keep their address, the lines of quotations begin with a bracket.
pub fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let mut link: Option<(String, usize)> = None;
    let mut quote = 0;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        text.push_str(&collapsed(&rest[..start]));
        let tag = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        match (name.as_str(), tag.starts_with('/')) {
            ("style" | "script" | "title" | "head", false) => {
                let close = format!("</{name}");
                let at = rest.to_ascii_lowercase().find(&close);
                rest = at.map_or("", |at| &rest[at..]);
            }
            ("a", false) => link = attribute(tag, "href").map(|href| (href, text.len())),
            ("a", true) => {
                if let Some((href, from)) = link.take()
                    && text.get(from..).is_some_and(|label| label.trim() != href)
                {
                    text.push_str(": ");
                    text.push_str(&href);
                }
            }
            ("blockquote", false) => quote = text.len(),
            ("blockquote", true) => {
                let quoted = text.split_off(quote.min(text.len()));
                for line in quoted.lines() {
                    text.push_str("\n&gt; ");
                    text.push_str(line);
                }
                text.push('\n');
                quote = text.len();
            }
            ("br", _) | ("p" | "div" | "h1" | "h2" | "h3" | "li" | "tr" | "table", true) => {
                text.push('\n');
            }
            _ => {}
        }
    }
    text.push_str(&collapsed(rest));
    let decoded = html_escape::decode_html_entities(&text);
    let lines: Vec<&str> = decoded.lines().map(str::trim).collect();
    let mut tidy = String::new();
    for line in lines {
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy.trim_end().to_owned() + "\n"
}

/// White space between tags counts as one space.
fn collapsed(text: &str) -> String {
    let inner = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let edge = |there: bool| if there { " " } else { "" };
    if inner.is_empty() {
        return edge(!text.is_empty()).to_owned();
    }
    format!(
        "{}{inner}{}",
        edge(text.starts_with(char::is_whitespace)),
        edge(text.ends_with(char::is_whitespace))
    )
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let value = tag[start..].split('"').next()?;
    Some(html_escape::decode_html_entities(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::default()
            .named("Ada Augusta Lovelace")
            .with("Site_Name", "Our <Chat>")
            .with("Evil", "[name] {Login} __name__")
    }

    #[test]
    fn values_are_put_in_whatever_their_case() {
        let fill = |template: &str| fill(template, &values(), Form::Plain);
        assert_eq!(
            fill("[NAME], __fname__ [lName]!"),
            "Ada Augusta Lovelace, Ada Lovelace!"
        );
        assert_eq!(
            fill("[Unknown] __unknown__ {Unknown}"),
            "[Unknown] __unknown__ {Unknown}"
        );
        assert_eq!(
            fill("p { color: red } {color: red}"),
            "p { color: red } {color: red}"
        );
        assert_eq!(fill("{Welcome_to Site_Name}"), "Welcome to Our <Chat>");
    }

    #[test]
    fn values_are_escaped_in_pages_and_never_filled_in_again() {
        assert_eq!(
            fill("<b>[Site_Name]</b>", &values(), Form::Html),
            "<b>Our &lt;Chat&gt;</b>"
        );
        assert_eq!(
            fill("[Evil]", &values(), Form::Plain),
            "[name] {Login} __name__"
        );
        let quotes = Values::default().with("x", "\" onclick='y");
        let filled = fill("<a href=\"[x]\">", &quotes, Form::Html);
        assert!(!filled.contains("\" onclick"), "{filled}");
    }

    #[test]
    fn a_page_becomes_text_that_keeps_its_links() {
        let page = "<style>p { color: red }</style><h1>Hello</h1>\n  <p>You &amp; I<br>\n two  lines</p>\
                    <p><a class=\"b\" href=\"https://x/?a=1&amp;b=2\">Go</a></p><a href=\"https://y\">https://y</a>";
        assert_eq!(
            to_text(page),
            "Hello\nYou & I\ntwo lines\nGo: https://x/?a=1&b=2\nhttps://y\n"
        );
        assert_eq!(
            to_text("<p>Ada</p><blockquote>one<br>&gt; two</blockquote>rest</blockquote>"),
            "Ada\n\n> one\n> > two\n\n> rest\n"
        );
        for odd in [
            "",
            "<",
            "a < b",
            "<a href=\"",
            "</a></a>",
            "<style>never closed",
            "ä<b>ö",
        ] {
            let _ = to_text(odd);
        }
    }
}
