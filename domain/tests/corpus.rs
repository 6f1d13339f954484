//! What the fuzzer found worth keeping: texts that together reach every part of a grammar, read again by every test run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use domain::markdown::{Katex, Options, parse};

#[test]
fn texts_of_the_markdown_corpus_have_trees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/markdown");
    let options = Options {
        colors: true,
        emoticons: true,
        katex: Katex {
            dollar: true,
            parenthesis: true,
        },
        custom_domains: Vec::new(),
    };
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        serde_json::to_string(&parse(&text, &options)).unwrap();
        read += 1;
    }
    assert!(read > 20, "the corpus is there: {read}");
}
