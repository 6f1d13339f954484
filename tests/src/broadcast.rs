//! The yardstick of the benchmarks of `/live`: a bare tokio-tungstenite broadcast that coalesces its writes, in a
//! process of its own. A benchmark starts itself anew for it.

use std::net::SocketAddr;
use std::process::Stdio;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

const FLAG: &str = "--broadcast-server";

/// Whether this process was started to be the yardstick.
pub fn is_wanted() -> bool {
    std::env::args().any(|argument| argument == FLAG)
}

/// Is the yardstick, until killed. A line on standard input is a frame; every socket gets every frame.
///
/// # Panics
/// When it cannot listen.
pub async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("its address"));
    let (frames, _) = broadcast::channel::<Message>(4 * 1024);
    let accept = frames.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            tokio::spawn(pass_on(stream, accept.subscribe()));
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let text = Utf8Bytes::try_from(Bytes::from(line.into_bytes()));
        frames.send(Message::Text(text.expect("UTF-8"))).ok();
    }
}

async fn pass_on(stream: TcpStream, mut frames: broadcast::Receiver<Message>) {
    let socket = tokio_tungstenite::accept_async(stream)
        .await
        .expect("a socket");
    let (mut sink, mut source) = socket.split();
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let Ok(frame) = frame else { return };
                if sink.feed(frame).await.is_err() { return }
                while let Ok(frame) = frames.try_recv() {
                    if sink.feed(frame).await.is_err() { return }
                }
                if sink.flush().await.is_err() { return }
            }
            message = source.next() => if message.is_none() { return },
        }
    }
}

/// The running yardstick; killed when dropped.
pub struct Broadcast {
    child: Child,
    address: SocketAddr,
}

impl Broadcast {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg(FLAG)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("start the yardstick");
        let stdout = child.stdout.take().expect("its output");
        let line = BufReader::new(stdout)
            .lines()
            .next_line()
            .await
            .expect("its output");
        Self {
            address: line.expect("its address").parse().expect("an address"),
            child,
        }
    }

    /// A socket that gets every frame from here on, upgraded already.
    ///
    /// # Panics
    /// When there is none.
    pub async fn socket(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.expect("connect");
        let url = format!("ws://{}/", self.address);
        let (socket, _) = tokio_tungstenite::client_async(url, stream)
            .await
            .expect("a socket");
        socket.into_inner()
    }

    /// Process id.
    ///
    /// # Panics
    /// When it has ended.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a running yardstick")
    }

    /// Sends a frame, which is one line, to all.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn send(&mut self, frame: &str) {
        let stdin = self.child.stdin.as_mut().expect("its input");
        let line = format!("{frame}\n");
        stdin
            .write_all(line.as_bytes())
            .await
            .expect("send a frame");
    }
}
