//! What a workspace begins with: ids drawn at random, the built-in bot, the first channel, the operator's administrator
//! and settings. Every start runs it; what is there already is left alone, also when two nodes start at once.

use application::identity::password_hasher::PasswordDigest;
use application::ids::{fresh_secret, now};
use domain::claim::{self, Claim, ClaimCommand, NameKind};
use domain::room::{self, Room, RoomCommand, RoomContext, RoomCreated, RoomKind};
use domain::user::{User, UserCreated, UserKind};
use domain::{RoleId, RoomId, UserId};
use eventstore::ExecuteError;
use serde_json::Value;

use crate::commands::administrators::{self, AppointError, Appointed, Appointment};
use crate::commands::settings;
use crate::commands::users::{self, Maker};
use crate::error::ApiError;
use crate::state::{AdminAccount, AppState};

/// The built-in bot, which always exists (contract, conventions 6.6).
const BOT: &str = "rocket.cat";

/// The first channel (contract, rooms 1.2).
const GENERAL: &str = "GENERAL";

/// Settings whose default is drawn at random, once (contract, `settings.tsv`: `@random-id`).
const RANDOM: [&str; 2] = [WORKSPACE_ID, "Accounts_RegistrationForm_SecretURL"];

/// The setting that names the workspace among all others.
const WORKSPACE_ID: &str = "uniqueID";

/// Whether there is no workspace yet: nothing ever ran on this log.
pub fn is_fresh(state: &AppState) -> bool {
    state.views().settings().text(WORKSPACE_ID).is_empty()
}

/// Makes what is missing.
pub async fn run(state: &AppState) -> Result<(), ApiError> {
    // Everything in the log counts, be it from another node.
    let head = state.executor().store().head().await?;
    state.views().wait_for(head).await?;
    // What is drawn at random comes after: as long as it is missing, this is the first start.
    if is_fresh(state) {
        first_values(state).await?;
    }
    for id in RANDOM {
        if state.views().settings().text(id).is_empty() {
            let drawn = Value::String(fresh_secret());
            settings::set_first(state, id, drawn, false).await?;
        }
    }
    let site = &state.config().site_url;
    if state.views().settings().text("Site_Url") != site {
        settings::set(state, "Site_Url", Value::String(site.clone())).await?;
    }
    for (id, value) in &state.config().setting_overrides {
        overwrite(state, id, value).await?;
    }
    general(state).await?;
    if state.views().user(&UserId::new(BOT)).await?.is_none() {
        make(state, bot()).await?;
    }
    match &state.config().admin {
        Some(admin) => administrator(state, admin).await,
        None => Ok(()),
    }
}

/// Values the environment has for the first start: variables named like settings. A wrong one is the operator's
/// mistake, told and passed over.
async fn first_values(state: &AppState) -> Result<(), ApiError> {
    for (id, text) in &state.config().settings.first {
        let value = Value::String(text.clone());
        match settings::set_first(state, id, value, true).await {
            Err(error) if !error.is_temporary() => {
                tracing::warn!(setting = id, %error, "the value from the environment does not fit");
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// `OVERWRITE_SETTING_<id>`. A wrong one is the operator's mistake, told and passed over.
async fn overwrite(state: &AppState, id: &str, text: &str) -> Result<(), ApiError> {
    match settings::set(state, id, Value::String(text.to_owned())).await {
        Err(error) if !error.is_temporary() => {
            tracing::warn!(setting = id, %error, "OVERWRITE_SETTING is not possible");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Makes the first channel, once in the life of a workspace: deleted, it stays deleted.
async fn general(state: &AppState) -> Result<(), ApiError> {
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
    };
    let (stream, name) = (
        room::stream(&created.room),
        claim::stream(NameKind::RoomName, "general"),
    );
    state
        .run(&UserId::system(), async |tx| {
            if *tx
                .state::<Room>(&stream)
                .await
                .map_err(ExecuteError::widen)?
                != Room::Absent
            {
                return Ok(());
            }
            let take = ClaimCommand::Take {
                kind: NameKind::RoomName,
                owner: GENERAL.to_owned(),
                at: created.at,
            };
            tx.decide::<Claim>(&name, take, &())
                .await
                .map_err(ExecuteError::widen)?;
            let create = RoomCommand::Create(Box::new(created.clone()));
            tx.decide::<Room>(&stream, create, &RoomContext::System)
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
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

/// Makes an account; made by another node meanwhile is just as good.
async fn make(state: &AppState, account: UserCreated) -> Result<(), ApiError> {
    let stream = domain::user::stream(&account.user);
    match users::create(
        state,
        Maker::Server,
        &account,
        account.kind == UserKind::User,
    )
    .await
    {
        Err(error) if !error.is_temporary() => {
            let there = state
                .run(&UserId::system(), async |tx| {
                    let state = tx
                        .state::<User>(&stream)
                        .await
                        .map_err(ExecuteError::widen)?;
                    Ok(*state != User::Absent)
                })
                .await?;
            if there { Ok(()) } else { Err(error) }
        }
        outcome => outcome.map(drop),
    }
}

/// The administrator the operator named, while nobody administrates who may log in: a new account, or the one of that
/// name, whatever it was before.
async fn administrator(state: &AppState, admin: &AdminAccount) -> Result<(), ApiError> {
    if !state.views().active_admins().await?.is_empty() {
        return Ok(());
    }
    let password = PasswordDigest::of(&admin.password);
    let wish = Appointment {
        username: admin.username.clone(),
        password: Some(state.passwords().hash(password).await?),
        email: admin.email.clone(),
    };
    let username = &wish.username;
    match administrators::appoint(state, &wish).await {
        Ok(Appointed::Made) => {
            tracing::info!(username, "made the administrator the environment names");
        }
        Ok(Appointed::Given) => tracing::warn!(
            username,
            "nobody administrated who may log in: the account the environment names has the role admin, the password \
             from there and the right to log in"
        ),
        Err(AppointError::Failed(error)) if error.is_temporary() => return Err(error),
        // Another node was faster, or the address belongs to somebody.
        Err(error) => {
            tracing::warn!(username, %error, "there is no administrator: the one the environment names was not made");
        }
    }
    Ok(())
}
