//! Which requests of a connection are under way, to tell what the HTTP library writes by itself from what this server
//! answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The requests of one connection. Everything happens on the connection's task; the atomics are for the compiler.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Requests whose answer is not handed over to the connection entirely.
    under_way: AtomicUsize,
    /// There was a request since everything was last written out.
    unsent: AtomicBool,
}

impl Calls {
    /// A request begins; it ends when the returned value is dropped.
    pub fn begin(&self) -> Call {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        self.0.unsent.store(true, Ordering::Relaxed);
        Call(Arc::clone(&self.0))
    }

    /// Everything handed over so far is written out. Returns whether the connection is now at rest.
    pub fn written_out(&self) -> bool {
        if self.0.under_way.load(Ordering::Relaxed) == 0 {
            self.0.unsent.store(false, Ordering::Relaxed);
        }
        self.at_rest()
    }

    /// Whether every request is answered and written out: no request has led to what is written now.
    pub fn at_rest(&self) -> bool {
        !self.0.unsent.load(Ordering::Relaxed)
    }
}

/// A request under way.
#[derive(Debug)]
pub struct Call(Arc<State>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_at_rest_when_every_answer_is_written_out() {
        let calls = Calls::default();
        assert!(calls.at_rest());
        let call = calls.begin();
        assert!(!calls.written_out(), "the answer is still to come");
        drop(call);
        assert!(!calls.at_rest(), "handed over, but not written");
        assert!(calls.written_out());
    }
}
