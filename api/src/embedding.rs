//! The server as a library: a program of one's own that is `hansard` and something more.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use api::embedding::{Answer, Call, Extension, Outcome, Parameters, Route, route, run};
//!
//! #[derive(Parameters)]
//! struct Nothing {}
//!
//! async fn hello(call: Call, _: Nothing) -> Outcome {
//!     Ok(Answer::empty().field("user", call.caller.id()))
//! }
//!
//! fn main() -> ExitCode {
//!     let hello: Route = route::get("hello", hello).about("Says who calls.");
//!     run(&Extension::default().with_routes([hello]))
//! }
//! ```
//!
//! A program with a view of its own is in `examples/messages-per-hour`. The views are in the crate `projections`, what
//! a caller may do in `application` (`chat::room_access::RoomAccess`), events in `domain`.

pub use crate::errors::{ApiError, wording};
pub use crate::http::answer::{Answer, Outcome};
pub use crate::http::call::{Anyone, Call};
pub use crate::http::parameters::{Date, Filled, Flag, Parameters};
pub use crate::http::route::{self, Route};
pub use crate::http::schema::Kind;
pub use crate::server::extension::Extension;
pub use crate::server::process::run;
