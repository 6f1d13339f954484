//! What people who are not logged in want mailed. It is looked up behind the caller's back, so that neither the answer
//! nor how long it takes tells whether there is an account.

use tokio::sync::{Mutex, MutexGuard, mpsc};

/// Wishes that may wait to be looked up.
const QUEUE: usize = 1024;

/// What somebody who is not logged in wants mailed, by the address they typed.
pub enum Wish {
    /// A link to choose a password.
    Reset(String),
    /// A link to prove the address.
    Verification(String),
}

/// The longest address there is, in bytes (RFC 5321, 4.5.3.1).
const LONGEST_ADDRESS: usize = 64 + 1 + 255;

/// Wishes of people who are not logged in, waiting.
pub struct MailWishes {
    sender: mpsc::Sender<Wish>,
    /// Held by whoever grants them.
    receiver: Mutex<mpsc::Receiver<Wish>>,
}

impl Default for MailWishes {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            sender,
            receiver: Mutex::new(receiver),
        }
    }
}

impl MailWishes {
    /// Somebody at this address forgot a password.
    pub fn forgotten(&self, address: &str) {
        self.note(address, Wish::Reset);
    }

    /// Somebody at this address wants to prove it.
    pub fn unverified(&self, address: &str) {
        self.note(address, Wish::Verification);
    }

    fn note(&self, address: &str, wish: impl Fn(String) -> Wish) {
        let address = domain::text::trim(address);
        // Nobody has a longer one, and the queue must not be filled with what anybody makes up.
        if address.len() > LONGEST_ADDRESS {
            return;
        }
        if self.sender.try_send(wish(address.to_owned())).is_err() {
            tracing::warn!("too many people want a link mailed at once; one is passed over");
        }
    }

    /// The wishes that wait, for the one who grants them; `None`: somebody does already.
    pub fn waiting(&self) -> Option<MutexGuard<'_, mpsc::Receiver<Wish>>> {
        self.receiver.try_lock().ok()
    }
}
