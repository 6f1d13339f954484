//! Who has read a message.

use application::chat::receipts;
use application::error::{Error, Refusal};
use domain::MessageId;

use crate::documents::receipts::receipt;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Part, cut};
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.getMessageReadReceipts", of_message)
            .about("Who has read a message, the first reader first; nobody, unless the workspace notes it.")
            .answers(&[("receipts", Kind::List)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct OfMessage {
    message_id: Loose<String>,
    #[param(flatten)]
    part: Part,
}

async fn of_message(call: Call, params: OfMessage) -> Outcome {
    let id = params.message_id.text().filter(|id| !id.is_empty());
    let id = MessageId::new(id.ok_or_else(wording::receipts_message_id_missing)?);
    let read = receipts::of_message(&call.state, &call.caller, &id).await;
    let (room, read) = read.map_err(|error| match error {
        Error::Refused(Refusal::NoMessageWithReceipts) => {
            wording::no_message_with_receipts_as_text()
        }
        Error::Refused(Refusal::ReceiptsNotShown) => wording::receipts_not_shown_as_text(),
        error => ApiError::from(error),
    })?;
    // Clients that page stop when a page is short; those that do not want all.
    let slice = params.part.slice_or_all(&call.state.views().settings());
    let shown = cut(read, slice);
    let shown: Vec<_> = shown.iter().map(|read| receipt(&id, &room, read)).collect();
    Ok(Answer::empty().field("receipts", &shown))
}
