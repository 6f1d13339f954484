//! The suite every adapter must pass, written once against [`EventStore`].
//!
//! An adapter's test file implements [`Fixture`] and calls [`conformance_suite!`](crate::conformance_suite):
//!
//! ```text
//! struct Scratch(tempfile::TempDir);
//!
//! impl Fixture for Scratch {
//!     fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> { /* open the log in this folder */ }
//! }
//!
//! eventstore::conformance_suite!(Scratch(tempfile::tempdir().unwrap()));
//! ```
//!
//! Each case gets a fixture of its own, so cases may run side by side.
#![expect(clippy::unwrap_used, reason = "a case that cannot go on has failed")]
#![expect(missing_docs, reason = "the name of a case says what must hold")]

mod append;
mod closing;
mod concurrency;
mod order;
mod picking;
mod places;
mod reading;
mod retries;
mod subscriptions;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::EventStore;

pub use append::*;
pub use closing::*;
pub use concurrency::*;
pub use order::*;
pub use picking::*;
pub use places::*;
pub use reading::*;
pub use retries::*;
pub use subscriptions::*;
pub use tools::assert_gapless;

/// One place where a log can live: a folder, a database. Empty when made.
pub trait Fixture: Send + Sync {
    /// Opens the log of this place. Called again after `close`, it opens the same log; where
    /// [`Fixture::several_writers`] holds it is also called while the log is open.
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>>;

    /// Whether several processes may write to the log at once.
    fn several_writers(&self) -> bool {
        false
    }
}

/// Makes one `#[tokio::test]` of every case. The argument is evaluated once per case and gives a fresh
/// [`Fixture`]; it may use `.await`. Attributes in front of it are put on every test.
#[macro_export]
macro_rules! conformance_suite {
    ($(#[$meta:meta])* $fixture:expr $(,)?) => {
        $crate::conformance_suite! { @cases [$(#[$meta])*] $fixture;
            every_field_is_read_back
            a_batch_over_several_streams_is_atomic
            each_expectation_is_checked
            a_conflict_in_a_group_fails_that_batch_alone
            conditions_without_events_are_checked
            an_empty_batch_records_nothing
            positions_and_versions_are_gapless
            recorded_at_never_runs_backwards
            leaves_verify
            concurrent_appenders_detect_every_conflict
            independent_writers_share_one_order
            a_stream_is_read_from_the_middle
            a_long_log_is_read_in_chunks
            the_log_is_read_through_every_filter
            subscribers_see_every_event_once
            several_subscribers_from_one_place
            a_lagging_subscriber_catches_up
            a_subscription_ends_with_the_log
            an_event_may_have_eight_megabytes
            a_batch_may_not_be_too_large
            a_retried_batch_is_recorded_once
            a_batch_raced_by_its_retry_is_recorded_once
            a_recorded_id_in_another_batch_is_refused
            a_reopened_log_goes_on
            a_closed_log_refuses
            a_log_keeps_its_identity
            a_place_is_where_its_event_is
            events_are_read_at_chosen_positions
            one_answer_has_so_many_events
            one_answer_has_so_many_bytes
            times_are_ranges_of_positions
        }
    };
    (@cases $attributes:tt $fixture:expr; $($case:ident)+) => {
        $( $crate::conformance_suite! { @case $attributes $fixture; $case } )+
    };
    (@case [$($attributes:tt)*] $fixture:expr; $case:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attributes)*
        async fn $case() {
            let fixture = $fixture;
            $crate::conformance::within_time(stringify!($case), $crate::conformance::$case(&fixture)).await;
        }
    };
}

/// Runs a case and fails it when it hangs.
pub async fn within_time(name: &str, case: impl Future<Output = ()>) {
    let limit = Duration::from_mins(3);
    assert!(
        tokio::time::timeout(limit, case).await.is_ok(),
        "{name} did not finish within {limit:?}"
    );
}
