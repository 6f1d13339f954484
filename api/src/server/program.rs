//! What this program is called: `hansard`, or whatever embeds it.

use std::path::Path;
use std::sync::OnceLock;

/// The name of the server itself.
const OWN: &str = "hansard";

/// The name it was called by, without the folder. What it tells people to run begins with it.
pub fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let called = std::env::args_os().next();
        let stem = called
            .as_deref()
            .and_then(|called| Path::new(called).file_stem());
        let name = stem.and_then(|name| name.to_str());
        name.filter(|name| !name.is_empty())
            .unwrap_or(OWN)
            .to_owned()
    })
}
