//! `cargo +nightly fuzz run markdown`: no text stops the parser, and none makes a link that nobody may follow.
#![no_main]

use domain::markdown::{Katex, Options, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let options = Options {
        colors: true,
        emoticons: true,
        katex: Katex {
            dollar: true,
            parenthesis: true,
        },
        custom_domains: Vec::new(),
    };
    let tree = serde_json::to_value(parse(text, &options)).expect("trees can be written");
    check(&tree);
});

fn check(value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Array(items) => items.iter().for_each(check),
        Value::Object(fields) => {
            if let Some(src) = fields.get("src").and_then(|src| src["value"].as_str()) {
                assert!(domain::link::is_harmless_in("src", src), "{src}");
            }
            fields.values().for_each(check);
        }
        _ => {}
    }
}
