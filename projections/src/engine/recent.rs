//! Documents of messages that changed lately, so that a door can return the message it just posted.

use std::collections::HashMap;

use bytes::Bytes;
use domain::MessageId;
use parking_lot::RwLock;

use crate::engine::tx::Stale;

/// How many documents are kept, about.
const CAPACITY: usize = 8192;

/// How many bytes of documents are kept, about.
const BYTES: usize = 16 * 1024 * 1024;

/// Written only by the worker, when it tells of what it applied.
#[derive(Default)]
pub(crate) struct Recent {
    messages: RwLock<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<MessageId, Bytes>,
    old: HashMap<MessageId, Bytes>,
    young_bytes: usize,
}

impl Recent {
    pub(crate) fn get(&self, id: &MessageId) -> Option<Bytes> {
        let messages = self.messages.read();
        messages
            .young
            .get(id)
            .or_else(|| messages.old.get(id))
            .cloned()
    }

    /// Takes over what changed.
    pub(crate) fn update(&self, stale: &mut Stale) {
        if stale.messages.is_empty() && !stale.all_messages {
            return;
        }
        let mut messages = self.messages.write();
        if stale.all_messages {
            *messages = Generations::default();
        }
        for (id, doc) in stale.messages.drain() {
            messages.old.remove(&id);
            match doc {
                Some(doc) => {
                    messages.young_bytes += doc.len();
                    messages.young.insert(id, doc);
                }
                None => drop(messages.young.remove(&id)),
            }
            if messages.young.len() >= CAPACITY / 2 || messages.young_bytes >= BYTES / 2 {
                messages.old = std::mem::take(&mut messages.young);
                messages.young_bytes = 0;
            }
        }
    }

    pub(crate) fn clear(&self) {
        *self.messages.write() = Generations::default();
    }
}
