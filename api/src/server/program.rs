//! What this program is called: `hansard`, or whatever embeds it; and how it tells people what to run.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// The name of the server itself.
const OWN: &str = "hansard";

/// The name it was called by, without the folder. What it tells people to run begins with it.
pub fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let called = std::env::args_os().next();
        let stem = called
            .as_deref()
            .and_then(|called| Path::new(called).file_stem());
        let name = stem.and_then(|name| name.to_str());
        name.filter(|name| !name.is_empty())
            .unwrap_or(OWN)
            .to_owned()
    })
}

/// An argument as it is typed into a shell.
pub fn quoted(argument: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,@%+=".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(plain) {
        return argument.into();
    }
    format!("'{}'", argument.replace('\'', r"'\''")).into()
}

/// Help, in which commands begin with the name of this program.
pub fn own(help: &str) -> String {
    renamed(help, name())
}

/// What has the server's name as a part of its own, as `hansard.toml` has, is left as it is.
fn renamed(help: &str, name: &str) -> String {
    let mut rest = help;
    let mut text = String::with_capacity(help.len());
    while let Some(at) = rest.find(OWN) {
        let (before, found) = rest.split_at(at);
        let behind = found.get(OWN.len()..).unwrap_or_default();
        let is_word = !before.ends_with(is_of_name) && !behind.starts_with(is_of_name);
        text.push_str(before);
        text.push_str(if is_word { name } else { OWN });
        rest = behind;
    }
    text + rest
}

/// Whether a name, of a file or another, goes on with this.
fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || "-_./".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_the_shell_takes() {
        for (argument, typed) in [
            ("monday", "monday"),
            ("/srv/chat-1/data", "/srv/chat-1/data"),
            ("", "''"),
            ("a box", "'a box'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("Säle", "'Säle'"),
        ] {
            assert_eq!(quoted(argument), typed, "{argument:?}");
        }
    }

    #[test]
    fn commands_begin_with_the_name_of_the_program() {
        for (help, own) in [
            ("Examples:\n  hansard at 5", "Examples:\n  chat at 5"),
            ("see `hansard config --keys`", "see `chat config --keys`"),
            ("hansard", "chat"),
            ("default: hansard.toml", "default: hansard.toml"),
            (
                "x-hansard-replay, /etc/hansard",
                "x-hansard-replay, /etc/hansard",
            ),
        ] {
            assert_eq!(renamed(help, "chat"), own, "{help}");
        }
    }
}
