//! The leaf of an event: what a Merkle tree over the log (RFC 9162) is built of.
//!
//! `leaf = SHA-256(0x00 || envelope || SHA-256(salt || data))`. The envelope is every field but `data`, `salt` and
//! `leaf`, in declaration order; numbers big-endian, texts preceded by their length as 4 bytes, an absent
//! causation as one zero byte and a present one as a one byte and the id. The data enters only through its
//! salted digest, so that content can be erased while the proof still holds.

use sha2::{Digest, Sha256};

use crate::event::{Leaf, RecordedEvent, Salt};

/// Digest of salted data. Needs nothing the log assigns, so it is computed before the writer's turn.
pub fn data_digest(salt: &Salt, data: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(data);
    hash.finalize().into()
}

/// The leaf of `event`, given the digest of its salted data.
pub fn leaf(event: &RecordedEvent, data_digest: &[u8; 32]) -> Leaf {
    let mut envelope = Vec::with_capacity(256);
    envelope.push(0);
    envelope.extend_from_slice(&event.position.get().to_be_bytes());
    text(&mut envelope, event.stream.as_str());
    envelope.extend_from_slice(&event.version.get().to_be_bytes());
    envelope.extend_from_slice(event.id.0.as_bytes());
    text(&mut envelope, &event.event_type);
    envelope.extend_from_slice(&event.schema.to_be_bytes());
    envelope.extend_from_slice(&event.recorded_at.as_millis().to_be_bytes());
    text(&mut envelope, event.actor.as_str());
    envelope.extend_from_slice(event.correlation_id.0.as_bytes());
    match event.causation_id {
        None => envelope.push(0),
        Some(id) => {
            envelope.push(1);
            envelope.extend_from_slice(id.0.as_bytes());
        }
    }
    envelope.extend_from_slice(data_digest);
    Sha256::digest(&envelope).into()
}

/// Whether the leaf stored with `event` is the one its content gives.
pub fn verify(event: &RecordedEvent) -> bool {
    leaf(event, &data_digest(&event.salt, &event.data)) == event.leaf
}

fn text(envelope: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    envelope.extend_from_slice(&length.to_be_bytes());
    envelope.extend_from_slice(text.as_bytes());
}
