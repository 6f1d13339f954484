//! Every metric by name, and the recorder behind `/metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Requests answered, by method, route and status class.
pub const REQUESTS: &str = "hansard_http_requests_total";
/// Time from a request's head to its answer's head, by method, route and status class.
pub const REQUEST_SECONDS: &str = "hansard_http_request_duration_seconds";
/// Events this process appended.
pub const EVENTS_APPENDED: &str = "hansard_events_appended_total";
/// Time from handing in a batch to its being durable, by outcome.
pub const APPEND_SECONDS: &str = "hansard_append_duration_seconds";
/// Position of the last event in the log.
pub const HEAD: &str = "hansard_log_head_position";
/// Position the views have reached.
pub const CHECKPOINT: &str = "hansard_views_checkpoint_position";
/// Events the views are behind.
pub const LAG: &str = "hansard_views_lag_events";
/// Position up to which messages can be found.
pub const SEARCH_POSITION: &str = "hansard_search_position";
/// Events the index of messages is behind.
pub const SEARCH_LAG: &str = "hansard_search_lag_events";
/// 1 for the identity of the log there is, as the label `log`.
pub const LOG_INFO: &str = "hansard_log_info";
/// 1 for the identity of the log that the views are of, as the label `log`.
pub const VIEWS_INFO: &str = "hansard_views_log_info";
/// 1 while the views stand at a place in the log as it is now; 0 while they are built anew.
pub const VIEWS_MATCH: &str = "hansard_views_match_log";
/// Events that views refused and go on without.
pub const DEAD_LETTERS: &str = "hansard_views_dead_letters";
/// Position that views built beside those that serve have reached; 0 while none are.
pub const BUILT_POSITION: &str = "hansard_views_rebuild_position";
/// Side effects that have stopped.
pub const REACTORS_STOPPED: &str = "hansard_reactors_stopped";
/// Open `/live` sockets.
pub const LIVE_SOCKETS: &str = "hansard_live_sockets";
/// Live updates handed to sockets.
pub const LIVE_DELIVERED: &str = "hansard_live_updates_delivered_total";
/// Sockets closed because they did not keep up; clients can resume what they missed.
pub const LIVE_DROPPED: &str = "hansard_live_sockets_dropped_total";

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// How often samples are folded into their buckets. In between, they pile up in memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder of this process, once; every server in it shares it.
pub fn install() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(build).clone()
}

fn build() -> PrometheusHandle {
    // Fails only for an empty list of buckets; without buckets the latencies are summaries.
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), BUCKETS)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is installed already; /metrics stays empty");
    }
    describe();
    handle
}

fn describe() {
    describe_counter!(
        REQUESTS,
        "Requests answered, by method, route and status class"
    );
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from request to answer, by method, route and status class"
    );
    describe_counter!(EVENTS_APPENDED, "Events this process appended to the log");
    describe_histogram!(
        APPEND_SECONDS,
        Unit::Seconds,
        "Time until an append is durable or refused, by outcome"
    );
    describe_gauge!(HEAD, "Position of the last event in the log");
    describe_gauge!(CHECKPOINT, "Position the views have reached");
    describe_gauge!(LAG, "Events the views are behind the log");
    describe_gauge!(
        SEARCH_POSITION,
        "Position up to which messages can be found"
    );
    describe_gauge!(SEARCH_LAG, "Events the index of messages is behind the log");
    describe_gauge!(LOG_INFO, "Identity of the log");
    describe_gauge!(VIEWS_INFO, "Identity of the log that the views are of");
    describe_gauge!(
        VIEWS_MATCH,
        "Whether the views stand at a place in the log as it is now"
    );
    describe_gauge!(DEAD_LETTERS, "Events that views refused and go on without");
    describe_gauge!(
        BUILT_POSITION,
        "Position that views built beside those that serve have reached; 0 while none are"
    );
    describe_gauge!(REACTORS_STOPPED, "Side effects that have stopped");
    describe_gauge!(LIVE_SOCKETS, "Open /live sockets");
    describe_counter!(LIVE_DELIVERED, "Live updates handed to /live sockets");
    describe_counter!(
        LIVE_DROPPED,
        "Sockets on /live closed because they did not keep up"
    );
}

/// Folds samples into their buckets until `stop`.
pub async fn upkeep(handle: PrometheusHandle, stop: CancellationToken) {
    let mut rounds = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = rounds.tick() => handle.run_upkeep(),
        }
    }
}
