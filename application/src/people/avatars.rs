//! Setting and removing pictures of users and rooms.

use std::time::Duration;

use bytes::Bytes;
use domain::avatar::{self, Avatar, AvatarCommand, AvatarContext, AvatarOwner, AvatarSet};
use domain::settings::keys;
use domain::{RoleId, StoredFile, UserId};
use http::StatusCode;
use projections::{FileRecord, UserFacts};

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::files::pictures::{self, PictureError};
use crate::files::stored_files::Folder;
use crate::ids::now;
use crate::outside::fetch::{FetchError, Limits, Outgoing};
use crate::workspace::Workspace;

/// How long fetching a picture may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who changes a picture.
#[derive(Clone, Copy)]
pub enum Changer<'a> {
    /// A user, with the roles held in the room whose picture it is.
    User(&'a Caller, &'a [RoleId]),
    /// The server by itself, without a user.
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
    fn with_context<T>(
        &self,
        workspace: &Workspace,
        ask: impl FnOnce(&AvatarContext<'_>) -> T,
    ) -> T {
        match self {
            Self::Server => ask(&AvatarContext::System),
            Self::User(caller, roles) => {
                let permissions = workspace.views().permissions();
                ask(&AvatarContext::User {
                    authority: caller.authority(roles, &permissions),
                    settings: &workspace.views().settings(),
                })
            }
        }
    }
}

/// Whether changing the picture would be refused; checked before anything is fetched or computed for it.
pub fn would_change(
    workspace: &Workspace,
    changer: Changer<'_>,
    owner: &AvatarOwner,
) -> Result<(), Error> {
    Ok(changer.with_context(workspace, |context| avatar::check(owner, context))?)
}

/// Makes the picture in `bytes` the one of `owner`, cut to the size the workspace has chosen.
pub async fn set(
    workspace: &Workspace,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
) -> Result<(), Error> {
    put(workspace, changer, owner, origin, bytes, AvatarCommand::Set).await
}

/// Makes the picture at an address the one of `user`. It may have `most` bytes.
pub async fn set_from(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserFacts,
    url: &str,
    most: usize,
) -> Result<(), Error> {
    let owner = AvatarOwner::User(user.id.clone());
    let changer = Changer::User(caller, &[]);
    would_change(workspace, changer, &owner)?;
    let bytes = picture_at(workspace, url, &user.username, most).await?;
    let outcome = set(workspace, changer, &owner, "url", bytes).await;
    outcome.map_err(|error| match error {
        Error::Picture(PictureError::Unreadable) => Refusal::NoPictureAt(url.to_owned()).into(),
        error => error,
    })
}

async fn picture_at(
    workspace: &Workspace,
    url: &str,
    username: &str,
    most: usize,
) -> Result<Bytes, Error> {
    let limits = Limits {
        bytes: most,
        time: PATIENCE,
    };
    let none = || Error::from(Refusal::NoPictureAt(url.to_owned()));
    let fetched = workspace.fetcher().fetch(Outgoing::get(url), limits).await;
    let fetched = fetched.map_err(|error| {
        tracing::info!(%error, "a picture was not fetched");
        match error {
            FetchError::TooLarge => PictureError::TooLarge.into(),
            _ => none(),
        }
    })?;
    match fetched.status {
        StatusCode::OK if fetched.content_type().starts_with("image/") => Ok(fetched.body),
        StatusCode::OK | StatusCode::NOT_FOUND => Err(none()),
        _ => Err(Refusal::PictureNotSent {
            url: url.to_owned(),
            username: username.to_owned(),
        }
        .into()),
    }
}

/// Makes the picture in `bytes` the one of `owner`, unless there is one already.
pub async fn offer(
    workspace: &Workspace,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
) -> Result<(), Error> {
    put(
        workspace,
        Changer::Server,
        owner,
        origin,
        bytes,
        AvatarCommand::Offer,
    )
    .await
}

async fn put(
    workspace: &Workspace,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    origin: &str,
    bytes: Bytes,
    how: impl FnOnce(Box<AvatarSet>) -> AvatarCommand,
) -> Result<(), Error> {
    would_change(workspace, changer, owner)?;
    let settings = workspace.views().settings();
    let side = settings
        .bool(keys::ACCOUNTS_AVATAR_RESIZE)
        .then(|| u32::try_from(settings.int(keys::ACCOUNTS_AVATAR_SIZE)).unwrap_or(0));
    let picture = pictures::avatar(bytes, side).await?;
    let file = Folder::Avatars
        .keep(workspace, picture.kind.content_type(), picture.bytes)
        .await?;
    let set = AvatarSet {
        owner: owner.clone(),
        origin: origin.to_owned(),
        file: file.clone(),
        at: now(),
    };
    let outcome = decide(workspace, changer, owner, &how(Box::new(set))).await;
    let old = outcome.as_ref().ok().and_then(Option::as_ref);
    Folder::Avatars
        .settle(workspace, &outcome, old, &file)
        .await;
    outcome.map(drop)
}

/// Removes the picture of a user. `letters`: the letter of the name is chosen as the picture.
pub async fn reset_of(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
    letters: bool,
) -> Result<(), Error> {
    let (owner, changer) = (AvatarOwner::User(user.clone()), Changer::User(caller, &[]));
    would_change(workspace, changer, &owner).map_err(|_| Refusal::AvatarResetNotAllowed)?;
    reset(workspace, changer, &owner, letters).await
}

/// Removes the picture of `owner`. `letters`: the letter of the name is chosen as the picture.
pub async fn reset(
    workspace: &Workspace,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    letters: bool,
) -> Result<(), Error> {
    let command = AvatarCommand::Reset {
        owner: owner.clone(),
        letters,
        at: now(),
    };
    if let Some(old) = decide(workspace, changer, owner, &command).await? {
        Folder::Avatars.forget(workspace, &old).await;
    }
    Ok(())
}

/// Removes the files of pictures whose owners no longer exist. `pictures` is what the views had of them before.
pub(crate) async fn bury(workspace: &Workspace, pictures: impl IntoIterator<Item = FileRecord>) {
    for picture in pictures {
        Folder::Avatars.forget(workspace, &picture.file).await;
    }
}

/// Lets the rules decide; returns the file that is no longer shown.
async fn decide(
    workspace: &Workspace,
    changer: Changer<'_>,
    owner: &AvatarOwner,
    command: &AvatarCommand,
) -> Result<Option<StoredFile>, Error> {
    let stream = avatar::stream(owner);
    let permissions = workspace.views().permissions();
    let settings = workspace.views().settings();
    workspace
        .run(&changer.actor(), async |tx| {
            let before = tx.state::<Avatar>(&stream).await?;
            let context = match changer {
                Changer::Server => AvatarContext::System,
                Changer::User(caller, roles) => AvatarContext::User {
                    authority: caller.authority(roles, &permissions),
                    settings: &settings,
                },
            };
            let events = tx
                .decide::<Avatar>(&stream, command.clone(), &context)
                .await?;
            Ok(match &*before {
                Avatar::Picture(file) if !events.is_empty() => Some(file.clone()),
                _ => None,
            })
        })
        .await
}
