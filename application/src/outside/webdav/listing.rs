//! The answer of a WebDAV server to `PROPFIND` (RFC 4918, 14.16), in the form that clients of chat servers expect.

use percent_encoding::percent_decode_str;
use reqwest::Url;
use roxmltree::{Document, Node, ParsingOptions};
use serde::Serialize;

use super::WebdavError;

/// The namespace of everything that counts.
const DAV: &str = "DAV:";

/// The most XML nodes in one listing.
const MOST_NODES: u32 = 400_000;

/// What an entry of a listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum EntryKind {
    File,
    Directory,
}

/// A file or folder in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its path below the address of the account, with a slash in front and none at the end.
    pub filename: String,
    /// The last part of `filename`.
    pub basename: String,
    /// When it was last changed, as the server writes it; empty if it does not.
    pub lastmod: String,
    /// In bytes.
    pub size: u64,
    /// On the wire `type`: `file` or `directory`.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Differs between versions of the file.
    pub etag: Option<String>,
    /// Media type, as the server states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
}

pub(super) fn read(text: &str, root: &Url) -> Result<Vec<Entry>, WebdavError> {
    let malformed = |error: roxmltree::Error| WebdavError::Malformed(error.to_string());
    let options = ParsingOptions {
        // Listings of files need no entities of their own.
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(malformed)?;
    let listing = document.root_element();
    if !listing.has_tag_name((DAV, "multistatus")) {
        return Err(WebdavError::Malformed("no multistatus".to_owned()));
    }
    Ok(children(listing, "response")
        .filter_map(|response| entry(response, root))
        .collect())
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.has_tag_name((DAV, name)))
}

fn text<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    let text = children(node, name).next()?.text()?.trim();
    (!text.is_empty()).then_some(text)
}

/// One response; `None`: it is about something that is not below the address, or has no properties.
fn entry(response: Node<'_, '_>, root: &Url) -> Option<Entry> {
    let href = root.join(text(response, "href")?).ok()?;
    let filename = path_below(root, href.path())?;
    let found = |status: &str| status.split_whitespace().nth(1) == Some("200");
    let properties = children(response, "propstat")
        .find(|part| text(*part, "status").is_some_and(found))
        .and_then(|part| children(part, "prop").next())?;
    let is_folder = children(properties, "resourcetype")
        .any(|kind| children(kind, "collection").next().is_some());
    let property = |name| text(properties, name).map(str::to_owned);
    Some(Entry {
        basename: filename.rsplit('/').next().unwrap_or_default().to_owned(),
        filename,
        lastmod: property("getlastmodified").unwrap_or_default(),
        size: property("getcontentlength")
            .and_then(|size| size.parse().ok())
            .unwrap_or(0),
        kind: if is_folder {
            EntryKind::Directory
        } else {
            EntryKind::File
        },
        etag: property("getetag").map(|etag| etag.trim_matches('"').to_owned()),
        mime: property("getcontenttype").filter(|_| !is_folder),
    })
}

/// The decoded path, relative to the address of the account; `None`: it is not below it.
pub(super) fn path_below(root: &Url, path: &str) -> Option<String> {
    let decoded = |path: &str| -> Option<String> {
        let text = percent_decode_str(path.trim_end_matches('/')).decode_utf8();
        Some(text.ok()?.into_owned())
    };
    let (root, path) = (decoded(root.path())?, decoded(path)?);
    let below = path.strip_prefix(&root)?;
    match below {
        "" => Some("/".to_owned()),
        below => below.starts_with('/').then(|| below.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Url {
        Url::parse("https://dav.example.org/dav/ann/").unwrap()
    }

    #[test]
    fn a_listing_is_read_whatever_its_prefixes() {
        let text = r#"<?xml version="1.0"?>
<d:multistatus xmlns:d="DAV:" xmlns:x="urn:x">
 <d:response><d:href>/dav/ann/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop>
  <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
 <d:response><d:href>https://dav.example.org/dav/ann/a%20%26%20b.txt</d:href>
  <d:propstat><d:prop><x:quota>1</x:quota></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>
  <d:propstat><d:prop><d:resourcetype/><d:getcontentlength>12</d:getcontentlength><d:getetag>"e&amp;1"</d:getetag>
   <d:getlastmodified>Tue, 01 Jul 2025 00:00:00 GMT</d:getlastmodified><d:getcontenttype>text/plain</d:getcontenttype>
   </d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
 <d:response><d:href>/etc/passwd</d:href><d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
 <d:response><d:href>/dav/anna/x</d:href><d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
</d:multistatus>"#;
        let entries = read(text, &root()).unwrap();
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert_eq!(
            (entries[0].filename.as_str(), entries[0].kind),
            ("/", EntryKind::Directory)
        );
        let file = Entry {
            filename: "/a & b.txt".to_owned(),
            basename: "a & b.txt".to_owned(),
            lastmod: "Tue, 01 Jul 2025 00:00:00 GMT".to_owned(),
            size: 12,
            kind: EntryKind::File,
            etag: Some("e&1".to_owned()),
            mime: Some("text/plain".to_owned()),
        };
        assert_eq!(entries[1], file);
    }

    #[test]
    fn what_is_no_listing() {
        for text in [
            "",
            "<html/>",
            "<multistatus/>",
            "<multistatus xmlns='DAV:'>",
            "<!DOCTYPE m [<!ENTITY e 'x'>]><multistatus xmlns='DAV:'>&e;</multistatus>",
        ] {
            let outcome = read(text, &root());
            assert!(
                matches!(outcome, Err(WebdavError::Malformed(_))),
                "{text}: {outcome:?}"
            );
        }
    }
}
