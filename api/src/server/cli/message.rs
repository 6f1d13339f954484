//! `hansard message` and `hansard readers`: one message on the record.

use application::record::message::AskedMessage;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::record::account;
use crate::audit::page_wish::{About, Form, PageWish};
use crate::http::parameters::Choice as _;
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
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
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
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard readers 7dLPFvBm2uYGk3wZt\n  \
             hansard readers 7dLPFvBm2uYGk3wZt --at 4711",
        )
}

fn arguments() -> [Arg; 4] {
    [
        Arg::new("message")
            .value_name("ID")
            .required(true)
            .allow_hyphen_values(true)
            .help("The id of the message"),
        Arg::new("at")
            .long("at")
            .value_name("POSITION|TIME")
            .help("As of this position or time; times are UTC unless they say otherwise"),
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(PossibleValuesParser::new(Form::NAMES))
            .default_value("table")
            .help("How to write it"),
        Arg::new("private-rooms")
            .long("private-rooms")
            .action(ArgAction::SetTrue)
            .help("In a private room or direct message too, although the setting Audit_Private_Rooms is off"),
    ]
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches, about: fn(AskedMessage) -> About) -> Wanted {
    let one = |name: &str| matches.get_one::<String>(name).cloned();
    let form = one("format").and_then(|name| Form::find(&name));
    let asked = AskedMessage {
        message: one("message").unwrap_or_default(),
        at: one("at"),
    };
    Wanted::Page(PageWish {
        about: about(asked),
        form: form.unwrap_or_default(),
        private_rooms: matches.get_flag("private-rooms"),
        account: account(),
    })
}
