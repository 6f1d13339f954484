//! The answers to `me`, kept as they were sent: every client asks at every start, and most get what they got before.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use application::people::presence::Seen;
use bytes::Bytes;
use domain::UserId;
use domain::settings::Settings;
use parking_lot::RwLock;
use projections::{ProofFacts, UserFacts};

/// How many answers are kept. When there are more, all are forgotten.
const MOST: usize = 4096;

/// The largest answer that is kept, in bytes.
const LARGEST: usize = 4096;

/// All that an answer is made of.
pub struct MadeOf {
    pub user: Arc<UserFacts>,
    pub proofs: Arc<ProofFacts>,
    pub settings: Arc<Settings>,
    pub seen: Seen,
}

/// An answer, with what it was made of. Facts never change, they are replaced: what is at the same place is the same.
/// The references keep the places, so that nothing else can be there, and not the facts.
struct Kept {
    user: Weak<UserFacts>,
    proofs: Weak<ProofFacts>,
    settings: Weak<Settings>,
    seen: Seen,
    answer: Bytes,
}

impl Kept {
    fn is_made_of(&self, present: &MadeOf) -> bool {
        self.seen == present.seen
            && is_same(&self.user, &present.user)
            && is_same(&self.proofs, &present.proofs)
            && is_same(&self.settings, &present.settings)
    }
}

fn is_same<T>(kept: &Weak<T>, present: &Arc<T>) -> bool {
    std::ptr::eq(kept.as_ptr(), Arc::as_ptr(present))
}

#[derive(Default)]
pub struct KeptAnswers(RwLock<HashMap<UserId, Kept>>);

impl KeptAnswers {
    /// The answer made of exactly that, if it is kept.
    pub fn get(&self, made_of: &MadeOf) -> Option<Bytes> {
        let answers = self.0.read();
        let kept = answers.get(&made_of.user.id)?;
        kept.is_made_of(made_of).then(|| kept.answer.clone())
    }

    pub fn keep(&self, made_of: &MadeOf, answer: &Bytes) {
        if answer.len() > LARGEST {
            return;
        }
        let kept = Kept {
            user: Arc::downgrade(&made_of.user),
            proofs: Arc::downgrade(&made_of.proofs),
            settings: Arc::downgrade(&made_of.settings),
            seen: made_of.seen,
            answer: answer.clone(),
        };
        let mut answers = self.0.write();
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(made_of.user.id.clone(), kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::presence::Status;
    use domain::user::UserKind;

    fn user(name: &str) -> Arc<UserFacts> {
        Arc::new(UserFacts {
            id: UserId::new(name),
            kind: UserKind::User,
            username: name.to_owned(),
            name: None,
            roles: Vec::new(),
            active: true,
            require_password_change: false,
            created_at: Timestamp::from_millis(0),
            last_login: None,
            emails: Box::default(),
            status_text: None,
            chosen_status: Status::Online,
            doc: Bytes::new(),
        })
    }

    fn of(user: Arc<UserFacts>) -> MadeOf {
        MadeOf {
            user,
            proofs: Arc::default(),
            settings: Arc::default(),
            seen: Seen::OFFLINE,
        }
    }

    #[test]
    fn an_answer_is_kept_until_what_it_is_made_of_changes() {
        let (answers, answer) = (KeptAnswers::default(), Bytes::from_static(b"{}"));
        let mut present = of(user("ann"));
        assert_eq!(answers.get(&present), None);
        answers.keep(&present, &answer);
        assert_eq!(answers.get(&present), Some(answer.clone()));
        let again = |change: &dyn Fn(&mut MadeOf)| {
            let mut other = MadeOf {
                user: Arc::clone(&present.user),
                proofs: Arc::clone(&present.proofs),
                settings: Arc::clone(&present.settings),
                ..present
            };
            change(&mut other);
            answers.get(&other)
        };
        assert_eq!(again(&|_| ()), Some(answer));
        assert_eq!(again(&|other| other.user = user("ann")), None);
        assert_eq!(again(&|other| other.proofs = Arc::default()), None);
        assert_eq!(again(&|other| other.settings = Arc::default()), None);
        assert_eq!(again(&|other| other.seen.status = Status::Busy), None);
        // Even if the new facts were put where the old ones were.
        present.settings = Arc::default();
        assert_eq!(answers.get(&present), None);
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let answers = KeptAnswers::default();
        let large = of(user("large"));
        answers.keep(&large, &Bytes::from(vec![b' '; LARGEST + 1]));
        assert_eq!(answers.get(&large), None);
        for number in 0..2 * MOST {
            answers.keep(&of(user(&number.to_string())), &Bytes::new());
            assert!(answers.0.read().len() <= MOST);
        }
    }
}
