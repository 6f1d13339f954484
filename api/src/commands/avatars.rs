//! Giving users and rooms a picture, and taking it away.

use application::files::pictures;
use application::ids::now;
use bytes::Bytes;
use domain::avatar::{self, Avatar, AvatarCommand, AvatarContext, AvatarOwner, AvatarSet};
use domain::{RoleId, StoredFile, UserId};
use eventstore::ExecuteError;
use projections::FileRecord;

use super::shelves::Shelf;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::AppState;

/// Who changes a picture.
#[derive(Clone, Copy)]
pub enum Changer<'a> {
    /// A user, with the roles held in the room whose picture it is.
    User(&'a Caller, &'a [RoleId]),
    /// The server itself.
    Server,
}

impl Changer<'_> {
    fn actor(&self) -> UserId {
        match self {
            Self::User(caller, _) => caller.id().clone(),
            Self::Server => UserId::system(),
        }
    }

    /// Runs `ask` with what the rules need to know.
    fn with_context<T>(&self, state: &AppState, ask: impl FnOnce(&AvatarContext<'_>) -> T) -> T {
        match self {
            Self::Server => ask(&AvatarContext::System),
            Self::User(caller, roles) => {
                let permissions = state.views().permissions();
                ask(&AvatarContext::User {
                    authority: caller.authority(roles, &permissions),
                    settings: &state.views().settings(),
                })
            }
        }
    }
}

/// Whether changing the picture would be refused, before anything is fetched or computed for it.
pub fn would_change(
    state: &AppState,
    changer: Changer<'_>,
    owner: &AvatarOwner,
) -> Result<(), ApiError> {
    Ok(changer.with_context(state, |context| avatar::check(owner, context))?)
}

/// Makes the picture in `bytes` the one of `owner`, cut to the size the workspace has chosen.
pub async fn set(
    state: &AppState,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
) -> Result<(), ApiError> {
    put(state, changer, owner, origin, bytes, AvatarCommand::Set).await
}

/// Makes the picture in `bytes` the one of `owner` unless they show something already.
pub async fn offer(
    state: &AppState,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
) -> Result<(), ApiError> {
    put(
        state,
        Changer::Server,
        owner,
        origin,
        bytes,
        AvatarCommand::Offer,
    )
    .await
}

async fn put(
    state: &AppState,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
    how: impl FnOnce(Box<AvatarSet>) -> AvatarCommand,
) -> Result<(), ApiError> {
    would_change(state, changer, owner)?;
    let settings = state.views().settings();
    let side = settings
        .bool("Accounts_AvatarResize")
        .then(|| u32::try_from(settings.int("Accounts_AvatarSize")).unwrap_or(0));
    let picture = pictures::avatar(bytes, side).await?;
    let file = Shelf::Avatars
        .keep(state, picture.kind.content_type(), picture.bytes)
        .await?;
    let set = AvatarSet {
        owner: owner.clone(),
        origin: origin.to_owned(),
        file: file.clone(),
        at: now(),
    };
    let outcome = decide(state, changer, owner, &how(Box::new(set))).await;
    let old = outcome.as_ref().ok().and_then(Option::as_ref);
    Shelf::Avatars.settle(state, &outcome, old, &file).await;
    outcome.map(drop)
}

/// Takes the picture of `owner` away. `letters`: the letter of the name is chosen as the picture.
pub async fn reset(
    state: &AppState,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    letters: bool,
) -> Result<(), ApiError> {
    let command = AvatarCommand::Reset {
        owner: owner.clone(),
        letters,
        at: now(),
    };
    if let Some(old) = decide(state, changer, owner, &command).await? {
        Shelf::Avatars.forget(state, &old).await;
    }
    Ok(())
}

/// Removes the files of pictures whose owners are gone. `pictures` is what the views said of them before.
pub(super) async fn bury(state: &AppState, pictures: impl IntoIterator<Item = FileRecord>) {
    for picture in pictures {
        Shelf::Avatars.forget(state, &picture.file).await;
    }
}

/// Lets the rules decide; answers the file that is not shown any more.
async fn decide(
    state: &AppState,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    command: &AvatarCommand,
) -> Result<Option<StoredFile>, ApiError> {
    let stream = avatar::stream(owner);
    let permissions = state.views().permissions();
    let settings = state.views().settings();
    state
        .run(&changer.actor(), async |tx| {
            let before = tx
                .state::<Avatar>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            let context = match changer {
                Changer::Server => AvatarContext::System,
                Changer::User(caller, roles) => AvatarContext::User {
                    authority: caller.authority(roles, &permissions),
                    settings: &settings,
                },
            };
            let events = tx
                .decide::<Avatar>(&stream, command.clone(), &context)
                .await
                .map_err(ExecuteError::widen)?;
            Ok(match &*before {
                Avatar::Picture(file) if !events.is_empty() => Some(file.clone()),
                _ => None,
            })
        })
        .await
}
