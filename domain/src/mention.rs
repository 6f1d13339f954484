//! What the text of a message calls and links to: users, teams and roles after `@`, rooms after `#`, links (contract,
//! messages 3, steps 8 and 9). Only names are found here; the caller looks up who and what they are.
//!
//! A text without `@`, `#` and `://` costs one look over its bytes and no allocation.

mod code;
mod links;
#[cfg(test)]
mod tests;

pub use code::close_fences;
pub use links::{links, spotify_pages};

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::ControlFlow;

use regex::{Match, Regex};

use code::Code;

use crate::pattern::{DEFAULT_PATTERN, is_name_byte};
use crate::settings::{Settings, keys};
use crate::user::default_roles;
use crate::{RoleId, limits};

/// Somebody called with `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call<'a> {
    /// The name of a user, a team or a role as it stands in the text. It may be nobody's.
    Name(&'a str),
    /// Every member.
    All,
    /// Every member who is there.
    Here,
}

/// What was found, in order of appearance, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// Names after `@`, `@all` and `@here`.
    pub calls: Vec<Call<'a>>,
    /// Names after `#`.
    pub channels: Vec<&'a str>,
}

/// Roles of kinds of accounts rather than of people for a task.
const OF_ACCOUNTS: [&str; 5] = ["user", "guest", "anonymous", "bot", "app"];

/// Whether whoever has that role can be called by it. A role that every account gets calls nobody in particular.
pub fn can_be_called(role: &RoleId, settings: &Settings) -> bool {
    !OF_ACCOUNTS.contains(&role.as_str()) && !default_roles(settings).contains(role)
}

/// Finds mentions. Made once per value of the setting `UTF8_User_Names_Validation`, because a custom pattern is costly
/// to prepare.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    custom: Option<Custom>,
}

/// Expressions for names of a pattern that an administrator set.
#[derive(Clone, Debug)]
struct Custom {
    users: Regex,
    channels: Regex,
}

impl Scanner {
    /// A scanner for the names of this workspace.
    pub fn new(settings: &Settings) -> Self {
        Self::with_pattern(settings.text(keys::UTF8_USER_NAMES_VALIDATION))
    }

    /// A scanner for names of that pattern. An invalid one falls back to the default.
    pub fn with_pattern(pattern: &str) -> Self {
        if pattern == DEFAULT_PATTERN {
            return Self::default();
        }
        let users = Regex::new(&format!(
            r"(?m)(?:^|\s|(?<quoted>> ?))@(?<name>(?:{pattern})(?:@(?:{pattern}))?)"
        ));
        let channels = Regex::new(&format!(
            r"(?m)(?:^|\s|(?<quoted>>))#(?<name>(?:{pattern})(?:@(?:{pattern}))?)"
        ));
        Self {
            custom: users
                .ok()
                .zip(channels.ok())
                .map(|(users, channels)| Custom { users, channels }),
        }
    }

    /// Everything called and named in `text`. Code is not looked into.
    ///
    /// At most [`limits::MENTIONS`] of each; what comes after them is text like any other.
    pub fn scan<'a>(&self, text: &'a str) -> Found<'a> {
        let (mut calls, mut channels) = (Distinct::default(), Distinct::default());
        let code = Code::of(text);
        let mut user = |(at, name)| match name {
            _ if code.holds(at) => ControlFlow::Continue(()),
            "all" => calls.add(Call::All),
            "here" => calls.add(Call::Here),
            name => calls.add(Call::Name(name)),
        };
        let mut channel = |(at, name)| match name {
            _ if code.holds(at) => ControlFlow::Continue(()),
            name => channels.add(name),
        };
        if let Some(custom) = &self.custom {
            if text.contains('@') {
                let _ = names(&custom.users, text).try_for_each(user);
            }
            if text.contains('#') {
                let _ = names(&custom.channels, text).try_for_each(channel);
            }
        } else {
            let _ = each_name(text, b'@', |before| !before.ends_with("> "), &mut user);
            let _ = each_name(text, b'#', |_| true, &mut channel);
        }
        Found {
            calls: calls.list,
            channels: channels.list,
        }
    }
}

/// A name, and where it stands.
type Named<'a> = (usize, &'a str);

/// Names found by an expression; those right behind a `>` never resolve (contract) and are left out.
fn names<'a>(regex: &Regex, text: &'a str) -> impl Iterator<Item = Named<'a>> {
    regex
        .captures_iter(text)
        .filter(|captures| captures.name("quoted").is_none())
        .filter_map(|captures| captures.name("name"))
        .map(|name: Match<'a>| (name.start(), name.as_str()))
}

/// Calls `each` with every name of the default pattern behind a `sigil` at the start of the text or after white space
/// that `allowed` accepts.
fn each_name<'a>(
    text: &'a str,
    sigil: u8,
    allowed: impl Fn(&str) -> bool,
    mut each: impl FnMut(Named<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(|byte| *byte == sigil) {
        let start = at + offset + 1;
        let before = &text[..start - 1];
        at = start;
        if !(before.is_empty() || before.ends_with(char::is_whitespace)) || !allowed(before) {
            continue;
        }
        let mut end = name_end(bytes, start);
        if end == start {
            continue;
        }
        // `name@server` is one name.
        if bytes.get(end) == Some(&b'@') && name_end(bytes, end + 1) > end + 1 {
            end = name_end(bytes, end + 1);
        }
        each((start, &text[start..end]))?;
        at = end;
    }
    ControlFlow::Continue(())
}

fn name_end(bytes: &[u8], start: usize) -> usize {
    run_end(bytes, start, is_name_byte)
}

/// Where the run of bytes of one kind that begins at `start` ends.
fn run_end(bytes: &[u8], start: usize, kind: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start
        + rest
            .iter()
            .position(|byte| !kind(*byte))
            .unwrap_or(rest.len())
}

/// What was found, each once, in order of appearance, up to a bound.
struct Distinct<T> {
    list: Vec<T>,
    seen: HashSet<T>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            seen: HashSet::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Distinct<T> {
    /// Adds one, unless it is there; tells to stop when there are enough.
    fn add(&mut self, one: T) -> ControlFlow<()> {
        if self.list.len() >= limits::MENTIONS {
            return ControlFlow::Break(());
        }
        if self.seen.insert(one) {
            self.list.push(one);
        }
        ControlFlow::Continue(())
    }
}
