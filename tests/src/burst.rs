//! Writers that post, edit and delete without pause, and remember what they were promised.
//!
//! An acknowledged change holds for ever. One that got no answer, because the server was killed under it, may have
//! happened or not; whichever it was, it happened once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;

const WRITERS: usize = 8;

/// Pause of a writer that got no answer.
const PAUSE: Duration = Duration::from_millis(10);

/// The texts a message may have after all that was asked of it; `None`: there is no such message.
type Allowed = Vec<Option<String>>;

/// What was promised of each message, by its id.
#[derive(Debug, Default)]
pub struct Promises {
    messages: BTreeMap<String, Allowed>,
    /// How many changes were acknowledged.
    pub acknowledged: usize,
}

impl Promises {
    /// What became of a change that leaves the message with `text`.
    fn note(&mut self, id: &str, text: Option<String>, acknowledged: bool) {
        let allowed = self
            .messages
            .entry(id.to_owned())
            .or_insert_with(|| vec![None]);
        if acknowledged {
            self.acknowledged += 1;
            allowed.clear();
        }
        allowed.push(text);
    }

    /// Whether the message is there for certain, with no change pending.
    fn is_certain(&self, id: &str) -> bool {
        self.messages
            .get(id)
            .is_some_and(|allowed| matches!(allowed.as_slice(), [Some(_)]))
    }

    fn extend(&mut self, other: Self) {
        self.messages.extend(other.messages);
        self.acknowledged += other.acknowledged;
    }

    /// Compares what is there, ids and texts, with what was promised.
    ///
    /// # Panics
    /// When a promise was not kept, or something is there twice.
    pub fn check(&self, there: &[(String, String)]) {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, text) in there {
            assert!(
                found.insert(id, text).is_none(),
                "message `{id}` is there once"
            );
        }
        for (id, allowed) in &self.messages {
            let text = found.remove(id.as_str());
            assert!(
                allowed.iter().any(|allowed| allowed.as_deref() == text),
                "message `{id}` is {text:?}, promised was one of {allowed:?}"
            );
        }
        assert!(found.is_empty(), "nobody posted {found:?}");
    }
}

/// Writers at work.
#[derive(Debug)]
pub struct Burst {
    writers: Vec<tokio::task::JoinHandle<Promises>>,
    stop: Arc<AtomicBool>,
}

impl Burst {
    /// Begins to write into the channel `GENERAL`; `round` keeps the ids of several bursts apart.
    pub fn begin(client: &Client, round: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let writers = (0..WRITERS)
            .map(|writer| {
                let (client, stop) = (client.clone(), Arc::clone(&stop));
                tokio::spawn(write(client, format!("r{round}w{writer}"), stop))
            })
            .collect();
        Self { writers, stop }
    }

    /// Ends the writers once each has heard of its last request, and adds what they were promised to `promises`.
    ///
    /// # Panics
    /// When a writer met an answer that it should not.
    pub async fn end(self, promises: &mut Promises) {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers {
            promises.extend(writer.await.expect("a writer that met what it may meet"));
        }
    }
}

/// Of five changes, three are new messages, one edits the message before and one deletes the one before that.
async fn write(client: Client, name: String, stop: Arc<AtomicBool>) -> Promises {
    let mut promises = Promises::default();
    for number in 0_usize.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = |back: usize| format!("{name}n{:05}", number.saturating_sub(back));
        let (path, id, text, body) = match number % 5 {
            3 => {
                let (id, text) = (id(1), format!("edited by {name} at {number}"));
                let body = json!({"roomId": "GENERAL", "msgId": id, "text": text});
                ("chat.update", id, Some(text), body)
            }
            4 => {
                let id = id(3);
                let body = json!({"roomId": "GENERAL", "msgId": id});
                ("chat.delete", id, None, body)
            }
            _ => {
                let (id, text) = (id(0), format!("posted by {name} at {number}"));
                let body = json!({"message": {"_id": id, "rid": "GENERAL", "msg": text}});
                ("chat.sendMessage", id, Some(text), body)
            }
        };
        if path != "chat.sendMessage" && !promises.is_certain(&id) {
            continue;
        }
        let path = format!("/api/v1/{path}");
        let body = Some(("application/json", body.to_string()));
        let answer = client.try_send(Method::POST, &path, body).await;
        match answer {
            Ok(answer) if answer.status.is_success() => promises.note(&id, text, true),
            // While the database is away nothing is promised.
            Ok(answer) => {
                assert!(
                    answer.status.is_server_error(),
                    "{path}: {} {}",
                    answer.status,
                    answer.body
                );
                promises.note(&id, text, false);
            }
            Err(_) => {
                promises.note(&id, text, false);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    promises
}

/// Ids and texts of all messages people wrote into `GENERAL`, and how many system messages there are.
///
/// # Panics
/// When they cannot be read.
pub async fn messages(client: &Client) -> (Vec<(String, String)>, usize) {
    const PAGE: usize = 100;
    let (mut written, mut system) = (Vec::new(), 0);
    for page in 0.. {
        let path = format!(
            "channels.messages?roomId=GENERAL&count={PAGE}&offset={}&sort=%7B%22ts%22%3A1%7D",
            page * PAGE
        );
        let answer = client.get(&path).await.ok();
        let messages = answer["messages"].as_array().expect("messages");
        for message in messages {
            if message.get("t").is_some() {
                system += 1;
                continue;
            }
            let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
            written.push((text("_id"), text("msg")));
        }
        if messages.len() < PAGE {
            break;
        }
    }
    (written, system)
}

/// The ids in `frames` of `/live` that tell of a message posted.
pub fn posted(frames: &[Value]) -> Vec<&str> {
    frames
        .iter()
        .filter(|frame| frame["kind"] == "message-posted")
        .filter_map(|frame| frame["data"]["_id"].as_str())
        .collect()
}
