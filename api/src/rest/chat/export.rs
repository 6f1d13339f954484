//! Taking something out of a room: a stretch of it as a file, messages by mail (contract, rooms 13 `rooms.export`).

use application::record::room_exports::{MailWish, Source};
use domain::room_export::ExportFormat;
use domain::settings::keys;
use domain::{MessageId, RoomId, Timestamp};
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Filled, Param, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("rooms.export", export)
            .about("Makes a file of what was said in a room, or mails some of its messages.")
            .answers(&[("missing", Kind::List)]),
    ]
}

/// The room, by its id.
struct Rid(RoomId);

impl Param for Rid {
    const KIND: Kind = Kind::Text;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let room = Filled::read(value, name);
        let room = room.map_err(|_| wording::invalid_export())?;
        Ok(Self(RoomId::new(room.0)))
    }
}

/// How what is taken out leaves the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    File,
    Email,
}

impl Param for Way {
    const KIND: Kind = Kind::Enum(&["file", "email"]);

    fn read(value: Option<Value>, _: &'static str) -> Result<Self, ApiError> {
        match value.as_ref().and_then(Value::as_str) {
            Some("file") => Ok(Self::File),
            Some("email") => Ok(Self::Email),
            _ => Err(wording::invalid_export()),
        }
    }
}

#[derive(Parameters)]
#[params(open)]
struct Export {
    rid: Rid,
    #[param(name = "type")]
    way: Way,
    /// Of a file: `html` or `json`.
    format: Option<String>,
    /// Of a file: what was sent from then on.
    date_from: Option<Date>,
    /// Of a file: up to the end of this day (UTC).
    date_to: Option<Date>,
    /// Of a mail: user names.
    to_users: Option<Vec<String>>,
    /// Of a mail: addresses.
    to_emails: Option<Vec<String>>,
    subject: Option<String>,
    /// Of a mail: ids.
    messages: Option<Vec<String>>,
}

async fn export(call: Call, mut wish: Export) -> Outcome {
    let from = wish.date_from.take().map(point).transpose()?;
    let until = wish.date_to.take().map(point).transpose()?.map(end_of_day);
    let source = Source::of(&call.state, &call.caller, &wish.rid.0).await?;
    if wish.way == Way::Email {
        return mail(source, wish).await;
    }
    let format = match wish.format.as_deref() {
        Some("html") => ExportFormat::Html,
        Some("json") => ExportFormat::Json,
        _ => return Err(wording::invalid_export_format()),
    };
    // Nobody could fetch it.
    let settings = call.state.views().settings();
    if !settings.bool(keys::USER_DATA_ENABLE_DOWNLOAD) {
        return Err(wording::data_download_disabled());
    }
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        return Err(wording::invalid_export());
    }
    source.request(format, from, until).await?;
    Ok(Answer::empty())
}

async fn mail(source: Source<'_>, wish: Export) -> Outcome {
    let messages = wish.messages.unwrap_or_default().into_iter();
    let wish = MailWish {
        users: wish.to_users.unwrap_or_default(),
        addresses: wish.to_emails.unwrap_or_default(),
        subject: wish.subject,
        messages: messages.map(MessageId::new).collect(),
    };
    let missing = source.mail(wish).await?;
    Ok(Answer::empty().field("missing", &missing))
}

fn point(date: Date) -> Result<Timestamp, ApiError> {
    date.0.map_err(|_| wording::invalid_export())
}

/// The first moment after the day that a time is in.
fn end_of_day(at: Timestamp) -> Timestamp {
    let days = at.as_millis().div_euclid(DAY).saturating_add(1);
    Timestamp::from_millis(days.saturating_mul(DAY))
}
