//! The running `hansard` binary, started by a test on a free port with its data in a scratch folder.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::client::Client;

/// Name of the administrator every test server has.
pub const ADMIN: &str = "admin";
/// Password of the administrator every test server has.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// How long a server may take to answer that it is ready, or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// The folder cargo puts this build's binaries in.
fn binary_folder() -> PathBuf {
    let mut folder = std::env::current_exe().expect("path of the test binary");
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder
}

/// The server.
const PROGRAM: &str = "hansard";

/// The server binary of this build.
///
/// # Panics
/// When it was not built.
pub fn binary() -> PathBuf {
    binary_of(PROGRAM)
}

fn binary_of(program: &str) -> PathBuf {
    let binary = binary_folder().join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "the binary {program} is not built: run the tests by `cargo xtask test`, or `cargo build --workspace` first"
    );
    binary
}

/// How a test server is to be started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    program: &'static str,
    environment: BTreeMap<String, String>,
    admin: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            program: PROGRAM,
            environment: BTreeMap::new(),
            admin: true,
        }
    }
}

impl ServerOptions {
    /// Another program of this build, which embeds the server.
    #[must_use]
    pub fn program(mut self, program: &'static str) -> Self {
        self.program = program;
        self
    }

    /// An environment variable for the server.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// The log in this MongoDB instead of the embedded one.
    #[must_use]
    pub fn mongo(self, url: &str) -> Self {
        self.env("MONGO_URL", url)
    }

    /// With a clock that is so many milliseconds ahead of this machine's.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn clock_ahead(self, millis: u32) -> Self {
        let library = crate::clock::library().display().to_string();
        self.env("LD_PRELOAD", library)
            .env("CLOCK_AHEAD_MS", millis.to_string())
    }

    /// Without an administrator from the environment.
    #[must_use]
    pub fn without_admin(mut self) -> Self {
        self.admin = false;
        self
    }

    /// Starts it with data in a fresh folder and waits until it is ready.
    pub async fn start(self) -> Server {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut server = Server {
            child: None,
            port: 0,
            folder,
            options: self,
            output: Arc::default(),
        };
        server.restart().await;
        server
    }
}

/// A running server. Killed, by its own process id, when dropped.
#[derive(Debug)]
pub struct Server {
    child: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
    options: ServerOptions,
    output: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server with the embedded log.
    pub async fn start() -> Self {
        ServerOptions::default().start().await
    }

    /// The same server, which is started with other options from its next start on.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        self.options = change(self.options.clone());
        self
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder its data is in.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    /// Another environment from its next start on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let environment = &mut self.options.environment;
        environment.insert(name.to_owned(), value.to_owned());
    }

    /// Where its log is, unless that is the embedded one.
    pub fn mongo_url(&self) -> Option<String> {
        self.options.environment.get("MONGO_URL").cloned()
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("output").clone()
    }

    /// A client that nobody is logged in with.
    pub fn client(&self) -> Client {
        Client::new(&self.url())
    }

    /// A client with the administrator logged in.
    pub async fn admin(&self) -> Client {
        self.client().login(ADMIN, ADMIN_PASSWORD).await
    }

    /// The command that starts a server on `data` with these options, not yet run.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(binary_of(self.options.program));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| {
                matches!(name.as_str(), "PATH" | "HOME" | "TMPDIR" | "RUST_LOG")
            }))
            .env("PORT", self.port.to_string())
            .env("BIND", "127.0.0.1")
            .env("DATA_DIR", data)
            // Tests look nobody up outside: nothing listens there, and it is not to be reached either.
            .env("GRAVATAR_URL", "http://127.0.0.1:9/avatar")
            .env("TEST_MODE", "true");
        if self.options.admin {
            command
                .env("ADMIN_USERNAME", ADMIN)
                .env("ADMIN_PASS", ADMIN_PASSWORD)
                .env("ADMIN_EMAIL", "admin@example.org");
        }
        command.envs(&self.options.environment);
        command
    }

    /// Starts it (again) on the same data and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready in time.
    pub async fn restart(&mut self) {
        self.kill9();
        // A free port may be taken between finding and using it: then it is found anew.
        for attempt in 0.. {
            self.launch();
            match self.ready().await {
                Ok(()) => return,
                Err(reason) if attempt < 3 && self.output().contains("in use") => {
                    eprintln!("{reason}; once more");
                }
                Err(reason) => panic!(
                    "the server did not become ready: {reason}\n{}",
                    self.output()
                ),
            }
        }
    }

    /// Starts it (again) on the same data, without waiting for anything.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn launch(&mut self) {
        self.kill9();
        self.port = crate::ports::free_port();
        let child = self
            .command(&self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the server");
        self.child = Some(child);
        self.collect_output();
    }

    /// Waits until what `/readyz` says is `good`, and answers it.
    ///
    /// # Panics
    /// When that does not come about in time.
    pub async fn until_readiness(
        &self,
        good: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            if let Some(said) = self.client().readiness().await {
                if good(&said) {
                    return said;
                }
                last = Some(said);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("readiness stays {last:?}\n{}", self.output());
    }

    fn collect_output(&mut self) {
        let child = self.child.as_mut().expect("just started");
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child
                .stdout
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child
                .stderr
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ];
        for pipe in pipes.into_iter().flatten() {
            let output = Arc::clone(&self.output);
            // Ends with the pipe, that is with the server.
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let mut output = output.lock().expect("output");
                    output.push_str(&line);
                    output.push('\n');
                }
            });
        }
    }

    async fn ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let client = self.client();
        while Instant::now() < deadline {
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten())
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Err(format!("it ended with {status}"));
            }
            if client.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("time is up".to_owned())
    }

    /// Waits until it is ready again, without starting it.
    pub async fn until_ready(&mut self) {
        if let Err(reason) = self.ready().await {
            panic!(
                "the server did not become ready: {reason}\n{}",
                self.output()
            );
        }
    }

    /// `kill -9`, as a crash.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Sends a signal by its name, e.g. `TERM`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.pid().to_string())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill -{signal}"
        );
    }

    /// Asks it to stop, as an operator does, and waits for that.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let child = self.child.as_mut().expect("a running server");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("status of the server") {
                self.child = None;
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.kill9();
        panic!(
            "the server did not stop within {PATIENCE:?}\n{}",
            self.output()
        );
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn resident_bytes(&self) -> u64 {
        resident_bytes(self.pid()).expect("/proc of the server")
    }

    /// The processes it has started that still run.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn children(&self) -> Vec<u32> {
        let server = self.pid().to_string();
        let processes = std::fs::read_dir("/proc").expect("/proc");
        let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_child = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The name, in parentheses, may contain anything; state and parent follow it.
            let mut fields = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let (state, parent) = (fields.next(), fields.next());
            parent == Some(&server) && state != Some("Z")
        };
        numbers.filter(is_child).collect()
    }

    /// Resident memory of the server and all it has started, in bytes.
    pub fn resident_bytes_of_all(&self) -> u64 {
        let children = self.children();
        let children = children.into_iter().filter_map(resident_bytes);
        self.resident_bytes() + children.sum::<u64>()
    }
}

fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}
