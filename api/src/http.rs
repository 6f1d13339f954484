//! From an HTTP request to a handler, and back: routes, callers, parameters, answers.

pub mod answer;
pub mod body;
pub mod call;
pub mod caller;
pub mod client;
pub mod filter;
pub mod forwarded;
pub mod headers;
pub mod json;
pub mod links;
pub mod local;
pub mod login_form;
pub mod media;
pub mod memory_budget;
pub mod openapi;
pub mod page;
pub mod parameters;
pub mod params;
pub mod rate_limit;
pub mod route;
pub mod router;
pub mod schema;
pub mod second_factor;
pub mod upload;
