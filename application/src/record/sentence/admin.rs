//! Settings, permissions, roles, emoji, sounds, assets, banners and reports.

use domain::asset::AssetEvent;
use domain::banner::{BannerDismissalEvent, BannerEvent, BannerPublished, Platform};
use domain::emoji::EmojiEvent;
use domain::permissions::PermissionEvent;
use domain::report::{ReportDismissed, ReportEvent};
use domain::role::{RoleEvent, RoleGiven, RoleProperties, RoleScope};
use domain::setting::{SettingChanged, SettingEvent};
use domain::sound::SoundEvent;

use super::words::{Teller, file, name, quoted, quotes, roles, the_roles, time, value, with};
use crate::record::withheld;

pub(super) fn setting(teller: &Teller<'_>, event: &SettingEvent) -> String {
    match event {
        SettingEvent::SettingChanged(event) => setting_changed(teller, event),
        SettingEvent::SettingReset(event) => {
            let setting = name(&event.setting);
            teller.did(format_args!("reset the setting {setting} to its default"))
        }
    }
}

fn setting_changed(teller: &Teller<'_>, event: &SettingChanged) -> String {
    let setting = name(&event.setting);
    let by_operator = if event.from_environment {
        ", as the operator's environment says"
    } else {
        ""
    };
    if event.sealed.is_some() || withheld::is_secret_setting(&event.setting) {
        let deed = format!("changed the setting {setting}, which is a secret{by_operator}");
        return teller.did(deed);
    }
    let to = value(&event.value);
    teller.did(format_args!(
        "changed the setting {setting} to {to}{by_operator}"
    ))
}

pub(super) fn permission(teller: &Teller<'_>, event: &PermissionEvent) -> String {
    match event {
        PermissionEvent::PermissionRolesChanged(event) => {
            let (permission, by) = (name(&event.permission), teller.actor());
            let hold = match &event.roles[..] {
                [] => "no role holds".to_owned(),
                [role] => format!("the role {} holds", name(role.as_str())),
                all => format!("the roles {} hold", roles(all)),
            };
            format!("{hold} the permission {permission} from now on (changed by {by})")
        }
    }
}

pub(super) fn role(teller: &Teller<'_>, event: &RoleEvent) -> String {
    match event {
        RoleEvent::RoleCreated(event) => {
            let (role, what) = (name(event.role.as_str()), properties(&event.properties));
            teller.did(format_args!("created the role {role}: {what}"))
        }
        RoleEvent::RoleChanged(event) => {
            let (role, to) = (name(event.role.as_str()), properties(&event.properties));
            teller.did(format_args!("changed the role {role} to: {to}"))
        }
        RoleEvent::RoleDeleted(event) => {
            let role = name(event.role.as_str());
            teller.did(format_args!("deleted the role {role}"))
        }
        RoleEvent::RoleGiven(event) => role_given(teller, event),
    }
}

/// The account or the membership says so too, in an event of the same batch.
fn role_given(teller: &Teller<'_>, event: &RoleGiven) -> String {
    let (role, user) = (name(event.role.as_str()), teller.whom_actor(&event.user));
    let place = event.room.as_ref().map(|room| teller.room(room));
    let place = place.unwrap_or_else(|| "the workspace".to_owned());
    teller.did(format_args!(
        "put the role {role} to use, for {user} in {place}"
    ))
}

fn properties(role: &RoleProperties) -> String {
    let scope = match role.scope {
        RoleScope::Users => "held in the whole workspace",
        RoleScope::Subscriptions => "held in single rooms",
    };
    let description = Some(&role.description).filter(|text| !text.is_empty());
    let description = description.map(|text| format!("described as {}", quoted(text)));
    let factor = role
        .mandatory_second_factor
        .then(|| "with a second factor demanded".to_owned());
    let told = format!("called {}, {scope}", quoted(&role.name));
    with(told, description.into_iter().chain(factor))
}

pub(super) fn emoji(teller: &Teller<'_>, event: &EmojiEvent) -> String {
    match event {
        EmojiEvent::EmojiCreated(event) => {
            let called = emoji_names(&event.name, &event.aliases);
            teller.did(format_args!("created the emoji {called}"))
        }
        EmojiEvent::EmojiChanged(event) => {
            let id = name(&event.emoji);
            let called = emoji_names(&event.name, &event.aliases);
            teller.did(format_args!(
                "renamed the emoji with the id {id} to {called}"
            ))
        }
        EmojiEvent::EmojiDrawn(event) => {
            let (id, what) = (name(&event.emoji), file(&event.file));
            teller.did(format_args!(
                "gave the emoji with the id {id} a picture ({what})"
            ))
        }
        EmojiEvent::EmojiDeleted(event) => {
            let id = name(&event.emoji);
            teller.did(format_args!("deleted the emoji with the id {id}"))
        }
    }
}

fn emoji_names(name: &str, aliases: &[String]) -> String {
    if aliases.is_empty() {
        return quoted(name);
    }
    format!("{}, also called {}", quoted(name), quotes(aliases))
}

pub(super) fn sound(teller: &Teller<'_>, event: &SoundEvent) -> String {
    match event {
        SoundEvent::SoundCreated(event) => {
            let called = quoted(&event.name);
            teller.did(format_args!("created the sound {called}"))
        }
        SoundEvent::SoundRenamed(event) => {
            let (id, to) = (name(&event.sound), quoted(&event.name));
            teller.did(format_args!("renamed the sound with the id {id} to {to}"))
        }
        SoundEvent::SoundRecorded(event) => {
            let (id, what) = (name(&event.sound), file(&event.file));
            teller.did(format_args!(
                "gave the sound with the id {id} a recording ({what})"
            ))
        }
        SoundEvent::SoundDeleted(event) => {
            let id = name(&event.sound);
            teller.did(format_args!("deleted the sound with the id {id}"))
        }
    }
}

pub(super) fn asset(teller: &Teller<'_>, event: &AssetEvent) -> String {
    match event {
        AssetEvent::AssetSet(event) => {
            let (asset, what) = (name(&event.asset), file(&event.file));
            teller.did(format_args!(
                "changed the picture {asset} of the workspace ({what})"
            ))
        }
        AssetEvent::AssetUnset(event) => {
            let asset = name(&event.asset);
            teller.did(format_args!(
                "reset the picture {asset} of the workspace to its default"
            ))
        }
    }
}

pub(super) fn banner(teller: &Teller<'_>, event: &BannerEvent) -> String {
    match event {
        BannerEvent::BannerPublished(event) => published(teller, event),
        BannerEvent::BannerWithdrawn(event) => {
            let id = name(&event.banner);
            teller.deed(
                &event.by,
                format_args!("withdrew the banner with the id {id}"),
            )
        }
    }
}

fn published(teller: &Teller<'_>, event: &BannerPublished) -> String {
    let id = name(&event.banner);
    let content = &event.content;
    let (start, end) = (time(content.start_at), time(content.expire_at));
    let platforms: Vec<&str> = content
        .platforms
        .iter()
        .copied()
        .map(Platform::as_str)
        .collect();
    let platforms = platforms.join(" and ");
    let whom = match &content.roles {
        None => "everybody".to_owned(),
        Some(held) => the_roles(held).unwrap_or_else(|| "no role".to_owned()),
    };
    let deed = format!(
        "published the banner with the id {id} for {whom} on {platforms} from {start} until {end}"
    );
    teller.deed(&event.by, deed)
}

pub(super) fn banner_dismissal(teller: &Teller<'_>, event: &BannerDismissalEvent) -> String {
    match event {
        BannerDismissalEvent::BannerDismissed(event) => {
            let id = name(&event.banner);
            teller.deed(
                &event.user,
                format_args!("dismissed the banner with the id {id}"),
            )
        }
    }
}

pub(super) fn report(teller: &Teller<'_>, event: &ReportEvent) -> String {
    match event {
        ReportEvent::MessageReported(event) => {
            let author = teller.whom(&event.author, &event.by);
            let (room, why) = (teller.room(&event.room), quoted(&event.description));
            let deed = format!("reported a message of {author} in {room}: {why}");
            teller.deed(&event.by, deed)
        }
        ReportEvent::UserReported(event) => {
            let user = teller.whom(&event.user, &event.by);
            let why = quoted(&event.description);
            teller.deed(&event.by, format_args!("reported {user}: {why}"))
        }
        ReportEvent::ReportDismissed(event) => dismissed(teller, event),
    }
}

fn dismissed(teller: &Teller<'_>, event: &ReportDismissed) -> String {
    let told = |what: &str, text: &Option<String>| {
        let text = text.as_deref()?;
        Some(format!("with the {what} {}", quoted(text)))
    };
    let facts = [told("action", &event.action), told("reason", &event.reason)];
    let deed = format!("dismissed the report with the id {}", name(&event.report));
    teller.deed(&event.by, with(deed, facts.into_iter().flatten()))
}
