//! What one person is told and nobody else, and what is kept nowhere: who does not listen at that moment misses it.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{RoomId, Timestamp, UserId};
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::ids::now;

/// How many wait for somebody who is slow to listen. Older ones are passed over.
const WAITING: usize = 32;

/// A message that only one person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Notice {
    /// The room it is about, and is shown in.
    pub room: RoomId,
    pub text: String,
    /// No other notice of this node has it: clients know them apart by it.
    pub at: Timestamp,
}

/// Those who listen on this node.
#[derive(Clone, Default)]
pub struct Notices(Arc<Mutex<Listeners>>);

#[derive(Default)]
struct Listeners {
    users: HashMap<UserId, Sender<Notice>>,
    /// When somebody was told something last.
    last: i64,
}

impl Notices {
    /// Tells `user` that about the room, wherever they listen.
    pub fn tell(&self, user: &UserId, room: &RoomId, text: impl Into<String>) {
        let mut listeners = self.0.lock();
        let at = now().as_millis().max(listeners.last + 1);
        let Some(told) = listeners.users.get(user) else {
            return;
        };
        // An error says that nobody listens any more.
        let _ = told.send(Notice {
            room: room.clone(),
            text: text.into(),
            at: Timestamp::from_millis(at),
        });
        listeners.last = at;
    }

    /// Listens to what `user` is told from now on.
    pub fn listen(&self, user: &UserId) -> Listener {
        let mut listeners = self.0.lock();
        let told = listeners
            .users
            .entry(user.clone())
            .or_insert_with(|| channel(WAITING).0);
        Listener {
            notices: self.clone(),
            user: user.clone(),
            told: told.subscribe(),
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
        let mut listeners = self.notices.0.lock();
        // This one is counted until the end.
        let others = listeners
            .users
            .get(&self.user)
            .is_some_and(|told| told.receiver_count() > 1);
        if !others {
            listeners.users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(notices: &Notices, user: &UserId, text: &str) {
        notices.tell(user, &RoomId::new("room"), text);
    }

    #[tokio::test]
    async fn whoever_listens_is_told_and_nobody_else() {
        let (notices, anna, bert) = (Notices::default(), UserId::new("anna"), UserId::new("bert"));
        tell(&notices, &anna, "missed");
        let (mut first, mut second) = (notices.listen(&anna), notices.listen(&anna));
        let mut other = notices.listen(&bert);
        tell(&notices, &anna, "heard");
        let heard = first.next().await;
        assert_eq!(
            (heard.text.as_str(), heard.room.as_str()),
            ("heard", "room")
        );
        assert_eq!(second.next().await, heard);
        assert!(other.told.try_recv().is_err(), "it was not for bert");
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_left() {
        let (notices, anna) = (Notices::default(), UserId::new("anna"));
        let (first, mut second) = (notices.listen(&anna), notices.listen(&anna));
        drop(first);
        tell(&notices, &anna, "heard");
        assert_eq!(second.next().await.text, "heard");
        drop(second);
        assert!(notices.0.lock().users.is_empty());
    }

    #[tokio::test]
    async fn whoever_is_slow_is_told_the_last_of_many() {
        let (notices, anna) = (Notices::default(), UserId::new("anna"));
        let mut slow = notices.listen(&anna);
        for number in 0..=WAITING {
            tell(&notices, &anna, &number.to_string());
        }
        assert_eq!(slow.next().await.text, "1");
    }

    #[tokio::test]
    async fn no_two_notices_are_of_the_same_time() {
        let (notices, anna) = (Notices::default(), UserId::new("anna"));
        let mut heard = notices.listen(&anna);
        for _ in 0..WAITING {
            tell(&notices, &anna, "at once");
        }
        let mut last = Timestamp::from_millis(0);
        for _ in 0..WAITING {
            let at = heard.next().await.at;
            assert!(at > last);
            last = at;
        }
    }
}
