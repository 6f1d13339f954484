//! `hansard grants`: who was given what, and by whom.

use application::record::question::{Asked, AskedGrants};
use clap::{ArgMatches, Command};

use super::record::{all, list, many, of_lists};
use crate::server::control::Wanted;

pub(super) fn command() -> Command {
    Command::new("grants")
        .about("Show who was given or lost roles, permissions and memberships, and by whom")
        .long_about(
            "Show every event by which somebody was given or lost a role, a role a permission, or somebody a membership: who \
             did it, when and how. Of the same kind of filter any one is enough. That it was read is recorded.",
        )
        .args([
            many("user", "USER", "Only what this user was given or lost (name or id)"),
            many("actor", "USER", "Only what this user gave or took"),
            many("role", "ROLE", "Only this role: who has it, and what it may do"),
            many("permission", "PERMISSION", "Only this permission, e.g. view-audit-log"),
            many("room", "ROOM", "Only memberships of this room, and roles in it"),
        ])
        .args(of_lists())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard grants --user ann\n  hansard grants --role admin --newest --limit 5\n  \
             hansard grants --permission view-audit-log\n  hansard grants --room general --from 1",
        )
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let asked = Asked {
        rooms: all(matches, "room"),
        users: all(matches, "user"),
        actors: all(matches, "actor"),
        grants: Some(AskedGrants {
            roles: all(matches, "role"),
            permissions: all(matches, "permission"),
        }),
        ..Asked::default()
    };
    list(matches, asked, false)
}
