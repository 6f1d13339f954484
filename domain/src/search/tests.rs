//! What people type, and what it means.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Search {
    Search::parse(text, 0.0, false)
}

fn word(text: &str) -> Word {
    Word {
        text: text.to_owned(),
        exact: false,
        negated: false,
    }
}

fn part(name: &str) -> Named {
    Named::Part(name.to_owned())
}

/// The first millisecond of a day, in UTC.
const DAY_IN_MAY: i64 = 1_778_198_400_000; // 8 May 2026

#[test]
fn terms_are_taken_out_of_the_text() {
    let marks = |marks: &[Mark]| marks.iter().copied().collect();
    let text = Text::Words(vec![word("tea"), word("pot")]);
    let base = Search {
        text,
        ..Search::default()
    };
    for (term, wanted) in [
        (
            "from:ann",
            Search {
                from: vec![part("ann")],
                ..base.clone()
            },
        ),
        (
            "FROM:@Ann",
            Search {
                from: vec![part("ann")],
                ..base.clone()
            },
        ),
        (
            "from:me",
            Search {
                from: vec![Named::Me],
                ..base.clone()
            },
        ),
        (
            "mention:b.o-b_1",
            Search {
                mentions: vec![part("b.o-b_1")],
                ..base.clone()
            },
        ),
        (
            "has:star",
            Search {
                marks: marks(&[Mark::Starred]),
                ..base.clone()
            },
        ),
        (
            "has:pin",
            Search {
                marks: marks(&[Mark::Pinned]),
                ..base.clone()
            },
        ),
        (
            "is:pinned",
            Search {
                marks: marks(&[Mark::Pinned]),
                ..base.clone()
            },
        ),
        (
            "has:url",
            Search {
                marks: marks(&[Mark::Link]),
                ..base.clone()
            },
        ),
        (
            "has:link",
            Search {
                marks: marks(&[Mark::Link]),
                ..base.clone()
            },
        ),
        (
            "has:location",
            Search {
                marks: marks(&[Mark::Location]),
                ..base.clone()
            },
        ),
        (
            "has:map",
            Search {
                marks: marks(&[Mark::Location]),
                ..base.clone()
            },
        ),
        (
            "label:Cat",
            Search {
                labels: vec!["cat".to_owned()],
                ..base.clone()
            },
        ),
        (
            "file-desc:plan",
            Search {
                descriptions: vec!["plan".to_owned()],
                ..base.clone()
            },
        ),
        (
            "file-title:plan",
            Search {
                titles: vec!["plan".to_owned()],
                ..base.clone()
            },
        ),
        (
            "order:asc",
            Search {
                order: Some(Order::OldestFirst),
                ..base.clone()
            },
        ),
        (
            "sort:descending",
            Search {
                order: Some(Order::NewestFirst),
                ..base.clone()
            },
        ),
    ] {
        for text in [
            format!("{term} tea pot"),
            format!("tea {term} pot"),
            format!("tea pot {term}"),
        ] {
            assert_eq!(parse(&text), wanted, "{text}");
        }
    }
}

#[test]
fn terms_may_be_repeated_and_mixed() {
    let search = parse("from:ann from:me mention:bob has:url has:star");
    assert_eq!(search.from, [part("ann"), Named::Me]);
    assert_eq!(search.mentions, [part("bob")]);
    assert_eq!(search.marks, [Mark::Link, Mark::Starred].into());
    assert_eq!(search.text, Text::Anything);
}

#[test]
fn what_is_no_term_is_text() {
    for text in [
        "from:",
        "from:@",
        "has:nothing",
        "is:odd",
        "before:yesterday",
        "on:31/02/2026",
        "on:0/1/2026",
        "on:1/13/2026",
        "on:1/1/26",
        "on:1/1/2026/1",
        "order:random",
        "http://example.org",
        "12:30",
    ] {
        assert_eq!(parse(text).text, Text::Words(vec![word(text)]), "{text}");
    }
    let quoted = parse("\"from:ann said\"");
    assert_eq!(quoted.from, []);
    assert!(matches!(quoted.text, Text::Words(words) if words[0].text == "from:ann said"));
}

#[test]
fn days_are_those_of_whoever_searches() {
    let at = |millis| Some(Timestamp::from_millis(millis));
    let (day, hour) = (86_400_000, 3_600_000);
    for (text, offset, since, until) in [
        ("before:08/05/2026", 0.0, None, at(DAY_IN_MAY)),
        ("before:8.5.2026", 0.0, None, at(DAY_IN_MAY)),
        ("after:8-5-2026", 0.0, at(DAY_IN_MAY + day), None),
        ("on:8/5/2026", 0.0, at(DAY_IN_MAY), at(DAY_IN_MAY + day)),
        (
            "on:8/5/2026",
            5.5,
            at(DAY_IN_MAY - 5 * hour - hour / 2),
            at(DAY_IN_MAY + day - 5 * hour - hour / 2),
        ),
        ("before:8/5/2026", -8.0, None, at(DAY_IN_MAY + 8 * hour)),
        (
            "after:1/5/2026 before:8/5/2026",
            0.0,
            at(DAY_IN_MAY - 6 * day),
            at(DAY_IN_MAY),
        ),
        (
            "before:1/1/2020 on:8/5/2026 after:1/1/2030",
            0.0,
            at(DAY_IN_MAY),
            at(DAY_IN_MAY + day),
        ),
        ("before:8/5/2026", f64::NAN, None, at(DAY_IN_MAY)),
    ] {
        let search = Search::parse(text, offset, false);
        assert_eq!((search.since, search.until), (since, until), "{text}");
    }
}

#[test]
fn days_are_counted_as_calendars_do() {
    for (text, count) in [
        ("1/1/1970", 0),
        ("31/12/1969", -1),
        ("29/2/2000", 11_016),
        ("1/3/2000", 11_017),
        ("28/2/2100", 47_540),
        ("1/3/2100", 47_541),
        ("1/1/0000", -719_528),
    ] {
        assert_eq!(day(text), Some(count), "{text}");
    }
    assert_eq!(day("29/2/2100"), None);
}

#[test]
fn words_and_phrases_may_be_negated() {
    let text = "green \"black  tea\" -milk -\"no sugar\" semi-dry -";
    let Text::Words(words) = parse(text).text else {
        panic!("words")
    };
    let told: Vec<(&str, bool, bool)> = words
        .iter()
        .map(|word| (&*word.text, word.exact, word.negated))
        .collect();
    assert_eq!(
        told,
        [
            ("green", false, false),
            ("black  tea", true, false),
            ("milk", false, true),
            ("no sugar", true, true),
            ("semi-dry", false, false),
            ("-", false, false),
        ]
    );
}

#[test]
fn a_text_between_slashes_is_a_pattern() {
    for (text, on, off) in [
        ("/^te+a$/", "teea", "TEA"),
        ("/^TE+A$/i", "teea", "coffee"),
        ("/^b$/m", "a\nb", "ab"),
        ("/a.b/s", "a\nb", "ab"),
        ("/t e a/x", "tea", "t e a"),
        ("from:ann /tea pot/i has:url", "a TEA POT", "teapot"),
    ] {
        let Text::Pattern(pattern) = parse(text).text else {
            panic!("{text} is a pattern")
        };
        let regex = pattern.compile().expect("a regular expression");
        assert!(regex.is_match(on) && !regex.is_match(off), "{text}");
    }
    for text in ["//", "/tea", "/tea/q", "tea/pot/"] {
        assert!(matches!(parse(text).text, Text::Words(_)), "{text}");
    }
}

#[test]
fn patterns_that_are_none_or_too_large_are_refused() {
    for text in ["/(/", "/a{1000}{1000}{1000}/", "/(?=a)/"] {
        let Text::Pattern(pattern) = parse(text).text else {
            panic!("{text} is a pattern")
        };
        assert_eq!(pattern.compile().err(), Some(BadPattern), "{text}");
    }
}

#[test]
fn everything_is_a_pattern_where_the_setting_says_so() {
    for (text, on) in [("TE+A", "green tea"), ("c++ (", "we use C++ ( here")] {
        let Text::Pattern(pattern) = Search::parse(text, 0.0, true).text else {
            panic!("{text} is a pattern")
        };
        assert!(
            pattern.compile().is_ok_and(|regex| regex.is_match(on)),
            "{text}"
        );
    }
    assert_eq!(Search::parse("from:me", 0.0, true).text, Text::Anything);
}

#[test]
fn nothing_asked_for_finds_nothing() {
    for (text, empty) in [
        ("", true),
        (" \u{3000}", true),
        ("\"\"", true),
        ("-milk", true),
        ("order:asc", true),
        ("milk", false),
        ("from:ann -milk", false),
        ("/milk/", false),
        ("on:1/1/2026", false),
    ] {
        assert_eq!(parse(text).is_empty(), empty, "{text:?}");
    }
}

#[test]
fn what_is_looked_at_is_bounded() {
    let search = parse(&"from:a tea ".repeat(1000));
    assert_eq!(search.from.len(), MOST_WORDS);
    assert!(matches!(search.text, Text::Words(words) if words.len() == MOST_WORDS));
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), offset in any::<f64>(), always in any::<bool>()) {
        Search::parse(&text, offset, always);
    }

    #[test]
    fn nothing_panics_that_looks_like_a_term(
        text in "((from|mention|has|is|on|before|after|label|sort):[a-z0-9/.@-]{0,12}|[/\"\\-]|[a-zéß東]{1,3}|[ \u{3000}]){0,12}",
    ) {
        Search::parse(&text, 1.0, false);
    }
}
