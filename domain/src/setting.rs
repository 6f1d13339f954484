//! One workspace setting. Every change is an event; the defaults are code ([`crate::settings`]).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::keys;
use crate::settings::{self, InvalidValue};
use crate::user::kept_field;
use crate::{Category, Decider, Sealed, StreamId, Timestamp};

/// The stream of a setting.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Setting, id)
}

events! {
    /// What can happen to a setting.
    SettingEvent {
        SettingChanged = 1,
        SettingReset = 1,
    }
}

/// How a colour was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Editor {
    Color,
    /// As an expression of the style sheet.
    Expression,
}

impl Editor {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Expression => "expression",
        }
    }

    /// The editor of that name on the wire.
    pub fn find(name: &str) -> Option<Self> {
        [Self::Color, Self::Expression]
            .into_iter()
            .find(|editor| editor.as_str() == name)
    }
}

/// The setting has a new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingChanged {
    pub setting: String,
    /// Null for a secret.
    pub value: Value,
    /// As JSON, for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editor: Option<Editor>,
    /// Set by the operator's environment when the workspace was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_environment: bool,
    pub at: Timestamp,
}

/// The setting has its default again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingReset {
    pub setting: String,
    pub at: Timestamp,
}

/// The value somebody gave it; empty while it still has its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// The value if the setting is no secret.
    pub value: Option<Value>,
    /// The value if the setting is a secret.
    pub sealed: Option<Sealed>,
    pub editor: Option<Editor>,
}

impl Setting {
    /// Whether somebody gave it a value.
    pub fn is_set(&self) -> bool {
        self.value.is_some() || self.sealed.is_some()
    }
}

/// Gives a setting a value.
#[derive(Clone, Debug)]
pub struct ChangeSetting {
    pub setting: String,
    pub value: Value,
    /// The value as JSON, sealed. A secret is recorded in no other form.
    pub sealed: Option<Sealed>,
    pub editor: Option<Editor>,
    /// Set by the operator's environment while the workspace is made.
    pub from_environment: bool,
    pub at: Timestamp,
}

impl ChangeSetting {
    /// The command for a setting that is no secret.
    pub fn open(setting: impl Into<String>, value: Value, at: Timestamp) -> Self {
        Self {
            setting: setting.into(),
            value,
            sealed: None,
            editor: None,
            from_environment: false,
            at,
        }
    }
}

/// What can be asked of a setting.
#[derive(Clone, Debug)]
pub enum SettingCommand {
    Change(Box<ChangeSetting>),
    /// Changes nothing if it has its default.
    Reset {
        setting: String,
        at: Timestamp,
    },
}

impl From<ChangeSetting> for SettingCommand {
    fn from(change: ChangeSetting) -> Self {
        Self::Change(Box::new(change))
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum SettingContext<'a> {
    /// The server itself: first start, or the operator's environment.
    System,
    User(Authority<'a>),
}

/// Why a setting stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingRefusal {
    /// The actor lacks `edit-privileged-setting`, and `manage-selected-settings` with the permission for this one.
    #[error("not allowed to change setting {0}")]
    NotAllowed(String),
    #[error("the value of setting {0} must be sealed")]
    NotSealed(String),
    /// There is no such setting, or it cannot be set.
    #[error("no setting {0}")]
    Unknown(String),
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
}

impl Decider for Setting {
    type State = Self;
    type Command = SettingCommand;
    type Context<'a> = SettingContext<'a>;
    type Event = SettingEvent;
    type Refusal = SettingRefusal;

    fn decide(
        state: &Self,
        command: SettingCommand,
        context: &SettingContext<'_>,
    ) -> Result<Vec<SettingEvent>, SettingRefusal> {
        let change = match command {
            SettingCommand::Change(change) => *change,
            SettingCommand::Reset { setting, at } => {
                may_change(&setting, context)?;
                if !state.is_set() {
                    return Ok(vec![]);
                }
                return Ok(vec![SettingReset { setting, at }.into()]);
            }
        };
        let definition = settings::lookup(&change.setting)
            .ok_or_else(|| SettingRefusal::Unknown(change.setting.clone()))?;
        may_change(&change.setting, context)?;
        if definition.hidden && matches!(context, SettingContext::User(_)) {
            return Err(SettingRefusal::Unknown(change.setting));
        }
        let checked = definition.check(change.value)?;
        // An expression may be any text; what the picker gives is a colour.
        if change.editor == Some(Editor::Color) && !checked.as_str().is_some_and(settings::is_color)
        {
            return Err(InvalidValue {
                setting: change.setting,
                wanted: "a colour".to_owned(),
            }
            .into());
        }
        if change.setting == keys::ACCOUNTS_CUSTOM_FIELDS.id()
            && let Some(field) = checked.as_str().and_then(kept_field)
        {
            return Err(InvalidValue {
                setting: change.setting,
                wanted: format!(
                    "custom fields that do not write the field `{field}` of the record"
                ),
            }
            .into());
        }
        let (value, sealed) = if definition.is_secret() {
            let sealed = change
                .sealed
                .ok_or_else(|| SettingRefusal::NotSealed(change.setting.clone()))?;
            (Value::Null, Some(sealed))
        } else {
            (checked, None)
        };
        let editor = change.editor.or(state.editor);
        let same = match &sealed {
            Some(_) => state.sealed == sealed,
            None => state.value.as_ref() == Some(&value),
        };
        if same && editor == state.editor {
            return Ok(vec![]);
        }
        Ok(vec![
            SettingChanged {
                setting: change.setting,
                value,
                sealed,
                editor,
                from_environment: change.from_environment,
                at: change.at,
            }
            .into(),
        ])
    }

    fn evolve(_: Self, event: &SettingEvent) -> Self {
        match event {
            SettingEvent::SettingChanged(event) => Self {
                value: event.sealed.is_none().then(|| event.value.clone()),
                sealed: event.sealed.clone(),
                editor: event.editor,
            },
            SettingEvent::SettingReset(_) => Self::default(),
        }
    }
}

/// Whoever changes a setting may change all of them, or some and this one (contract, admin 4.2).
fn may_change(setting: &str, context: &SettingContext<'_>) -> Result<(), SettingRefusal> {
    let SettingContext::User(authority) = context else {
        return Ok(());
    };
    let allowed = authority.has(Permission::EDIT_PRIVILEGED_SETTING)
        || (authority.has(Permission::MANAGE_SELECTED_SETTINGS) && authority.has_setting(setting));
    allowed
        .then_some(())
        .ok_or_else(|| SettingRefusal::NotAllowed(setting.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn wish(setting: &str, value: Value) -> ChangeSetting {
        ChangeSetting {
            setting: setting.to_owned(),
            value,
            sealed: Some(Sealed::new("sealed")),
            editor: None,
            from_environment: false,
            at: AT,
        }
    }

    fn change(setting: &str, value: Value) -> SettingCommand {
        wish(setting, value).into()
    }

    fn changed(setting: &str, value: Value) -> SettingEvent {
        SettingChanged {
            setting: setting.to_owned(),
            value,
            sealed: None,
            editor: None,
            from_environment: false,
            at: AT,
        }
        .into()
    }

    fn admin() -> Stage {
        Stage::default().with_roles(&["admin"])
    }

    #[test]
    fn custom_fields_keep_off_what_the_server_keeps() {
        let definition = |field: &str| {
            json!(format!(
                r#"{{"a": {{"modifyRecordField": {{"field": "{field}"}}}}}}"#
            ))
        };
        let refused = InvalidValue {
            setting: keys::ACCOUNTS_CUSTOM_FIELDS.id().to_owned(),
            wanted: "custom fields that do not write the field `roles` of the record".to_owned(),
        };
        given::<Setting>([])
            .when(
                change(keys::ACCOUNTS_CUSTOM_FIELDS.id(), definition("roles")),
                &SettingContext::System,
            )
            .then_refused(refused.into());
        let value = definition("extension");
        given::<Setting>([])
            .when(
                change(keys::ACCOUNTS_CUSTOM_FIELDS.id(), value.clone()),
                &SettingContext::System,
            )
            .then([changed(keys::ACCOUNTS_CUSTOM_FIELDS.id(), value)]);
    }

    #[test]
    fn administrators_change_settings() {
        let stage = admin();
        let context = SettingContext::User(stage.authority());
        given::<Setting>([])
            .when(change("Message_MaxAllowedSize", json!(10)), &context)
            .then([changed("Message_MaxAllowedSize", json!(10))]);
        given::<Setting>([changed("Message_MaxAllowedSize", json!(10))])
            .when(change("Message_MaxAllowedSize", json!("10")), &context)
            .then_nothing();
    }

    #[test]
    fn changing_settings_has_its_rules() {
        let (stage, user) = (admin(), Stage::default());
        let context = SettingContext::User(stage.authority());
        given::<Setting>([])
            .when(
                change("Threads_enabled", json!(false)),
                &SettingContext::User(user.authority()),
            )
            .then_refused(SettingRefusal::NotAllowed("Threads_enabled".to_owned()));
        given::<Setting>([])
            .when(change("No_Such_Setting", json!(1)), &context)
            .then_refused(SettingRefusal::Unknown("No_Such_Setting".to_owned()));
        let invalid = InvalidValue {
            setting: "Threads_enabled".to_owned(),
            wanted: "true or false".to_owned(),
        };
        given::<Setting>([])
            .when(change("Threads_enabled", json!("maybe")), &context)
            .then_refused(SettingRefusal::Invalid(invalid));
    }

    #[test]
    fn secrets_are_recorded_sealed_only() {
        let (stage, id) = (admin(), "SMTP_Password");
        let context = SettingContext::User(stage.authority());
        let sealed = SettingChanged {
            setting: id.to_owned(),
            value: Value::Null,
            sealed: Some(Sealed::new("sealed")),
            editor: None,
            from_environment: false,
            at: AT,
        };
        given::<Setting>([])
            .when(change(id, json!("hush")), &context)
            .then([sealed.clone().into()]);
        given::<Setting>([sealed.into()])
            .when(change(id, json!("hush")), &context)
            .then_nothing();
        let open = ChangeSetting {
            sealed: None,
            ..wish(id, json!("hush"))
        };
        given::<Setting>([])
            .when(open.into(), &context)
            .then_refused(SettingRefusal::NotSealed(id.to_owned()));
    }

    #[test]
    fn some_may_change_some() {
        let mut stage = Stage::default();
        stage
            .permissions
            .set(Permission::MANAGE_SELECTED_SETTINGS, stage.roles.clone());
        stage
            .permissions
            .set_named("change-setting-Site_Name", stage.roles.clone());
        let context = SettingContext::User(stage.authority());
        given::<Setting>([])
            .when(change("Site_Name", json!("Ours")), &context)
            .then([changed("Site_Name", json!("Ours"))]);
        given::<Setting>([])
            .when(change("Threads_enabled", json!(false)), &context)
            .then_refused(SettingRefusal::NotAllowed("Threads_enabled".to_owned()));
    }

    #[test]
    fn settings_get_their_default_back() {
        let stage = admin();
        let context = SettingContext::User(stage.authority());
        let reset = || SettingCommand::Reset {
            setting: "Site_Name".to_owned(),
            at: AT,
        };
        let gone = SettingReset {
            setting: "Site_Name".to_owned(),
            at: AT,
        };
        given::<Setting>([changed("Site_Name", json!("Ours"))])
            .when(reset(), &context)
            .then([gone.into()]);
        given::<Setting>([]).when(reset(), &context).then_nothing();
    }

    #[test]
    fn colours_are_picked_or_written() {
        let stage = admin();
        let context = SettingContext::User(stage.authority());
        let id = settings::definitions()
            .iter()
            .find(|one| one.wire_type == "color")
            .map_or("", |one| one.id.as_ref());
        let with = |editor, value: &str| {
            SettingCommand::from(ChangeSetting {
                editor: Some(editor),
                ..wish(id, json!(value))
            })
        };
        let invalid = InvalidValue {
            setting: id.to_owned(),
            wanted: "a colour".to_owned(),
        };
        given::<Setting>([])
            .when(with(Editor::Color, "var(--x)"), &context)
            .then_refused(SettingRefusal::Invalid(invalid));
        let written = SettingChanged {
            setting: id.to_owned(),
            value: json!("var(--x)"),
            sealed: None,
            editor: Some(Editor::Expression),
            from_environment: false,
            at: AT,
        };
        given::<Setting>([])
            .when(with(Editor::Expression, "var(--x)"), &context)
            .then([written.into()]);
    }

    #[test]
    fn hidden_settings_are_the_servers_own() {
        let (stage, hidden) = (admin(), "Accounts_SystemBlockedUsernameList");
        given::<Setting>([])
            .when(
                change(hidden, json!("x")),
                &SettingContext::User(stage.authority()),
            )
            .then_refused(SettingRefusal::Unknown(hidden.to_owned()));
        given::<Setting>([])
            .when(change(hidden, json!("x")), &SettingContext::System)
            .then([changed(hidden, json!("x"))]);
    }

    proptest! {
        #[test]
        fn every_value_is_taken_or_refused_and_taking_it_twice_changes_nothing(
            index in 0..settings::definitions().len(),
            value in prop_oneof![
                Just(json!(null)), Just(json!([])), Just(json!({})), any::<bool>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from), "\\PC*".prop_map(Value::from),
            ],
        ) {
            let command = change(&settings::definitions()[index].id, value);
            if let Ok(events) = Setting::decide(&Setting::default(), command.clone(), &SettingContext::System) {
                let state = Setting::fold(&events);
                prop_assert_eq!(Setting::decide(&state, command, &SettingContext::System), Ok(vec![]));
            }
        }
    }
}
