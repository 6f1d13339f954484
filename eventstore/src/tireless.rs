//! Work that must not end silently: whoever depends on it hears when it dies, and it is started again.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;

/// Pause before work that died is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the work that `begin` makes until it returns. If it panics, it is started again after a pause; `tell` hears of
/// its death (`Some`, with what the panic said) and of its new start (`None`). Nothing is logged here, because logging
/// may be what panicked. The panic hook reports it.
pub async fn tireless<F>(mut begin: impl FnMut() -> F, tell: impl Fn(Option<String>))
where
    F: Future<Output = ()>,
{
    while let Err(panic) = AssertUnwindSafe(async { begin().await })
        .catch_unwind()
        .await
    {
        tell(Some(what_was_said(&*panic)));
        tokio::time::sleep(PAUSE).await;
        tell(None);
    }
}

/// The message of a panic.
pub fn what_was_said(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no reason".to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_is_begun_again_and_heard_of() {
        let (begun, told) = (Cell::new(0), RefCell::new(Vec::new()));
        tireless(
            || async {
                begun.set(begun.get() + 1);
                tokio::task::yield_now().await;
                assert!(begun.get() > 2, "not yet: {}", begun.get());
            },
            |word| told.borrow_mut().push(word),
        )
        .await;
        assert_eq!(begun.get(), 3);
        let told = told.into_inner();
        assert_eq!(told.len(), 4);
        assert_eq!(told[0].as_deref(), Some("not yet: 1"));
        assert_eq!((told[1].clone(), told[3].clone()), (None, None));
    }
}
