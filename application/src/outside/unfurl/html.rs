//! What the head of a page says about the page: a pure function of its bytes.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{Readable, Tokenizer};

/// As much of a page as is searched for its encoding (the standard of HTML asks for that much).
const ENCODING_WITHIN: usize = 1024;

/// Tags and the title, in order of appearance, by their names of the wire (`og:title` is `ogTitle`).
pub type Tags = Vec<(String, String)>;

/// The name that the title goes by.
pub const TITLE: &str = "pageTitle";

/// The tags and the title in the head of a page. `charset` is the encoding that its server states.
pub fn head(page: &[u8], charset: Option<&str>) -> Tags {
    let text = decoded(page, charset);
    let mut tags = Tags::new();
    let mut title: Option<String> = None;
    for token in tokens(&*text) {
        match (token, &mut title) {
            (Token::StartTag(tag), _) => match &**tag.name {
                b"meta" => tags.extend(meta(&tag)),
                b"title" => title = Some(String::new()),
                b"body" => break,
                _ => {}
            },
            (Token::String(part), Some(title)) => title.push_str(&lossy(&part)),
            (Token::EndTag(tag), _) => match &**tag.name {
                b"title" => tags.extend(title.take().map(|title| (TITLE.to_owned(), title))),
                b"head" => break,
                _ => {}
            },
            _ => {}
        }
    }
    tags
}

/// The tokens of a page. What is in a script or a style sheet is no tag.
fn tokens<'a, T: Readable<'a>>(page: T) -> impl Iterator<Item = Token> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(page, emitter).map_while(Result::ok)
}

/// The name and the value that a tag gives.
fn meta(tag: &StartTag<()>) -> Option<(String, String)> {
    let name = attribute(tag, b"property").or_else(|| attribute(tag, b"name"))?;
    Some((camel_case(&name), attribute(tag, b"content")?))
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> Option<String> {
    tag.attributes.get(name).map(|value| lossy(value))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `twitter:image_src` as `twitterImageSrc`. Words begin after what is neither letter nor digit, and with a capital
/// after a small letter.
pub fn camel_case(name: &str) -> String {
    let mut cased = String::with_capacity(name.len());
    let (mut begins, mut before) = (false, ' ');
    for letter in name.chars() {
        begins |= before.is_lowercase() && letter.is_uppercase();
        before = letter;
        if !letter.is_alphanumeric() {
            begins = !cased.is_empty();
        } else if std::mem::take(&mut begins) {
            cased.extend(letter.to_uppercase());
        } else {
            cased.extend(letter.to_lowercase());
        }
    }
    cased
}

/// A page as text. A byte order mark wins, then the server, then the page itself.
fn decoded<'a>(page: &'a [u8], charset: Option<&str>) -> std::borrow::Cow<'a, str> {
    let stated = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding = stated.or_else(|| own_encoding(page)).unwrap_or_else(|| {
        match str::from_utf8(page) {
            // Cut in the middle of a letter, at most.
            Ok(_) => UTF_8,
            Err(error) if error.error_len().is_none() => UTF_8,
            Err(_) => WINDOWS_1252,
        }
    });
    encoding.decode(page).0
}

/// The encoding that a page states itself, in letters of ASCII.
fn own_encoding(page: &[u8]) -> Option<&'static Encoding> {
    let begin = &page[..page.len().min(ENCODING_WITHIN)];
    let found = tokens(begin).find_map(|token| match token {
        Token::StartTag(tag) if &**tag.name == b"meta" => {
            let stated = attribute(&tag, b"charset").or_else(|| {
                let equivalent = attribute(&tag, b"http-equiv")?;
                let content = attribute(&tag, b"content")?;
                let is_type = equivalent.eq_ignore_ascii_case("content-type");
                is_type.then(|| charset(&content))?.map(str::to_owned)
            })?;
            Encoding::for_label(stated.as_bytes())
        }
        _ => None,
    })?;
    // Whoever could read that does not read UTF-16.
    Some(found.output_encoding())
}

/// The encoding in a media type (`text/html; charset=utf-8`).
pub fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tags(page: &str) -> Vec<String> {
        let tags = head(page.as_bytes(), None);
        tags.into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn the_head_says_what_a_page_is() {
        for (page, expected) in [
            ("", &[][..]),
            ("<title>A &amp; B</title>", &["pageTitle=A & B"]),
            ("<TITLE\n>A<b>B</TITLE >", &["pageTitle=A<b>B"]),
            ("<title>never closed", &[]),
            (
                "<meta property='og:title' content='A \"x\"'><meta content=B name=description>",
                &["ogTitle=A \"x\"", "description=B"],
            ),
            (
                "<meta property=og:image:secure_url content=https://x/?a=1&amp;b=2>",
                &["ogImageSecureUrl=https://x/?a=1&b=2"],
            ),
            (
                "<meta content='a>b' name='twitter:title'/>",
                &["twitterTitle=a>b"],
            ),
            ("<meta name=x><meta content=y><meta>", &[]),
            (
                "<script>document.write('<title>S</title><meta name=a content=b>')</script><title>T</title>",
                &["pageTitle=T"],
            ),
            ("<style><title>S</title></style>", &[]),
            (
                "<!-- <title>C</title> --><title>T</title>",
                &["pageTitle=T"],
            ),
            ("</head><title>late</title>", &[]),
            ("<body><meta name=title content=late>", &[]),
            (
                "<title><script>alert(1)</script></title>",
                &["pageTitle=<script>alert(1)</script>"],
            ),
        ] {
            assert_eq!(tags(page), expected, "{page}");
        }
    }

    #[test]
    fn names_are_written_as_the_wire_has_them() {
        for (name, cased) in [
            ("og:title", "ogTitle"),
            ("og:image:secure_url", "ogImageSecureUrl"),
            ("description", "description"),
            ("Description", "description"),
            ("pageTitle", "pageTitle"),
            ("msapplication-TileImage", "msapplicationTileImage"),
            (
                "twitter:player:stream:content_type",
                "twitterPlayerStreamContentType",
            ),
            ("DC.title", "dcTitle"),
            ("og:image:0", "ogImage0"),
            (":og:", "og"),
            ("", ""),
        ] {
            assert_eq!(camel_case(name), cased, "{name}");
        }
    }

    #[test]
    fn pages_are_read_in_their_encoding() {
        let latin = b"<title>caf\xe9</title>";
        let stated = b"<meta charset=windows-1251><title>\xcf\xf0\xe8\xe2\xe5\xf2</title>";
        let equivalent = b"<meta http-equiv=Content-Type content='text/html; charset=\"koi8-r\"'><title>\xf0</title>";
        let utf16 = b"\xff\xfe<\0t\0i\0t\0l\0e\0>\0h\0i\0<\0/\0t\0i\0t\0l\0e\0>\0";
        for (page, charset, title) in [
            ("<title>café</title>".as_bytes(), None, "café"),
            (latin, None, "café"),
            (latin, Some("iso-8859-1"), "café"),
            (latin, Some("no-such"), "café"),
            (stated, None, "Привет"),
            (equivalent, None, "П"),
            (utf16, Some("utf-8"), "hi"),
            (b"<meta charset=utf-16><title>x</title>", None, "x"),
            (b"<title>caf\xe9</title>", Some("utf-8"), "caf\u{fffd}"),
            // Cut in the middle of a letter.
            (b"<title>caf\xc3\xa9</title>\xc3", None, "café"),
        ] {
            let found = head(page, charset);
            let found = found.iter().find(|(name, _)| name == TITLE);
            let found = found.map(|(_, title)| &**title);
            assert_eq!(
                found,
                Some(title),
                "{:?} {charset:?}",
                page.escape_ascii().to_string()
            );
        }
    }

    proptest! {
        #[test]
        fn no_page_breaks_the_reader(page in r#"(<|>|/|=|"|'|!|-|&|#|;| |meta|title|script|head|name|content|charset|a|\x00|é){0,60}"#) {
            head(page.as_bytes(), None);
        }

        #[test]
        fn nor_do_bytes(page in proptest::collection::vec(any::<u8>(), 0..200)) {
            head(&page, None);
            head(&page, Some("utf-16"));
        }
    }
}
