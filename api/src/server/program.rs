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
}
