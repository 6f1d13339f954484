//! A real WebDAV server for tests, over a scratch folder.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::{ports, tools};

/// The one user it knows, and their password.
pub const LOGIN: (&str, &str) = ("ann", "dav secret");

/// A running server; killed, by its own process id, when dropped.
pub struct WebdavServer {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
    _lifeline: ChildStdin,
}

impl WebdavServer {
    /// Starts one and waits until it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        let (folder, port) = (
            tempfile::tempdir().expect("a scratch folder"),
            ports::free_port(),
        );
        let mut child = Command::new(tools::python())
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/python/webdav_server.py"
            ))
            .arg(folder.path())
            .arg(port.to_string())
            .args([LOGIN.0, LOGIN.1])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the WebDAV server");
        let lifeline = child.stdin.take().expect("its input");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its first line");
        assert_eq!(
            line.trim(),
            "listening",
            "the WebDAV server did not start; are its packages installed? (`cargo xtask tools`)"
        );
        Self {
            folder,
            port,
            child,
            _lifeline: lifeline,
        }
    }

    /// The address of its files.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dav", self.port)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of its, by path.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }
}

impl Drop for WebdavServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
