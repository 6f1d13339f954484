//! Who could read a message when, and who had read it, out of the events of its room.
//!
//! What is kept is one state for each member, however many events there are.

use std::collections::BTreeMap;

use domain::membership::{MembershipEvent, ReadCursorMoved};
use domain::message::{MessageEvent, MessagePosted};
use domain::room::RoomEvent;
use domain::user::UserEvent;
use domain::{Event, MessageId, Timestamp, UserId};
use eventstore::Position;

use crate::record::deed::{Called, Person, Point};

/// How a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Leaving {
    Left,
    Removed,
    RoomDeleted,
    AccountDeleted,
}

/// A time that somebody was a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When they joined, which may be before there was the message.
    pub from: Point,
    /// When and how that ended; `None`: it went on, to the end of the message or of what was asked about.
    pub until: Option<(Point, Leaving)>,
}

impl Span {
    fn covers(&self, at: Position) -> bool {
        self.from.position < at && self.until.is_none_or(|(until, _)| at <= until.position)
    }
}

/// By what an event shows that somebody had read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// They wrote it.
    Wrote,
    /// They marked the room as read, up to the message or further.
    ReadRoom {
        /// Its threads too.
        threads: bool,
    },
    /// They posted this message, having seen the room up to the message or further.
    Posted(MessageId),
}

/// The first event that shows that somebody had read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct FirstRead {
    pub at: Point,
    pub evidence: Evidence,
    /// The version that stood then; the original is 1.
    pub version: usize,
}

/// Somebody who could read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Reader {
    pub who: Person,
    /// When they were a member, as far as that overlaps the life of the message. Empty of an author who was none.
    pub spans: Vec<Span>,
    /// `None`: no event shows that they read it.
    pub read: Option<FirstRead>,
}

/// When a message was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) author: UserId,
    pub(super) posted: Point,
    /// Send time, as its room shows it.
    pub(super) sent: Timestamp,
    /// From where on each version stood, the original first.
    pub(super) versions: Vec<Position>,
    /// From where on it could not be read any more.
    pub(super) ended: Option<Point>,
}

impl Life {
    fn covers(&self, at: Position) -> bool {
        self.posted.position < at && self.ended.is_none_or(|ended| at < ended.position)
    }

    /// The number of the version that stood at a position.
    fn version(&self, at: Position) -> usize {
        self.versions.partition_point(|from| *from <= at).max(1)
    }
}

#[derive(Default)]
struct Member {
    spans: Vec<Span>,
    read: Option<(Point, Evidence)>,
}

impl Member {
    fn is_in(&self, at: Position) -> bool {
        self.spans.iter().any(|span| span.covers(at))
    }

    fn had_read(&self, before: Position) -> bool {
        self.read
            .as_ref()
            .is_some_and(|(at, _)| at.position <= before)
    }

    fn leave(&mut self, at: Point, how: Leaving) {
        if let Some(span) = self.spans.last_mut()
            && span
                .until
                .is_none_or(|(until, _)| until.position > at.position)
            && span.from.position < at.position
        {
            span.until = Some((at, how));
        }
    }
}

/// The state of everybody who could read a message.
///
/// Events of membership come first, in the order of the log; then posts of members, in any order.
pub(super) struct Readership {
    life: Life,
    members: BTreeMap<UserId, Member>,
}

impl Readership {
    pub(super) fn new(life: Life) -> Self {
        let author = Member {
            spans: Vec::new(),
            read: Some((life.posted, Evidence::Wrote)),
        };
        Self {
            members: BTreeMap::from([(life.author.clone(), author)]),
            life,
        }
    }

    pub(super) fn apply(&mut self, at: Point, event: &Event) {
        match event {
            Event::Membership(MembershipEvent::MemberJoined(joined)) => {
                self.join(at, &joined.user);
            }
            Event::Membership(MembershipEvent::MemberLeft(left)) => {
                self.leave(at, &left.user, Leaving::Left);
            }
            Event::Membership(MembershipEvent::MemberRemoved(removed)) => {
                self.leave(at, &removed.user, Leaving::Removed);
            }
            Event::Membership(MembershipEvent::ReadCursorMoved(moved)) => self.moved(at, moved),
            Event::Room(RoomEvent::RoomDeleted(_)) => {
                for member in self.members.values_mut() {
                    member.leave(at, Leaving::RoomDeleted);
                }
                self.forget(at.position);
            }
            Event::User(UserEvent::UserDeleted(deleted)) => {
                self.leave(at, &deleted.user, Leaving::AccountDeleted);
            }
            Event::Message(MessageEvent::MessagePosted(posted)) => self.posted(at, posted),
            _ => {}
        }
    }

    /// Members who are not known to have read the message by `at`; `None` if there are more of them than `most`.
    pub(super) fn unread_by(&self, at: Position, most: usize) -> Option<Vec<UserId>> {
        let members = self.members.iter();
        let unread = members.filter(|(_, member)| !member.had_read(at) && !member.spans.is_empty());
        let unread: Vec<UserId> = unread
            .map(|(user, _)| user.clone())
            .take(most + 1)
            .collect();
        (unread.len() <= most).then_some(unread)
    }

    fn join(&mut self, at: Point, user: &UserId) {
        if self
            .life
            .ended
            .is_some_and(|ended| ended.position <= at.position)
        {
            return;
        }
        let member = self.members.entry(user.clone()).or_default();
        let is_member = member.spans.last().is_some_and(|span| span.until.is_none());
        if !is_member {
            member.spans.push(Span {
                from: at,
                until: None,
            });
        }
    }

    fn leave(&mut self, at: Point, user: &UserId, how: Leaving) {
        if let Some(member) = self.members.get_mut(user) {
            member.leave(at, how);
            if at.position < self.life.posted.position {
                self.forget_one(user);
            }
        }
    }

    /// Forgets who was a member before there was the message, and not any more.
    fn forget(&mut self, at: Position) {
        if at < self.life.posted.position {
            let author = &self.life.author;
            self.members.retain(|user, _| user == author);
            self.forget_one(&author.clone());
        }
    }

    fn forget_one(&mut self, user: &UserId) {
        if *user != self.life.author {
            self.members.remove(user);
        } else if let Some(author) = self.members.get_mut(user) {
            author.spans.clear();
        }
    }

    fn moved(&mut self, at: Point, moved: &ReadCursorMoved) {
        // Without a cursor, all that stood before the event was read.
        if moved.cursor.is_none_or(|cursor| cursor >= self.life.sent) {
            let evidence = Evidence::ReadRoom {
                threads: moved.threads,
            };
            self.note(at, &moved.user, evidence);
        }
    }

    fn posted(&mut self, at: Point, posted: &MessagePosted) {
        let position = self.life.posted.position.get();
        if posted.seen.is_none_or(|seen| seen.get() >= position) {
            let evidence = Evidence::Posted(posted.message.clone());
            self.note(at, &posted.author, evidence);
        }
    }

    fn note(&mut self, at: Point, user: &UserId, evidence: Evidence) {
        if !self.life.covers(at.position) {
            return;
        }
        if let Some(member) = self.members.get_mut(user)
            && member.is_in(at.position)
            && !member.had_read(at.position)
        {
            member.read = Some((at, evidence));
        }
    }

    /// Everybody, by name, as they were called at `upto`.
    pub(super) fn told(self, called: &mut dyn Called, upto: Position) -> Vec<Reader> {
        let life = self.life;
        let mut readers: Vec<Reader> = self
            .members
            .into_iter()
            .map(|(user, member)| Reader {
                who: called.person(&user, upto),
                spans: member.spans,
                read: member.read.map(|(at, evidence)| FirstRead {
                    at,
                    evidence,
                    version: life.version(at.position),
                }),
            })
            .collect();
        readers.sort_by(|a, b| (&a.who.name, &a.who.id).cmp(&(&b.who.name, &b.who.id)));
        readers
    }
}

#[cfg(test)]
mod tests;
