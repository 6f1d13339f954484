//! What a workspace begins with: random ids, the built-in bot, the first channel, the operator's administrator and
//! settings. Every start runs it; what exists already is left alone, also if two nodes start at once.

use domain::claim::NameKind;
use domain::room::{self, Room, RoomCommand, RoomContext, RoomCreated, RoomKind};
use domain::settings::{Key, keys};
use domain::user::{User, UserCreated, UserKind};
use domain::{RoleId, RoomId, UserId};
use serde_json::Value;

use crate::admin::administrators::{self, AppointError, Appointed, Appointment};
use crate::admin::{banners, settings};
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::identity::password_hasher::PasswordDigest;
use crate::ids::{fresh_secret, now};
use crate::people::users::create::{Maker, create};
use crate::workspace::{AdminAccount, Workspace};

/// The built-in bot, which always exists (contract, conventions 6.6).
const BOT: &str = "rocket.cat";

/// The first channel (contract, rooms 1.2).
const GENERAL: &str = "GENERAL";

/// Settings whose default is random and drawn once (contract, `settings.tsv`: `@random-id`).
const RANDOM: [Key<str>; 2] = [keys::UNIQUE_ID, keys::ACCOUNTS_REGISTRATION_FORM_SECRET_URL];

/// Whether there is no workspace yet: no server ever ran on this log.
pub fn is_fresh(workspace: &Workspace) -> bool {
    workspace
        .views()
        .settings()
        .text(keys::UNIQUE_ID)
        .is_empty()
}

/// Makes what is missing of a workspace.
pub async fn run(workspace: &Workspace) -> Result<(), Error> {
    // Everything in the log counts, also events of another node.
    let head = workspace.executor().store().head().await?;
    workspace.views().wait_for(head).await?;
    // Random values come last: as long as they are missing, this is the first start.
    if is_fresh(workspace) {
        first_values(workspace).await?;
    }
    for key in RANDOM {
        if workspace.views().settings().text(key).is_empty() {
            let drawn = Value::String(fresh_secret());
            settings::set_first(workspace, key.id(), drawn, false).await?;
        }
    }
    let site = &workspace.config().site_url;
    if workspace.views().settings().text(keys::SITE_URL) != site {
        settings::set(workspace, keys::SITE_URL.id(), Value::String(site.clone())).await?;
    }
    for (id, value) in &workspace.config().settings.overrides {
        overwrite(workspace, id, value).await?;
    }
    warn_of_unknown(workspace);
    general(workspace).await?;
    if workspace.views().user(&UserId::new(BOT)).await?.is_none() {
        make(workspace, bot()).await?;
    }
    if let Some(admin) = &workspace.config().admin {
        administrator(workspace, admin).await?;
    }
    match &workspace.config().sandbox {
        Some(sandbox) => banners::tell_of_sandbox(workspace, sandbox).await,
        None => Ok(()),
    }
}

/// A setting that cannot be found is one that somebody believes to be blocked or hidden.
fn warn_of_unknown(workspace: &Workspace) {
    let (policy, settings) = (&workspace.config().settings, workspace.views().settings());
    for (variable, ids) in [
        ("SETTINGS_BLOCKED", &policy.blocked),
        ("SETTINGS_HIDDEN", &policy.hidden),
    ] {
        for id in ids.iter().filter(|id| settings.definition(id).is_none()) {
            tracing::warn!(setting = id, "{variable} names no setting that there is");
        }
    }
}

/// Values from the environment for the first start: variables named like settings. A wrong one is the operator's
/// mistake: it is logged and skipped.
async fn first_values(workspace: &Workspace) -> Result<(), Error> {
    for (id, text) in &workspace.config().settings.first {
        let value = Value::String(text.clone());
        match settings::set_first(workspace, id, value, true).await {
            Err(error) if !error.is_temporary() => {
                error.log();
                tracing::warn!(setting = id, %error, "the value from the environment does not fit");
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Applies `OVERWRITE_SETTING_<id>`. A wrong value is the operator's mistake: it is logged and skipped.
async fn overwrite(workspace: &Workspace, id: &str, text: &str) -> Result<(), Error> {
    match settings::set(workspace, id, Value::String(text.to_owned())).await {
        Err(error) if !error.is_temporary() => {
            error.log();
            tracing::warn!(setting = id, %error, "OVERWRITE_SETTING is not possible");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Makes the first channel, once in the life of a workspace: if it was deleted, it stays deleted.
async fn general(workspace: &Workspace) -> Result<(), Error> {
    let created = RoomCreated {
        room: RoomId::new(GENERAL),
        kind: RoomKind::Channel,
        name: Some("general".to_owned()),
        display_name: None,
        creator: None,
        participants: Vec::new(),
        at: now(),
        read_only: false,
        broadcast: false,
        default: true,
        encrypted: false,
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    };
    let stream = room::stream(&created.room);
    workspace
        .run(&UserId::system(), async |tx| {
            if *tx.state::<Room>(&stream).await? != Room::Absent {
                return Ok(());
            }
            let room = Claimant::new(NameKind::RoomName, GENERAL, created.at);
            let taken = Refusal::RoomNameTaken {
                name: "general".to_owned(),
                archived: false,
            };
            room.take(&tx, "general", taken).await?;
            let create = RoomCommand::Create(Box::new(created.clone()));
            tx.decide::<Room>(&stream, create, &RoomContext::System)
                .await?;
            Ok(())
        })
        .await
}

fn bot() -> UserCreated {
    UserCreated {
        user: UserId::new(BOT),
        kind: UserKind::Bot,
        username: BOT.to_owned(),
        name: Some("Rocket.Cat".to_owned()),
        emails: Vec::new(),
        password: None,
        roles: vec![RoleId::new("bot")],
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: None,
        at: now(),
    }
}

/// Makes an account, unless another node did so meanwhile.
async fn make(workspace: &Workspace, account: UserCreated) -> Result<(), Error> {
    let stream = domain::user::stream(&account.user);
    match create(
        workspace,
        Maker::Server,
        &account,
        account.kind == UserKind::User,
    )
    .await
    {
        Err(error) if !error.is_temporary() => {
            let there = workspace
                .run(&UserId::system(), async |tx| {
                    let state = tx.state::<User>(&stream).await?;
                    Ok(*state != User::Absent)
                })
                .await?;
            if there { Ok(()) } else { Err(error) }
        }
        outcome => outcome.map(drop),
    }
}

/// Makes the administrator that the operator named, while no administrator may log in: a new account, or the one with
/// that name, whatever it was before.
async fn administrator(workspace: &Workspace, admin: &AdminAccount) -> Result<(), Error> {
    if !workspace.views().active_admins().await?.is_empty() {
        return Ok(());
    }
    let password = PasswordDigest::of(&admin.password);
    let wish = Appointment {
        username: admin.username.clone(),
        password: Some(workspace.passwords().hash(password).await?),
        email: admin.email.clone(),
    };
    let username = &wish.username;
    match administrators::appoint(workspace, &wish).await {
        Ok(Appointed::Made) => {
            tracing::info!(username, "made the administrator the environment names");
        }
        Ok(Appointed::Given) => tracing::warn!(
            username,
            "nobody administrated who may log in: the account the environment names has the role admin, the password \
             from there and the right to log in"
        ),
        Err(AppointError::Failed(error)) if error.is_temporary() => return Err(error),
        // Another node was faster, or the address belongs to another account.
        Err(error) => {
            tracing::warn!(username, %error, "there is no administrator: the one the environment names was not made");
        }
    }
    Ok(())
}
