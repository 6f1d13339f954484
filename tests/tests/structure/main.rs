//! The layering rules of `docs/ARCHITECTURE.md`, as checks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod imports;

use std::path::{Path, PathBuf};

use imports::Grain;

/// The crates that the server is made of, the lowest first.
const LAYERS: [&str; 6] = [
    "domain",
    "eventstore",
    "projections",
    "application",
    "reactors",
    "api",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// The names in a crate's `[dependencies]`.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest =
        std::fs::read_to_string(root().join(krate).join("Cargo.toml")).expect("a manifest");
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Every source file of a crate.
fn sources(krate: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(krate).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty(), "{krate} has sources");
    files
}

#[test]
fn dependencies_point_downwards_only() {
    for (index, krate) in LAYERS.iter().enumerate() {
        for dependency in dependencies(krate) {
            if let Some(layer) = LAYERS.iter().position(|layer| *layer == dependency) {
                assert!(layer < index, "{krate} must not depend on {dependency}");
            }
        }
    }
}

/// A circle of imports in the crate, if there is one.
fn circle(krate: &str, grain: Grain) -> Option<String> {
    let src = root().join(krate).join("src");
    imports::circle(grain, |file| std::fs::read_to_string(src.join(file)).ok())
}

#[test]
fn modules_import_in_no_circles() {
    for krate in LAYERS {
        let circle = circle(krate, Grain::Files);
        assert_eq!(circle, None, "{krate}: modules import in a circle");
    }
}

#[test]
fn what_stands_side_by_side_imports_in_no_circles() {
    for krate in ["domain", "projections", "api"] {
        let circle = circle(krate, Grain::Folders);
        assert_eq!(circle, None, "{krate}: folders import in a circle");
    }
}

#[test]
fn the_domain_is_pure() {
    for dependency in dependencies("domain") {
        for impure in [
            "tokio", "rand", "futures", "rusqlite", "mongodb", "jiff", "chrono", "uuid", "reqwest",
        ] {
            assert_ne!(dependency, impure, "the domain needs no {impure}");
        }
    }
    for (path, text) in sources("domain") {
        for impure in [
            "SystemTime",
            "Instant::now",
            "std::fs",
            "std::net",
            "std::env",
            "std::thread",
            "async fn",
        ] {
            assert!(!text.contains(impure), "{} uses {impure}", path.display());
        }
    }
}

#[test]
fn only_the_log_and_the_views_know_their_databases() {
    for krate in ["domain", "projections", "application", "reactors", "api"] {
        assert!(
            !dependencies(krate).contains(&"mongodb".to_owned()),
            "{krate} reaches for MongoDB"
        );
    }
    for krate in ["domain", "application", "reactors", "api"] {
        assert!(
            !dependencies(krate).contains(&"rusqlite".to_owned()),
            "{krate} reaches for SQLite"
        );
    }
}

/// Doors and rules deal with what people typed.
fn deals_with_typed_text(path: &Path) -> bool {
    const PARTS: [&str; 11] = [
        "domain",
        "rest",
        "methods",
        "http",
        "documents",
        "admin",
        "chat",
        "identity",
        "integrations",
        "people",
        "record",
    ];
    let parts = path.with_extension("");
    parts
        .iter()
        .any(|part| PARTS.iter().any(|wanted| part == *wanted))
        && !path.ends_with("domain/src/text.rs")
}

#[test]
fn typed_text_is_trimmed_and_cut_in_one_place() {
    let sources = ["domain", "application", "api"]
        .into_iter()
        .flat_map(sources);
    for (path, text) in sources.filter(|(path, _)| deals_with_typed_text(path)) {
        // Calls may stand on lines of their own.
        let text: String = text.split_whitespace().collect();
        for forbidden in [
            ".trim()",
            ".trim_start()",
            ".trim_end()",
            "str::trim)",
            ".split_whitespace()",
            ".chars().take(",
        ] {
            assert!(
                !text.contains(forbidden),
                "{} has {forbidden}: what people typed is trimmed and cut by domain::text, the text of protocols is \
                 trimmed by trim_ascii",
                path.display()
            );
        }
    }
}

#[test]
fn addresses_are_made_in_one_place() {
    for krate in ["domain", "projections", "application", "reactors", "api"] {
        for (path, text) in sources(krate) {
            let text: String = text.split_whitespace().collect();
            let reads = text.contains("text(keys::SITE_URL)") || text.contains("config().site_url");
            let allowed = ["domain/src/site.rs", "application/src/admin/bootstrap.rs"];
            assert!(
                !reads || allowed.iter().any(|allowed| path.ends_with(allowed)),
                "{} makes an address of its own: that is the job of domain::site",
                path.display()
            );
        }
    }
}

#[test]
fn wire_error_names_live_in_one_place() {
    for krate in [
        "domain",
        "eventstore",
        "projections",
        "application",
        "reactors",
    ] {
        for (path, text) in sources(krate) {
            for (number, line) in text.lines().enumerate() {
                let comment = line.trim_start().starts_with("//");
                assert!(
                    comment || !line.contains("\"error-"),
                    "{}:{} words an error of the wire: that is the job of api/src/errors",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn what_somebody_may_not_do_is_worded_as_that() {
    const ENDS: [&str; 4] = [
        "not-allowed\"",
        "not-authorized\"",
        "no-permission\"",
        "unauthorized\"",
    ];
    // What stands before such a code, without white space. The last six make no error of a code that is denied.
    const MAKERS: [&str; 10] = [
        "denied(",
        "denied(\"error-not-allowed\",",
        "Denied(Box::new(bare_code(",
        "Denied(Box::new(permissions_update(\"Editingpermissionsisnotallowed\",",
        "ApiError::Forbidden(",
        "meteor_error(&json!(",
        "ApiError::Typed{error:",
        "ApiError::NotPermitted{error:",
        "matchcode.as_ref(){",
        "constNOT_ALLOWED:&str=",
    ];
    let errors = root().join("api/src/errors");
    for (path, text) in sources("api") {
        if !path.with_extension("").starts_with(&errors) {
            continue;
        }
        let (text, _tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        let text: String = text.split_whitespace().collect();
        for (end, quote) in ENDS.iter().flat_map(|end| text.match_indices(end)) {
            let before = &text[..end];
            let start = before.rfind('"').unwrap_or_default();
            assert!(
                MAKERS.iter().any(|maker| before[..start].ends_with(maker)),
                "{}: {}{quote} is an error that is `denied`",
                path.display(),
                &before[start..]
            );
        }
    }
}
