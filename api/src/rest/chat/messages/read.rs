//! Reading messages by their ids.

use std::collections::HashSet;

use domain::MessageId;

use crate::documents::messages::{all_shown, one_shown};
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::message_form::found;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.getMessage", get)
            .about("One message.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.getMessages", get_many)
            .about(
                "Several messages, by their ids. Those that the caller may not read are left out.",
            )
            .answers(&[("messages", Kind::List)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    msg_id: Option<MessageId>,
}

async fn get(call: Call, Get { msg_id }: Get) -> Outcome {
    let id = msg_id.ok_or_else(wording::msg_id_query_missing)?;
    let (record, place) = found(&call.state, &call.caller, &id)
        .await?
        .ok_or(ApiError::Bare)?;
    if !place.can_read(&call.caller) {
        return Err(wording::reading_not_allowed());
    }
    let doc = one_shown(&call.state, &call.caller, record.doc).await?;
    Ok(Answer::with_capacity(doc.len() + 16).raw("message", &doc))
}

/// Messages that one call may ask for.
const MOST: usize = 100;

#[derive(Parameters)]
#[params(open)]
struct GetMany {
    /// Ids.
    messages: Option<Vec<String>>,
    /// Another name for it.
    msg_ids: Option<Vec<String>>,
    message_ids: Option<Vec<String>>,
}

/// `chat.getMessages`. In the order in which they were asked for, each once.
async fn get_many(call: Call, wanted: GetMany) -> Outcome {
    let ids = wanted.msg_ids.or(wanted.message_ids).or(wanted.messages);
    let ids = ids.ok_or_else(|| wording::match_missing("msgIds"))?;
    if ids.len() > MOST {
        return Err(wording::too_many_messages(MOST));
    }
    let mut docs = Vec::with_capacity(ids.len());
    let mut seen = HashSet::new();
    for id in ids.iter().filter(|id| seen.insert(*id)) {
        let record = found(&call.state, &call.caller, &MessageId::new(&**id)).await?;
        let readable = record.filter(|(_, place)| place.can_read(&call.caller));
        docs.extend(readable.map(|(record, _)| record.doc));
    }
    let docs = all_shown(&call.state, &call.caller, docs).await?;
    Ok(Answer::empty().raw_list("messages", &docs))
}
