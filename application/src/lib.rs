//! What somebody can make happen, whatever door they come through: gather what the rules need to know, let them decide on
//! one transaction, return once the views show it. [`workspace::Workspace::run`] is how.
//!
//! What the rules are told from the views (the rights of the actor, whether a room is archived, the settings) is as it was
//! when the request came: decided a moment later, it might have come a moment earlier. A rule that must hold whatever
//! happens at the same moment does not rest on that. It is an expectation on a stream, in one of three forms: a name is
//! claimed ([`claims`]), somebody who is left is a `witness`, or what may end is part of the same batch, as the role that
//! is given ([`admin::roles`]) and the credential something rests on ([`identity::credentials`]).
//!
//! Nothing here knows a route, a method or a wire error: see `docs/ARCHITECTURE.md`.

pub mod caller;
pub mod cause;
pub mod claims;
pub mod dates;
pub mod error;
pub mod ids;
pub mod origin;
pub mod rate_limit;
pub mod sandbox;
pub mod token;
mod witness;
pub mod workspace;

pub mod admin;
pub mod chat;
pub mod files;
pub mod identity;
pub mod integrations;
pub mod outside;
pub mod people;
pub mod record;
