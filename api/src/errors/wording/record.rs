//! Errors of reading the record.

use std::fmt::Display;

use application::error::Refusal;
use application::record::question::NotUnderstood;
use domain::subscription::SubscriptionRefusal;

use crate::errors::ApiError;

/// Views are being built, or no longer are.
pub fn building_of_views(refusal: &Refusal) -> ApiError {
    ApiError::coded("error-views-being-built", refusal.to_string())
}

/// Views are to be built at a rate of nothing.
pub fn greatest_rate() -> ApiError {
    ApiError::coded("error-invalid-params", "maxRate is a number from 1 on")
}

/// There is no such export, or no more may be made.
pub fn export_refused(code: &'static str, refusal: &Refusal) -> ApiError {
    ApiError::coded(code, refusal.to_string())
}

/// A subscription to the record does not do what was asked.
pub fn subscription_refused(refusal: &SubscriptionRefusal) -> ApiError {
    let code = match refusal {
        SubscriptionRefusal::InvalidName => "error-invalid-name",
        SubscriptionRefusal::LongText => "error-invalid-query",
        SubscriptionRefusal::TooMany => "error-too-many-subscriptions",
        SubscriptionRefusal::NotFound => "error-no-such-subscription",
        SubscriptionRefusal::OtherQuestion { .. } => "error-other-question",
        SubscriptionRefusal::Backwards { .. } | SubscriptionRefusal::NotHandedOut { .. } => {
            "error-invalid-position"
        }
        SubscriptionRefusal::OtherHistory => "error-other-history",
        SubscriptionRefusal::NotOwner => {
            return ApiError::denied("error-not-allowed", refusal.to_string());
        }
    };
    ApiError::coded(code, refusal.to_string())
}

/// A request would wait longer than requests may.
pub fn longest_wait(most: impl Display) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("wait is a number of seconds, {most} at most"),
    )
}

/// What is sent as the receipt of an answer is none, or goes with nothing.
pub fn receipt() -> ApiError {
    ApiError::coded(
        "error-invalid-receipt",
        "receipt is what an answer of the subscription had as `receipt`, and goes with the position that is acknowledged",
    )
}

/// A page of no events, or of more than there may be.
pub fn record_limit(most: impl Display) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("limit is a number from 1 to {most}"),
    )
}

/// The question makes no sense, or names what is not there.
pub fn record_question(error: &NotUnderstood) -> ApiError {
    ApiError::coded("error-invalid-query", error.to_string())
}
