//! What one person is told and nobody else, and what is kept nowhere: who does not listen at that moment misses it.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{RoomId, Timestamp, UserId};
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// How many wait for somebody who is slow to listen. Older ones are passed over.
const WAITING: usize = 32;

/// A message that only one person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Notice {
    /// The room it is about, and is shown in.
    pub room: RoomId,
    pub text: String,
    pub at: Timestamp,
}

/// Those who listen on this node.
#[derive(Clone, Default)]
pub struct Notices(Arc<Mutex<HashMap<UserId, Sender<Notice>>>>);

impl Notices {
    /// Tells `user`, wherever they listen.
    pub fn tell(&self, user: &UserId, notice: Notice) {
        if let Some(listeners) = self.0.lock().get(user) {
            // An error says that nobody listens any more.
            let _ = listeners.send(notice);
        }
    }

    /// Listens to what `user` is told from now on.
    pub fn listen(&self, user: &UserId) -> Listener {
        let mut users = self.0.lock();
        let listeners = users
            .entry(user.clone())
            .or_insert_with(|| channel(WAITING).0);
        Listener {
            notices: self.clone(),
            user: user.clone(),
            told: listeners.subscribe(),
        }
    }
}

/// Somebody who listens. It ends when it is dropped.
pub struct Listener {
    notices: Notices,
    user: UserId,
    told: Receiver<Notice>,
}

impl Listener {
    /// The next notice. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Notice {
        loop {
            match self.told.recv().await {
                Ok(notice) => return notice,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut users = self.notices.0.lock();
        // This one is counted until the end.
        let others = users
            .get(&self.user)
            .is_some_and(|listeners| listeners.receiver_count() > 1);
        if !others {
            users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(text: &str) -> Notice {
        Notice {
            room: RoomId::new("room"),
            text: text.to_owned(),
            at: Timestamp::from_millis(1),
        }
    }

    #[tokio::test]
    async fn whoever_listens_is_told_and_nobody_else() {
        let (notices, anna, bert) = (Notices::default(), UserId::new("anna"), UserId::new("bert"));
        notices.tell(&anna, notice("missed"));
        let (mut first, mut second) = (notices.listen(&anna), notices.listen(&anna));
        let mut other = notices.listen(&bert);
        notices.tell(&anna, notice("heard"));
        assert_eq!(first.next().await, notice("heard"));
        assert_eq!(second.next().await, notice("heard"));
        assert!(other.told.try_recv().is_err(), "it was not for bert");
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_left() {
        let (notices, anna) = (Notices::default(), UserId::new("anna"));
        let (first, mut second) = (notices.listen(&anna), notices.listen(&anna));
        drop(first);
        notices.tell(&anna, notice("heard"));
        assert_eq!(second.next().await, notice("heard"));
        drop(second);
        assert!(notices.0.lock().is_empty());
    }

    #[tokio::test]
    async fn whoever_is_slow_is_told_the_last_of_many() {
        let (notices, anna) = (Notices::default(), UserId::new("anna"));
        let mut slow = notices.listen(&anna);
        for number in 0..=WAITING {
            notices.tell(&anna, notice(&number.to_string()));
        }
        assert_eq!(slow.next().await, notice("1"));
    }
}
