//! Password hashes, computed outside the async runtime.
//!
//! What is hashed is the lower-case hex SHA-256 of the password, so that clients that send the digest and clients that
//! send the password verify alike. argon2id takes tens of milliseconds of one core and 19 MiB, so the work runs on a
//! few threads of its own behind a bounded queue: a flood of logins makes logins slow, not the server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::user::PasswordHash;
use eventstore::memory::{self, LULL};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

/// Memory in KiB, passes and lanes of every new hash. Verifying uses what the hash itself says.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// The form of a password that is hashed: lower-case hex SHA-256. The clear text does not get past the door.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordDigest(String);

impl PasswordDigest {
    /// The digest of a password in the clear.
    pub fn of(password: &str) -> Self {
        Self(hex::encode(Sha256::digest(password.as_bytes())))
    }

    /// The digest as a client computed it; `None` if it is not a SHA-256 in hex.
    pub fn from_hex(digest: &str) -> Option<Self> {
        let valid = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(digest.to_ascii_lowercase()))
    }
}

/// Why a hash could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Trying again later may help.
    #[error("too many passwords are being checked")]
    Busy,
    /// The algorithm failed, or its threads have ended.
    #[error("passwords cannot be hashed")]
    Failed,
}

enum Job {
    Hash(
        PasswordDigest,
        oneshot::Sender<Result<PasswordHash, PasswordError>>,
    ),
    Verify(PasswordDigest, Option<PasswordHash>, oneshot::Sender<bool>),
}

/// Hashes and verifies on its own threads. They end when the last handle is dropped.
#[derive(Clone)]
pub struct PasswordHasher {
    jobs: SyncSender<Job>,
}

impl PasswordHasher {
    /// As many threads as half the machine's cores, and room for `waiting` more hashes. At about 25 ms each, 512 are a
    /// longer wait than anyone accepts.
    pub fn with_queue(waiting: usize) -> Self {
        let threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        Self::new(threads, waiting)
    }

    /// Starts `threads` threads, with room for `waiting` more hashes.
    pub fn new(threads: usize, waiting: usize) -> Self {
        let (jobs, queue) = mpsc::sync_channel(waiting.max(1));
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            let started = std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || {
                    step_back();
                    // A panic affects only the request whose password it was; it gets an error.
                    while catch_unwind(AssertUnwindSafe(|| work(&queue))).is_err() {}
                });
            if let Err(error) = started {
                tracing::error!(%error, "a password thread did not start");
            }
        }
        Self { jobs }
    }

    /// A fresh salted hash.
    pub async fn hash(&self, digest: PasswordDigest) -> Result<PasswordHash, PasswordError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job::Hash(digest, answer))?;
        answered.await.map_err(|_| PasswordError::Failed)?
    }

    /// Whether `digest` is what `hash` was made of. Without a hash the result is `false`, after the same work: the time
    /// a login takes must not tell whether the account exists.
    pub async fn verify(
        &self,
        digest: PasswordDigest,
        hash: Option<PasswordHash>,
    ) -> Result<bool, PasswordError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job::Verify(digest, hash, answer))?;
        answered.await.map_err(|_| PasswordError::Failed)
    }

    fn submit(&self, job: Job) -> Result<(), PasswordError> {
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => PasswordError::Busy,
            TrySendError::Disconnected(_) => PasswordError::Failed,
        })
    }
}

/// Lets every other thread of this process go first (on Linux; elsewhere niceness applies to the whole process):
/// hashing takes what is left of the processor, so that logins do not delay users who are logged in.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::warn!(%error, "password threads run at normal priority");
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    let mut idle = true;
    loop {
        // One thread waits inside the lock, the others wait for the lock: all end when the queue closes.
        let job = if idle {
            let job = queue.lock().recv();
            job.map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            let waiting = queue.try_lock_for(LULL);
            waiting.map_or(Err(RecvTimeoutError::Timeout), |queue| {
                queue.recv_timeout(LULL)
            })
        };
        idle = matches!(job, Err(RecvTimeoutError::Timeout));
        match job {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => memory::give_back(),
            Ok(job) => answer(job),
        }
    }
}

/// Does a job, unless the caller is gone.
fn answer(job: Job) {
    match job {
        Job::Hash(digest, answer) if !answer.is_closed() => {
            let _ = answer.send(compute(&digest));
        }
        Job::Verify(digest, hash, answer) if !answer.is_closed() => {
            let _ = answer.send(check(&digest, hash.as_ref()));
        }
        Job::Hash(..) | Job::Verify(..) => {}
    }
}

fn algorithm() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn compute(digest: &PasswordDigest) -> Result<PasswordHash, PasswordError> {
    match algorithm().hash_password(digest.0.as_bytes()) {
        Ok(hash) => Ok(PasswordHash(hash.to_string())),
        Err(error) => {
            tracing::error!(%error, "password not hashed");
            Err(PasswordError::Failed)
        }
    }
}

fn check(digest: &PasswordDigest, hash: Option<&PasswordHash>) -> bool {
    static DECOY: LazyLock<Option<PasswordHash>> =
        LazyLock::new(|| compute(&PasswordDigest::of("nobody has this password")).ok());
    let Some(subject) = hash.or(DECOY.as_ref()) else {
        return false;
    };
    let Ok(parsed) = phc::PasswordHash::new(&subject.0) else {
        return false;
    };
    let same = algorithm()
        .verify_password(digest.0.as_bytes(), &parsed)
        .is_ok();
    same && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_password_is_what_clients_send() {
        let clear = PasswordDigest::of("pass");
        let sent = PasswordDigest::from_hex(
            "D74FF0EE8DA3B9806B18C877DBF29BBDE50B5BD8E4DAD7A3A725000FEB82E8F1",
        );
        assert!(sent == Some(clear), "case of the hex does not matter");
        assert!(PasswordDigest::from_hex("short").is_none());
    }

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let hasher = PasswordHasher::new(1, 8);
        let hash = hasher
            .hash(PasswordDigest::of("right"))
            .await
            .expect("hash");
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        assert_eq!(
            hasher
                .verify(PasswordDigest::of("right"), Some(hash.clone()))
                .await,
            Ok(true)
        );
        assert_eq!(
            hasher.verify(PasswordDigest::of("wrong"), Some(hash)).await,
            Ok(false)
        );
        assert_eq!(
            hasher
                .verify(PasswordDigest::of("nobody has this password"), None)
                .await,
            Ok(false)
        );
    }

    #[tokio::test]
    async fn nothing_is_computed_for_those_who_have_gone() {
        let hasher = PasswordHasher::new(1, 1_000);
        let digest = || PasswordDigest::of("right");
        let started = std::time::Instant::now();
        let hash = hasher.hash(digest()).await.expect("a hash");
        let one = started.elapsed();
        for _ in 0..200 {
            let gone = hasher.verify(digest(), Some(hash.clone()));
            assert!(futures::FutureExt::now_or_never(gone).is_none());
        }
        let started = std::time::Instant::now();
        assert_eq!(hasher.verify(digest(), Some(hash)).await, Ok(true));
        let took = started.elapsed();
        assert!(took < one * 100, "{took:?} for one that takes {one:?}");
    }
}
