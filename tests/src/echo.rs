//! The yardstick of the REST benchmarks: an axum handler that echoes JSON, and one that sends as many bytes as it is asked
//! for, in a process of their own, which shows what axum and the machine can do at all. A benchmark starts itself anew for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::extract::Path;
use axum::routing::{get, post};
use serde_json::Value;

const FLAG: &str = "--echo-server";

/// Whether this process was started to be the yardstick.
pub fn is_wanted() -> bool {
    std::env::args().any(|argument| argument == FLAG)
}

/// Is the yardstick, until killed.
///
/// # Panics
/// When it cannot listen.
pub async fn serve() {
    let echo = |axum::Json(body): axum::Json<Value>| async move { axum::Json(body) };
    let bytes = |Path(count): Path<usize>| async move { vec![b'x'; count] };
    let app = axum::Router::new()
        .route("/echo", post(echo))
        .route("/bytes/{count}", get(bytes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    println!("{}", listener.local_addr().expect("its address"));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await.expect("serve");
}

/// The running yardstick; stopped when dropped.
pub struct Echo {
    child: Child,
    address: SocketAddr,
}

impl Echo {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg(FLAG)
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the yardstick");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its address");
        let address = line.trim().parse().expect("an address");
        Self { child, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
