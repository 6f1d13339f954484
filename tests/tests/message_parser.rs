//! The trees of messages are those of the npm package that clients of Rocket.Chat come with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::Write;
use std::process::{Command, Stdio};

use domain::markdown::{Katex, Options, parse};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What differs, each with an example, and why. None of it is in what people commonly write.
const DIFFERENCES: &[(&str, &str)] = &[
    ("", "there is no tree of nothing; the package refuses it"),
    (
        "[a](javascript:x) <vbscript:x|b> ![c](data:text/html,x)",
        "addresses that run code are no links",
    ),
    (
        "ftp://example.com [a](ssh://example.com) [b](skype:c)",
        "nor is any that `domain::link` does not list",
    ),
    (
        "example.com:8080/x",
        "a host with a port is no scheme: the address gets `//` in front, as one without a port does",
    ),
    (
        "[a](localhost:3000)",
        "the same in a link that is written as one",
    ),
    ("example.com:x", "what is no number is no port"),
    (
        "-https://example.com +https://example.com 1https://example.com",
        "with something in front of the scheme, the package links to hosts that there are not",
    ),
    ("xhttps://example.com", "nor are there such schemes"),
    (
        "’example.com \u{a0}example.com",
        "typographic punctuation and blanks are in no host",
    ),
    ("ann@example.com’s", "nor behind one"),
    (
        "[x] one\nand [a](https://example.com)",
        "a link's label ends with its line; otherwise a pair of brackets swallows what comes before the next link",
    ),
    ("$a \\(b\\) c$ \\(a$", "a formula ends as it began"),
    ("||$a\nb$||", "a spoiler ends with its line, formula or not"),
    (
        "<t:2026-02-30T10:00:00+01:00> <t:2026-01-31T25:00:00>",
        "what is no time is text, rather than some other time",
    ),
    (
        "<t:10:00:00+01:00>",
        "a time without its day is another time when views are built again",
    ),
    (
        "12345678901234567. a",
        "so many digits are no number of an item: numbers in JSON are not that precise",
    ),
    (
        "<https://example.com/(a)|b>",
        "brackets are part of an address wherever it stands",
    ),
    (
        "[a](https://example.com/a\\)b)",
        "a backslash is part of an address",
    ),
    (
        "[a](https://example.com/((b))c)",
        "brackets in the address of a link are not nested: looking ahead for them takes the square of its length",
    ),
    (
        "```\r\na\r\n\r\nb\r\n```",
        "lines may end with CR LF in code as well",
    ),
    ("😀example.com", "an emoji is in no host"),
    (
        "*a*)`b`",
        "`*)` is an emoticon only where a blank or a name follows",
    ),
    ("!#a@b", "what is no room ends where any word ends"),
    ("a___b_", "several `_` behind a word are part of it"),
    (
        "@नाम",
        "names are of letters as Unicode sees them, vowel signs included",
    ),
];

/// Words, among them such as look a little like markup.
const WORDS: &[&str] = &[
    "hello",
    "the",
    "engine",
    "weaves",
    "algebraic",
    "patterns",
    "a",
    "I",
    "don't",
    "x1",
    "42",
    "3.5",
    "e.g.",
    "i.e.",
    "snake_case",
    "my_file_name",
    "foo()",
    "(see",
    "below)",
    "Über",
    "naïve",
    "中文",
    "“quoted”",
    "it’s",
    "...",
    "!",
    "?",
    "end.",
    "no,",
    "well;",
    "50%",
    "C++",
    "C#",
    "a/b",
    "and/or",
    "x=1",
    "2*3",
    "<b>",
    "a<b",
    "->",
    "=>",
    "--",
    "–",
    "#1",
    "@",
    "#",
    "&",
    "ok:",
    "note:",
    "10:30",
    "12:30:45",
    "v1.2.3",
    "file.txt",
    "main.rs",
    "README.md",
    "a.b.c",
    "{x}",
    "`",
    "*",
    "_",
    "~",
    "|",
    "||",
    "\\",
    "^",
    ">",
    "<",
    "+1",
    "+",
    "-",
    "/path/to",
    "~/x",
    "C:\\dir",
    "\"q\"",
    "'s'",
    "TODO",
];

/// Markup as it is meant to be written.
const MARKUP: &[&str] = &[
    "*bold*",
    "**bold**",
    "_it_",
    "__it__",
    "~st~",
    "~~st~~",
    "`code`",
    "||sp||",
    "@bob",
    "@bob.smith",
    "@all",
    "#general",
    "#a-b",
    "https://example.com",
    "https://example.com/a?b=c#d",
    "http://example.com/x_y_z",
    "example.com",
    "www.example.org/x",
    "user@example.com",
    "+12345678901",
    "[label](https://example.com)",
    "[*b* l](https://example.com/x)",
    "![img](https://example.com/a.png)",
    "<https://example.com|label>",
    ":smile:",
    ":+1:",
    "😀",
    "👍🏽",
    ":)",
    ":-D",
    "<3",
    "$x^2$",
    "\\(x\\)",
    "color:#ff0000",
    "<t:1630360800:R>",
    "\\*x\\*",
    "*bold _it_ b*",
    "_it *b* i_",
    "~s *b _i_ b* s~",
    "*@bob x*",
    "*:smile:*",
    "||*b* @bob||",
    "`a*b*`",
    "**a b c**",
    "_a b_",
    "*a*,",
    "(*a*)",
    "\"*a*\"",
    "_a_.",
    "(@bob)",
    "(https://example.com)",
    "https://example.com.",
    "https://example.com,",
    "127.0.0.1",
    "localhost:3000",
    "http://localhost:3000/x",
    "intra.corp",
];

/// What lines begin with; and whole blocks.
const BEGINNINGS: &[&str] = &[
    "# ", "## ", "> ", ">", "- ", "* ", "1. ", "12. ", "- [ ] ", "- [x] ",
];
const BLOCKS: &[&str] = &[
    "",
    "   ",
    "---",
    "$$x$$",
    "\\[x\\]",
    "```\na *b*\n```",
    "```js\nlet a = 1;\n\n  b\n```",
    "||\na *b*\n||",
    "| a | b |\n|---|:-:|\n| *c* | d |\n| e |",
    ":smile: :smile:",
];

/// Pieces that are put together at random.
const PIECES: &[&str] = &[
    "*",
    "**",
    "_",
    "__",
    "~",
    "~~",
    "`",
    "||",
    "a",
    "b",
    " ",
    " ",
    " ",
    "c1",
    "\n",
    "(",
    ")",
    ".",
    ",",
    "@b",
    "#c",
    ":s:",
    "😀",
    "é",
    "[x](http://y.zz)",
    "\\*",
    "!",
    "- ",
    "> ",
    "# ",
];

fn pick(random: &mut StdRng, from: &[&'static str]) -> &'static str {
    from[random.random_range(0..from.len())]
}

fn line(random: &mut StdRng) -> String {
    let words: Vec<&str> = (0..random.random_range(1..9))
        .map(|_| {
            let markup = random.random_ratio(1, 3);
            pick(random, if markup { MARKUP } else { WORDS })
        })
        .collect();
    words.join(" ")
}

/// A message as people write them.
fn common(random: &mut StdRng) -> String {
    let lines: Vec<String> = (0..random.random_range(1..4))
        .map(|_| match random.random_range(0..6) {
            0 => pick(random, BLOCKS).to_owned(),
            1 => format!("{}{}", pick(random, BEGINNINGS), line(random)),
            _ => line(random),
        })
        .collect();
    lines.join("\n")
}

/// A message as nobody writes it.
fn odd(random: &mut StdRng) -> String {
    (0..random.random_range(1..13))
        .map(|_| pick(random, PIECES))
        .collect()
}

/// The trees that the package makes of texts.
fn theirs(texts: &[String]) -> Vec<String> {
    let mut node = Command::new(tests::tools::node())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/message-parser/trees.cjs"
        ))
        .arg(tests::tools::message_parser())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    let lines: Vec<String> = texts
        .iter()
        .map(|text| serde_json::to_string(text).unwrap() + "\n")
        .collect();
    let writing = std::thread::spawn(move || input.write_all(lines.concat().as_bytes()));
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let trees = String::from_utf8(output.stdout).unwrap();
    let trees: Vec<String> = trees.lines().map(str::to_owned).collect();
    assert_eq!(trees.len(), texts.len(), "each text has its tree");
    trees
}

/// The trees we make of them.
fn ours(texts: &[String]) -> Vec<String> {
    let options = Options {
        colors: true,
        emoticons: true,
        katex: Katex {
            dollar: true,
            parenthesis: true,
        },
        custom_domains: vec!["corp".to_owned()],
    };
    let tree = |text: &String| serde_json::to_string(&parse(text, &options)).unwrap();
    texts.iter().map(tree).collect()
}

fn generated(seed: u64, number: usize, make: fn(&mut StdRng) -> String) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let texts = std::iter::repeat_with(|| make(&mut random));
    texts.filter(|text| !text.is_empty()).take(number).collect()
}

#[test]
fn what_people_write_has_the_same_tree() {
    let texts = generated(1, 5_000, common);
    let trees = ours(&texts).into_iter().zip(theirs(&texts));
    for (text, (ours, theirs)) in texts.iter().zip(trees) {
        assert_eq!(ours, theirs, "{text:?}");
    }
}

#[test]
fn what_nobody_writes_has_the_same_tree_but_for_one_in_a_hundred() {
    let texts = generated(2, 5_000, odd);
    let trees = ours(&texts).into_iter().zip(theirs(&texts));
    let differing = texts
        .iter()
        .zip(trees)
        .filter(|(_, (ours, theirs))| ours != theirs);
    let differing: Vec<_> = differing.collect();
    assert!(differing.len() <= texts.len() / 100, "{differing:#?}");
}

#[test]
fn what_differs_is_listed() {
    let texts: Vec<String> = DIFFERENCES
        .iter()
        .map(|(text, _)| (*text).to_owned())
        .collect();
    let trees = ours(&texts).into_iter().zip(theirs(&texts));
    for ((text, reason), (ours, theirs)) in DIFFERENCES.iter().zip(trees) {
        assert_ne!(ours, theirs, "{text:?} ({reason}) differs no longer");
    }
}
