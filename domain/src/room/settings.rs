//! What can be set about a room, and the rules of that (contract, rooms 7).

use serde_json::Value;

use super::{
    AnnouncementChanged, DefaultFavouriteChanged, DefaultRoomChanged, DescriptionChanged,
    FeaturedRoomChanged, HiddenSystemMessagesChanged, JoinCodeRemoved, JoinCodeSet, OpenRoom,
    ReactingInReadOnlyChanged, ReadOnlyChanged, Retention, RetentionChanged, RoomContext,
    RoomCustomFieldsChanged, RoomEncryptionChanged, RoomEvent, RoomKind, RoomRefusal, RoomRenamed,
    RoomVisibilityChanged, StreamingOptionsChanged, TopicChanged, discussion, name,
};
use crate::permission::Permission;
use crate::settings::{self, Settings, keys};
use crate::{RoomId, Sealed, Timestamp, UserId, limits, link, text};

/// One thing about a room, and what it is to be.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomChange {
    /// As typed. Of a discussion only what is shown.
    Name(String),
    Topic(String),
    Announcement {
        text: String,
        /// What a client wants shown beside the text; an object.
        details: Option<Value>,
    },
    Description(String),
    /// An object.
    CustomFields(Value),
    Kind(RoomKind),
    ReadOnly(bool),
    ReactInReadOnly(bool),
    /// Their kinds as on the wire.
    HiddenSystemMessages(Vec<String>),
    Default(bool),
    Featured(bool),
    DefaultFavourite(bool),
    /// `None`: none is needed.
    JoinCode(Option<Sealed>),
    Encrypted(bool),
    Retention(RetentionChange),
    /// An object.
    StreamingOptions(Value),
}

/// One thing about how long messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RetentionChange {
    /// `None`: what the workspace says holds.
    Enabled(Option<bool>),
    /// In days.
    MaxAge(u32),
    ExcludePinned(bool),
    FilesOnly(bool),
    IgnoreThreads(bool),
    OverrideGlobal(bool),
}

/// Whether the workspace, and so a room, can leave out system messages of that kind (contract, rooms 9).
fn is_hideable(kind: &str) -> bool {
    let setting = settings::find(keys::HIDE_SYSTEM_MESSAGES.id());
    setting.is_some_and(|setting| setting.choices().iter().any(|choice| choice == kind))
}

/// Settings of a room are changed one after the other, all of them or none. Whoever may not edit a direct message may
/// turn its encryption on and off, and whatever else they wish along with that is left out (contract, rooms 7).
pub(super) fn change(
    open: &OpenRoom,
    room: &RoomId,
    mut changes: Vec<RoomChange>,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Result<Vec<RoomEvent>, RoomRefusal> {
    if !context.may(Permission::EDIT_ROOM) {
        let encrypts = |change: &RoomChange| matches!(change, RoomChange::Encrypted(_));
        if !open.is_between(&context.actor()) || !changes.iter().any(encrypts) {
            return Err(RoomRefusal::EditNotAllowed);
        }
        changes.retain(encrypts);
    }
    for change in &changes {
        open.allows(change, context)?;
    }
    let (mut open, mut events) = (open.clone(), Vec::new());
    for change in changes {
        let wish = Wish {
            room,
            at,
            context,
            open: &open,
        };
        let Some(event) = wish.event(change)? else {
            continue;
        };
        open.apply(&event);
        // The last says all of it.
        if matches!(event, RoomEvent::RetentionChanged(_)) {
            events.retain(|before| !matches!(before, RoomEvent::RetentionChanged(_)));
        }
        events.push(event);
    }
    Ok(events)
}

impl OpenRoom {
    /// Whether it is a direct message of that user's.
    fn is_between(&self, user: &UserId) -> bool {
        self.kind == RoomKind::Direct && self.participants.contains(user)
    }

    /// Checks one wish against the room as it is before any of them.
    fn allows(&self, change: &RoomChange, context: &RoomContext<'_>) -> Result<(), RoomRefusal> {
        let needs = |permission, refusal| {
            let held = context.may_everywhere(permission);
            held.then_some(()).ok_or(refusal)
        };
        match change {
            RoomChange::ReadOnly(true) | RoomChange::ReactInReadOnly(true) if self.broadcast => {
                Err(RoomRefusal::BroadcastIsReadOnly)
            }
            RoomChange::Name(_) if self.kind == RoomKind::Direct => {
                Err(RoomRefusal::DirectHasNoName)
            }
            RoomChange::Topic(text)
            | RoomChange::Description(text)
            | RoomChange::Announcement { text, .. }
                if limits::is_longer(text, limits::ROOM_TEXT) =>
            {
                Err(RoomRefusal::TextTooLong {
                    limit: limits::ROOM_TEXT,
                })
            }
            RoomChange::CustomFields(value)
            | RoomChange::StreamingOptions(value)
            | RoomChange::Announcement {
                details: Some(value),
                ..
            } if !link::are_harmless(value) => Err(RoomRefusal::InvalidLink),
            // Nobody else comes into it.
            RoomChange::Default(true) | RoomChange::DefaultFavourite(true)
                if self.kind == RoomKind::Direct =>
            {
                Err(RoomRefusal::EditNotAllowed)
            }
            RoomChange::Default(_) | RoomChange::Featured(_) | RoomChange::DefaultFavourite(_) => {
                let permission = Permission::VIEW_ROOM_ADMINISTRATION;
                needs(permission, RoomRefusal::AdministrationNotAllowed)
            }
            RoomChange::Kind(kind) if *kind != self.kind => match (self.kind, *kind) {
                (RoomKind::Direct, _) => Err(RoomRefusal::DirectStaysDirect),
                (_, RoomKind::Direct) => Err(RoomRefusal::InvalidKind),
                (_, kind) => needs(
                    super::decide::permissions(kind).0,
                    RoomRefusal::KindNotAllowed(kind),
                ),
            },
            RoomChange::HiddenSystemMessages(kinds) => {
                let known = kinds.iter().all(|kind| is_hideable(kind));
                known.then_some(()).ok_or(RoomRefusal::NotHideable)
            }
            RoomChange::Encrypted(encrypted) if self.encrypted != Some(*encrypted) => {
                self.allows_encryption(context)
            }
            RoomChange::Retention(change) if self.retention.with(*change) != self.retention => {
                needs(
                    Permission::EDIT_ROOM_RETENTION_POLICY,
                    RoomRefusal::RetentionNotAllowed,
                )
            }
            _ => Ok(()),
        }
    }

    fn allows_encryption(&self, context: &RoomContext<'_>) -> Result<(), RoomRefusal> {
        let enabled = context
            .settings()
            .is_none_or(|settings| settings.bool(keys::E2E_ENABLE));
        let allowed = match self.kind {
            RoomKind::Channel => false,
            RoomKind::Group => enabled && context.may(Permission::TOGGLE_ROOM_E2E_ENCRYPTION),
            RoomKind::Direct => enabled,
        };
        allowed
            .then_some(())
            .ok_or(RoomRefusal::EncryptionNotAllowed)
    }
}

/// What one change depends on.
struct Wish<'a> {
    room: &'a RoomId,
    at: Timestamp,
    context: &'a RoomContext<'a>,
    /// The room after the changes before this one.
    open: &'a OpenRoom,
}

impl Wish<'_> {
    /// What happens; `None`: it is so already.
    fn event(&self, change: RoomChange) -> Result<Option<RoomEvent>, RoomRefusal> {
        let open = self.open;
        let (room, by, at) = (self.room.clone(), self.context.actor(), self.at);
        // No text and an empty one are the same.
        let says = |now: &Option<String>, text: &str| now.as_deref().unwrap_or_default() == text;
        Ok(match change {
            RoomChange::Name(typed) => return self.renamed(&typed),
            RoomChange::Topic(text) => {
                (!says(&open.topic, &text)).then(|| TopicChanged { room, text, by, at }.into())
            }
            RoomChange::Description(text) => (!says(&open.description, &text))
                .then(|| DescriptionChanged { room, text, by, at }.into()),
            RoomChange::Announcement { text, details } => {
                let same = says(&open.announcement, &text) && open.announcement_details == details;
                let event = AnnouncementChanged {
                    room,
                    text,
                    details,
                    by,
                    at,
                };
                (!same).then(|| event.into())
            }
            RoomChange::CustomFields(fields) => (open.custom_fields.as_ref() != Some(&fields))
                .then(|| {
                    RoomCustomFieldsChanged {
                        room,
                        fields,
                        by,
                        at,
                    }
                    .into()
                }),
            RoomChange::Kind(kind) => {
                (open.kind != kind).then(|| RoomVisibilityChanged { room, kind, by, at }.into())
            }
            RoomChange::ReadOnly(read_only) => (open.read_only != read_only).then(|| {
                ReadOnlyChanged {
                    room,
                    read_only,
                    by,
                    at,
                }
                .into()
            }),
            RoomChange::ReactInReadOnly(allowed) => {
                (open.react_in_read_only != allowed).then(|| {
                    ReactingInReadOnlyChanged {
                        room,
                        allowed,
                        by,
                        at,
                    }
                    .into()
                })
            }
            RoomChange::HiddenSystemMessages(mut kinds) => {
                kinds.sort();
                kinds.dedup();
                (open.hidden_system_messages != kinds).then(|| {
                    HiddenSystemMessagesChanged {
                        room,
                        kinds,
                        by,
                        at,
                    }
                    .into()
                })
            }
            RoomChange::Default(default) => (open.default != default).then(|| {
                DefaultRoomChanged {
                    room,
                    default,
                    by,
                    at,
                }
                .into()
            }),
            RoomChange::Featured(featured) => (open.featured != featured).then(|| {
                FeaturedRoomChanged {
                    room,
                    featured,
                    by,
                    at,
                }
                .into()
            }),
            RoomChange::DefaultFavourite(favourite) => {
                (open.default_favourite != favourite).then(|| {
                    DefaultFavouriteChanged {
                        room,
                        favourite,
                        by,
                        at,
                    }
                    .into()
                })
            }
            // Whether it is the same code cannot be told: the same secret is sealed otherwise each time.
            RoomChange::JoinCode(Some(code)) => Some(JoinCodeSet { room, code, by, at }.into()),
            RoomChange::JoinCode(None) => open
                .needs_join_code
                .then(|| JoinCodeRemoved { room, by, at }.into()),
            RoomChange::Encrypted(encrypted) => (open.encrypted != Some(encrypted)).then(|| {
                RoomEncryptionChanged {
                    room,
                    encrypted,
                    by,
                    at,
                }
                .into()
            }),
            RoomChange::Retention(change) => {
                let retention = open.retention.with(change);
                (open.retention != retention).then(|| {
                    RetentionChanged {
                        room,
                        retention,
                        by,
                        at,
                    }
                    .into()
                })
            }
            RoomChange::StreamingOptions(options) => {
                (open.streaming_options.as_ref() != Some(&options)).then(|| {
                    StreamingOptionsChanged {
                        room,
                        options,
                        by,
                        at,
                    }
                    .into()
                })
            }
        })
    }

    fn renamed(&self, typed: &str) -> Result<Option<RoomEvent>, RoomRefusal> {
        let open = self.open;
        if open.parent.is_some() {
            return self.retitled(typed);
        }
        if open.name.as_deref() == Some(typed) {
            return Ok(None);
        }
        let defaults = Settings::default();
        let settings = self.context.settings().unwrap_or(&defaults);
        let names = name::resolve(typed, settings)?;
        if name::is_blocked_for_renaming(&names.slug, settings) {
            return Err(RoomRefusal::BlockedName { name: names.slug });
        }
        let same = open.name.as_ref() == Some(&names.slug)
            && open.display_name.as_ref() == Some(&names.display);
        let event = RoomRenamed {
            room: self.room.clone(),
            name: names.slug,
            display_name: names.display,
            by: self.context.actor(),
            at: self.at,
        };
        Ok((!same).then(|| event.into()))
    }

    /// Of a discussion, only what is shown changes.
    fn retitled(&self, typed: &str) -> Result<Option<RoomEvent>, RoomRefusal> {
        let typed = text::trim(typed);
        discussion::title(typed)?;
        let same = self.open.display_name.as_deref() == Some(typed);
        let event = RoomRenamed {
            room: self.room.clone(),
            name: self.open.name.clone().unwrap_or_default(),
            display_name: typed.to_owned(),
            by: self.context.actor(),
            at: self.at,
        };
        Ok((!same).then(|| event.into()))
    }
}

impl Retention {
    fn with(&self, change: RetentionChange) -> Self {
        let mut retention = self.clone();
        match change {
            RetentionChange::Enabled(enabled) => retention.enabled = enabled,
            RetentionChange::MaxAge(days) => retention.max_age = Some(days),
            RetentionChange::ExcludePinned(exclude) => retention.exclude_pinned = Some(exclude),
            RetentionChange::FilesOnly(files) => retention.files_only = Some(files),
            RetentionChange::IgnoreThreads(ignore) => retention.ignore_threads = Some(ignore),
            RetentionChange::OverrideGlobal(own) => retention.override_global = Some(own),
        }
        retention
    }
}
