//! Choosing the workspace's own pictures. The file and the setting that points to it change together.

use bytes::Bytes;
use domain::asset::{self, Asset, AssetCommand, AssetRefusal, AssetSet, Measured};
use domain::setting::{self, ChangeSetting, Setting, SettingContext};
use domain::{StoredFile, settings};
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::Error;
use crate::files::pictures::kind::Kind;
use crate::files::pictures::{self, PictureError};
use crate::files::stored_files::Folder;
use crate::ids::now;
use crate::workspace::Workspace;

fn may_manage(workspace: &Workspace, caller: &Caller) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    Ok(asset::check(&caller.authority(&[], &permissions))?)
}

fn check(workspace: &Workspace, caller: &Caller, key: &str) -> Result<(), Error> {
    may_manage(workspace, caller)?;
    match asset::rule(key) {
        Some(_) => Ok(()),
        None => Err(AssetRefusal::Unknown.into()),
    }
}

/// Makes the picture in `bytes` an asset; `declared` is the media type its sender gave it.
pub async fn set(
    workspace: &Workspace,
    caller: &Caller,
    key: &str,
    declared: &str,
    bytes: Bytes,
) -> Result<(), Error> {
    check(workspace, caller, key)?;
    let kind = Kind::of(&bytes).ok_or_else(|| AssetRefusal::WrongType {
        content_type: declared.to_owned(),
    })?;
    let measured: Measured = match pictures::measure(bytes.clone()).await {
        Ok(size) => Some(size),
        // Shapes that are too complicated to draw have no size; assets that need one refuse them.
        Err(PictureError::Unreadable | PictureError::TooLarge) if kind == Kind::Svg => None,
        Err(error) => return Err(error.into()),
    };
    let extension = extension(key, kind);
    let file = Folder::Assets
        .keep(workspace, kind.content_type(), bytes)
        .await?;
    let set = AssetSet {
        asset: key.to_owned(),
        extension: extension.to_owned(),
        file: file.clone(),
        at: now(),
    };
    let url = format!("assets/{key}.{extension}");
    let command = AssetCommand::Set(Box::new(set), measured);
    let outcome = decide(workspace, caller, key, command, Some(&url)).await;
    let old = outcome.as_ref().ok().and_then(Option::as_ref);
    Folder::Assets.settle(workspace, &outcome, old, &file).await;
    outcome.map(drop)
}

/// The extension of the file name: JPEG has two, and an asset may know only one of them.
fn extension(key: &str, kind: Kind) -> &'static str {
    let usual = kind.extension();
    let knows =
        |extension| asset::rule(key).is_some_and(|rule| rule.extensions.contains(&extension));
    if kind == Kind::Jpeg && !knows(usual) && knows("jpeg") {
        "jpeg"
    } else {
        usual
    }
}

/// Returns the asset to its default.
pub async fn unset(workspace: &Workspace, caller: &Caller, key: &str) -> Result<(), Error> {
    may_manage(workspace, caller)?;
    let unset = AssetCommand::Unset {
        asset: key.to_owned(),
        at: now(),
    };
    if let Some(old) = decide(workspace, caller, key, unset, None).await? {
        Folder::Assets.forget(workspace, &old).await;
    }
    Ok(())
}

/// Lets the rules decide; returns the file that is no longer used.
async fn decide(
    workspace: &Workspace,
    caller: &Caller,
    key: &str,
    command: AssetCommand,
    url: Option<&str>,
) -> Result<Option<StoredFile>, Error> {
    let stream = asset::stream(key);
    let setting_id = asset::setting(key);
    let permissions = workspace.views().permissions();
    let default = settings::find(&setting_id).map(|definition| definition.default.clone());
    let mut value = match default {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    value.extend(url.map(|url| ("url".to_owned(), json!(url))));
    let change = ChangeSetting::open(setting_id.clone(), Value::Object(value), now());
    workspace
        .run(caller.id(), async |tx| {
            let before = tx.state::<Asset>(&stream).await?;
            let authority = caller.authority(&[], &permissions);
            let events = tx
                .decide::<Asset>(&stream, command.clone(), &authority)
                .await?;
            if events.is_empty() {
                return Ok(None);
            }
            if settings::lookup(&setting_id).is_none() {
                return Ok(before.file.clone());
            }
            // Whoever may manage assets need not be allowed to edit settings.
            tx.decide::<Setting>(
                &setting::stream(&setting_id),
                change.clone().into(),
                &SettingContext::System,
            )
            .await?;
            Ok(before.file.clone())
        })
        .await
}
