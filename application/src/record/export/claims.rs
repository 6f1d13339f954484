//! The names of exports that are made now.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

/// The names that this process makes exports of now, beside those that wait in the folder of exports.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(Arc<Mutex<HashSet<String>>>);

/// A name that is nobody else's until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Claim {
    claims: Claims,
    /// `None`: the export follows no other.
    name: Option<String>,
}

impl Claims {
    /// `None`: somebody has the name.
    pub(super) fn claim(&self, name: Option<&str>) -> Option<Claim> {
        let name = name.map(str::to_owned);
        if let Some(name) = &name
            && !self.0.lock().insert(name.clone())
        {
            return None;
        }
        let claims = self.clone();
        Some(Claim { claims, name })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.claims.0.lock().remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_exports_until_that_is_done() {
        let claims = Claims::default();
        let first = claims.claim(Some("nightly"));
        assert!(first.is_some(), "nobody had it");
        assert!(claims.claim(Some("nightly")).is_none(), "now somebody has");
        assert!(claims.claim(Some("weekly")).is_some(), "another is free");
        let unnamed = [claims.claim(None), claims.claim(None)];
        assert!(unnamed.iter().all(Option::is_some), "what follows nothing");
        drop(first);
        assert!(claims.claim(Some("nightly")).is_some(), "it is given back");
    }
}
