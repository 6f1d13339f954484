//! Giving memory back. The allocator keeps for a thread what the thread had, and cleans up what others freed of it when
//! the thread next asks for more. A thread that has nothing to do never asks.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a thread has nothing to do before it gives back what it does not need.
pub const LULL: Duration = Duration::from_secs(1);

/// How often a thread that comes to rest all the time gives back.
const OFTEN: Duration = Duration::from_millis(100);

/// Has the allocator return what was freed to the operating system. It does so when it is next asked for a large
/// piece; the one asked for here is never touched. Without it an idle server would keep the memory of its last login,
/// or of the largest answer it ever gave.
pub fn give_back() {
    const LARGE: usize = 1 << 20;
    std::hint::black_box(Vec::<u8>::with_capacity(LARGE));
}

/// The same for a thread that is about to rest, which may be thousands of times a second: gives back only now and then.
pub fn give_back_now_and_then() {
    thread_local! {
        static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    let due = LAST
        .get()
        .is_none_or(|last| now.duration_since(last) >= OFTEN);
    if due {
        LAST.set(Some(now));
        give_back();
    }
}
