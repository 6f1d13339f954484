//! A clock that is wrong, for servers on Linux.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library that puts a clock forward (`clock.c`), built once by the C compiler that `SQLite` is built with too.
///
/// # Panics
/// When it cannot be built.
pub fn library() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let library = folder.path().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clock.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .status()
            .expect("a C compiler");
        assert!(built.success(), "{} cannot be built", source.display());
        (folder, library)
    });
    library
}
