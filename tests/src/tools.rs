//! Where `cargo xtask test` puts the programs the tests need.

use std::path::{Path, PathBuf};

/// The folder of the tools: `test-tools` in cargo's target folder.
pub fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root.join(target).join("test-tools")
}

/// A program of the Python environment, by name.
///
/// # Panics
/// When it is not there; says how to get it.
pub fn venv_program(name: &str) -> PathBuf {
    let program = folder().join("venv").join("bin").join(name);
    assert!(
        program.exists(),
        "the tests need {name}, which is not installed: run `cargo xtask test`, or `cargo xtask tools` once"
    );
    program
}

/// The Python interpreter that has the test packages.
///
/// # Panics
/// When it is not there; says how to get it.
pub fn python() -> PathBuf {
    venv_program("python")
}

/// Node.js.
///
/// # Panics
/// When it is not there; says how to get it.
pub fn node() -> PathBuf {
    venv_program("node")
}

/// The folder that has the npm package `@rocket.chat/message-parser`.
pub fn message_parser() -> PathBuf {
    folder().join("message-parser")
}

/// A program on `PATH`, if there is one.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
