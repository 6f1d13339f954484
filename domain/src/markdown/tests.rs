use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::link;

fn everything() -> Options {
    Options {
        colors: true,
        emoticons: true,
        katex: Katex {
            dollar: true,
            parenthesis: true,
        },
        custom_domains: vec!["corp".to_owned()],
    }
}

fn tree(text: &str, options: &Options) -> Value {
    serde_json::to_value(parse(text, options)).unwrap()
}

#[test]
fn every_text_has_its_tree() {
    let options = everything();
    let lines = include_str!("tests/trees.txt").lines();
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    for case in lines.chunks(2) {
        let text: String = serde_json::from_str(case[0]).unwrap();
        let tree = serde_json::to_string(&parse(&text, &options)).unwrap();
        assert_eq!(tree, case[1], "{}", case[0]);
    }
}

#[test]
fn what_an_option_does_not_allow_is_text() {
    for text in [
        "color:#fff",
        ":)",
        "x :) y",
        "$a$",
        "$$a$$",
        r"\(a\)",
        r"\[a\]",
        "a.corp",
    ] {
        let plain =
            json!([{ "type": "PARAGRAPH", "value": [{ "type": "PLAIN_TEXT", "value": text }] }]);
        assert_eq!(tree(text, &Options::default()), plain, "{text}");
        assert_ne!(tree(text, &everything()), plain, "{text}");
    }
}

#[test]
fn an_empty_text_has_an_empty_tree() {
    assert_eq!(tree("", &everything()), json!([]));
}

/// How many steps parsing took.
fn steps(text: &str) -> usize {
    let options = everything();
    let mut parser = Parser::new(text, &options);
    parser.root();
    parser.worked()
}

#[test]
fn what_people_write_needs_a_fraction_of_the_work_that_is_allowed() {
    let texts = [
        include_str!("../../../docs/ARCHITECTURE.md"),
        include_str!("../../../README.md"),
        include_str!("mark.rs"),
        include_str!("tests/trees.txt"),
    ];
    for text in texts {
        let most = text.len() * WORK / 10;
        let steps = steps(text);
        assert!(
            steps < most,
            "{steps} steps, {most} allowed: {}",
            &text[..40]
        );
    }
}

#[test]
fn twice_the_text_is_twice_the_work_at_most_whatever_it_is() {
    let shapes = [
        "*",
        "_",
        "~",
        "_*_*",
        "*a _b ~c ",
        "*_~",
        "* ",
        "_a",
        "`",
        "```\n",
        "``` \na\n",
        "[",
        "[a",
        "[](",
        "[a](b",
        "[a](b(",
        "[ ] ",
        "![",
        "<",
        "<a.b|",
        "<t:",
        "|",
        "||",
        "||\n",
        "||*a",
        "|a|\n|-|\n",
        "|-|\n",
        "||\na\n",
        "$",
        "$$\n",
        "$a ",
        "\\(",
        "\\[\n",
        "\\",
        ">",
        "> > >",
        "> \n",
        "#",
        "#a",
        "# \n",
        "- ",
        "- [ ] ",
        "1. ",
        "---\n",
        "@",
        "~@",
        "@a:",
        ":",
        ":a",
        ":)",
        "*)",
        "*a*)",
        "(*)",
        "8)",
        "😀",
        "👨\u{200d}",
        "1️",
        "a.",
        "a_",
        "a-a.b_",
        "a.b*",
        "a*.",
        "http://",
        "a://b",
        "http://a:",
        "mailto:",
        "a@",
        "a@b",
        "a*a@",
        "_a.b",
        "+1",
        "+(1",
        "color:#",
        "color:#fff",
        "\n",
        " ",
        " \n",
        "é",
        "<t:1630360800>*",
    ];
    for shape in shapes {
        for (before, after) in [
            ("", ""),
            ("*", ""),
            ("~", ""),
            ("||", ""),
            ("[", "](a.b)"),
            ("|", "|\n|-|"),
        ] {
            let [once, twice] = [600, 1_200].map(|length| {
                let text = shape.repeat(length / shape.len());
                steps(&format!("{before}{text}{after}"))
            });
            assert!(
                twice <= once * 2 + 100,
                "{before}{shape}{after}: {once}, then {twice}"
            );
        }
    }
}

/// Pieces that markup is made of.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "*",
        "**",
        "_",
        "__",
        "~",
        "`",
        "```",
        "|",
        "||",
        "[",
        "]",
        "(",
        ")",
        "](",
        "<",
        ">",
        "!",
        "@a",
        "#b",
        ":c:",
        ":)",
        "*)",
        "$",
        "$$",
        "\\",
        "\\(",
        "\\)",
        "- ",
        "- [ ] ",
        "1. ",
        "# ",
        "> ",
        "|-|",
        "---",
        "\n",
        "\n",
        " ",
        " ",
        "a",
        "b",
        "é",
        "中",
        "😀",
        "\u{200d}",
        "\u{fe0f}",
        "1",
        "+12345",
        "a.com",
        "http://",
        "javascript:",
        "data:",
        "x@y.org",
        "color:#fff",
        "<t:1630360800:R>",
        "\r\n",
        "\t",
        "\u{a0}",
        "mailto:",
        ".",
        ",",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    deepest.unwrap_or(0) + 1
}

fn assert_harmless(value: &Value) {
    if let Some(src) = value.get("src").and_then(|src| src["value"].as_str()) {
        assert!(link::is_harmless_in("src", src), "{src}");
    }
    match value {
        Value::Array(items) => items.iter().for_each(assert_harmless),
        Value::Object(fields) => fields.values().for_each(assert_harmless),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_text_has_a_tree(text in any::<String>()) {
        assert_harmless(&tree(&text, &everything()));
    }

    #[test]
    fn markup_makes_neither_deep_trees_nor_harmful_links(text in soup()) {
        let tree = tree(&text, &everything());
        assert_harmless(&tree);
        // Block, item, spoiler, three marks, a link in one of them: each an object and a list.
        prop_assert!(depth(&tree) <= 20, "{}", depth(&tree));
    }

    #[test]
    fn a_text_that_is_recognised_as_plain_is_plain(text in "[a-zA-Z0-9 .,;!?'\"/%&^{}\\]üß中-]{1,20}") {
        if is_plain(&text) {
            let options = everything();
            let tree = Parser::new(&text, &options).root();
            prop_assert_eq!(tree, parse(&text, &options));
        }
    }
}
