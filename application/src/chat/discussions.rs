//! Discussions: rooms that belong to another room, and are open to whoever that one is (contract, teams 2).

use domain::access::Beyond;
use domain::membership::MembershipFacts;
use domain::message::{
    self, Content, Message, MessageCommand, MessageContext, MessagePosted, PostChecks,
};
use domain::room::{
    self, Discussion, Room, RoomContext, RoomCreated, RoomKind, RoomRefusal, may_discuss,
};
use domain::site::Site;
use domain::{MessageId, RoleId, RoomId, link};
use eventstore::execute::Transaction;
use projections::MessageRecord;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::chat::members::{self, Founder};
use crate::chat::messages::{self, Draft};
use crate::chat::quotes;
use crate::chat::room_access::RoomAccess;
use crate::chat::rooms;
use crate::error::{Error, Refusal};
use crate::ids::{fresh_id, now};
use crate::workspace::{WorkError, Workspace};

/// A discussion that somebody wants to begin.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Wish {
    pub title: String,
    /// The message it is about.
    pub about: Option<MessageId>,
    /// What its creator says first.
    pub reply: Option<String>,
    /// User names of those who are in it from the start. Unknown ones are skipped, and case matters.
    pub users: Vec<String>,
    /// `None`: as the room it belongs to.
    pub encrypted: Option<bool>,
}

/// What is taken over from the room it belongs to.
struct Parent {
    name: Option<String>,
    encrypted: bool,
}

/// Begins a discussion of a room. A message has one discussion: whoever wants another joins that one.
///
/// What is said first is a request of its own, after the discussion is there.
pub async fn begin(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    wish: Wish,
) -> Result<RoomId, Error> {
    let settings = workspace.views().settings();
    may_discuss(&place.authority(caller), &settings)?;
    let about = match &wish.about {
        Some(message) => Some(discussed(workspace, caller, place, message).await?),
        None => None,
    };
    message::may_write(&messages::context(caller, place, &settings))?;
    if place.room.parent.is_some() {
        return Err(RoomRefusal::NestedDiscussion.into());
    }
    let parent = parent(workspace, place).await?;
    let encrypted = wish.encrypted.unwrap_or(parent.encrypted);
    if encrypted && wish.reply.is_some() {
        return Err(Refusal::EncryptedReply.into());
    }
    let reply = wish.reply.clone().map(draft);
    if let Some(reply) = &reply {
        messages::may_be_that_large(workspace, reply)?;
    }
    if let Some(about) = &about
        && let Some(there) = workspace
            .views()
            .discussion_about(&place.room.id, &about.id)
            .await?
    {
        let there = RoomAccess::of(workspace, caller, &there).await?;
        let there = there.ok_or(RoomRefusal::NotFound)?;
        members::join(workspace, caller, &there, None).await?;
        return Ok(there.room.id.clone());
    }
    let quote = about
        .as_ref()
        .map(|about| quote(workspace, place, &parent, about));
    let founders = founders(workspace, caller, about.as_ref(), &wish.users).await?;
    let created = created(caller, place, wish, &parent, encrypted, quote);
    record(workspace, caller, place, &created, &founders).await?;
    if let Some(reply) = reply {
        let begun = RoomAccess::of(workspace, caller, &created.room).await?;
        let begun = begun.ok_or(RoomRefusal::NotFound)?;
        messages::post(workspace, caller, &begun, reply).await?;
    }
    Ok(created.room)
}

/// The message that a discussion is to be about. Of rooms that the caller may not see there are none.
async fn discussed(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    message: &MessageId,
) -> Result<MessageRecord, Error> {
    let record = workspace.views().message(message).await?;
    let record = record.ok_or(Refusal::DiscussedMessageUnknown)?;
    if record.room == place.room.id {
        return Ok(record);
    }
    let elsewhere = RoomAccess::of(workspace, caller, &record.room).await?;
    Err(match elsewhere {
        Some(elsewhere) if elsewhere.can_access(caller) => Refusal::DiscussedElsewhere,
        _ => Refusal::DiscussedMessageUnknown,
    }
    .into())
}

async fn parent(workspace: &Workspace, place: &RoomAccess) -> Result<Parent, Error> {
    let record = workspace.views().room(&place.room.id).await?;
    let record = record.ok_or(RoomRefusal::NotFound)?;
    let doc: Map<String, Value> = serde_json::from_slice(&record.doc).unwrap_or_default();
    let text = |name: &str| doc.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Parent {
        name: text("name"),
        encrypted: doc.get("encrypted").and_then(Value::as_bool) == Some(true),
    })
}

/// What the discussion is about, as an attachment that leads to it.
fn quote(
    workspace: &Workspace,
    place: &RoomAccess,
    parent: &Parent,
    about: &MessageRecord,
) -> Value {
    let settings = workspace.views().settings();
    let (family, named) = match place.room.kind {
        RoomKind::Channel => ("channel", parent.name.as_deref()),
        RoomKind::Group => ("group", parent.name.as_deref()),
        RoomKind::Direct => ("direct", None),
    };
    let named = named.unwrap_or(place.room.id.as_str());
    let link = Site::of(&settings).at(&format!("/{family}/{named}?msg={}", about.id));
    // Without an address, the workspace does not know where it is.
    let link = Some(link.as_str()).filter(|link| link::is_link(link));
    quotes::quote(&settings, about, link)
}

/// Its creator, the author of what it is about, and who was named.
async fn founders(
    workspace: &Workspace,
    caller: &Caller,
    about: Option<&MessageRecord>,
    users: &[String],
) -> Result<Vec<Founder>, Error> {
    let views = workspace.views();
    let mut found = Vec::new();
    if let Some(about) = about {
        found.extend(views.user(&about.author).await?);
    }
    for name in users {
        let user = views.user_by_username(name).await?;
        found.extend(user.filter(|user| user.username == *name));
    }
    let mut founders = vec![Founder::creator(caller.id().clone())];
    for user in found {
        if founders.iter().all(|founder| founder.user != user.id) {
            founders.push(Founder::initial(user.id.clone()));
        }
    }
    Ok(founders)
}

fn created(
    caller: &Caller,
    place: &RoomAccess,
    wish: Wish,
    parent: &Parent,
    encrypted: bool,
    quote: Option<Value>,
) -> RoomCreated {
    let kind = place.room.kind.of_discussion();
    let description = quote.as_ref().and_then(|quote| quote["text"].as_str());
    let description = description.filter(|_| !parent.encrypted);
    RoomCreated {
        room: RoomId::new(fresh_id()),
        kind,
        name: Some(fresh_id()),
        display_name: Some(wish.title),
        creator: Some(caller.id().clone()),
        participants: Vec::new(),
        at: now(),
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: encrypted && kind == RoomKind::Group,
        topic: parent.name.clone(),
        description: description.map(str::to_owned),
        announcement: None,
        custom_fields: None,
        discussion: Some(Box::new(Discussion {
            parent: place.room.id.clone(),
            message: wish.about,
            quote,
        })),
    }
}

/// Decides everything a discussion begins with, in one transaction. It depends on the room being there.
async fn record(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
    created: &RoomCreated,
    founders: &[Founder],
) -> Result<(), Error> {
    let (settings, permissions) = (
        workspace.views().settings(),
        workspace.views().permissions(),
    );
    let authority = caller.authority(&[], &permissions);
    let context = RoomContext::User {
        authority,
        settings: &settings,
    };
    let parent = room::stream(&place.room.id);
    let owner = MembershipFacts {
        roles: vec![RoleId::new("owner")],
        blocked: false,
    };
    let facts = rooms::facts_of(created);
    let in_discussion = MessageContext {
        authority: caller.authority(&owner.roles, &permissions),
        room: &facts,
        beyond: if place.can_access(caller) {
            Beyond::Open
        } else {
            Beyond::Nothing
        },
        membership: Some(&owner),
        ..messages::context(caller, place, &settings)
    };
    workspace
        .run(caller.id(), async |tx| {
            // What the views say of the room may be a moment old.
            let kind = match &*tx.state::<Room>(&parent).await? {
                Room::Open(open) => open.kind.of_discussion(),
                Room::Absent | Room::Deleted => {
                    return Err(WorkError::refused(RoomRefusal::NotFound));
                }
            };
            let created = RoomCreated {
                kind,
                ..created.clone()
            };
            rooms::found(&tx, &authority, &created, &context, founders).await?;
            open_with_quote(&tx, &created, &in_discussion).await
        })
        .await
}

/// What the discussion is about is its first message.
async fn open_with_quote(
    tx: &Transaction,
    created: &RoomCreated,
    context: &MessageContext<'_>,
) -> Result<(), WorkError> {
    let discussion = created.discussion.as_deref();
    let Some(quote) = discussion.and_then(|discussion| discussion.quote.clone()) else {
        return Ok(());
    };
    let message = MessageId::new(fresh_id());
    let stream = message::stream(&message);
    let posted = MessagePosted {
        message,
        room: created.room.clone(),
        author: context.authority.actor.clone(),
        at: created.at,
        content: Content {
            attachments: Some(vec![quote]),
            ..Content::default()
        },
        presentation: None,
        thread: None,
        shown_in_room: false,
        seen: None,
    };
    let post = MessageCommand::Post {
        posted: Box::new(posted),
        checks: PostChecks::Lenient,
    };
    tx.decide_new::<Message>(&stream, post, context).await?;
    Ok(())
}

fn draft(text: String) -> Draft {
    Draft {
        id: None,
        text,
        opaque: false,
        find_links: true,
        previewed: None,
        attachments: None,
        presentation: None,
        thread: None,
        parent: None,
        shown_in_room: false,
        at: now(),
        join: false,
        checks: PostChecks::Full,
    }
}
