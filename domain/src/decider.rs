//! The three pure functions every consistency boundary is made of.

/// A boundary's initial state, `decide` and `evolve`.
pub trait Decider {
    /// The state that decisions need, folded from the boundary's own stream. `Default` is "nothing happened yet".
    type State: Default + Clone + Send + Sync + 'static;
    /// A wish that may be refused. Never stored.
    type Command;
    /// What the rules need to know from elsewhere, read from the views by the caller.
    type Context<'a>;
    /// What can have happened here.
    type Event: crate::EventPayload;
    /// Why a wish is refused.
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// How many bytes a state takes at most, if less than the events it was folded from, of which there may be ever more.
    const LARGEST_STATE: usize = usize::MAX;

    /// Turns state, command and context into events, or refuses. No events: it is so already.
    fn decide(
        state: &Self::State,
        command: Self::Command,
        context: &Self::Context<'_>,
    ) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Applies one event to the state. Total: it never fails, whatever the order of events.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The state after all `events`.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State
    where
        Self::Event: 'a,
    {
        events
            .into_iter()
            .fold(Self::State::default(), Self::evolve)
    }
}

/// The refusal of boundaries where nothing is ever refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {}
