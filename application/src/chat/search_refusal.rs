//! Why messages are not searched.

/// What a search, or the care of its index, is refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchRefusal {
    /// The process serves nobody, or a copy.
    #[error("messages cannot be searched here: this is no server, or one that serves a copy")]
    NoIndex,
    /// Ask again later.
    #[error("the index of messages is being built; search again in a while")]
    BeingBuilt,
    /// Or too large a one.
    #[error("not a regular expression that can be searched for")]
    NotAPattern,
    /// It is no view.
    #[error("the index of messages is not compared with the log; it can be built anew")]
    NotCompared,
}
