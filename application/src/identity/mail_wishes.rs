//! Mails that people who are not logged in ask for. They are looked up after the answer, so that neither the answer nor
//! the time it takes tells whether an account exists.

use tokio::sync::{Mutex, MutexGuard, mpsc};

/// Wishes that may wait to be looked up.
const QUEUE: usize = 1024;

/// What a person who is not logged in wants mailed, by the address they typed.
pub enum Wish {
    /// A link to choose a password.
    Reset(String),
    /// A link to prove the address.
    Verification(String),
}

/// The longest address there is, in bytes (RFC 5321, 4.5.3.1).
const LONGEST_ADDRESS: usize = 64 + 1 + 255;

/// The queue of such wishes.
pub struct MailWishes {
    sender: mpsc::Sender<Wish>,
    /// Locked by the task that carries them out.
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
    /// The user at this address forgot their password.
    pub fn forgotten(&self, address: &str) {
        self.note(address, Wish::Reset);
    }

    /// The user at this address wants to prove it.
    pub fn unverified(&self, address: &str) {
        self.note(address, Wish::Verification);
    }

    fn note(&self, address: &str, wish: impl Fn(String) -> Wish) {
        let address = domain::text::trim(address);
        // No address is longer, and the queue must not be filled with invented text.
        if address.len() > LONGEST_ADDRESS {
            return;
        }
        if self.sender.try_send(wish(address.to_owned())).is_err() {
            tracing::warn!("too many people want a link mailed at once; one is passed over");
        }
    }

    /// The wishes that wait, for the task that carries them out; `None`: another one does already.
    pub fn waiting(&self) -> Option<MutexGuard<'_, mpsc::Receiver<Wish>>> {
        self.receiver.try_lock().ok()
    }
}
