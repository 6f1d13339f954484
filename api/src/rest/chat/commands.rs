//! Commands that people type after a slash: which there are, and running them (contract, messages 7).

use application::chat::room_access::RoomAccess;
use application::ids::fresh_id;
use domain::{MessageId, RoomId};
use serde_json::{Map, Value};

use crate::documents::commands::{COMMANDS, Described, find};
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::command_form::{self, Sent};
use crate::http::page::Page;
use crate::http::parameters::{Document, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("commands.get", get)
            .about("One command that can be typed after a slash.")
            .answers(&[("command", Kind::Object)]),
        route::get("commands.list", list)
            .about("The commands that can be typed after a slash.")
            .answers(paged!("commands")),
        route::post("commands.run", run)
            .about("Does what a command does. What there is to say about it, the caller is told in the room."),
        route::get("commands.preview", preview)
            .about("What a command would do, for those that can tell. None can."),
        route::post("commands.preview", run_preview)
            .about("Does what a command proposed. None proposes anything."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Named {
    command: Loose<String>,
}

async fn get(_: Call, Named { command }: Named) -> Outcome {
    let name = command.text().ok_or_else(wording::command_param_missing)?;
    let command = find(name).ok_or_else(|| wording::no_such_command(name))?;
    Ok(Answer::empty().field("command", &command.document()))
}

async fn list(call: Call, page: Page) -> Outcome {
    let page = call.page(&page)?;
    let commands = COMMANDS.iter().map(Described::document).collect();
    let (commands, total) = page.select(commands, "command");
    Ok(Answer::empty()
        .field("commands", &commands)
        .field("count", &commands.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

#[derive(Parameters)]
#[params(open)]
struct Typed {
    command: Loose<String>,
    params: Loose<Document>,
    room_id: Loose<String>,
    tmid: Loose<String>,
    _trigger_id: Loose<String>,
}

/// A command that there is, where the caller may type it.
struct Wanted {
    command: &'static Described,
    place: RoomAccess,
    sent: Sent,
}

/// What is said of a text that has to be one, if it is there.
fn text(value: Option<Value>, otherwise: fn() -> ApiError) -> Result<Option<String>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(otherwise()),
    }
}

impl Typed {
    /// `item`: what of the rest of the request is to be said before the command is looked at.
    async fn wanted(self, call: &Call, item: Result<(), ApiError>) -> Result<Wanted, ApiError> {
        let name = self.command.text().ok_or_else(wording::command_missing)?;
        let params = text(self.params.value, wording::command_params_no_text)?;
        let room = self.room_id.text();
        let room = room.ok_or_else(wording::command_room_missing)?;
        let thread = text(self.tmid.value, wording::command_thread_no_text)?;
        item?;
        let command = find(name).ok_or_else(wording::command_unknown)?;
        let place = command_form::place(&call.state, &call.caller, &RoomId::new(room)).await?;
        let place = place.ok_or_else(wording::forbidden)?;
        let thread = thread.filter(|thread| !thread.is_empty());
        let thread = thread.map(MessageId::new);
        if let Some(thread) = &thread {
            let message = call.state.views().message(thread).await?;
            if message.is_none_or(|message| message.room != place.room.id) {
                return Err(wording::command_in_no_thread());
            }
        }
        let sent = Sent {
            text: params.unwrap_or_default(),
            id: Some(MessageId::new(fresh_id())),
            thread,
        };
        Ok(Wanted {
            command,
            place,
            sent,
        })
    }
}

async fn run(call: Call, typed: Typed) -> Outcome {
    let Wanted {
        command,
        place,
        sent,
    } = typed.wanted(&call, Ok(())).await?;
    command_form::run(&call.state, &call.caller, &place, command.command, sent).await?;
    Ok(Answer::empty())
}

async fn preview(call: Call, typed: Typed) -> Outcome {
    typed.wanted(&call, Ok(())).await?;
    Err(wording::no_command_previews())
}

#[derive(Parameters)]
#[params(open)]
struct Chosen {
    #[param(flatten)]
    typed: Typed,
    preview_item: Loose<Map<String, Value>>,
}

/// An item that was proposed has an id, a type and a value.
fn is_item(item: Option<&Value>) -> Result<(), ApiError> {
    let item = item.ok_or_else(wording::preview_item_missing)?;
    let is_there = |name: &&str| item[name].as_str().is_some_and(|text| !text.is_empty());
    let whole = ["id", "type"].iter().all(is_there) && !item["value"].is_null();
    whole
        .then_some(())
        .ok_or_else(wording::preview_item_malformed)
}

async fn run_preview(call: Call, chosen: Chosen) -> Outcome {
    let item = is_item(chosen.preview_item.value.as_ref());
    chosen.typed.wanted(&call, item).await?;
    Err(wording::no_command_previews())
}
