//! A real server that speaks the MongoDB protocol, started by the test that needs it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{ports, tools};

/// How long a server may take to answer; crash recovery included.
const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps a server and ends with the test process, however that ends: its standard input closes then. `$1` is the
/// folder to remove at the end, if not empty; the rest is the server and its arguments.
const KEEPER: &str = r#"clean=$1; shift; "$@" & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid; [ -z "$clean" ] || rm -rf "$clean""#;

/// How a server differs from the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct MongoServerOptions {
    /// Not a replica set.
    pub standalone: bool,
    /// Lets in only those who log in. Set it by [`MongoServer::restart_with`], once there is a user.
    pub auth: bool,
}

/// A running server with its data in a scratch folder; killed when dropped.
///
/// `mongod` if there is one on `PATH`, else a substitute that keeps what it acknowledged, too.
pub struct MongoServer {
    options: MongoServerOptions,
    kind: Kind,
    port: u16,
    folder: PathBuf,
    /// Removes the folder; `None` where the keeper does.
    _scratch: Option<TempDir>,
    running: Option<Running>,
}

struct Running {
    keeper: Child,
    /// Its end of life is the server's.
    lifeline: ChildStdin,
}

#[derive(Clone, Debug)]
enum Kind {
    Mongod(PathBuf),
    SecantusRust(PathBuf),
    SecantusPython(PathBuf),
}

impl Kind {
    fn find() -> Self {
        if let Some(program) = tools::on_path("mongod") {
            Self::Mongod(program)
        } else if let Some(program) = tools::on_path("secantusd-rs") {
            Self::SecantusRust(program)
        } else {
            Self::SecantusPython(tools::venv_program("secantusd-py"))
        }
    }

    fn replica_set(&self) -> &'static str {
        match self {
            Self::Mongod(_) => "rs0",
            Self::SecantusRust(_) | Self::SecantusPython(_) => "secantus",
        }
    }
}

static SHARED: OnceCell<MongoServer> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl MongoServer {
    /// A server of one's own, a replica set of one member.
    ///
    /// # Panics
    /// When none can be had or it does not start; says what to do.
    pub async fn start() -> Self {
        Self::start_with(MongoServerOptions::default()).await
    }

    /// A server of one's own.
    ///
    /// # Panics
    /// When none can be had or it does not start; says what to do.
    pub async fn start_with(options: MongoServerOptions) -> Self {
        let scratch = TempDir::with_prefix("hansard-mongo-").expect("a scratch folder");
        let mut server = Self::new(options, scratch.path().to_owned(), Some(scratch));
        server.run("").await;
        server
    }

    /// The server all tests of one test program share. Use [`MongoServer::fresh_url`] to have a database alone.
    pub async fn shared() -> &'static Self {
        SHARED
            .get_or_init(async || {
                // Never dropped, so the keeper cleans up.
                let folder = TempDir::with_prefix("hansard-mongo-")
                    .expect("a scratch folder")
                    .keep();
                let clean = folder.to_string_lossy().into_owned();
                let mut server = Self::new(MongoServerOptions::default(), folder, None);
                server.run(&clean).await;
                server
            })
            .await
    }

    fn new(options: MongoServerOptions, folder: PathBuf, scratch: Option<TempDir>) -> Self {
        Self {
            options,
            kind: Kind::find(),
            port: ports::free_port(),
            folder,
            _scratch: scratch,
            running: None,
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the default database.
    pub fn url(&self) -> String {
        self.database_url("hansard")
    }

    /// URL of a database nobody else has used.
    pub fn fresh_url(&self) -> String {
        self.database_url(&format!(
            "test{}",
            DATABASES.fetch_add(1, Ordering::Relaxed)
        ))
    }

    /// URL of the database `name`.
    pub fn database_url(&self, name: &str) -> String {
        let port = self.port;
        if self.options.standalone {
            format!("mongodb://127.0.0.1:{port}/{name}")
        } else {
            format!(
                "mongodb://127.0.0.1:{port}/{name}?replicaSet={}",
                self.kind.replica_set()
            )
        }
    }

    /// Stops the server without warning, as a power switch would.
    pub fn kill9(&mut self) {
        if let Some(Running {
            mut keeper,
            lifeline,
        }) = self.running.take()
        {
            drop(lifeline);
            // The keeper has waited for the server, so nothing holds the port or the data any more.
            let _ = keeper.wait();
        }
    }

    /// Starts the server again on the same port and data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.kill9();
        self.run("").await;
    }

    /// Starts the server again, differently.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_with(&mut self, options: MongoServerOptions) {
        self.options = options;
        self.restart().await;
    }

    async fn run(&mut self, clean: &str) {
        let log = self.folder.join("server.log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log file");
        std::fs::create_dir_all(self.folder.join("data")).expect("a data folder");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper", clean]);
        self.add_server(&mut keeper);
        // The substitutes read a configuration from the current folder: there is none here.
        keeper.current_dir(&self.folder).stdin(Stdio::piped());
        keeper
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output);
        let mut keeper = keeper.spawn().expect("the shell that keeps the server");
        let lifeline = keeper.stdin.take().expect("a piped standard input");
        self.running = Some(Running { keeper, lifeline });
        if let Err(error) = self.wait_until_ready().await {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("{:?} did not start: {error}\n{log}", self.kind);
        }
    }

    fn add_server(&self, command: &mut Command) {
        let port = self.port.to_string();
        match &self.kind {
            Kind::Mongod(program) => {
                command.arg(program).args([
                    "--bind_ip",
                    "127.0.0.1",
                    "--port",
                    &port,
                    "--dbpath",
                    "data",
                ]);
                command.args(["--wiredTigerCacheSizeGB", "0.25", "--nounixsocket"]);
                if !self.options.standalone {
                    command.args(["--replSet", self.kind.replica_set()]);
                }
                if self.options.auth {
                    // Members of a replica set that asks for passwords have a secret of their own.
                    let key = self.folder.join("key");
                    std::fs::write(&key, "aGFuc2FyZA".repeat(10)).expect("a key file");
                    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                    std::fs::set_permissions(&key, private).expect("a private key file");
                    command.args(["--auth", "--keyFile", "key"]);
                }
            }
            Kind::SecantusRust(program) | Kind::SecantusPython(program) => {
                command.arg(program).args([
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port,
                    "--storage-path",
                    "data",
                ]);
                // Without the last of these it loses acknowledged writes when killed.
                command.args([
                    "--cache-size",
                    "256M",
                    "--log-level",
                    "WARNING",
                    "--sync-on-commit",
                ]);
                if matches!(self.kind, Kind::SecantusRust(_)) {
                    command.args(["--log-file-max", "4MB"]);
                }
                if self.options.standalone {
                    command.arg("--standalone");
                }
                if self.options.auth {
                    command.arg("--auth");
                }
            }
        }
    }

    async fn wait_until_ready(&self) -> Result<(), String> {
        let direct = format!(
            "mongodb://127.0.0.1:{}/?directConnection=true&serverSelectionTimeoutMS=500",
            self.port
        );
        let client = Client::with_uri_str(direct)
            .await
            .map_err(|error| error.to_string())?;
        let admin = client.database("admin");
        let start = Instant::now();
        let mut initiated = self.options.standalone;
        loop {
            let hello = admin.run_command(doc! { "hello": 1 }).await;
            let failure = match hello {
                Ok(hello) if hello.get_bool("isWritablePrimary").unwrap_or(false) => return Ok(()),
                Ok(hello) if !initiated && hello.get_str("setName").is_err() => {
                    initiated = true;
                    initiate(&admin, self.kind.replica_set(), self.port)
                        .await
                        .err()
                }
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            if start.elapsed() > PATIENCE {
                return Err(failure.unwrap_or_else(|| "it does not become primary".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The folder of the server's data and log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database `url` names, to look at it past the log.
    ///
    /// # Panics
    /// When the URL has no database.
    pub async fn database(url: &str) -> Database {
        let client = Client::with_uri_str(url).await.expect("a valid URL");
        client.default_database().expect("a database in the URL")
    }
}

async fn initiate(admin: &Database, name: &str, port: u16) -> Result<Document, String> {
    let config =
        doc! { "_id": name, "members": [{ "_id": 0, "host": format!("127.0.0.1:{port}") }] };
    admin
        .run_command(doc! { "replSetInitiate": config })
        .await
        .map_err(|error| error.to_string())
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        self.kill9();
    }
}
