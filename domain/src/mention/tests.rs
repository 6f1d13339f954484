//! What is found in texts, as tables, and by the expressions of the contract.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

fn users(text: &str) -> Vec<&str> {
    let name = |call| match call {
        Call::Name(name) => name,
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
    assert_eq!(found.calls, [Call::Name("jürgen"), Call::All]);
    assert_eq!(found.channels, ["möbel"]);
}

#[test]
fn an_invalid_pattern_means_the_default() {
    assert_eq!(
        Scanner::with_pattern("[").scan("@bob").calls,
        [Call::Name("bob")]
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
fn code_calls_nobody_and_names_nothing() {
    for (text, called) in [
        ("`@bob` @eve", &["eve"][..]),
        ("@ann `x @bob` @eve", &["ann", "eve"]),
        ("``` @bob\n@eve ``` @ann", &["ann"]),
        ("```\n@bob", &[]),
        ("` @bob\n` @eve", &["bob", "eve"]),
        ("`` @bob ``", &[]),
        ("`` @bob", &["bob"]),
        ("@bob`@eve`", &["bob"]),
        ("a```b``` @bob ``` @eve ```", &["bob"]),
        ("`a` `b @bob` @eve `c` @ann", &["eve", "ann"]),
        ("ü `@ü @bob` @eve", &["eve"]),
    ] {
        assert_eq!(users(text), called, "{text}");
        let named = text.replace('@', "#");
        assert_eq!(channels(&named), called, "{named}");
        let custom = Scanner::with_pattern("[a-z]+").scan(text).calls.len();
        assert_eq!(custom, called.len(), "{text}");
    }
}

#[test]
fn roles_of_every_account_call_nobody() {
    let mut settings = Settings::default();
    let roles = "user, member";
    settings.set(
        keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES.id(),
        roles.into(),
    );
    for (role, called) in [
        ("admin", true),
        ("owner", true),
        ("support", true),
        ("member", false),
        ("user", false),
        ("bot", false),
    ] {
        assert_eq!(
            can_be_called(&RoleId::new(role), &settings),
            called,
            "{role}"
        );
    }
}

#[test]
fn what_spotify_plays_has_a_page() {
    for (text, pages) in [
        (
            "spotify:track:4uLU6hMCjMI",
            &["https://open.spotify.com/track/4uLU6hMCjMI"][..],
        ),
        (
            "a spotify:user:u_1:playlist:x b",
            &["https://open.spotify.com/user/u_1/playlist/x"],
        ),
        ("spotify:a:b spotify:a:b", &["https://open.spotify.com/a/b"]),
        (
            "xspotify:a:b spotify:a spotify:a: spotify:a:b:c:d:e spotify:a:b/c",
            &[],
        ),
        ("`spotify:a:b` ``` spotify:a:b ```", &[]),
        ("spotify", &[]),
    ] {
        let found = spotify_pages(text);
        let named: Vec<&str> = found.iter().map(|(page, _)| page.as_str()).collect();
        assert_eq!(named, pages, "{text}");
        assert!(found.iter().all(|(_, uri)| text.contains(uri)), "{text}");
    }
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
    fn the_fast_scanner_agrees_with_the_expressions(text in "[@#> \na.ü-]{0,24}") {
        prop_assert_eq!(users(&text), by_expression(&text, &USERS));
        prop_assert_eq!(channels(&text), by_expression(&text, &CHANNELS));
    }

    #[test]
    fn nothing_between_marks_is_found(before in "[@# a]{0,6}", inside in "[@#a-c .:/]{1,12}") {
        let (plain, code) = (format!("{before} ``"), format!("{before} `{inside}`"));
        prop_assert_eq!(users(&code), users(&plain));
        prop_assert_eq!(links(&code), links(&plain));
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
        let _ = spotify_pages(&text);
        let _ = WORDS.scan(&text);
    }
}
