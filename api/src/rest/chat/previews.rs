//! What is behind links (contract, messages 6).

use application::chat::previews;
use domain::RoomId;
use domain::message::{ParsedUrl, Preview};
use serde_json::{Value, json};

use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Long, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.getURLPreview", preview)
            .about("What is behind a link, for somebody who writes in a room.")
            .answers(&[("urlPreview", Kind::Object)]),
    ]
}

#[derive(Parameters)]
struct Wanted {
    room_id: RoomId,
    url: Long<1>,
}

/// `chat.getURLPreview`.
async fn preview(
    call: Call,
    Wanted {
        room_id,
        url: Long(url),
    }: Wanted,
) -> Outcome {
    let preview = previews::of_link(&call.state, &call.caller, &room_id, &url).await?;
    Ok(Answer::empty().field("urlPreview", &document(preview)))
}

/// A preview as the wire has it.
fn document(preview: Preview) -> Value {
    let mut document = json!({
        "url": preview.url,
        "meta": preview.meta,
        "ignoreParse": false,
    });
    if let Some(headers) = preview.headers {
        let mut known = json!({});
        for (name, value) in [
            ("contentType", headers.content_type),
            ("contentLength", headers.content_length),
        ] {
            if let Some(value) = value {
                known[name] = value.into();
            }
        }
        document["headers"] = known;
    }
    if let Some(parsed) = preview.parsed {
        document["parsedUrl"] = parsed_url(&parsed);
    }
    document
}

fn parsed_url(parsed: &ParsedUrl) -> Value {
    json!({
        "host": parsed.host,
        "hash": parsed.fragment,
        "pathname": parsed.pathname,
        "protocol": parsed.protocol,
        "port": parsed.port,
        "query": parsed.query,
        "search": parsed.search,
        "hostname": parsed.hostname,
    })
}
