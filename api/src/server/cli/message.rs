//! `hansard message` and `hansard readers`: one message on the record.

use application::record::message::AskedMessage;
use clap::{Arg, ArgMatches, Command};

use super::record::{of_pages, one, page, subject, text};
use crate::audit::page_wish::About;
use crate::server::control::Wanted;

pub(super) fn history() -> Command {
    Command::new("message")
        .about("Show every version of a message, and what became of it")
        .long_about(
            "Show every version of a message, with the time and the person of each change, reactions, and what became of it. \
             That it was read is recorded.",
        )
        .args(arguments())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md. \
             A moment that is not in the record is refused.\n\n\
             Examples:\n  hansard message 7dLPFvBm2uYGk3wZt\n  \
             hansard message 7dLPFvBm2uYGk3wZt --at 2026-11-01T12:00\n  \
             hansard message 7dLPFvBm2uYGk3wZt --format json | jq '.versions[0].text'",
        )
}

pub(super) fn readers() -> Command {
    Command::new("readers")
        .about("Show who could read a message when, and who had read it")
        .long_about(
            "Show who could read a message when, and the first event that shows that somebody had read it. That it was read is \
             recorded.",
        )
        .args(arguments())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md. \
             A moment that is not in the record is refused.\n\n\
             Examples:\n  hansard readers 7dLPFvBm2uYGk3wZt\n  \
             hansard readers 7dLPFvBm2uYGk3wZt --at 4711",
        )
}

fn arguments() -> Vec<Arg> {
    let at = one(
        "at",
        "POSITION|TIME",
        "As of this position or time; times are UTC unless they say otherwise",
    );
    let own = [subject("message", "ID", "The id of the message"), at];
    own.into_iter().chain(of_pages()).collect()
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches, about: fn(AskedMessage) -> About) -> Wanted {
    let asked = AskedMessage {
        message: text(matches, "message").unwrap_or_default(),
        at: text(matches, "at"),
    };
    page(matches, about(asked))
}
