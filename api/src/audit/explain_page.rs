//! What came of a request, as people read it at a terminal.

use application::record::explain::{Audience, Explanation, Step, Update};
use application::record::harmless::harmless;

use crate::audit::page::{Page, moment, name};

/// What no event tells, and where it may stand.
const NOT_RECORDED: &str = "\
not recorded: the door, the route and what else was sent; mail and requests to other servers that the events led to.
The server's log lines have the path under the id of the request, as far as it writes them (RUST_LOG).";

/// The story of a request.
pub fn explanation(told: &Explanation) -> String {
    let mut page = Page::default();
    page.line(format_args!("request {}", told.request.0));
    let callers: Vec<String> = told.callers.iter().map(name).collect();
    if !callers.is_empty() {
        page.line(format_args!("made by {}", callers.join(", ")));
    }
    for step in &told.steps {
        self::step(&mut page, step);
    }
    if let Some(cut) = told.cut {
        let request = told.request.0;
        page.title("there is more");
        page.line(format_args!(
            "  The rest: hansard log --correlation {request} --after {cut}"
        ));
    }
    page.title(NOT_RECORDED);
    page.text()
}

fn step(page: &mut Page, step: &Step) {
    let event = &step.entry.event;
    let at = moment(event.position, event.recorded_at);
    let event_type = &event.event_type;
    page.title(&format!("{at}  {event_type}"));
    page.line(format_args!("  {}", step.entry.sentence));
    match (step.because_of, event.causation_id) {
        (Some(position), _) => page.line(format_args!("  because of position {position}")),
        (None, Some(_)) => page.line(format_args!("  because of an event that is not shown")),
        (None, None) => {}
    }
    page.line(format_args!(
        "  written to views: {}",
        step.views.join(", ")
    ));
    for update in &step.updates {
        page.line(format_args!("  live update: {}", line(update)));
    }
}

fn line(update: &Update) -> String {
    let to = match &update.to {
        Audience::Room(_, called) => format!("everybody who watched {}", harmless(called)),
        Audience::User(user) => name(user),
        Audience::Workspace => "everybody who was logged in".to_owned(),
    };
    let except = update.except.as_ref();
    let except = except.map_or_else(String::new, |user| format!(" but {}", name(user)));
    format!("{} to {to}{except}", update.kind)
}
