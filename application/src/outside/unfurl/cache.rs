//! What was found behind links, for a while. Of those who ask about a link at the same time, one looks it up.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Links that something is known of.
const MOST: usize = 1_000;

/// How long it is remembered that nothing was found.
const NOTHING_FOR: Duration = Duration::from_mins(1);

struct Entry<T> {
    began: Instant,
    /// When it was found out, and what.
    found: OnceCell<(Instant, Option<Arc<T>>)>,
}

impl<T> Entry<T> {
    /// Whether it still holds, or is being found out.
    fn holds(&self, lifetime: Duration) -> bool {
        self.found.get().is_none_or(|(at, found)| {
            let lifetime = if found.is_some() {
                lifetime
            } else {
                lifetime.min(NOTHING_FOR)
            };
            at.elapsed() < lifetime
        })
    }
}

/// What was found, by link.
pub struct Cache<T>(Mutex<HashMap<String, Arc<Entry<T>>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Cache<T> {
    /// What is known of a link, or `look_up` finds out. If whoever looks it up gives up, the next one does.
    pub async fn of<F>(
        &self,
        link: &str,
        lifetime: Duration,
        look_up: impl FnOnce() -> F,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Option<T>>,
    {
        let entry = self.entry(link, lifetime);
        let found_out = || async {
            let found = look_up().await.map(Arc::new);
            (Instant::now(), found)
        };
        entry.found.get_or_init(found_out).await.1.clone()
    }

    fn entry(&self, link: &str, lifetime: Duration) -> Arc<Entry<T>> {
        let mut entries = self.0.lock();
        if let Some(entry) = entries.get(link).filter(|entry| entry.holds(lifetime)) {
            return Arc::clone(entry);
        }
        if entries.len() >= MOST {
            entries.retain(|_, entry| entry.holds(lifetime));
        }
        if entries.len() >= MOST {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.began);
            let oldest = oldest.map(|(link, _)| link.clone()).unwrap_or_default();
            entries.remove(&oldest);
        }
        let entry = Arc::new(Entry {
            began: Instant::now(),
            found: OnceCell::new(),
        });
        entries.insert(link.to_owned(), Arc::clone(&entry));
        entry
    }

    /// Forgets everything. What is being found out is told to those who wait for it, and not kept.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    /// Counts what is looked up.
    #[derive(Default)]
    struct Looked(AtomicUsize);

    impl Looked {
        async fn up(&self, cache: &Cache<usize>, link: &str, found: bool) -> usize {
            let look_up = || async {
                let number = self.0.fetch_add(1, Ordering::Relaxed);
                found.then_some(number)
            };
            cache.of(link, DAY, look_up).await;
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_holds_for_a_while() {
        let (cache, looked) = (Cache::default(), Looked::default());
        assert_eq!(looked.up(&cache, "a", true).await, 1);
        assert_eq!(looked.up(&cache, "a", true).await, 1, "known");
        assert_eq!(looked.up(&cache, "b", false).await, 2, "another");
        assert_eq!(
            looked.up(&cache, "b", false).await,
            2,
            "nothing is known too"
        );
        tokio::time::advance(NOTHING_FOR).await;
        assert_eq!(looked.up(&cache, "b", false).await, 3, "but not for long");
        assert_eq!(looked.up(&cache, "a", true).await, 3, "still known");
        tokio::time::advance(DAY).await;
        assert_eq!(looked.up(&cache, "a", true).await, 4, "expired");
        cache.clear();
        assert_eq!(looked.up(&cache, "a", true).await, 5, "forgotten");
    }

    #[tokio::test]
    async fn nothing_is_kept_where_it_expires_at_once() {
        let cache = Cache::default();
        for number in 0..3 {
            let found = cache
                .of("a", Duration::ZERO, || async { Some(number) })
                .await;
            assert_eq!(found.as_deref(), Some(&number));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_is_forgotten_for_a_new_one() {
        let (cache, looked) = (Cache::default(), Looked::default());
        for number in 0..=MOST {
            tokio::time::advance(Duration::from_millis(1)).await;
            looked.up(&cache, &number.to_string(), true).await;
        }
        assert_eq!(cache.0.lock().len(), MOST);
        assert_eq!(looked.up(&cache, "1", true).await, MOST + 1, "known");
        assert_eq!(looked.up(&cache, "0", true).await, MOST + 2, "forgotten");
    }

    #[tokio::test]
    async fn of_those_who_ask_one_looks_it_up_and_another_if_it_gives_up() {
        let cache = Arc::new(Cache::default());
        let (asked, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (cache, asked, go_on) = (cache.clone(), asked.clone(), go_on.clone());
            tokio::spawn(async move {
                let look_up = || async {
                    let number = asked.fetch_add(1, Ordering::Relaxed);
                    go_on.acquire().await.expect("the test lets it").forget();
                    Some(number)
                };
                cache.of("a", DAY, look_up).await.map(|number| *number)
            })
        };
        let first = ask();
        while asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let others = [ask(), ask()];
        first.abort();
        go_on.add_permits(1);
        for other in others {
            assert_eq!(other.await.expect("it ends"), Some(1));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
