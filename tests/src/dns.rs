//! A name server for tests: it knows a few records and says of everything else that it is not there (RFC 1035).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

const TXT: u16 = 16;
const SRV: u16 = 33;

/// One record.
struct Record {
    name: &'static str,
    kind: u16,
    data: Vec<u8>,
}

/// A running name server; stops when dropped.
pub struct NameServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// The records of a name server to be.
#[derive(Default)]
pub struct Zone(Vec<Record>);

/// A name as it goes over the wire.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

impl Zone {
    /// With a text.
    #[must_use]
    pub fn txt(mut self, name: &'static str, text: &str) -> Self {
        let mut data = vec![u8::try_from(text.len()).expect("a short text")];
        data.extend_from_slice(text.as_bytes());
        self.0.push(Record {
            name,
            kind: TXT,
            data,
        });
        self
    }

    /// With a service: priority, weight, port, and the host that has it.
    #[must_use]
    pub fn srv(
        mut self,
        name: &'static str,
        [priority, weight, port]: [u16; 3],
        host: &str,
    ) -> Self {
        let mut data = Vec::new();
        for number in [priority, weight, port] {
            data.extend_from_slice(&number.to_be_bytes());
        }
        data.extend_from_slice(&labels(host));
        self.0.push(Record {
            name,
            kind: SRV,
            data,
        });
        self
    }

    /// Serves it on a free port of this machine.
    ///
    /// # Panics
    /// When there is none.
    pub async fn serve(self) -> NameServer {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let address = socket.local_addr().expect("an address");
        let zone = Arc::new(self);
        let task = tokio::spawn(async move {
            let mut question = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                if let Some(answer) = zone.answer(&question[..length]) {
                    socket.send_to(&answer, from).await.ok();
                }
            }
        });
        NameServer { address, task }
    }

    /// The answer to a question; `None`: it is none.
    fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (mut name, mut rest) = (Vec::new(), message.get(12..)?);
        loop {
            let (length, after) = rest.split_first()?;
            let length = usize::from(*length);
            if length == 0 {
                rest = after;
                break;
            }
            name.push(String::from_utf8_lossy(after.get(..length)?).to_lowercase());
            rest = after.get(length..)?;
        }
        let (name, kind) = (
            name.join("."),
            u16::from_be_bytes([*rest.first()?, *rest.get(1)?]),
        );
        let question = &message[12..message.len() - rest.len() + 4];
        let found: Vec<&Record> = self
            .0
            .iter()
            .filter(|record| record.name == name && record.kind == kind)
            .collect();
        let count = u16::try_from(found.len()).ok()?;
        // An authoritative answer; without records, that there is no such name.
        let flags: u16 = if found.is_empty() { 0x8583 } else { 0x8580 };
        let mut answer = message.get(..2)?.to_vec();
        for number in [flags, 1, count, 0, 0] {
            answer.extend_from_slice(&number.to_be_bytes());
        }
        answer.extend_from_slice(question);
        for record in found {
            // The name is that of the question, at byte 12.
            answer.extend_from_slice(&[0xc0, 12]);
            answer.extend_from_slice(&record.kind.to_be_bytes());
            answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
            answer.extend_from_slice(&u16::try_from(record.data.len()).ok()?.to_be_bytes());
            answer.extend_from_slice(&record.data);
        }
        Some(answer)
    }
}

impl NameServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
