//! What one unit of work has read and decided so far.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Category, Decider, Event, StreamId, limits};
use futures::StreamExt;
use parking_lot::Mutex;

use super::{AnyState, Executor, Kept, Trust};
use crate::codec::DecodeError;
use crate::error::{AppendError, ExecuteError, MAX_EVENT_BYTES, ReadError};
use crate::event::{NewEvent, Version};

/// What one unit of work has read and decided so far. Ends with the unit of work.
pub struct Transaction {
    pub(super) executor: Executor,
    /// Of the log, when it began.
    pub(super) generation: u64,
    pub(super) trust: Trust,
    /// Shared with the executor, which takes it when the work is done. (Lending the work a `&mut Transaction`
    /// would make futures that the compiler cannot prove to be `Send`.)
    pub(super) decided: Arc<Mutex<Decided>>,
}

#[derive(Default)]
pub(super) struct Decided {
    /// Whether anything was taken for true that the log was not asked for.
    pub(super) assumed: bool,
    pub(super) touched: Vec<Touched>,
    /// Where in `touched` a stream is.
    places: HashMap<StreamId, usize>,
}

/// A stream the transaction depends on.
pub(super) struct Touched {
    pub(super) stream: StreamId,
    /// Its last version before this transaction.
    pub(super) found: Option<Version>,
    /// Its state, the events below included.
    pub(super) state: AnyState,
    /// Bytes of the events that made the state, as far as they were seen.
    pub(super) weight: usize,
    /// What was decided to append to it.
    pub(super) events: Vec<NewEvent>,
    /// Whether its state is worth remembering.
    pub(super) keep: bool,
}

/// Why a state could not be had.
enum LoadError {
    Read(ReadError),
    Decode(DecodeError),
    TwoDeciders(StreamId),
}

impl<R> From<LoadError> for ExecuteError<R> {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => Self::Read(error),
            LoadError::Decode(error) => Self::Decode(error),
            LoadError::TwoDeciders(stream) => Self::TwoDeciders(stream),
        }
    }
}

impl Transaction {
    /// Lets the rules decide `command` on the state of `stream`, as it stands with what this transaction decided
    /// before. What they decide, possibly nothing, is returned and queued. The commit depends on the stream being as it
    /// was found, even if nothing is appended to it.
    pub async fn decide<D: Decider<Event: Into<Event>>>(
        &self,
        stream: &StreamId,
        command: D::Command,
        context: &D::Context<'_>,
    ) -> Result<Vec<D::Event>, ExecuteError<D::Refusal>> {
        self.load::<D>(stream).await?;
        self.decided.lock().decide::<D>(stream, command, context)
    }

    /// As [`Self::decide`], for a stream that is most likely new: the log is not asked first, the commit finds out. If
    /// the stream is there after all, the work runs again and this does what `decide` does.
    pub async fn decide_new<D: Decider<Event: Into<Event>>>(
        &self,
        stream: &StreamId,
        command: D::Command,
        context: &D::Context<'_>,
    ) -> Result<Vec<D::Event>, ExecuteError<D::Refusal>> {
        if self.trust.allows(stream) {
            let mut decided = self.decided.lock();
            if !decided.places.contains_key(stream) {
                decided.assumed = true;
                // Not kept: such streams are many, and most are never heard of again.
                let state = Arc::new(D::State::default());
                decided.touch(stream, None, (state, 0), false);
            }
            return decided.decide::<D>(stream, command, context);
        }
        self.decide::<D>(stream, command, context).await
    }

    /// The state of `stream`, as it stands with what this transaction decided before. The commit depends on it.
    pub async fn state<D: Decider>(
        &self,
        stream: &StreamId,
    ) -> Result<Arc<D::State>, ExecuteError<D::Refusal>> {
        self.load::<D>(stream).await?;
        Ok(self.decided.lock().state::<D>(stream)?.1)
    }

    /// Makes sure that the state of `stream` is known.
    async fn load<D: Decider>(&self, stream: &StreamId) -> Result<(), LoadError> {
        if self.decided.lock().places.contains_key(stream) {
            return Ok(());
        }
        let kept = self
            .executor
            .states
            .lock()
            .recent
            .get(stream)
            .and_then(|kept| {
                let state = Arc::clone(&kept.state).downcast::<D::State>().ok()?;
                Some((kept.version, state, kept.weight))
            });
        let (mut found, mut state, mut weight) = match kept {
            Some((version, state, weight)) if self.trust.allows(stream) => {
                let mut decided = self.decided.lock();
                decided.assumed = true;
                decided.touch(stream, Some(version), (state, weight), true);
                return Ok(());
            }
            // Only what is missing is read.
            Some((version, state, weight)) => (Some(version), Arc::unwrap_or_clone(state), weight),
            None => (None, D::State::default(), 0),
        };
        let mut chunks = self
            .executor
            .store
            .read_stream(stream, found.map_or(Version::FIRST, Version::next));
        while let Some(chunk) = chunks.next().await {
            for event in &*chunk.map_err(LoadError::Read)? {
                state = D::evolve(state, &event.decode().map_err(LoadError::Decode)?);
                weight = (weight + event.data.len()).min(D::LARGEST_STATE);
                found = Some(event.version);
            }
        }
        let state: AnyState = Arc::new(state);
        if let Some(version) = found {
            let kept = Kept {
                version,
                state: Arc::clone(&state),
                weight,
            };
            self.executor.keep(self.generation, stream.clone(), kept);
        }
        self.decided
            .lock()
            .touch(stream, found, (state, weight), true);
        Ok(())
    }
}

impl Decided {
    /// Notes what was found of `stream`, unless that was done while this one was looking.
    fn touch(
        &mut self,
        stream: &StreamId,
        found: Option<Version>,
        (state, weight): (AnyState, usize),
        keep: bool,
    ) {
        if !self.places.contains_key(stream) {
            self.places.insert(stream.clone(), self.touched.len());
            self.touched.push(Touched {
                stream: stream.clone(),
                found,
                state,
                weight,
                events: Vec::new(),
                keep,
            });
        }
    }

    /// Where in `touched` a loaded stream is, and its state.
    fn state<D: Decider>(&self, stream: &StreamId) -> Result<(usize, Arc<D::State>), LoadError> {
        let found = self.places.get(stream).and_then(|&place| {
            let state = Arc::clone(&self.touched[place].state).downcast().ok()?;
            Some((place, state))
        });
        found.ok_or_else(|| LoadError::TwoDeciders(stream.clone()))
    }

    fn decide<D: Decider<Event: Into<Event>>>(
        &mut self,
        stream: &StreamId,
        command: D::Command,
        context: &D::Context<'_>,
    ) -> Result<Vec<D::Event>, ExecuteError<D::Refusal>> {
        let (place, state) = self.state::<D>(stream)?;
        let events = D::decide(&state, command, context).map_err(ExecuteError::Refused)?;
        if events.is_empty() {
            return Ok(events);
        }
        let encoded = events
            .iter()
            .map(NewEvent::encode)
            .collect::<Result<Vec<_>, _>>()?;
        let is_new = self.touched[place].found.is_none();
        within_limits(stream, is_new, &encoded).map_err(ExecuteError::Append)?;
        let state = events.iter().fold(Arc::unwrap_or_clone(state), D::evolve);
        let touched = &mut self.touched[place];
        touched.state = Arc::new(state);
        let added: usize = encoded.iter().map(|event| event.data.len()).sum();
        touched.weight = (touched.weight + added).min(D::LARGEST_STATE);
        touched.events.extend(encoded);
        Ok(events)
    }
}

/// Refuses events larger than those of their category may be, and names longer than any may be: they would be copied
/// into views and other events. A stream that is there already may go on, whatever it is called.
fn within_limits(stream: &StreamId, is_new: bool, events: &[NewEvent]) -> Result<(), AppendError> {
    let category = Category::find(stream.category());
    let largest = category.map_or(MAX_EVENT_BYTES, Category::largest_event);
    let long = is_new && stream.as_str().len() > limits::STREAM;
    match events
        .iter()
        .find(|event| long || event.data.len() > largest)
    {
        None => Ok(()),
        Some(event) => Err(AppendError::EventTooLarge {
            event_type: event.event_type.to_string(),
            bytes: event.data.len(),
        }),
    }
}
