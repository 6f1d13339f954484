//! Accounts, profiles, pictures and presence.

use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::custom_status::{CustomStatusEvent, Description};
use domain::presence::PresenceEvent;
use domain::user::{
    Email, EmailChanged, MessageErasure, PreferencesChanged, ProfileChange, RecordField,
    UserCreated, UserEvent, UserKind, UtcOffset,
};

use super::words::{Teller, file, list, name, quoted, roles, the_roles, value, with};

pub(super) fn user(teller: &Teller<'_>, event: &UserEvent) -> String {
    match event {
        UserEvent::UserCreated(event) => created(teller, event),
        UserEvent::ProfileChanged(event) => {
            let profile = teller.of(&event.user, "profile");
            let change = profile_change(&event.change);
            teller.did(format_args!("changed {profile}: {change}"))
        }
        UserEvent::UsernameChanged(event) => {
            let username = teller.of(&event.user, "user name");
            let to = quoted(&event.username);
            teller.did(format_args!("changed {username} to {to}"))
        }
        UserEvent::EmailChanged(event) => emails_changed(teller, event),
        UserEvent::PasswordChanged(event) => {
            let password = teller.of(&event.user, "password");
            let until = if event.require_change {
                ", which must be replaced at the next login"
            } else {
                ""
            };
            teller.did(format_args!("changed {password}{until}"))
        }
        UserEvent::RolesChanged(event) => {
            let held = teller.of(&event.user, "roles");
            let to = match &event.roles[..] {
                [] => "none".to_owned(),
                all => roles(all),
            };
            teller.did(format_args!("changed {held} to {to}"))
        }
        UserEvent::UserActivated(event) => {
            let account = teller.of(&event.user, "account");
            teller.did(format_args!("activated {account}"))
        }
        UserEvent::UserDeactivated(event) => {
            let account = teller.of(&event.user, "account");
            let why = if event.idle {
                ", which nobody had logged in to for long"
            } else {
                ""
            };
            teller.did(format_args!("deactivated {account}{why}"))
        }
        UserEvent::UserDeleted(event) => {
            let account = teller.of(&event.user, "account");
            let messages = match event.messages {
                MessageErasure::Delete => "and its messages",
                MessageErasure::Unlink => "and left its messages without an author",
                MessageErasure::Keep => "and left its messages as they were",
            };
            teller.did(format_args!("deleted {account} {messages}"))
        }
        UserEvent::PreferencesChanged(event) => preferences_changed(teller, event),
        UserEvent::PasswordChangeRequired(event) => {
            let account = teller.of(&event.user, "account");
            let deed = if event.required {
                format!("demanded a new password for {account} at the next login")
            } else {
                format!("no longer demanded a new password for {account}")
            };
            teller.did(deed)
        }
        UserEvent::UtcOffsetChanged(event) => {
            let clock = teller.of(&event.user, "time zone");
            let to = utc(event.offset);
            teller.did(format_args!("changed {clock} to {to}"))
        }
        UserEvent::RecordFieldsWritten(event) => {
            let record = teller.of(&event.user, "record");
            let fields = list(event.fields.iter().map(record_field));
            teller.did(format_args!("changed {record}: {fields}"))
        }
        UserEvent::UserImported(event) => {
            let account = teller.of(&event.user, "account");
            let ids = list(event.ids.iter().map(|id| name(id)));
            let deed = format!("took over {account} from another server, where its id is {ids}");
            teller.did(deed)
        }
    }
}

fn created(teller: &Teller<'_>, event: &UserCreated) -> String {
    let whose = if teller.is_actor(&event.user) {
        "their"
    } else {
        "the"
    };
    let kind = match event.kind {
        UserKind::User => "",
        UserKind::Bot => " of a bot",
        UserKind::App => " of an app",
    };
    let what = format!("{whose} account {}{kind}", quoted(&event.username));
    let named = |what: &str, text: &Option<String>| {
        let text = text.as_deref()?;
        Some(format!("with the {what} {}", quoted(text)))
    };
    let held = the_roles(&event.roles);
    let addresses = event.emails.iter().map(address);
    let flags = [
        (event.password.is_none(), "without a password"),
        (!event.active, "to be activated"),
        (
            event.require_password_change,
            "with a password that must be replaced at the next login",
        ),
    ];
    let flags = flags.into_iter().filter(|(is_so, _)| *is_so);
    let facts = [
        named("name", &event.name),
        (!event.emails.is_empty()).then(|| format!("with the addresses {}", list(addresses))),
        Some(held.map_or_else(
            || "without a role".to_owned(),
            |held| format!("with {held}"),
        )),
        named("reason", &event.reason),
    ];
    let facts = facts
        .into_iter()
        .flatten()
        .chain(flags.map(|(_, flag)| flag.to_owned()));
    teller.did(with(format!("created {what}"), facts))
}

fn address(email: &Email) -> String {
    let proof = if email.verified {
        "verified"
    } else {
        "not verified"
    };
    format!("{} ({proof})", quoted(&email.address))
}

fn profile_change(change: &ProfileChange) -> String {
    let ProfileChange {
        name,
        bio,
        nickname,
        status_text,
        custom_fields,
    } = change;
    let texts = [
        ("name", name),
        ("bio", bio),
        ("nickname", nickname),
        ("status text", status_text),
    ];
    let texts = texts.into_iter().filter_map(|(what, text)| {
        Some(match text.as_deref()? {
            "" => format!("{what} removed"),
            text => format!("{what} {}", quoted(text)),
        })
    });
    let fields = custom_fields.iter();
    list(texts.chain(fields.map(|fields| format!("custom fields {}", value(fields)))))
}

fn emails_changed(teller: &Teller<'_>, event: &EmailChanged) -> String {
    let addresses = teller.of(&event.user, "e-mail addresses");
    if event.emails.is_empty() {
        return teller.did(format_args!("removed {addresses}"));
    }
    let to = list(event.emails.iter().map(address));
    teller.did(format_args!("changed {addresses} to {to}"))
}

fn preferences_changed(teller: &Teller<'_>, event: &PreferencesChanged) -> String {
    let preferences = teller.of(&event.user, "preferences");
    let set = event.set.iter();
    let set = set.map(|(preference, to)| format!("{} to {}", name(preference), value(to)));
    let unset = event.unset.iter();
    let unset = unset.map(|preference| format!("{} to the default", name(preference)));
    let changes = list(set.chain(unset));
    teller.did(format_args!("changed {preferences}: {changes}"))
}

fn utc(offset: UtcOffset) -> String {
    let minutes = offset.minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn record_field(field: &RecordField) -> String {
    let (what, to) = (name(&field.field), quoted(&field.value));
    if field.append {
        return format!("{to} added to {what}");
    }
    format!("{what} to {to}")
}

pub(super) fn presence(teller: &Teller<'_>, event: &PresenceEvent) -> String {
    match event {
        PresenceEvent::StatusChosen(event) => {
            let status = event.status.as_str();
            teller.deed(&event.user, format_args!("chose to be shown as {status}"))
        }
    }
}

pub(super) fn custom_status(teller: &Teller<'_>, event: &CustomStatusEvent) -> String {
    match event {
        CustomStatusEvent::CustomStatusCreated(event) => {
            let what = status_description(&event.description);
            teller.did(format_args!("created the custom status {what}"))
        }
        CustomStatusEvent::CustomStatusChanged(event) => {
            let (id, to) = (name(&event.id), status_description(&event.description));
            teller.did(format_args!(
                "changed the custom status with the id {id} to {to}"
            ))
        }
        CustomStatusEvent::CustomStatusDeleted(event) => {
            let id = name(&event.id);
            teller.did(format_args!("deleted the custom status with the id {id}"))
        }
    }
}

fn status_description(description: &Description) -> String {
    let called = quoted(&description.name);
    match description.kind {
        Some(status) => format!("{called}, which stands for {}", status.as_str()),
        None => called,
    }
}

pub(super) fn avatar(teller: &Teller<'_>, event: &AvatarEvent) -> String {
    match event {
        AvatarEvent::AvatarSet(event) => {
            let whose = picture(teller, &event.owner);
            let (what, origin) = (file(&event.file), name(&event.origin));
            teller.did(format_args!("changed {whose} ({what}, from {origin})"))
        }
        AvatarEvent::AvatarReset(event) => {
            let whose = picture(teller, &event.owner);
            let deed = if event.letters {
                format!("changed {whose} to a letter of the name")
            } else {
                format!("removed {whose}")
            };
            teller.did(deed)
        }
    }
}

fn picture(teller: &Teller<'_>, owner: &AvatarOwner) -> String {
    match owner {
        AvatarOwner::User(user) => teller.of(user, "picture"),
        AvatarOwner::Room(room) => format!("the picture of {}", teller.room(room)),
    }
}
