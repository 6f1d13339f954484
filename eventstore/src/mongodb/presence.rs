//! The session this process writes with, and whether it has to show life.

use std::time::{Duration, Instant};

use ::mongodb::bson::Bson;
use parking_lot::{Mutex, MutexGuard};

/// How often to look whether the running transaction takes long, and to tell others if it does.
pub(super) const TICK: Duration = Duration::from_millis(500);

/// How often a writer without long transactions shows that it lives.
const REFRESH: Duration = Duration::from_mins(5);

/// The session this process writes with now, as others know it.
#[derive(Default)]
pub(super) struct Presence(Mutex<Option<Present>>);

pub(super) struct Present {
    pub(super) session: Bson,
    /// Since when a transaction is open in it.
    pub(super) open_since: Option<Instant>,
    /// When others were last told.
    pub(super) told: Instant,
}

impl Presence {
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Present>> {
        self.0.lock()
    }

    /// The session to show life for now, and whether it is the rare time for it.
    pub(super) fn due(&self) -> Option<(Bson, bool)> {
        let mut presence = self.0.lock();
        let present = presence.as_mut()?;
        let long = present
            .open_since
            .is_some_and(|since| since.elapsed() >= TICK);
        let refresh = present.told.elapsed() >= REFRESH;
        if !long && !refresh {
            return None;
        }
        if refresh {
            present.told = Instant::now();
        }
        Some((present.session.clone(), refresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_shows_life_in_long_transactions_and_rarely_else() {
        let presence = Presence::default();
        assert!(presence.due().is_none(), "nobody writes");
        let ago = |past| {
            Instant::now()
                .checked_sub(past)
                .unwrap_or_else(Instant::now)
        };
        let present = |open_since, told| {
            Some(Present {
                session: Bson::Int32(1),
                open_since,
                told,
            })
        };
        *presence.0.lock() = present(Some(Instant::now()), Instant::now());
        assert!(presence.due().is_none(), "a short transaction");
        *presence.0.lock() = present(Some(ago(TICK)), Instant::now());
        assert_eq!(presence.due(), Some((Bson::Int32(1), false)));
        *presence.0.lock() = present(None, ago(REFRESH));
        assert_eq!(presence.due(), Some((Bson::Int32(1), true)));
        assert!(presence.due().is_none(), "told just now");
    }
}
