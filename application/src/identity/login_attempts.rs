//! Failed logins are counted, per account and per address, and too many of them block further ones for a while
//! (settings `Block_Multiple_Failed_Logins_*`). The counts are in memory: a restart resets them.

use std::net::IpAddr;

use domain::settings::{Key, Settings, keys};
use domain::{Timestamp, UserId};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::origin::{Household, parse_address};

/// Counts kept at a time, accounts and addresses together. If there are more, those that no longer block anything are
/// dropped, and if that is not enough, all of them: memory has a bound.
const MOST_COUNTS: usize = 100_000;

const MINUTE: i64 = 60_000;

/// What failed logins are counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Subject {
    User(UserId),
    Address(Household),
}

#[derive(Clone, Copy)]
struct Count {
    failures: u64,
    last: Timestamp,
}

/// When failed logins block further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    failures: u64,
    millis: i64,
}

impl Rule {
    /// The rule for accounts; `None`: the workspace has none.
    pub fn for_users(settings: &Settings) -> Option<Self> {
        if !settings.bool(keys::BLOCK_MULTIPLE_FAILED_LOGINS_BY_USER) {
            return None;
        }
        Self::of(
            settings,
            keys::BLOCK_MULTIPLE_FAILED_LOGINS_ATTEMPTS_UNTIL_BLOCK_BY_USER,
            keys::BLOCK_MULTIPLE_FAILED_LOGINS_TIME_TO_UNBLOCK_BY_USER_IN_MINUTES,
        )
    }

    /// The rule for that address; `None`: the workspace has none.
    pub fn for_address(settings: &Settings, address: IpAddr) -> Option<Self> {
        let trusted = settings
            .text(keys::BLOCK_MULTIPLE_FAILED_LOGINS_IP_WHITELIST)
            .split([',', '\n'])
            .any(|one| parse_address(one) == Some(address));
        if trusted || !settings.bool(keys::BLOCK_MULTIPLE_FAILED_LOGINS_BY_IP) {
            return None;
        }
        Self::of(
            settings,
            keys::BLOCK_MULTIPLE_FAILED_LOGINS_ATTEMPTS_UNTIL_BLOCK_BY_IP,
            keys::BLOCK_MULTIPLE_FAILED_LOGINS_TIME_TO_UNBLOCK_BY_IP_IN_MINUTES,
        )
    }

    fn of(settings: &Settings, most: Key<i64>, wait: Key<i64>) -> Option<Self> {
        if !settings.bool(keys::BLOCK_MULTIPLE_FAILED_LOGINS_ENABLED) {
            return None;
        }
        let failures = u64::try_from(settings.int(most)).ok()?;
        let minutes = settings.int(wait);
        // A limit of zero would block everyone.
        (failures > 0).then(|| Self {
            failures,
            millis: minutes.max(0).saturating_mul(MINUTE),
        })
    }
}

/// What a failed login led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Too few failures to block further logins.
    None,
    /// Logins are refused from now on.
    Blocked {
        /// How many failures there were.
        failures: u64,
        /// When the block ends.
        until: Timestamp,
    },
}

/// The counts of failed logins.
#[derive(Default)]
pub struct Attempts {
    counts: Mutex<HashMap<Subject, Count>>,
}

impl Attempts {
    /// Whether logins of `subject` are refused now.
    pub fn is_blocked(&self, subject: &Subject, rule: Rule, at: Timestamp) -> bool {
        let counts = self.counts.lock();
        counts.get(subject).is_some_and(|count| {
            count.failures >= rule.failures && at.millis_since(count.last) < rule.millis
        })
    }

    /// Counts a failed login.
    pub fn failed(&self, subject: Subject, rule: Rule, at: Timestamp) -> Consequence {
        let mut counts = self.counts.lock();
        if counts.len() >= MOST_COUNTS {
            counts.retain(|_, count| at.millis_since(count.last) < rule.millis);
            if counts.len() >= MOST_COUNTS {
                counts.clear();
            }
        }
        let count = counts.entry(subject).or_insert(Count {
            failures: 0,
            last: at,
        });
        // After a block has ended, the next one takes as many failures again.
        if count.failures >= rule.failures && at.millis_since(count.last) >= rule.millis {
            count.failures = 0;
        }
        count.failures = count.failures.saturating_add(1);
        count.last = at;
        if count.failures == rule.failures {
            Consequence::Blocked {
                failures: count.failures,
                until: Timestamp::from_millis(at.as_millis().saturating_add(rule.millis)),
            }
        } else {
            Consequence::None
        }
    }

    /// Resets the count after a login succeeded.
    pub fn succeeded(&self, subject: &Subject) {
        self.counts.lock().remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        failures: 3,
        millis: 10 * MINUTE,
    };

    fn ada() -> Subject {
        Subject::User(UserId::new("ada"))
    }

    fn t(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * MINUTE)
    }

    #[test]
    fn so_many_failures_block_for_so_long() {
        let attempts = Attempts::default();
        for minute in 0..2 {
            assert_eq!(attempts.failed(ada(), RULE, t(minute)), Consequence::None);
            assert!(!attempts.is_blocked(&ada(), RULE, t(minute)));
        }
        assert_eq!(
            attempts.failed(ada(), RULE, t(2)),
            Consequence::Blocked {
                failures: 3,
                until: t(12)
            }
        );
        assert!(attempts.is_blocked(&ada(), RULE, t(11)));
        assert!(!attempts.is_blocked(&ada(), RULE, t(12)));
        let other = Subject::User(UserId::new("bob"));
        assert!(!attempts.is_blocked(&other, RULE, t(3)));
        // After the block, one more failure does not block again.
        assert_eq!(attempts.failed(ada(), RULE, t(12)), Consequence::None);
    }

    #[test]
    fn a_success_forgives() {
        let attempts = Attempts::default();
        attempts.failed(ada(), RULE, t(0));
        attempts.failed(ada(), RULE, t(0));
        attempts.succeeded(&ada());
        assert_eq!(attempts.failed(ada(), RULE, t(0)), Consequence::None);
        assert!(!attempts.is_blocked(&ada(), RULE, t(0)));
    }

    #[test]
    fn memory_has_a_bound() {
        let attempts = Attempts::default();
        for number in 0..u32::try_from(MOST_COUNTS).expect("small") + 5 {
            let address = Household::of(number.to_be_bytes().into());
            attempts.failed(Subject::Address(address), RULE, t(0));
        }
        assert!(attempts.counts.lock().len() <= MOST_COUNTS);
    }

    #[test]
    fn the_rules_come_from_the_settings() {
        let address = "192.0.2.1".parse().expect("an address");
        let mut settings = Settings::default();
        assert_eq!(Rule::for_users(&settings), None, "off by default");
        settings.set("Block_Multiple_Failed_Logins_Enabled", true.into());
        assert_eq!(
            Rule::for_users(&settings),
            Some(Rule {
                failures: 10,
                millis: 5 * MINUTE
            })
        );
        assert_eq!(
            Rule::for_address(&settings, address).map(|rule| rule.failures),
            Some(50)
        );
        let trusted = "10.0.0.1,\n[::ffff:192.0.2.1]";
        settings.set("Block_Multiple_Failed_Logins_Ip_Whitelist", trusted.into());
        assert_eq!(Rule::for_address(&settings, address), None);
        settings.set("Block_Multiple_Failed_Logins_By_User", false.into());
        assert_eq!(Rule::for_users(&settings), None);
    }
}
