//! What the text of a message calls and links to: user names after `@`, rooms after `#`, links (contract, messages 3,
//! steps 8 and 9). Only names are found here; the caller looks up who and what they are.
//!
//! A text without `@`, `#` and `://` costs one look over its bytes and no allocation.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::ControlFlow;

use regex::Regex;

use crate::limits;
use crate::pattern::{DEFAULT_PATTERN, is_name_byte};
use crate::settings::{Settings, keys};

/// Somebody called with `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call<'a> {
    /// A name as it stands in the text. It may be nobody's.
    User(&'a str),
    /// Every member.
    All,
    /// Every member who is there.
    Here,
}

/// What was found, in order of appearance, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// User names after `@`, `@all` and `@here`.
    pub calls: Vec<Call<'a>>,
    /// Names after `#`.
    pub channels: Vec<&'a str>,
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

    /// Everything called and named in `text`. Code counts as text.
    ///
    /// At most [`limits::MENTIONS`] of each; what comes after them is text like any other.
    pub fn scan<'a>(&self, text: &'a str) -> Found<'a> {
        let (mut calls, mut channels) = (Distinct::default(), Distinct::default());
        let mut user = |name| {
            calls.add(match name {
                "all" => Call::All,
                "here" => Call::Here,
                name => Call::User(name),
            })
        };
        if let Some(custom) = &self.custom {
            if text.contains('@') {
                let _ = names(&custom.users, text).try_for_each(user);
            }
            if text.contains('#') {
                let _ = names(&custom.channels, text).try_for_each(|name| channels.add(name));
            }
        } else {
            let _ = each_name(text, b'@', |before| !before.ends_with("> "), &mut user);
            let _ = each_name(text, b'#', |_| true, |name| channels.add(name));
        }
        Found {
            calls: calls.list,
            channels: channels.list,
        }
    }
}

/// Names found by an expression; those right behind a `>` never resolve (contract) and are left out.
fn names<'a>(regex: &Regex, text: &'a str) -> impl Iterator<Item = &'a str> {
    regex
        .captures_iter(text)
        .filter(|captures| captures.name("quoted").is_none())
        .filter_map(|captures| captures.name("name"))
        .map(|name| name.as_str())
}

/// Calls `each` with every name of the default pattern behind a `sigil` at the start of the text or after white space
/// that `allowed` accepts.
fn each_name<'a>(
    text: &'a str,
    sigil: u8,
    allowed: impl Fn(&str) -> bool,
    mut each: impl FnMut(&'a str) -> ControlFlow<()>,
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
        each(&text[start..end])?;
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

/// How a block of code begins and ends.
const FENCE: &str = "```";

/// The text with its last block of code closed; `None` when every block is closed already.
pub fn close_fences(text: &str) -> Option<String> {
    let odd = text.contains(FENCE) && text.matches(FENCE).count() % 2 == 1;
    odd.then(|| format!("{text}\n{FENCE}"))
}

/// Links in `text`, in order of appearance, each once, at most [`limits::MENTIONS`]. Code is not looked into.
pub fn links(text: &str) -> Vec<&str> {
    let mut found = Distinct::default();
    if text.contains("://") {
        let _ = each_link(text, &mut found);
    }
    found.list
}

fn each_link<'a>(text: &'a str, found: &mut Distinct<&'a str>) -> ControlFlow<()> {
    // Between fences, every second part is code.
    for prose in text.split(FENCE).step_by(2) {
        let mut rest = prose;
        while let Some((before, after)) = next_inline_code(rest) {
            links_in_prose(before, found)?;
            rest = after;
        }
        links_in_prose(rest, found)?;
    }
    ControlFlow::Continue(())
}

/// What stands before and after the next `code` in the line; `None` when there is none.
fn next_inline_code(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('`')?;
        let inside = &text[open + 1..];
        let close = inside.find(['`', '\r', '\n'])?;
        if close > 0 && inside.as_bytes()[close] == b'`' {
            return Some((&text[..open], &inside[close + 1..]));
        }
        from = open + 1 + if close > 0 { close } else { 0 };
    }
}

fn links_in_prose<'a>(text: &'a str, found: &mut Distinct<&'a str>) -> ControlFlow<()> {
    const SCHEME: std::ops::RangeInclusive<usize> = 3..=9;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find("://")) {
        let colon = at + offset;
        let letters = bytes[at..colon]
            .iter()
            .rev()
            .take(*SCHEME.end())
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        at = colon + 3;
        let end = authority_end(bytes, at);
        if SCHEME.contains(&letters) && end > at {
            at = path_end(bytes, end);
            if !crate::link::runs(&text[colon - letters..colon].to_ascii_lowercase()) {
                found.add(&text[colon - letters..at])?;
            }
        }
    }
    ControlFlow::Continue(())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where user, host and port end; `start` when there is no host.
fn authority_end(bytes: &[u8], start: usize) -> usize {
    let host_end = |at| {
        run_end(bytes, at, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
        })
    };
    let user = run_end(bytes, start, |byte| {
        is_word(byte) || b"-;:&=+$,".contains(&byte)
    });
    let named = user > start && bytes.get(user) == Some(&b'@') && host_end(user + 1) > user + 1;
    let host = if named { user + 1 } else { start };
    let end = host_end(host);
    if end == host {
        return start;
    }
    match bytes.get(end) {
        Some(b':') => match run_end(bytes, end + 1, |byte| byte.is_ascii_digit()) {
            port if port > end + 1 => port,
            _ => end,
        },
        _ => end,
    }
}

/// Where path, query and fragment end.
fn path_end(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    if bytes.get(end) == Some(&b'/') {
        end = run_end(bytes, end, |byte| {
            is_word(byte) || b"-+=!:~%/.@,".contains(&byte)
        });
    }
    if bytes.get(end) == Some(&b'?') {
        end += 1;
    }
    end = run_end(bytes, end, |byte| {
        is_word(byte) || b"-+=&!:;%@/.,".contains(&byte)
    });
    if bytes.get(end) == Some(&b'#') {
        let fragment = run_end(bytes, end + 1, |byte| {
            !byte.is_ascii_whitespace() && byte != b')'
        });
        if fragment > end + 1 {
            end = fragment;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn users(text: &str) -> Vec<&str> {
        let name = |call| match call {
            Call::User(name) => name,
            Call::All => "(all)",
            Call::Here => "(here)",
        };
        Scanner::default()
            .scan(text)
            .calls
            .into_iter()
            .map(name)
            .collect()
    }

    fn channels(text: &str) -> Vec<&str> {
        Scanner::default().scan(text).channels
    }

    #[test]
    fn names_are_found_at_the_start_and_after_white_space() {
        assert_eq!(users("@bob and\n@al-ice_2 @bob"), ["bob", "al-ice_2"]);
        assert_eq!(users("mail bob@example.org, (@bob) x@y"), [""; 0]);
        assert_eq!(
            channels("#general\t#dev.ops a#b (#c)"),
            ["general", "dev.ops"]
        );
    }

    #[test]
    fn a_trailing_dot_belongs_to_the_name() {
        assert_eq!(users("thanks @bob."), ["bob."]);
        assert_eq!(users("thanks @bob, really"), ["bob"]);
    }

    #[test]
    fn names_behind_a_quote_mark_do_not_count() {
        assert_eq!(users(">@bob"), [""; 0]);
        assert_eq!(users("> @bob @eve"), ["eve"]);
        assert_eq!(channels(">#general"), [""; 0]);
        assert_eq!(channels("> #general"), ["general"]);
    }

    #[test]
    fn so_many_are_found_and_the_rest_is_text() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for number in 0..200_000 {
            write!(text, "@u{number} #r{number} https://h{number} ").expect("a text");
        }
        let found = Scanner::default().scan(&text);
        assert_eq!(found.calls.len(), limits::MENTIONS);
        assert_eq!(found.channels.len(), limits::MENTIONS);
        assert_eq!(links(&text).len(), limits::MENTIONS);
        let custom = Scanner::with_pattern("[a-z0-9]+").scan(&text).calls.len();
        assert_eq!(custom, limits::MENTIONS);
    }

    #[test]
    fn groups_are_told_from_users() {
        assert_eq!(
            users("@all @here @allan @All"),
            ["(all)", "(here)", "allan", "All"]
        );
    }

    #[test]
    fn a_name_may_name_its_server() {
        assert_eq!(users("@bob@example.org@x @a@"), ["bob@example.org", "a"]);
    }

    #[test]
    fn names_may_have_other_characters() {
        let scanner = Scanner::with_pattern(r"[\p{L}]+");
        let found = scanner.scan("@jürgen > @ute >@ute #möbel @all");
        assert_eq!(found.calls, [Call::User("jürgen"), Call::All]);
        assert_eq!(found.channels, ["möbel"]);
    }

    #[test]
    fn an_invalid_pattern_means_the_default() {
        assert_eq!(
            Scanner::with_pattern("[").scan("@bob").calls,
            [Call::User("bob")]
        );
    }

    #[test]
    fn nothing_to_find_allocates_nothing() {
        let found = Scanner::default().scan("just a text");
        assert_eq!((found.calls.capacity(), found.channels.capacity()), (0, 0));
        assert_eq!(links("just a text").capacity(), 0);
        assert_eq!(close_fences("just a text"), None);
    }

    #[test]
    fn links_are_found_once_each() {
        assert_eq!(
            links(
                "see https://example.org/a?b=c&d=e#f, (http://u:p@host:80/x) and https://example.org/a?b=c&d=e#f,"
            ),
            ["https://example.org/a?b=c&d=e#f,", "http://u:p@host:80/x"]
        );
        assert_eq!(
            links("[t](https://a.b/c#d) ftp://h file:///etc ab://x VBScript://h/x data://h"),
            ["https://a.b/c#d", "ftp://h"]
        );
    }

    #[test]
    fn a_scheme_has_three_to_nine_letters() {
        assert_eq!(
            links("averylongscheme://h"),
            ["ongscheme://h"],
            "as the expression of the contract would"
        );
        assert_eq!(
            links("http://http://h"),
            ["http://http://h"],
            "one link, not two"
        );
    }

    #[test]
    fn code_hides_links() {
        assert_eq!(
            links("`http://a` http://b ``` http://c\n``` http://d `x\nhttp://e `"),
            ["http://b", "http://d", "http://e"]
        );
        assert_eq!(links("``http://a"), ["http://a"]);
    }

    #[test]
    fn an_open_block_of_code_is_closed() {
        assert_eq!(close_fences("```\ncode").as_deref(), Some("```\ncode\n```"));
        assert_eq!(close_fences("```code```"), None);
        assert_eq!(
            close_fences("```code``` ```").as_deref(),
            Some("```code``` ```\n```")
        );
    }

    fn expression(text: &str) -> Regex {
        let Ok(regex) = Regex::new(text) else {
            panic!("not an expression: {text}")
        };
        regex
    }

    // The expressions of the contract, as they stand there.
    static USERS: LazyLock<Regex> =
        LazyLock::new(|| expression(r"(?m)(^|\s|> ?)@([0-9a-zA-Z-_.]+(@[0-9a-zA-Z-_.]+)?)"));
    static CHANNELS: LazyLock<Regex> =
        LazyLock::new(|| expression(r"(?m)(^|\s|>)#([0-9a-zA-Z-_.]+(@[0-9a-zA-Z-_.]+)?)"));
    static LINKS: LazyLock<Regex> = LazyLock::new(|| {
        expression(concat!(
            r"(?-u)([A-Za-z]{3,9})://([-;:&=+$,\w]+@)?([-A-Za-z0-9.]+)(:\d+)?",
            r"((/[-+=!:~%/.@,\w]*)?\??([-+=&!:;%@/.,\w]+)?(?:#((?u:[^\s)])+))?)?",
        ))
    });
    static WORDS: LazyLock<Scanner> = LazyLock::new(|| Scanner::with_pattern(r"\w+"));

    fn push_new<T: PartialEq>(list: &mut Vec<T>, one: T) {
        if !list.contains(&one) {
            list.push(one);
        }
    }

    fn by_expression(text: &str, regex: &Regex) -> Vec<String> {
        let mut found = Vec::new();
        for captures in regex.captures_iter(text) {
            let whole = captures[0].trim_matches(char::is_whitespace);
            if !whole.starts_with('>') {
                push_new(&mut found, whole[1..].to_owned());
            }
        }
        found
    }

    proptest! {
        #[test]
        fn the_fast_scanner_agrees_with_the_expressions(text in "[@#> \n`a.ü-]{0,24}") {
            prop_assert_eq!(users(&text), by_expression(&text, &USERS));
            prop_assert_eq!(channels(&text), by_expression(&text, &CHANNELS));
        }

        #[test]
        fn links_agree_with_the_expression(
            text in "[a-zA-F0-9:/@.?#&=+~)ü -]{0,12}(http|https|ab)://[a-c0-9:/@.?#&=+~)ü -]{0,24}"
        ) {
            let mut expected = Vec::new();
            for one in LINKS.find_iter(&text) {
                push_new(&mut expected, one.as_str());
            }
            prop_assert_eq!(links(&text), expected);
        }

        #[test]
        fn any_text_can_be_scanned(text in "\\PC*|[`:/@#\r\n> a]{0,60}") {
            let _ = (Scanner::default().scan(&text), links(&text), close_fences(&text));
            let _ = WORDS.scan(&text);
        }
    }
}
