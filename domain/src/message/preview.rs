//! What is known of a page that a message links to (contract, messages 2.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a link leads, as far as it was found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The link, as the message has it.
    pub url: String,
    /// What the page says about itself, by the names of the wire (`ogTitle`, `pageTitle`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    /// What the server of the page says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<PreviewHeaders>,
    /// The link, taken apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parsed: Option<ParsedUrl>,
}

/// Headers of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct PreviewHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// In bytes, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_length: Option<String>,
}

/// The parts of a link; what it does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct ParsedUrl {
    /// With the port.
    pub host: Option<String>,
    pub hash: Option<String>,
    pub pathname: Option<String>,
    /// With its colon.
    pub protocol: Option<String>,
    pub port: Option<String>,
    /// Without the question mark.
    pub query: Option<String>,
    /// With the question mark.
    pub search: Option<String>,
    pub hostname: Option<String>,
}
