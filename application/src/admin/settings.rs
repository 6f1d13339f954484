//! Changing workspace settings. Secrets are sealed before the rules see them.

use domain::permission::Permission;
use domain::setting::{self, ChangeSetting, Editor, Setting, SettingCommand, SettingContext};
use domain::settings::SettingType;
use domain::{UserId, settings};
use eventstore::execute::Transaction;
use projections::Views;
use serde_json::Value;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::{WorkError, Workspace};

/// A value wanted for a setting.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Wish {
    pub id: String,
    pub value: Value,
    /// For a colour: how it was chosen.
    pub editor: Option<Editor>,
    /// It comes from the operator's environment while the workspace is being made.
    pub from_environment: bool,
}

/// What a caller may have changed, with what the operator lets nobody change left out.
pub struct Permitted(Vec<Wish>);

/// What can be done of these wishes. Refused if one of the settings does not exist, or the caller may not change it;
/// those the operator has blocked stay as they are, without an error.
pub fn permitted(
    workspace: &Workspace,
    caller: &Caller,
    wishes: Vec<Wish>,
) -> Result<Permitted, Error> {
    let views = workspace.views();
    let (settings, permissions) = (views.settings(), views.permissions());
    let policy = &workspace.config().settings;
    let authority = caller.authority(&[], &permissions);
    let all = authority.has(Permission::EDIT_PRIVILEGED_SETTING);
    let some = authority.has(Permission::MANAGE_SELECTED_SETTINGS);
    let may = |id: &str| all || (some && authority.has_setting(id));
    let definition = |id: &str| settings.definition(id).filter(|one| policy.shows(one));
    let refused: Vec<String> = wishes
        .iter()
        .filter(|wish| definition(&wish.id).is_none() || !may(&wish.id))
        .map(|wish| wish.id.clone())
        .collect();
    if !refused.is_empty() {
        return Err(Refusal::SettingsNotAllowed(refused).into());
    }
    let is_color =
        |id: &str| definition(id).is_some_and(|one| one.value_type == SettingType::Color);
    let open = wishes.into_iter().filter(|wish| !policy.blocks(&wish.id));
    // Forms send the editor of every setting; only colours have one.
    let as_asked = open.map(|wish| Wish {
        editor: wish.editor.filter(|_| is_color(&wish.id)),
        ..wish
    });
    Ok(Permitted(as_asked.collect()))
}

/// Gives settings values on behalf of a user: all of them, or none.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    Permitted(wishes): &Permitted,
) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let context = SettingContext::User(caller.authority(&[], &permissions));
    workspace
        .run(caller.id(), async |tx| {
            for wish in wishes {
                decide(&tx, workspace, &context, wish).await?;
            }
            Ok(())
        })
        .await
}

/// Gives a setting a value on behalf of the server.
pub async fn set(workspace: &Workspace, id: &str, value: Value) -> Result<(), Error> {
    let wish = wish(id, value, false);
    workspace
        .run(&UserId::system(), async |tx| {
            decide(&tx, workspace, &SettingContext::System, &wish).await
        })
        .await
}

/// Gives settings values on behalf of the server, because `actor` asked for something that needs them: all of them, or
/// none.
pub async fn set_for(
    workspace: &Workspace,
    actor: &UserId,
    values: &[(&str, Value)],
) -> Result<(), Error> {
    workspace
        .run(actor, async |tx| {
            for (id, value) in values {
                let wish = wish(id, value.clone(), false);
                decide(&tx, workspace, &SettingContext::System, &wish).await?;
            }
            Ok(())
        })
        .await
}

/// Gives a setting a value on behalf of the server, unless it has one.
pub async fn set_first(
    workspace: &Workspace,
    id: &str,
    value: Value,
    from_environment: bool,
) -> Result<(), Error> {
    let (wish, stream) = (wish(id, value, from_environment), setting::stream(id));
    workspace
        .run(&UserId::system(), async |tx| {
            let before = tx.state::<Setting>(&stream).await?;
            if before.is_set() {
                return Ok(());
            }
            decide(&tx, workspace, &SettingContext::System, &wish).await
        })
        .await
}

fn wish(id: &str, value: Value, from_environment: bool) -> Wish {
    Wish {
        id: id.to_owned(),
        value,
        editor: None,
        from_environment,
    }
}

async fn decide(
    tx: &Transaction,
    workspace: &Workspace,
    context: &SettingContext<'_>,
    wish: &Wish,
) -> Result<(), WorkError> {
    let stream = setting::stream(&wish.id);
    let before = tx.state::<Setting>(&stream).await?;
    let command: SettingCommand = ChangeSetting {
        setting: wish.id.clone(),
        value: wish.value.clone(),
        sealed: sealed(workspace, &before, wish),
        editor: wish.editor,
        from_environment: wish.from_environment,
        at: now(),
    }
    .into();
    tx.decide::<Setting>(&stream, command, context).await?;
    Ok(())
}

/// The sealed value of a secret setting (the present seal, if that holds the same value); `None` for other settings.
fn sealed(workspace: &Workspace, before: &Setting, wish: &Wish) -> Option<domain::Sealed> {
    let definition = settings::lookup(&wish.id).filter(|definition| definition.is_secret())?;
    let value = definition.check(wish.value.clone()).ok()?;
    let same = before.sealed.clone().filter(|sealed| {
        Views::open_setting(workspace.vault(), &wish.id, sealed).as_ref() == Some(&value)
    });
    same.or_else(|| Some(Views::seal_setting(workspace.vault(), &wish.id, &value)))
}
