//! The mail addresses of people, as they were at the end of an export.

use std::collections::HashMap;

use domain::user::{self, UserEvent};
use domain::{Event, UserId};
use eventstore::{Position, Version};
use futures::StreamExt as _;

use super::conversation::Stretch;
use crate::error::Error;
use crate::workspace::Workspace;

/// What is known is forgotten beyond so many people.
const MOST_KNOWN: usize = 100_000;

/// Addresses that were looked up. The log is asked, because only it knows what was true at a position.
pub(super) struct Addresses {
    upto: Position,
    known: HashMap<UserId, Option<String>>,
}

/// The addresses of the people of a stretch who have one.
pub(super) type Known = HashMap<UserId, String>;

impl Addresses {
    pub(super) fn new(upto: Position) -> Self {
        Self {
            upto,
            known: HashMap::new(),
        }
    }

    /// Those of everybody who has something to do with a stretch.
    pub(super) async fn of(
        &mut self,
        workspace: &Workspace,
        stretch: &Stretch,
    ) -> Result<Known, Error> {
        if self.known.len() > MOST_KNOWN {
            self.known.clear();
        }
        let mut known = Known::new();
        let people = stretch.lines.iter().flat_map(|line| line.people());
        for person in stretch.members.named.iter().chain(people) {
            if !self.known.contains_key(&person.id) {
                let address = self.find(workspace, &person.id).await?;
                self.known.insert(person.id.clone(), address);
            }
            if let Some(Some(address)) = self.known.get(&person.id) {
                known.insert(person.id.clone(), address.clone());
            }
        }
        Ok(known)
    }

    async fn find(&self, workspace: &Workspace, user: &UserId) -> Result<Option<String>, Error> {
        let log = workspace.executor().store();
        let mut chunks = log.read_stream(&user::stream(user), Version::FIRST);
        let mut address = None;
        while let Some(chunk) = chunks.next().await {
            for recorded in chunk?.iter().filter(|event| event.position <= self.upto) {
                let emails = match recorded.decode::<Event>() {
                    Ok(Event::User(UserEvent::UserCreated(created))) => created.emails,
                    Ok(Event::User(UserEvent::EmailChanged(changed))) => changed.emails,
                    _ => continue,
                };
                address = emails.into_iter().next().map(|email| email.address);
            }
        }
        Ok(address)
    }
}
